"""What a filter can ask of an account's contacts, for whoever offers it to be chosen: fields, what
can be asked of each, and which values there are. An area that registers a condition of its own
adds how it is offered with `offers`."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from marketable.accounts import queries as accounts
from marketable.history.sources import SourceType
from marketable.history.wording import source_name
from marketable.properties import queries as properties
from marketable.properties.defaults import DERIVED
from marketable.properties.labels import in_language, label_of
from marketable.properties.rules import PropertyDef, PropertyType
from marketable.segments import queries, sentences
from marketable.segments.rules import OPERATORS, TAKES, Operator, Takes
from marketable.segments.sentences import without_values

#: What stands in a template of a condition for the name of the field and for the value.
FIELD, VALUE = "$field", "$value"
Choices = tuple[tuple[Any, str], ...]


@dataclass(frozen=True, slots=True)
class Way:
    """Something that can be asked of a field.

    code      its name among the ways of the field
    values    how a value is given: text, number, day, moving_day (a day, or one so far from
              today), yes_no or choice
    template  the condition, with FIELD and VALUE in their places
    """

    code: str
    label: str
    takes: Takes
    values: str
    template: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Offered:
    """A field of the builder.

    name     of the property; of another condition, with a point, which no property's name has
    choices  the values to choose from, read when they are wanted
    """

    name: str
    label: str
    group: str
    ways: tuple[Way, ...]
    choices: Callable[[], Choices] | None = None


Offer = Callable[[int], Iterable[Offered]]
OFFERS: list[Offer] = []


def offers(offer: Offer) -> Offer:
    """Add fields: the function returns them for an account, in the reader's language."""
    OFFERS.append(offer)
    return offer


def offered(account_id: int) -> list[Offered]:
    """Return everything that a filter of the account can ask, as it is offered."""
    return [field for offer in OFFERS for field in offer(account_id)]


@offers
def _of_status(account_id: int) -> Iterator[Offered]:
    if not accounts.account(account_id).has_marketing_contacts:  # E4
        return
    group = _("Marketing status")
    yield Offered(
        ".status",
        _("Marketing status"),
        group,
        (
            *(
                _statement(status, text, {"marketing_status": status})
                for status, text in sentences.STATUSES.items()
            ),
            *(
                _statement(f"counts_{counts}".lower(), text, {"counts": counts})
                for counts, text in sentences.COUNTS.items()
            ),
            _changed("status"),
        ),
    )
    yield Offered(
        ".source",
        _("Status source"),
        group,
        (_several("source", sentences.SOURCE, {"source": VALUE}),),
        _tools,
    )


@offers
def _of_segments(account_id: int) -> Iterator[Offered]:
    def names() -> Choices:
        found = queries.names(account_id)
        return tuple(sorted(found.items(), key=lambda one: one[1].casefold()))

    yield Offered(
        ".segment",
        _("Segment"),
        _("Segments and origin"),
        tuple(
            Way(kind, without_values(text), Takes.ONE, "choice", {kind: VALUE})
            for kind, text in sentences.MEMBERSHIPS.items()
        ),
        names,
    )
    yield Offered(
        ".created_by",
        _("Created by"),
        _("Segments and origin"),
        (_several("created_by", sentences.CREATED_BY, {"created_by": VALUE}),),
        _tools,
    )


@offers
def _of_properties(account_id: int) -> Iterator[Offered]:
    """Yield the account's properties by group, and what the system knows of a contact last."""
    known = properties.definitions(account_id)
    labels = {
        name: in_language(label, label_pl)
        for name, label, label_pl in properties.groups(account_id)
    }
    by_system = {definition.name for definition in DERIVED}
    ways = {
        (kind, is_multiple, is_kept): tuple(_ways(kind, is_multiple=is_multiple, is_kept=is_kept))
        for kind in PropertyType
        for is_multiple in (False, True)
        for is_kept in (False, True)
    }
    places = {name: place for place, name in enumerate(labels)}

    def order(definition: PropertyDef) -> tuple[bool, int]:
        return definition.name in by_system, places.get(definition.group, len(places))

    for definition in sorted(known.values(), key=order):
        is_by_system = definition.name in by_system
        is_kept = not is_by_system and not definition.is_read_only
        yield Offered(
            definition.name,
            label_of(definition),
            _("Kept by the system")
            if is_by_system
            else labels.get(definition.group, definition.group),
            ways[definition.type, definition.is_multiple, is_kept],
            _choices(account_id, definition),
        )


def _ways(kind: PropertyType, *, is_multiple: bool, is_kept: bool) -> Iterator[Way]:
    values = VALUES[kind]
    also = (Operator.HAS_ALL_OF,) if is_multiple else ()
    for operator in (*OPERATORS[kind], *also):
        template = {"property": FIELD, "operator": operator.value}
        if TAKES[operator] is not Takes.NOTHING:
            template["value"] = VALUE
        label = without_values(sentences.pattern_of(kind, operator))
        yield Way(operator.value, label, TAKES[operator], values, template)
    if is_kept:
        yield _changed(FIELD)
        takes = Takes.ONE if values in {"moving_day", "yes_no"} else Takes.SEVERAL
        yield Way(
            "was_ever",
            without_values(sentences.WAS_EVER),
            takes,
            "day" if values == "moving_day" else values,
            {"was_ever": FIELD, "value": VALUE},
        )


VALUES: Mapping[PropertyType, str] = {
    PropertyType.STRING: "text",
    PropertyType.PHONE: "text",
    PropertyType.NUMBER: "number",
    PropertyType.DATE: "moving_day",
    PropertyType.DATETIME: "moving_day",
    PropertyType.ENUMERATION: "choice",
    PropertyType.BOOL: "yes_no",
}


def _statement(code: str, text: str, condition: Mapping[str, Any]) -> Way:
    return Way(code, without_values(text), Takes.NOTHING, "", condition)


def _several(code: str, text: str, condition: Mapping[str, Any]) -> Way:
    return Way(code, without_values(text), Takes.SEVERAL, "choice", condition)


def _changed(name: str) -> Way:
    label = without_values(sentences.CHANGED)
    return Way("changed", label, Takes.DAYS, "", {"changed": name, "in_last_days": VALUE})


def _choices(account_id: int, definition: PropertyDef) -> Callable[[], Choices] | None:
    if definition.type is not PropertyType.ENUMERATION:
        return None
    if definition.has_external_options:
        return lambda: tuple(
            (str(user_id), name) for user_id, name in accounts.owners_by_id(account_id).items()
        )
    return lambda: tuple((one.value, label_of(one)) for one in definition.options)


def _tools() -> Choices:
    return tuple((one.value, source_name(one.value)) for one in SourceType)

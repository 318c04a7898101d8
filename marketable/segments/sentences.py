"""A filter in plain words, in the reader's language: "Country is Poland and E-mail is known"."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as noop
from django.utils.translation import ngettext

from marketable import formats
from marketable.history.wording import source_name
from marketable.properties.labels import label_of
from marketable.properties.rules import PropertyDef, PropertyType
from marketable.segments.rules import TAKES, Condition, Filter, Group, Operator, Takes

PATTERNS: Mapping[Operator, str] = {
    Operator.IS: noop("%(name)s is %(value)s"),
    Operator.IS_NOT: noop("%(name)s is not %(value)s"),
    Operator.IS_ANY_OF: noop("%(name)s is any of %(value)s"),
    Operator.IS_NONE_OF: noop("%(name)s is none of %(value)s"),
    Operator.HAS_ALL_OF: noop("%(name)s has all of %(value)s"),
    Operator.CONTAINS: noop("%(name)s contains %(value)s"),
    Operator.DOES_NOT_CONTAIN: noop("%(name)s does not contain %(value)s"),
    Operator.STARTS_WITH: noop("%(name)s starts with %(value)s"),
    Operator.ENDS_WITH: noop("%(name)s ends with %(value)s"),
    Operator.IS_KNOWN: noop("%(name)s is known"),
    Operator.IS_UNKNOWN: noop("%(name)s is unknown"),
    Operator.LT: noop("%(name)s is less than %(value)s"),
    Operator.LTE: noop("%(name)s is at most %(value)s"),
    Operator.GT: noop("%(name)s is more than %(value)s"),
    Operator.GTE: noop("%(name)s is at least %(value)s"),
    Operator.BETWEEN: noop("%(name)s is between %(value)s and %(other)s"),
    Operator.IN_LAST_DAYS: noop("%(name)s is in the last %(value)s"),
    Operator.IN_NEXT_DAYS: noop("%(name)s is in the next %(value)s"),
    Operator.MORE_THAN_DAYS_AGO: noop("%(name)s is more than %(value)s ago"),
    Operator.MORE_THAN_DAYS_AHEAD: noop("%(name)s is more than %(value)s ahead"),
}
#: What "less than" is called for days.
OF_DAYS: Mapping[Operator, str] = {
    Operator.LT: noop("%(name)s is before %(value)s"),
    Operator.LTE: noop("%(name)s is not after %(value)s"),
    Operator.GT: noop("%(name)s is after %(value)s"),
    Operator.GTE: noop("%(name)s is not before %(value)s"),
}
STATUSES: Mapping[str, str] = {
    "marketing": noop("is a marketing contact"),
    "leaving": noop("is staged as non-marketing"),
    "non_marketing": noop("is a non-marketing contact"),
}
COUNTS: Mapping[bool, str] = {
    True: noop("counts toward the contact tier"),
    False: noop("does not count toward the contact tier"),
}
MEMBERSHIPS: Mapping[str, str] = {
    "segment": noop("is in the segment %(name)s"),
    "not_in_segment": noop("is not in the segment %(name)s"),
}
SOURCE = noop("was set as marketing by %(tools)s")
CREATED_BY = noop("was created by %(tools)s")
CHANGED = noop("%(name)s was changed in the last %(value)s")
WAS_EVER = noop("%(name)s is or was %(value)s")
JOINTS: Mapping[str, str] = {"and": noop(" and "), "or": noop(" or ")}
MOST_SHOWN = 5


class Known(dict[str, PropertyDef]):
    """An account's definitions by name, and its segments' names by number."""

    def __init__(self, definitions: Mapping[str, PropertyDef], segments: Mapping[int, str]) -> None:
        super().__init__(definitions)
        self.segments = segments


Sayer = Callable[[Condition, Mapping[str, PropertyDef]], str]


def sentence(wanted: Filter, definitions: Mapping[str, PropertyDef]) -> str:
    """Return the filter in words. What is not known is told as it was written."""
    if not wanted.parts:
        return _("every contact") if wanted.joined_by == "and" else _("no contact")
    return _said(wanted, definitions, is_outermost=True)


def _said(
    node: Group | Condition, definitions: Mapping[str, PropertyDef], *, is_outermost: bool = False
) -> str:
    if isinstance(node, Condition):
        sayer = SAYERS.get(node.kind, _as_written)
        return sayer(node, definitions)
    if not node.parts:
        return _("every contact") if node.joined_by == "and" else _("no contact")
    text = _(JOINTS[node.joined_by]).join(_said(part, definitions) for part in node.parts)
    return text if is_outermost or len(node.parts) == 1 else f"({text})"


def _as_written(condition: Condition, definitions: Mapping[str, PropertyDef]) -> str:
    return ", ".join(f"{name}: {value}" for name, value in condition.written.items())


def _property(condition: Condition, definitions: Mapping[str, PropertyDef]) -> str:
    definition = definitions.get(str(condition.written["property"]))
    given = condition.written.get("operator")
    if definition is None or given not in {one.value for one in Operator}:
        return _as_written(condition, definitions)
    operator = Operator(given)
    value = condition.written.get("value")
    told: dict[str, str] = {"name": label_of(definition)}
    takes = TAKES[operator]
    if takes is Takes.DAYS:
        told["value"] = days(value)
    elif takes is Takes.TWO and isinstance(value, list) and len(value) == len(("low", "high")):
        told["value"], told["other"] = (shown(definition, one) for one in value)
    elif takes is not Takes.NOTHING:
        told["value"] = shown(definition, value)
    if takes is Takes.TWO and "other" not in told:
        return _as_written(condition, definitions)
    return _(pattern_of(definition.type, operator)) % told


def pattern_of(kind: PropertyType, operator: Operator) -> str:
    """Return how a condition on a property of a type is said."""
    is_day = kind in {PropertyType.DATE, PropertyType.DATETIME}
    return OF_DAYS.get(operator, PATTERNS[operator]) if is_day else PATTERNS[operator]


def without_values(pattern: str) -> str:
    """Return what a pattern says of a field, with dots where a value goes between words:
    "is any of", "is more than … ago"."""
    gaps = dict.fromkeys(("value", "other", "tools"), "…")
    named = "…" if pattern in MEMBERSHIPS.values() else ""
    text = " ".join((_(pattern) % {**gaps, "name": named}).split())
    return text.removesuffix("…").strip()


def shown(definition: PropertyDef, value: Any) -> str:
    """Return a value as people read it: options by label, days and numbers by locale."""
    if isinstance(value, list):
        texts = [shown(definition, one) for one in value[:MOST_SHOWN]]
        if len(value) > MOST_SHOWN:
            more = len(value) - MOST_SHOWN
            texts.append(ngettext("%(count)s more", "%(count)s more", more) % {"count": more})
        return ", ".join(texts)
    if isinstance(value, Mapping):
        return _moved(value.get("days_from_today"))
    for option in definition.options:
        if option.value == (str(value).lower() if isinstance(value, bool) else value):
            return label_of(option)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, int | float):
        return formats.number(value)
    if definition.type in {PropertyType.DATE, PropertyType.DATETIME}:
        try:
            return formats.day(date.fromisoformat(str(value)))
        except ValueError:
            return str(value)
    return str(value)


def days(count: Any) -> str:
    number = count if isinstance(count, int) else 0
    return ngettext("%(count)s day", "%(count)s days", number) % {"count": formats.number(number)}


def _moved(count: Any) -> str:
    number = count if isinstance(count, int) else 0
    if number == 0:
        return _("today")
    pattern = _("%(days)s after today") if number > 0 else _("%(days)s before today")
    return pattern % {"days": days(abs(number))}


def _status(condition: Condition, definitions: Mapping[str, PropertyDef]) -> str:
    text = STATUSES.get(str(condition.written["marketing_status"]))
    return _(text) if text else _as_written(condition, definitions)


def _counts(condition: Condition, definitions: Mapping[str, PropertyDef]) -> str:
    text = COUNTS[condition.written["counts"] is True]
    return _(text)


def _source(condition: Condition, definitions: Mapping[str, PropertyDef]) -> str:
    return _(SOURCE) % {"tools": _tools(condition)}


def _created_by(condition: Condition, definitions: Mapping[str, PropertyDef]) -> str:
    return _(CREATED_BY) % {"tools": _tools(condition)}


def _tools(condition: Condition) -> str:
    wanted = condition.written[condition.kind]
    given = wanted if isinstance(wanted, list) else [wanted]
    names = ", ".join(source_name(str(one)) for one in given)
    number = condition.written.get("source_id")
    return f"{names} {number}" if number else names


def _segment(condition: Condition, definitions: Mapping[str, PropertyDef]) -> str:
    name = _name_of_segment(condition, definitions)
    return _(MEMBERSHIPS[condition.kind]) % {"name": name}


def _name_of_segment(condition: Condition, definitions: Mapping[str, PropertyDef]) -> str:
    number = condition.written[condition.kind]
    names = definitions.segments if isinstance(definitions, Known) else {}
    return _("“%(name)s”") % {"name": names[number]} if number in names else str(number)


def _changed(condition: Condition, definitions: Mapping[str, PropertyDef]) -> str:
    name = str(condition.written["changed"])
    definition = definitions.get(name)
    if name == "status":
        label = _("Marketing status")
    else:
        label = label_of(definition) if definition else name
    return _(CHANGED) % {
        "name": label,
        "value": days(condition.written.get("in_last_days")),
    }


def _was_ever(condition: Condition, definitions: Mapping[str, PropertyDef]) -> str:
    definition = definitions.get(str(condition.written["was_ever"]))
    if definition is None:
        return _as_written(condition, definitions)
    return _(WAS_EVER) % {
        "name": label_of(definition),
        "value": shown(definition, condition.written.get("value")),
    }


SAYERS: dict[str, Sayer] = {
    "property": _property,
    "marketing_status": _status,
    "counts": _counts,
    "source": _source,
    "created_by": _created_by,
    "changed": _changed,
    "segment": _segment,
    "not_in_segment": _segment,
    "was_ever": _was_ever,
}

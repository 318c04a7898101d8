"""Properties as their pages show them: rows by group, and how far an index is."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

from marketable.contacts.rules import fold
from marketable.properties import queries
from marketable.properties.labels import in_language, label_of
from marketable.properties.queries import IndexView
from marketable.properties.rules import UNSETTLED, IndexState, PropertyDef


def type_labels() -> list[tuple[str, str]]:
    return [
        ("string/text", _("Text, one line")),
        ("string/textarea", _("Text, several lines")),
        ("number/number", _("Number")),
        ("date/date", _("Date")),
        ("datetime/date", _("Date and time")),
        ("enumeration/select", _("Choice of one")),
        ("enumeration/checkbox", _("Choice of several")),
        ("bool/booleancheckbox", _("Yes or no")),
        ("phone_number/phonenumber", _("Telephone number")),
    ]


def type_label(definition: PropertyDef) -> str:
    """Return the name of a property's type; of kinds that people cannot choose, the nearest."""
    labels = dict(type_labels())
    exact = f"{definition.type}/{definition.field_type}"
    return labels.get(exact) or next(
        label for kind, label in labels.items() if kind.startswith(f"{definition.type}/")
    )


@dataclass(frozen=True, slots=True)
class IndexShown:
    """How far an index is, in words.

    is_moving  a job has something to do, so that the page looks again
    """

    state: str
    text: str
    percent: int
    is_moving: bool


@dataclass(frozen=True, slots=True)
class PropertyRow:
    definition: PropertyDef
    label: str
    type: str
    index: IndexShown | None


@dataclass(frozen=True, slots=True)
class PropertyGroup:
    label: str
    rows: tuple[PropertyRow, ...]


def index_shown(view: IndexView | None) -> IndexShown | None:
    """Return how far an index is; None for a property that is not marked."""
    if view is None:
        return None
    texts = {
        IndexState.WAITING: _("Waits for its turn"),
        IndexState.BUILDING: _("Being built, %(percent)s %%") % {"percent": view.percent},
        IndexState.READY: _("Indexed"),
        IndexState.FAILED: _("Not built: %(reason)s") % {"reason": _reason(view.problem)},
        IndexState.REMOVING: _("Being removed"),
    }
    return IndexShown(view.state.value, texts[view.state], view.percent, view.state in UNSETTLED)


def _reason(problem: str) -> str:
    known = {
        "53100": _("the disk of the database is full."),
        "53200": _("the database had too little memory."),
        "57014": _("it was cancelled in the database."),
    }
    other = _("the database answered with error %(code)s.") % {"code": problem}
    return known.get(problem, other)


def groups(account_id: int, definitions: Iterable[PropertyDef], search: str) -> list[PropertyGroup]:
    """Return properties by group and label, those whose label or name has every word of the
    search."""
    indexes = queries.indexes(account_id)
    words = fold(search).split()
    found: dict[str, list[PropertyRow]] = {}
    for one in definitions:
        row = _row(one, indexes)
        if all(word in fold(f"{row.label} {one.name}") for word in words):
            found.setdefault(one.group, []).append(row)
    return [
        PropertyGroup(
            in_language(label, label_pl),
            tuple(sorted(found[name], key=lambda row: _in_order(row.label))),
        )
        for name, label, label_pl in queries.groups(account_id)
        if name in found
    ]


def _in_order(label: str) -> list[tuple[int, str]]:
    """Return what labels are sorted by: 9 comes before 10.

    >>> sorted(["Size 10", "Size 9", "Łódź", "lid"], key=_in_order)
    ['lid', 'Łódź', 'Size 9', 'Size 10']
    """
    parts = re.split(r"([0-9]+)", fold(label))
    return [(len(part), part) if part.isdigit() else (0, part) for part in parts]


def _row(definition: PropertyDef, indexes: Mapping[str, IndexView]) -> PropertyRow:
    return PropertyRow(
        definition,
        label_of(definition),
        type_label(definition),
        index_shown(indexes.get(definition.name)),
    )

"""The columns that the contacts table can show, and a contact's value in each, as text."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.http import QueryDict
from django.utils.translation import gettext as _

from marketable.accounts import queries as accounts
from marketable.accounts.queries import AccountInfo
from marketable.contacts.queries import (
    NEWEST,
    ORIGIN_VALUES,
    SORTS,
    ContactRow,
    Sort,
    property_sort,
)
from marketable.formats import day, number
from marketable.properties import queries as properties
from marketable.properties.defaults import DERIVED
from marketable.properties.labels import in_language, label_of
from marketable.properties.rules import PropertyDef, PropertyType, as_text
from marketable.web.contacts.table import DEFAULT_COLUMNS, Table, arranged
from marketable.web.records.shown import kind_of, options_of
from marketable.web.wording import source_name


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table.

    options      stored values of a choice, and their labels
    is_sortable  False while too many match for an order that no index serves
    editor       how a cell is edited, as `records.shown.kind_of` or email, phone or moment says
    choices      the options that the editor offers
    why          why it cannot be edited, whoever asks; empty for what can be
    group        the group that the chooser offers it in
    """

    name: str
    label: str
    sort: Sort
    kind: str = "text"
    options: tuple[tuple[str, str], ...] = ()
    is_sortable: bool = True
    editor: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    why: str = ""
    group: str = "contactinformation"

    @property
    def is_number(self) -> bool:
        return self.kind == "number"


#: Up to so many contacts a table is sorted by any column; beyond, by those that an index serves.
SORTED_UP_TO = 100_000
#: More are not looked at side by side, and an address has to hold them.
MOST_COLUMNS = 100


def served(offered: Sequence[Column]) -> list[Column]:
    """Return the columns for a table of too many contacts to be sorted for every page."""
    return [replace(column, is_sortable=column.sort.is_served) for column in offered]


def offered(account: AccountInfo) -> list[Column]:
    """Return every column there is, the name first. Without marketing contacts access there is
    none about the status (E4)."""
    of_names = _("It is made of the first and the last name: show these columns to edit them.")
    by_action = _("The actions for ticked contacts set the status; they show first what it costs.")
    by_itself = _("This value is kept by the system.")
    first = [
        Column("name", _("Name"), SORTS["name"], why=of_names),
        Column("email", _("E-mail"), SORTS["email"], editor="email"),
    ]
    status = [
        Column("status", _("Marketing status"), SORTS["status"], why=by_action),
        Column("source", _("Status source"), SORTS["source"], why=by_itself),
        Column("since", _("Marketing since"), SORTS["since"], "moment", why=by_itself),
    ]
    moments = [
        Column("createdate", _("Created"), SORTS["createdate"], "moment", why=by_itself),
        Column(
            "lastmodifieddate",
            _("Last modified"),
            SORTS["lastmodifieddate"],
            "moment",
            why=by_itself,
        ),
    ]
    origins = [
        _of_origin(definition, why=by_itself)
        for definition in DERIVED
        if definition.name in ORIGIN_VALUES
    ]
    taken = {column.name for column in (*first, *status, *moments)}
    owners = tuple(
        (str(user_id), name) for user_id, name in accounts.owners_by_id(account.id).items()
    )
    indexed = properties.indexed(account.id)
    of_properties = [
        _of_property(definition, owners, is_indexed=definition.name in indexed)
        for definition in properties.definitions(account.id).values()
        if definition.name not in taken and definition.name not in DERIVED_NAMES
    ]
    return [
        *first,
        *(status if account.has_marketing_contacts else []),
        *of_properties,
        *moments,
        *origins,
    ]


OWNER = "hubspot_owner_id"
DERIVED_NAMES = frozenset(definition.name for definition in DERIVED)


def _of_property(
    definition: PropertyDef, owners: tuple[tuple[str, str], ...], *, is_indexed: bool
) -> Column:
    options = tuple((option.value, label_of(option)) for option in definition.options)
    return Column(
        definition.name,
        label_of(definition),
        property_sort(definition, is_indexed=is_indexed),
        "number" if definition.is_number else definition.type.value,
        owners if definition.name == OWNER else options,
        editor=_editor(definition),
        choices=owners if definition.name == OWNER else options_of(definition, {}),
        why=_("This value is kept by the system.") if definition.is_read_only else "",
        group=definition.group,
    )


def _editor(definition: PropertyDef) -> str:
    if definition.type is PropertyType.DATETIME:
        return "moment"
    return "phone" if definition.field_type == "phonenumber" else kind_of(definition)


def _of_origin(definition: PropertyDef, *, why: str) -> Column:
    """A column of what created a contact, which is looked up for those on the page alone."""
    return Column(
        definition.name,
        label_of(definition),
        replace(NEWEST, is_served=False),
        options=tuple((option.value, label_of(option)) for option in definition.options),
        is_sortable=False,
        why=why,
    )


def tell_origins(shown: Sequence[Column]) -> bool:
    """Tell whether a column says what created the contacts."""
    return any(column.name in ORIGIN_VALUES for column in shown)


def chosen(offered: Sequence[Column], names: Sequence[str]) -> list[Column]:
    """Return the columns to show: the name, then those asked for that exist, or the default."""
    by_name = {column.name: column for column in offered}
    wanted = [name for name in names if name in by_name and name != "name"]
    return [
        by_name["name"],
        *(by_name[name] for name in (wanted or DEFAULT_COLUMNS) if name in by_name),
    ]


def hidden_by_group(
    account_id: int, offered: Sequence[Column], shown: Sequence[str]
) -> list[tuple[str, list[Column]]]:
    """Return (label of the group, its columns that are not shown), in the account's order."""
    visible = {column.name for column in chosen(offered, shown)}
    by_group: dict[str, list[Column]] = {}
    for column in offered:
        if column.name not in visible:
            by_group.setdefault(column.group, []).append(column)
    groups = [
        (in_language(label, label_pl), by_group.pop(name, []))
        for name, label, label_pl in properties.groups(account_id)
    ]
    others = [column for columns in by_group.values() for column in columns]
    return [one for one in (*groups, (_("Other"), others)) if one[1]]


def asked_for(posted: QueryDict, table: Table, offered: Sequence[Column]) -> str:
    """Return the arrangement that a form asks for: the whole of it as one text, as the table's
    head sends it, or the columns that are ticked, in their order, and one that is moved."""
    if "reset" in posted:
        return ""
    if "arrangement" in posted:
        names, widths = arranged(posted.get("arrangement", ""))
    else:
        names, widths = tuple(dict.fromkeys(posted.getlist("column"))), table.widths
        way, _colon, moved = posted.get("move", "").partition(":")
        if moved in names:
            names = moved_by(names, moved, -1 if way == "left" else 1)
    known = {column.name for column in offered} - {"name"}
    names = tuple(one for one in names if one in known)[:MOST_COLUMNS]
    kept = {"name", *names}
    widths = tuple(one for one in widths if one[0] in kept)
    return replace(table, columns=names, widths=widths).arrangement


def moved_by(names: Sequence[str], name: str, step: int) -> tuple[str, ...]:
    """Return the columns with one a place to the left (−1) or right (+1); at the edge it stays.

    >>> moved_by(("email", "city"), "city", -1), moved_by(("email", "city"), "city", 1)
    (('city', 'email'), ('email', 'city'))
    """
    moved = [one for one in names if one != name]
    moved.insert(max(0, list(names).index(name) + step), name)
    return tuple(moved)


def order(offered: Sequence[Column], table: Table) -> tuple[Sort, bool]:
    """Return the order of a table and whether it goes down; newest first unless asked."""
    for column in offered:
        if column.name == table.sort and column.is_sortable:
            return column.sort, table.is_descending
    return NEWEST, True


def value(row: ContactRow, column: Column, zone: ZoneInfo) -> str:
    """Return what stands in a cell, in the reader's language and the account's zone (Y2)."""
    if column.name == "email":
        return row.email or ""
    if column.name == "source":
        return source_name(row.source_type)
    moments = {
        "since": row.since,
        "createdate": row.created_at,
        "lastmodifieddate": row.updated_at,
    }
    if column.name in moments:
        moment = moments[column.name]
        return day(moment.astimezone(zone).date()) if moment else ""
    return told(row.properties.get(column.name), column, zone)


def stored(row: ContactRow, column: Column, zone: ZoneInfo) -> str:
    """Return what the editor of a cell begins with: moments in the account's zone."""
    if column.name == "email":
        return row.email or ""
    kept = row.properties.get(column.name)
    if column.editor == "moment" and isinstance(kept, str):
        moment = datetime.fromisoformat(kept).astimezone(zone)
        return moment.replace(tzinfo=None).isoformat(timespec="seconds")
    return as_text(kept)


def told(stored: Any, column: Column, zone: ZoneInfo) -> str:
    """Return a stored value as people read it, in the account's zone (Y2)."""
    if stored is None:
        return ""
    if isinstance(stored, bool):
        return _("Yes") if stored else _("No")
    labels = dict(column.options)
    if isinstance(stored, list):
        return ", ".join(labels.get(str(one), str(one)) for one in stored)
    if isinstance(stored, int | float):
        return number(stored)
    text = str(stored)
    if column.kind == PropertyType.DATE:
        return day(date.fromisoformat(text))
    if column.kind == PropertyType.DATETIME:
        return day(datetime.fromisoformat(text).astimezone(zone).date())
    return labels.get(text, text)

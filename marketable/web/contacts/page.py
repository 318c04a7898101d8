"""The contacts table, ready to be shown: headings, rows, links and what may be done."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from marketable.accounts import queries as accounts
from marketable.accounts.queries import Reach
from marketable.accounts.rules import Right, Scope
from marketable.contacts.queries import ContactRow, Count, Page
from marketable.formats import day, number
from marketable.marketing_status.rules import Event, Status
from marketable.segments import queries as segments
from marketable.web.access import AccountRequest
from marketable.web.contacts.columns import (
    OWNER,
    SORTED_UP_TO,
    Column,
    stored,
    tell_origins,
    value,
)
from marketable.web.contacts.opened import Opened
from marketable.web.contacts.table import SIZES, Table, as_one_filter
from marketable.web.contacts.view_bar import ViewBar
from marketable.web.contacts.view_bar import show as show_bar
from marketable.web.filters.chip import FilterChip
from marketable.web.filters.chip import chip as filter_chip
from marketable.web.wording import right_name

#: A text up to here fits into every column.
LONGEST_UNCUT = 20


@dataclass(frozen=True, slots=True)
class Heading:
    name: str
    label: str
    is_number: bool
    sort_url: str
    note: str
    aria_sort: str
    arrow: str
    editor: str
    choices: tuple[tuple[str, str], ...]
    why: str


@dataclass(frozen=True, slots=True)
class StatusMark:
    """A status as shape and word; `text` is all that a person needs."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Cell:
    name: str
    text: str
    is_number: bool = False
    status: StatusMark | None = None
    stored: str = ""

    @property
    def is_shown_otherwise(self) -> bool:
        """Tell whether the editor begins with something else than what the cell shows."""
        return bool(self.stored) and self.stored != self.text

    @property
    def is_long(self) -> bool:
        """Tell whether the column may cut it off, so that the whole is said on hovering."""
        return len(self.text) > LONGEST_UNCUT


@dataclass(frozen=True, slots=True)
class Row:
    """`is_locked`: the person sees this contact and may not change it (P1, P6)."""

    key: str
    url: str
    tick_label: str
    cells: tuple[Cell, ...]
    version: int
    is_locked: bool


@dataclass(frozen=True, slots=True)
class Chip:
    label: str
    url: str
    is_current: bool = True
    status: str = ""


@dataclass(frozen=True, slots=True)
class Size:
    text: str
    url: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class Action:
    """Something that can be done; disabled with the reason where it cannot (P4, E4)."""

    code: str
    label: str
    url: str
    reason: str = ""
    note: str = ""
    is_primary: bool = False
    is_money: bool = False
    in_dialog: bool = False

    @property
    def is_enabled(self) -> bool:
        return not self.reason


@dataclass(frozen=True, slots=True)
class TablePage:
    """Everything that the templates of the contacts page read."""

    account_key: str
    filter_key: str
    filters: tuple[tuple[str, str], ...]
    search: str
    search_state: tuple[tuple[str, str], ...]
    state: tuple[tuple[str, str], ...]
    address: str
    list_url: str
    plan_url: str
    columns_url: str
    state_query: str
    clear_url: str
    import_url: str
    create_url: str
    count_url: str
    is_counted_soon: bool
    total_key: str
    total_text: str
    all_ticked_text: str
    caption: str
    headings: tuple[Heading, ...]
    rows: tuple[Row, ...]
    columns: str
    widths: tuple[tuple[str, int], ...]
    bar: ViewBar
    chips: tuple[Chip, ...]
    filter_chip: FilterChip
    segment_filter: str
    narrowed_to: tuple[Chip, ...]
    sizes: tuple[Size, ...]
    actions: tuple[Action, ...]
    head_actions: tuple[Action, ...]
    previous_url: str
    next_url: str
    is_filtered: bool
    sees_all: bool


#: An estimate up to here is replaced by the exact number as soon as the page has been shown.
COUNTED_SOON = 200_000


@dataclass(frozen=True, slots=True)
class TotalShown:
    """How many match. `is_exact` False: about so many, from a bounded count or an estimate."""

    count: int
    is_exact: bool

    @property
    def total_key(self) -> str:
        return str(self.count) if self.is_exact else ""

    @property
    def total_text(self) -> str:
        if self.is_exact:
            return number(self.count)
        return _("about %(count)s") % {"count": rounded(self.count)}


def total_shown(found: Page, counted: Count | None) -> TotalShown:
    """Return how many match: exactly if the page shows them all, else as far as it is known.

    counted  None for a search, which knows how many contacts have its words
    """
    if not found.next_key and not found.previous_key:
        return TotalShown(len(found.rows), is_exact=True)
    if counted is None:
        return TotalShown(max(found.matches, len(found.rows)), is_exact=False)
    return TotalShown(counted.value, counted.is_exact)


def rounded(count: int) -> str:
    """Return an estimate in two or three figures: about 12,000 or 1.2 M."""
    if count >= 1_000_000:
        return _("%(count)s M") % {"count": _millions(count)}
    step = 10 ** max(len(str(count)) - 2, 0)
    return number(round(count / step) * step)


def _millions(count: int) -> str:
    return number(round(count / 1_000_000, 1))


def status_mark(row: ContactRow) -> StatusMark:
    if row.status is Status.LEAVING and row.leaving_on:
        return StatusMark("leaving", _("Until %(date)s") % {"date": day(row.leaving_on)})
    if row.status is Status.MARKETING:
        return StatusMark("marketing", _("Marketing"))
    return StatusMark("non_marketing", _("Non-marketing"))


def build(
    request: AccountRequest,
    opened: Opened,
    columns: Sequence[Column],
    found: Page,
    total: TotalShown,
    *,
    attention: str = "",
) -> TablePage:
    """Return the page of a table.

    columns    those shown, the name first
    attention  why nobody is shown: something that the table asks for is gone
    """
    table = opened.table
    account_id = request.account.id
    list_url = reverse("contacts:list", args=[account_id])

    def address(state: Table) -> str:
        return list_url + state.address()

    may_filter_all = (
        request.rights.may(Right.CONTACTS_EDIT) and request.reach_edit.scope is Scope.ALL
    )
    locked = _in_bin(table) or lacks(request, Right.CONTACTS_EDIT)
    count_url = ""
    if not total.is_exact:
        count_url = reverse("contacts:count", args=[account_id]) + table.first_page().address()
    return TablePage(
        account_key=str(account_id),
        filter_key=urlencode(table.filters()),
        filters=tuple(table.filters()),
        search=table.search,
        search_state=tuple(
            (name, text) for name, text in table.first_page().address_parameters() if name != "q"
        ),
        state=tuple(table.parameters()),
        address=address(table),
        list_url=list_url,
        plan_url=reverse("contacts:plan", args=[account_id]),
        columns_url=reverse("contacts:columns", args=[account_id]),
        state_query=table.address(),
        columns=",".join(column.name for column in columns[1:]),
        widths=_widths(table, columns),
        bar=show_bar(request, opened, attention),
        clear_url=address(table.unfiltered()),
        import_url=_import_url(request),
        create_url=reverse("contacts:create", args=[account_id])
        if request.rights.may(Right.CONTACTS_EDIT)
        else "",
        count_url=count_url,
        is_counted_soon=not total.is_exact and total.count <= COUNTED_SOON,
        total_key=total.total_key,
        total_text=total.total_text,
        all_ticked_text=ngettext(
            "The %(count)s contact on this page is selected.",
            "All %(count)s on this page are selected.",
            len(found.rows),
        )
        % {"count": number(len(found.rows))},
        caption=_("Contacts, %(count)s in all") % {"count": total.total_text},
        headings=tuple(_heading(table, column, address, locked) for column in columns),
        rows=tuple(_rows(request, found.rows, columns)),
        chips=tuple(_chips(request, table, address)),
        filter_chip=filter_chip(request, table),
        segment_filter="" if attention or not may_filter_all else as_one_filter(table),
        narrowed_to=tuple(_narrowed_to(account_id, table, address)),
        sizes=tuple(
            Size(str(size), address(replace(table.first_page(), size=size)), size == table.size)
            for size in SIZES
        ),
        actions=tuple(actions(request, table)),
        head_actions=tuple(head_actions(request)),
        previous_url=address(replace(table, after="", before=found.previous_key))
        if found.previous_key
        else "",
        next_url=address(replace(table, after=found.next_key, before="")) if found.next_key else "",
        is_filtered=table.is_filtered,
        sees_all=request.reach_view.scope is Scope.ALL,
    )


def _widths(table: Table, columns: Sequence[Column]) -> tuple[tuple[str, int], ...]:
    """Return (column, pixels) of the columns shown, 0 for one that is as wide as usual; nothing
    where none has a width of its own."""
    widths = dict(table.widths)
    if not any(column.name in widths for column in columns):
        return ()
    return tuple((column.name, widths.get(column.name, 0)) for column in columns)


def _heading(table: Table, column: Column, address: Callable[[Table], str], locked: str) -> Heading:
    """Return a column's head; `locked` is why nothing in the table can be edited."""
    is_sorted = table.sort == column.name and column.is_sortable
    direction = ""
    if is_sorted:
        direction = "descending" if table.is_descending else "ascending"
    return Heading(
        name=column.name,
        label=column.label,
        is_number=column.is_number,
        sort_url=address(table.sorted_by(column.name)) if column.is_sortable else "",
        note=_why_unsorted(column),
        aria_sort=direction,
        arrow={"ascending": "↑", "descending": "↓"}.get(direction, ""),
        editor=column.editor,
        choices=column.choices,
        why=column.why or locked,
    )


def _why_unsorted(column: Column) -> str:
    if column.is_sortable:
        return ""
    if tell_origins([column]):
        return _("Contacts cannot be sorted by this.")
    text = _("Tables of up to %(count)s contacts can be sorted by this. Search or filter first.")
    if column.sort.key == "property":
        text = _(
            "Tables of up to %(count)s contacts can be sorted by this. Search or filter first, or "
            "mark the property as indexed."
        )
    return text % {"count": number(SORTED_UP_TO)}


def _rows(
    request: AccountRequest, rows: Sequence[ContactRow], columns: Sequence[Column]
) -> Iterator[Row]:
    # Resolved once: an address for every row takes as long as the statement that reads them.
    records = reverse("records:show", args=[request.account.id, 0]).removesuffix("0/")
    owners = _owners_within(request.reach_edit)
    zone = request.account.zone
    for row in rows:
        yield _row(row, columns, zone, f"{records}{row.id}/", owners)


def one_row(request: AccountRequest, row: ContactRow, columns: Sequence[Column]) -> Row:
    """Return a row as the table shows it."""
    return next(_rows(request, [row], columns))


def _owners_within(reach: Reach) -> frozenset[str] | None:
    """Return whose contacts the person may change; None: not a matter of the owner."""
    if reach.scope in {Scope.ALL, Scope.NONE}:
        return None
    return frozenset(str(owner) for owner in reach.owner_ids)


def _row(
    row: ContactRow,
    columns: Sequence[Column],
    zone: ZoneInfo,
    url: str,
    owners: frozenset[str] | None,
) -> Row:
    name = row.name
    cells = [
        Cell("name", name)
        if column.name == "name"
        else Cell("status", "", status=status_mark(row))
        if column.name == "status"
        else Cell(
            column.name,
            value(row, column, zone),
            column.is_number,
            stored="" if column.why else stored(row, column, zone),
        )
        for column in columns
    ]
    return Row(
        key=str(row.id),
        url=url,
        tick_label=_("Tick %(name)s") % {"name": name},
        cells=tuple(cells),
        version=row.version,
        is_locked=owners is not None and row.properties.get(OWNER) not in owners,
    )


def _chips(
    request: AccountRequest, table: Table, address: Callable[[Table], str]
) -> Iterator[Chip]:
    here = table.first_page()
    yield Chip(
        _("All"),
        address(replace(here, status=None, is_archived=False)),
        table.status is None and not table.is_archived,
    )
    if request.account.has_marketing_contacts:  # E4
        labels = {
            Status.MARKETING: pgettext("contacts", "Marketing"),
            Status.NON_MARKETING: pgettext("contacts", "Non-marketing"),
            Status.LEAVING: pgettext("contacts", "Staged"),
        }
        for status, label in labels.items():
            yield Chip(
                label,
                address(replace(here, status=status, is_archived=False)),
                table.status is status,
                status.value,
            )
    yield Chip(
        _("In the recycle bin"),
        address(replace(here, status=None, is_archived=True)),
        table.is_archived,
    )


def _narrowed_to(account_id: int, table: Table, address: Callable[[Table], str]) -> Iterator[Chip]:
    here = table.first_page()
    if table.segment_id is not None:
        name = segments.names(account_id).get(table.segment_id, f"#{table.segment_id}")
        yield Chip(
            _("In segment “%(name)s”") % {"name": name}, address(replace(here, segment_id=None))
        )
    if table.bulk_action_id is not None:
        yield Chip(
            _("Changed by job %(number)s") % {"number": str(table.bulk_action_id)},
            address(replace(here, bulk_action_id=None)),
        )
    if table.import_id is not None:
        yield Chip(
            _("From import %(number)s") % {"number": str(table.import_id)},
            address(replace(here, import_id=None)),
        )


def lacks(request: AccountRequest, right: Right) -> str:
    """Return why a control is disabled, naming the right and who can grant it (P4), or nothing."""
    if request.rights.may(right):
        return ""
    names = accounts.who_may(request.account.id, Right.USERS_MANAGE)
    return _("This needs the right “%(right)s”. %(names)s can grant it.") % {
        "right": right_name(right.value),
        "names": ", ".join(names),
    }


def lacks_status(request: AccountRequest) -> str:
    """Return why the status actions are disabled, or nothing (E4, P3, P4)."""
    if not request.account.has_marketing_contacts:
        return _("This account does not have marketing contacts.")
    return lacks(request, Right.MARKETING_ACCESS) or lacks(request, Right.CONTACTS_EDIT)


def _in_bin(table: Table) -> str:
    return _("Contacts in the recycle bin cannot be changed.") if table.is_archived else ""


def actions(request: AccountRequest, table: Table) -> Iterator[Action]:
    account_id = request.account.id
    plan_url = reverse("contacts:plan", args=[account_id])
    in_bin = _in_bin(table)
    reason = lacks_status(request) or in_bin
    labels = {
        Event.START: _("Set as marketing contacts"),
        Event.STOP: _("Set as non-marketing at the next update"),
        Event.KEEP: _("Keep as marketing"),
    }
    for event, label in labels.items():
        is_money = event is Event.START
        yield Action(
            event.value,
            label,
            plan_url,
            reason,
            note=_("They count toward the tier at once; the cost is shown first.")
            if is_money
            else "",
            is_money=is_money,
            in_dialog=True,
        )
    ask_url = reverse("contacts:ask", args=[account_id])
    cannot_edit = lacks(request, Right.CONTACTS_EDIT) or in_bin
    asked = {
        "edit": _("Edit a property"),
        "assign": _("Assign an owner"),
        "add": _("Add to a list"),
        "remove": _("Remove from a list"),
    }
    for code, label in asked.items():
        yield Action(code, label, ask_url, cannot_edit, in_dialog=True)
    yield Action(
        "export",
        _("Export as CSV"),
        reverse("contacts:export", args=[account_id]),
        lacks(request, Right.CONTACTS_EXPORT),
    )
    yield Action(
        "delete",
        _("Delete"),
        reverse("contacts:delete", args=[account_id]),
        lacks(request, Right.CONTACTS_BULK_DELETE) or in_bin,
        in_dialog=True,
    )


def head_actions(request: AccountRequest) -> Iterator[Action]:
    yield Action("import", _("Import"), _import_url(request), lacks(request, Right.CONTACTS_IMPORT))
    yield Action(
        "create",
        _("Create contact"),
        reverse("contacts:create", args=[request.account.id]),
        lacks(request, Right.CONTACTS_EDIT),
        is_primary=True,
    )


def _import_url(request: AccountRequest) -> str:
    if not request.rights.may(Right.CONTACTS_IMPORT):
        return ""
    return reverse("imports:list", args=[request.account.id])

"""The list of segments, ready to be shown: what is asked for, lines, headings, pages."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from marketable.errors import message_of
from marketable.formats import number, signed
from marketable.segments.listing import SORTS, Line, Listing
from marketable.segments.queries import KEPT_FOR
from marketable.segments.rules import Kind, State

PAGE = 50
LONGEST_SEARCH = 200
MOST_PAGES = 100_000

Address = Callable[["Asked"], str]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for; what cannot be understood is left out of it.

    only  active, fixed, attention or deleted; empty: all that are not deleted
    """

    search: str = ""
    only: str = ""
    sort: str = "name"
    is_descending: bool = False
    page: int = 1

    def address(self) -> str:
        sort = f"-{self.sort}" if self.is_descending else self.sort
        parts = [
            ("q", self.search),
            ("only", self.only),
            ("sort", "" if sort == "name" else sort),
            ("page", "" if self.page == 1 else str(self.page)),
        ]
        return "?" + urlencode([(name, value) for name, value in parts if value])

    def sorted_by(self, column: str) -> "Asked":
        """Return the list after a click on a header: numbers begin with the largest."""
        first = replace(self, page=1)
        if self.sort == column:
            return replace(first, is_descending=not self.is_descending)
        return replace(first, sort=column, is_descending=column != "name")


@dataclass(frozen=True, slots=True)
class LineShown:
    """A segment of the list.

    state_code  building, ready or needs_attention
    used_by     how many things use it, empty for none
    """

    key: str
    name: str
    url: str
    kind: str
    members: str
    change: str
    state_code: str
    state: str
    problem: str
    used_by: str
    created_by: str
    updated_at: datetime
    deleted_at: datetime | None
    kept_until: datetime | None


@dataclass(frozen=True, slots=True)
class Heading:
    label: str
    url: str = ""
    aria_sort: str = ""
    arrow: str = ""
    is_number: bool = False


@dataclass(frozen=True, slots=True)
class Chip:
    label: str
    url: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class ListPage:
    """Everything that the list's templates read."""

    asked: Asked
    lines: tuple[LineShown, ...]
    headings: tuple[Heading, ...]
    chips: tuple[Chip, ...]
    total: str
    range: str
    previous_url: str
    next_url: str
    clear_url: str
    is_filtered: bool
    is_deleted: bool
    is_any_building: bool


def read(query: QueryDict) -> Asked:
    sort = query.get("sort", "")
    only = query.get("only", "")
    page = query.get("page", "")
    is_number = page.isascii() and page.isdigit() and len(page) < 7
    return Asked(
        search=query.get("q", "").replace("\0", "").strip()[:LONGEST_SEARCH],
        only=only if only in {"active", "fixed", "attention", "deleted"} else "",
        sort=sort.removeprefix("-") if sort.removeprefix("-") in SORTS else "name",
        is_descending=sort.startswith("-"),
        page=min(max(int(page), 1), MOST_PAGES) if is_number else 1,
    )


def kind_name(kind: str) -> str:
    return {
        Kind.ACTIVE: pgettext("one segment", "Active"),
        Kind.FIXED: pgettext("one segment", "Fixed"),
    }[Kind(kind)]


def state_name(state: str) -> str:
    return {
        State.BUILDING: _("Building"),
        State.READY: pgettext("segment", "Ready"),
        State.NEEDS_ATTENTION: _("Needs attention"),
    }[State(state)]


def build(account_id: int, asked: Asked, found: Listing, uses: Mapping[int, int]) -> ListPage:
    """Return the page; `uses` says how many things use each segment that is listed."""
    list_url = reverse("segments:list", args=[account_id])

    def address(state: Asked) -> str:
        return list_url + state.address()

    first = (asked.page - 1) * PAGE + 1
    last = first + len(found.lines) - 1
    return ListPage(
        asked=asked,
        lines=tuple(_line(account_id, line, uses.get(line.id, 0)) for line in found.lines),
        headings=tuple(_headings(asked, address)),
        chips=tuple(_chips(asked, address)),
        total=number(found.total),
        range=_("%(first)s–%(last)s of %(total)s")
        % {"first": number(first), "last": number(last), "total": number(found.total)}
        if found.total > PAGE
        else "",
        previous_url=address(replace(asked, page=asked.page - 1)) if asked.page > 1 else "",
        next_url=address(replace(asked, page=asked.page + 1)) if last < found.total else "",
        clear_url=list_url,
        is_filtered=bool(asked.search or asked.only),
        is_deleted=asked.only == "deleted",
        is_any_building=any(line.state == State.BUILDING for line in found.lines),
    )


def _line(account_id: int, line: Line, uses: int) -> LineShown:
    return LineShown(
        key=str(line.id),
        name=line.name,
        url=reverse("segments:show", args=[account_id, line.id]),
        kind=kind_name(line.kind),
        members=number(line.member_count),
        change="" if line.change is None else signed(line.change),
        state_code=line.state,
        state=state_name(line.state),
        problem=message_of(line.problem),
        used_by=number(uses) if uses else "",
        created_by=line.created_by,
        updated_at=line.updated_at,
        deleted_at=line.deleted_at,
        kept_until=line.deleted_at + KEPT_FOR if line.deleted_at else None,
    )


def _headings(asked: Asked, address: Address) -> Sequence[Heading]:
    def sortable(column: str, label: str, *, is_number: bool = False) -> Heading:
        direction = ""
        if asked.sort == column:
            direction = "descending" if asked.is_descending else "ascending"
        arrow = {"ascending": "↑", "descending": "↓"}.get(direction, "")
        return Heading(label, address(asked.sorted_by(column)), direction, arrow, is_number)

    name = sortable("name", _("Name"))
    kind = Heading(pgettext("of a segment", "Kind"))
    members = sortable("members", _("Members"), is_number=True)
    maker = Heading(_("Made by"))
    if asked.only == "deleted":
        return (name, kind, members, maker, Heading(_("Can be restored until")), Heading(""))
    return (
        name,
        kind,
        members,
        sortable("change", _("In 7 days"), is_number=True),
        Heading(_("State")),
        Heading(_("Used by"), is_number=True),
        maker,
        sortable("updated", _("Last changed")),
    )


def _chips(asked: Asked, address: Address) -> Sequence[Chip]:
    labels = {
        "": _("All"),
        "active": pgettext("segments", "Active"),
        "fixed": pgettext("segments", "Fixed"),
        "attention": _("Needs attention"),
        "deleted": pgettext("segments", "Deleted"),
    }
    return [
        Chip(label, address(replace(asked, only=only, page=1)), asked.only == only)
        for only, label in labels.items()
    ]

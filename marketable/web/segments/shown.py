"""One segment's page, ready to be shown: what it is, who uses it, how it grew, who is in it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from marketable.accounts.rules import Scope
from marketable.contacts import queries as contacts
from marketable.contacts.queries import ContactRow
from marketable.formats import number
from marketable.history import queries as history
from marketable.history.queries import ChangeRow
from marketable.segments import queries, uses
from marketable.segments.listing import members_within
from marketable.segments.members import Member, Moves, members, past_members
from marketable.segments.queries import KEPT_FOR, DayCount, SegmentView
from marketable.segments.rules import Filter, Kind, State
from marketable.segments.selection import Selection, conditions_of
from marketable.segments.uses import Use
from marketable.web.access import AccountRequest
from marketable.web.filters.chip import in_words
from marketable.web.segments.door import lacks_change
from marketable.web.segments.listed import kind_name, state_name
from marketable.web.usage.chart import NARROW, Chart, draw
from marketable.web.wording import kind_name as kind_of_change

DAYS_SHOWN = 365
PEOPLE = 25
CHANGES = 10
SAMPLE = 5


@dataclass(frozen=True, slots=True)
class UseShown:
    """A thing that uses a segment. `url` is empty where the person cannot open it."""

    kind: str
    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Growth:
    """The last year by day, drawn twice once there are two days, and the days on which it changed,
    the latest first."""

    wide: Chart | None
    narrow: Chart | None
    first: date
    days: tuple[DayCount, ...]


@dataclass(frozen=True, slots=True)
class SegmentShown:
    """A segment, whichever of its pages it is on.

    sentence  its filter in words, empty for a fixed one
    why_not   why the person may not change it, empty where they may
    """

    key: str
    name: str
    is_active: bool
    kind: str
    state_code: str
    state: str
    problem: str
    is_building: bool
    sentence: str
    count: int
    members: str
    created_by: str
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    kept_until: datetime | None
    contacts_url: str
    why_not: str


@dataclass(frozen=True, slots=True)
class Look:
    """Whom a filter takes: in words, how many, and five of them."""

    sentence: str
    count: str
    rows: tuple[ContactRow, ...]


@dataclass(frozen=True, slots=True)
class ChangeShown:
    """One entry of the ledger about the segment."""

    text: str
    by: str
    at: datetime
    url: str


@dataclass(frozen=True, slots=True)
class People:
    """A page of those who are in a segment, or were. `url` shows this page again."""

    who: str  # now, left
    rows: tuple[Member, ...]
    url: str
    now_url: str
    left_url: str
    next_url: str
    first_url: str
    can_tick: bool


def show(request: AccountRequest, segment: SegmentView) -> SegmentShown:
    account_id = request.account.id
    count = segment.member_count
    if request.reach_view.scope is not Scope.ALL:
        count = members_within(account_id, [segment.id], request.reach_view).get(segment.id, 0)
    return SegmentShown(
        key=str(segment.id),
        name=segment.name,
        is_active=segment.kind is Kind.ACTIVE,
        kind=kind_name(segment.kind),
        state_code=segment.state.value,
        state=state_name(segment.state),
        problem=segment.problem,
        is_building=segment.state is State.BUILDING,
        sentence=in_words(account_id, segment.filter) if segment.filter else "",
        count=count,
        members=number(count),
        created_by=segment.created_by,
        created_at=segment.created_at,
        updated_at=segment.updated_at,
        deleted_at=segment.deleted_at,
        kept_until=segment.deleted_at + KEPT_FOR if segment.deleted_at else None,
        contacts_url=reverse("contacts:list", args=[account_id])
        + "?"
        + urlencode({"segment": segment.id}),
        why_not=lacks_change(request, segment.kind),
    )


def look(request: AccountRequest, wanted: Filter) -> Look:
    """Return whom a filter takes of those that the person may see.

    Raises FilterRefused for one that cannot be used as it is.
    """
    account_id, today = request.account.id, request.today
    where = conditions_of(
        account_id, Selection(filter=wanted), reach=request.reach_view, today=today
    )
    found = contacts.page(account_id, where, today=today, limit=SAMPLE)
    counted = contacts.count(account_id, where)
    text = ngettext("%(count)s contact", "%(count)s contacts", counted.value)
    if not counted.is_exact:
        text = _("about %(count)s contacts")
    shown = text % {"count": number(counted.value)}
    return Look(in_words(account_id, wanted), shown, found.rows)


def changes(request: AccountRequest, segment_id: int) -> list[ChangeShown]:
    found = history.changes_of_segment(request.account.id, segment_id, limit=CHANGES)
    return [
        ChangeShown(
            change_text(row),
            row.actor_label,
            row.at,
            reverse("history:change", args=[request.account.id, row.id]),
        )
        for row in found
    ]


def change_text(change: ChangeRow) -> str:
    """Return what a change did to the segment."""
    count = change.contact_count
    texts = {
        "created": pgettext("segment", "Created"),
        "renamed": pgettext("segment", "Renamed"),
        "filter_changed": _("Another filter"),
        "deleted": pgettext("segment", "Deleted"),
        "restored": _("Brought back"),
        "add": ngettext("%(count)s contact added", "%(count)s contacts added", count),
        "remove": ngettext("%(count)s contact taken out", "%(count)s contacts taken out", count),
    }
    return texts.get(str(change.body.get("action")), kind_of_change(change.kind)) % {
        "count": number(count)
    }


def just_moved(request: AccountRequest, segment: SegmentView) -> ChangeShown | None:
    """Return the change that the address says was made just now, so that it can be undone."""
    asked = request.GET.get("moved", "")
    if not (asked.isascii() and asked.isdigit()) or len(asked) > 18:
        return None
    found = [
        row
        for row in history.changes_of_segment(request.account.id, segment.id, limit=CHANGES)
        if row.id == int(asked) and row.contact_count
    ]
    if not found:
        return None
    url = reverse("segments:undo", args=[request.account.id, segment.id, found[0].id])
    return ChangeShown(change_text(found[0]), found[0].actor_label, found[0].at, url)


def people(request: AccountRequest, segment: SegmentView) -> People:
    """Return the page of people that the address asks for."""
    who = "left" if request.GET.get("who") == "left" else "now"
    after = request.GET.get("after", "")
    read = past_members if who == "left" else members
    found = read(
        request.account.id,
        segment.id,
        reach=request.reach_view,
        after=after,
        limit=PEOPLE + 1,
    )
    url = reverse("segments:people", args=[request.account.id, segment.id])

    def address(who: str, after: str = "") -> str:
        asked = [("who", "left" if who == "left" else ""), ("after", after)]
        query = urlencode([(name, value) for name, value in asked if value])
        return f"{url}?{query}" if query else url

    return People(
        who=who,
        rows=tuple(found[:PEOPLE]),
        url=address(who, after),
        now_url=address("now"),
        left_url=address("left"),
        next_url=address(who, found[PEOPLE - 1].key) if len(found) > PEOPLE else "",
        first_url=address(who) if after else "",
        can_tick=segment.kind is Kind.FIXED
        and who == "now"
        and segment.deleted_at is None
        and not lacks_change(request, Kind.FIXED),
    )


def used_by(request: AccountRequest, segment_id: int) -> list[UseShown]:
    return [_use(request, use) for use in uses.used_by(request.account.id, segment_id)]


def _use(request: AccountRequest, use: Use) -> UseShown:
    account_id = request.account.id
    if use.kind == "segment":
        return UseShown(
            _("Segment"), use.label, reverse("segments:show", args=[account_id, use.id])
        )
    if use.kind == "view":
        url = reverse("contacts:list", args=[account_id]) + f"?view={use.id}" if use.label else ""
        return UseShown(_("Saved view"), use.label or _("somebody’s private view"), url)
    return UseShown(use.kind, use.label, "")


def growth(request: AccountRequest, segment: SegmentView) -> Growth | None:
    """Return how the number of members moved; None for people who see only some of them, and
    before the first day has been written."""
    if request.reach_view.scope is not Scope.ALL:
        return None
    today = request.today
    since = today - timedelta(days=DAYS_SHOWN)
    found = queries.days(request.account.id, segment.id, first=since, last=today)
    if not found:
        return None
    first = max(since, found[0].day)
    by_day = list(_every_day(found, first, today, segment.member_count))
    months = [day for day, _count in by_day if day.day == 1]
    is_drawn = first < today
    return Growth(
        draw(by_day, ticks=months) if is_drawn else None,
        draw(by_day, ticks=months, size=NARROW) if is_drawn else None,
        first,
        tuple(reversed([one for one in found if one.day >= since])),
    )


def _every_day(
    found: Sequence[DayCount], first: date, today: date, count: int
) -> Iterator[tuple[date, int]]:
    """Yield a value for every day, the last one `count`."""
    known = {one.day: one.member_count for one in found}
    value = found[0].member_count
    for offset in range((today - first).days):
        day = first + timedelta(days=offset)
        value = known.get(day, value)
        yield day, value
    yield today, count


def moves_text(moves: Moves) -> str:
    """Return how many another filter brings in and takes out."""
    joining, leaving = moves.joining, moves.leaving
    if not joining.value and not leaving.value:
        return _("Nobody joins and nobody leaves.")
    parts = []
    if joining.value:
        text = ngettext("%(count)s contact joins", "%(count)s contacts join", joining.value)
        if not joining.is_exact:
            text = _("more than %(count)s contacts join")
        parts.append(text % {"count": number(joining.value)})
    if leaving.value:
        text = ngettext("%(count)s contact leaves", "%(count)s contacts leave", leaving.value)
        if not leaving.is_exact:
            text = _("more than %(count)s contacts leave")
        parts.append(text % {"count": number(leaving.value)})
    told = _(" and ").join(parts)
    return told[:1].upper() + told[1:] + "."

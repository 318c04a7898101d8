"""Reading segments: which there are, who is in them, since when, and how they grew."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from marketable import sql
from marketable.errors import message_of
from marketable.segments.errors import SegmentUnknown
from marketable.segments.rules import Filter, Kind, State, from_json

#: How long a deleted segment can be brought back.
KEPT_FOR = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class SegmentView:
    """A segment as it stands.

    filter   of an active one; None for a fixed one
    problem  what needs attention, in the reader's language
    """

    id: int
    name: str
    kind: Kind
    filter: Filter | None
    mentions: tuple[str, ...]
    is_timed: bool
    state: State
    problem: str
    member_count: int
    created_by: str
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None


@dataclass(frozen=True, slots=True)
class Membership:
    """A contact's stay in a segment; `left_at` is None while it lasts."""

    segment_id: int
    name: str
    kind: Kind
    joined_at: datetime
    left_at: datetime | None


@dataclass(frozen=True, slots=True)
class DayCount:
    """A segment on a day of the account."""

    day: date
    member_count: int
    joined: int
    left: int


COLUMNS = (
    "id, name, kind, filter::text, mentions, is_timed, state, problem, member_count, created_by, "
    "created_at, updated_at, deleted_at"
)


def segments(account_id: int, *, with_deleted: bool = False) -> list[SegmentView]:
    """Return the account's segments by name."""
    found = sql.rows(
        f"SELECT {COLUMNS} FROM segment WHERE account_id = %(account_id)s "
        "AND (%(with_deleted)s OR deleted_at IS NULL) ORDER BY lower(name), id",
        {"account_id": account_id, "with_deleted": with_deleted},
    )
    return [_view(row) for row in found]


def segments_where(account_id: int, rest: str, params: Mapping[str, Any]) -> list[SegmentView]:
    """Return the segments, deleted ones left out, of which some trusted SQL is true."""
    found = sql.rows(
        f"SELECT {COLUMNS} FROM segment WHERE account_id = %(account_id)s "
        f"AND deleted_at IS NULL AND {rest}",
        {**params, "account_id": account_id},
    )
    return [_view(row) for row in found]


def segment(account_id: int, segment_id: int, *, with_deleted: bool = False) -> SegmentView:
    """Return one segment.

    Raises SegmentUnknown, also for a deleted one unless `with_deleted`.
    """
    found = sql.row(
        f"SELECT {COLUMNS} FROM segment WHERE account_id = %(account_id)s AND id = %(id)s "
        "AND (%(with_deleted)s OR deleted_at IS NULL)",
        {"account_id": account_id, "id": segment_id, "with_deleted": with_deleted},
    )
    if found is None:
        raise SegmentUnknown(segment_id)
    return _view(found)


def names(account_id: int) -> dict[int, str]:
    """Return {number: name} of the account's segments, deleted ones left out."""
    found = sql.rows(
        "SELECT id, name FROM segment WHERE account_id = %(account_id)s AND deleted_at IS NULL",
        {"account_id": account_id},
    )
    return {int(number): str(name) for number, name in found}


def memberships(account_id: int, contact_id: int, *, limit: int = 200) -> list[Membership]:
    """Return which segments a contact is in, and which it was in, the latest first."""
    found = sql.rows(
        "SELECT stay.segment_id, segment.name, segment.kind, stay.joined_at, stay.left_at FROM ("
        "SELECT segment_id, since AS joined_at, NULL::timestamptz AS left_at FROM segment_member "
        "WHERE account_id = %(account_id)s AND contact_id = %(contact_id)s UNION ALL "
        "SELECT segment_id, joined_at, left_at FROM segment_past_member "
        "WHERE account_id = %(account_id)s AND contact_id = %(contact_id)s) AS stay "
        "JOIN segment ON segment.account_id = %(account_id)s AND segment.id = stay.segment_id "
        "AND segment.deleted_at IS NULL "
        "ORDER BY stay.left_at DESC NULLS FIRST, stay.joined_at DESC, segment.id LIMIT %(limit)s",
        {"account_id": account_id, "contact_id": contact_id, "limit": limit},
    )
    return [Membership(int(row[0]), str(row[1]), Kind(row[2]), row[3], row[4]) for row in found]


def member_ids(
    account_id: int, segment_id: int, *, after: int = 0, limit: int | None = None
) -> list[int]:
    """Return the members by number, from the one after `after`."""
    found = sql.rows(
        "SELECT contact_id FROM segment_member WHERE account_id = %(account_id)s "
        "AND segment_id = %(segment_id)s AND contact_id > %(after)s "
        "ORDER BY contact_id LIMIT %(limit)s",
        {"account_id": account_id, "segment_id": segment_id, "after": after, "limit": limit},
    )
    return [int(row[0]) for row in found]


def days(account_id: int, segment_id: int, *, first: date, last: date) -> list[DayCount]:
    """Return the days in between on which the segment changed, with the last one before them."""
    found = sql.rows(
        'SELECT day, member_count, joined, "left" FROM segment_day '
        "WHERE account_id = %(account_id)s AND segment_id = %(segment_id)s "
        "AND day <= %(last)s AND day >= coalesce((SELECT max(day) FROM segment_day "
        "WHERE account_id = %(account_id)s AND segment_id = %(segment_id)s AND day < %(first)s), "
        "%(first)s) ORDER BY day",
        {"account_id": account_id, "segment_id": segment_id, "first": first, "last": last},
    )
    return [DayCount(row[0], int(row[1]), int(row[2]), int(row[3])) for row in found]


def unbuilt() -> list[tuple[int, int]]:
    """Return (account, segment) of those that are to be built, of all accounts."""
    found = sql.rows(
        "SELECT account_id, id FROM segment WHERE state = 'building' AND deleted_at IS NULL "
        "ORDER BY account_id, id"
    )
    return [(int(account_id), int(number)) for account_id, number in found]


def nested_in(account_id: int, mentioned: Sequence[str]) -> list[tuple[int, str]]:
    """Return (number, name) of the segments whose filters name one of these (`segment:ID`)."""
    found = sql.rows(
        "SELECT id, name FROM segment WHERE account_id = %(account_id)s AND deleted_at IS NULL "
        "AND mentions && %(mentioned)s::text[] ORDER BY id",
        {"account_id": account_id, "mentioned": list(mentioned)},
    )
    return [(int(number), str(name)) for number, name in found]


def _view(row: tuple[object, ...]) -> SegmentView:
    number, name, kind, written, mentioned, is_timed, state, problem, count, *rest = row
    created_by, created_at, updated_at, deleted_at = rest
    return SegmentView(
        int(str(number)),
        str(name),
        Kind(str(kind)),
        from_json(json.loads(str(written))) if written is not None else None,
        tuple(str(one) for one in mentioned),  # type: ignore[attr-defined]
        bool(is_timed),
        State(str(state)),
        message_of(str(problem)),
        int(str(count)),
        str(created_by),
        created_at,  # type: ignore[arg-type]
        updated_at,  # type: ignore[arg-type]
        deleted_at,  # type: ignore[arg-type]
    )

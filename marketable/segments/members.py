"""Who is in a segment and since when, who left it and when, and what another filter would move."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from marketable import sql
from marketable.accounts.queries import EVERYTHING, Reach
from marketable.accounts.rules import Scope
from marketable.contacts import conditions
from marketable.contacts.queries import COUNT_BOUND, Count
from marketable.contacts.rules import display_name
from marketable.segments.rules import Filter, in_segment
from marketable.segments.selection import Selection, compile_selection
from marketable.sql import SubQuery


@dataclass(frozen=True, slots=True)
class Member:
    """A contact's time in a segment; `left_at` is None while it is in it.

    key      the place in the order, to go on from
    is_live  its record is there, and not in the recycle bin
    """

    contact_id: int
    name: str
    email: str
    joined_at: datetime
    left_at: datetime | None
    key: str
    is_live: bool


@dataclass(frozen=True, slots=True)
class Moves:
    """How many contacts another filter would bring in and take out, counted up to a bound."""

    joining: Count
    leaving: Count


OF_MEMBER = (
    "SELECT FROM contact AS c WHERE c.account_id = member.account_id AND c.id = member.contact_id"
)
CONTACT = "c.properties->>'firstname', c.properties->>'lastname', c.email, c.archived_at IS NULL"


def members(
    account_id: int, segment_id: int, *, reach: Reach, after: str = "", limit: int = 50
) -> list[Member]:
    """Return members inside `reach`, the latest to join first, from the key `after` on."""
    since, contact_id = _read_key(after)
    within = conditions.reach(reach)
    # Whoever reaches everybody needs no contact but those shown: the others are not read.
    inside = "" if reach.scope is Scope.ALL else f"AND EXISTS ({OF_MEMBER} AND {within.text})"
    found = sql.rows(
        f"SELECT c.id, {CONTACT}, member.since FROM (SELECT contact_id, since "
        "FROM segment_member AS member WHERE member.account_id = %(account_id)s "
        "AND member.segment_id = %(segment_id)s AND (%(since)s::timestamptz IS NULL "
        f"OR (member.since, member.contact_id) < (%(since)s, %(contact_id)s)) {inside} "
        "ORDER BY member.since DESC, member.contact_id DESC LIMIT %(limit)s) AS member "
        "JOIN contact AS c ON c.account_id = %(account_id)s AND c.id = member.contact_id "
        "ORDER BY member.since DESC, member.contact_id DESC",
        {
            **within.params,
            "account_id": account_id,
            "segment_id": segment_id,
            "since": since,
            "contact_id": contact_id,
            "limit": limit,
        },
    )
    return [_member(row, None, key=f"{row[5].isoformat()}_{row[0]}") for row in found]


def past_members(
    account_id: int, segment_id: int, *, reach: Reach, after: str = "", limit: int = 50
) -> list[Member]:
    """Return who left, inside `reach`, the latest first, from the key `after` on."""
    is_number = after.isascii() and after.isdigit() and len(after) < 19
    within = conditions.reach(reach)
    found = sql.rows(
        f"SELECT c.id, {CONTACT}, past.joined_at, past.left_at, past.id "
        "FROM segment_past_member AS past "
        "JOIN contact AS c ON c.account_id = past.account_id AND c.id = past.contact_id "
        "WHERE past.account_id = %(account_id)s AND past.segment_id = %(segment_id)s "
        f"AND {within.text} AND (%(after)s::bigint IS NULL OR past.id < %(after)s) "
        "ORDER BY past.id DESC LIMIT %(limit)s",
        {
            **within.params,
            "account_id": account_id,
            "segment_id": segment_id,
            "after": int(after) if is_number else None,
            "limit": limit,
        },
    )
    return [_member(row, row[6], key=str(row[7])) for row in found]


def _member(row: tuple[Any, ...], left_at: datetime | None, *, key: str) -> Member:
    contact_id, first, last, email, is_live, joined_at = row[:6]
    name = display_name(first, last, email, contact_id)
    return Member(contact_id, name, email or "", joined_at, left_at, key, is_live)


def _read_key(key: str) -> tuple[datetime | None, int]:
    """Return the place that a key names; what is none leads to the beginning."""
    moment, _stroke, number = key.rpartition("_")
    try:
        since = datetime.fromisoformat(moment)
    except ValueError:
        return None, 0
    is_number = number.isascii() and number.isdigit() and len(number) < 19
    if since.tzinfo is None or not is_number:
        return None, 0
    return since, int(number)


def moved_by(
    account_id: int, segment_id: int, change_id: int, *, into: bool, within: SubQuery
) -> SubQuery:
    """Return those whom a change put into a fixed segment, or took out, and who have not been
    moved since, as far as they are among `within`."""
    return SubQuery(
        "SELECT told.contact_id AS id FROM contact_change AS told "
        "WHERE told.account_id = %(sel_account_id)s AND told.change_id = %(sel_change)s "
        "AND told.after->>%(sel_key)s = %(sel_into)s AND NOT EXISTS (SELECT FROM contact_change "
        "AS later WHERE later.account_id = told.account_id AND later.contact_id = told.contact_id "
        "AND later.change_id > told.change_id AND later.after ? %(sel_key)s) "
        f"AND {within.among('told.contact_id')}",
        {
            **within.params,
            "sel_account_id": account_id,
            "sel_change": change_id,
            "sel_key": in_segment(segment_id),
            "sel_into": "true" if into else "false",
        },
    )


def moves(account_id: int, segment_id: int, wanted: Filter, *, today: date) -> Moves:
    """Return how many another filter would bring into an active segment, and take out of it.

    Raises FilterRefused for a filter that cannot be used as it is.
    """
    chosen = compile_selection(account_id, Selection(filter=wanted), reach=EVERYTHING, today=today)
    params = {
        **chosen.params,
        "account_id": account_id,
        "segment_id": segment_id,
        "bound": COUNT_BOUND,
    }
    joining = (
        f"SELECT 1 FROM contact AS c WHERE {chosen.test} AND NOT EXISTS (SELECT FROM "
        "segment_member AS member WHERE member.account_id = %(account_id)s "
        "AND member.segment_id = %(segment_id)s AND member.contact_id = c.id)"
    )
    leaving = (
        "SELECT 1 FROM segment_member AS member WHERE member.account_id = %(account_id)s "
        "AND member.segment_id = %(segment_id)s AND NOT EXISTS (SELECT FROM contact AS c "
        f"WHERE {chosen.test} AND c.id = member.contact_id)"
    )
    return Moves(_counted(joining, params), _counted(leaving, params))


def _counted(statement: str, params: dict[str, Any]) -> Count:
    found = sql.row(f"SELECT count(*) FROM ({statement} LIMIT %(bound)s) AS bounded", params)
    assert found is not None
    return Count(min(int(found[0]), COUNT_BOUND - 1), is_exact=int(found[0]) < COUNT_BOUND)

"""Segments as a list that people look through: searched, sorted, a page at a time."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from marketable import sql
from marketable.accounts.queries import Reach
from marketable.accounts.rules import Scope
from marketable.contacts import conditions
from marketable.contacts.rules import fold

CHANGE_DAYS = 7


@dataclass(frozen=True, slots=True)
class Line:
    """One segment of the list.

    member_count  of those inside the person's reach
    change        how many more they are than a week ago; None where only some are in reach
    """

    id: int
    name: str
    kind: str
    state: str
    problem: str
    member_count: int
    change: int | None
    created_by: str
    updated_at: datetime
    deleted_at: datetime | None


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of them, with how many match in all."""

    lines: tuple[Line, ...]
    total: int


Key = Callable[[Line], Any]
SORTS: Mapping[str, Key] = {
    "name": lambda line: (fold(line.name), line.id),
    "members": lambda line: (line.member_count, line.id),
    "change": lambda line: (line.change or 0, line.id),
    "updated": lambda line: (line.updated_at, line.id),
}


def listing(
    account_id: int,
    *,
    reach: Reach,
    today: date,
    search: str = "",
    kind: str = "",
    needs_attention: bool = False,
    deleted: bool = False,
    sort: str = "name",
    is_descending: bool = False,
    skip: int = 0,
    limit: int = 50,
) -> Listing:
    """Return segments whose name has every word that is sought, whatever its case and marks.

    An account has thousands at most, and their rows are short: all are read, for an order that
    knows every alphabet.
    """
    words = fold(search).split()
    lines = [
        line
        for line in _lines(account_id, today, deleted=deleted)
        if all(word in fold(line.name) for word in words)
        and (not kind or line.kind == kind)
        and (not needs_attention or line.state == "needs_attention")
    ]
    lines.sort(key=SORTS.get(sort, SORTS["name"]), reverse=is_descending)
    shown = lines[skip : skip + limit]
    if reach.scope is not Scope.ALL:
        shown = _within(account_id, shown, reach)
    return Listing(tuple(shown), len(lines))


def _lines(account_id: int, today: date, *, deleted: bool) -> list[Line]:
    found = sql.rows(
        "SELECT one.id, one.name, one.kind, one.state, one.problem, one.member_count, "
        'coalesce(week.joined - week."left", 0), one.created_by, one.updated_at, one.deleted_at '
        "FROM segment AS one LEFT JOIN (SELECT segment_id, sum(joined) AS joined, "
        'sum("left") AS "left" FROM segment_day '
        "WHERE account_id = %(account_id)s AND day > %(since)s GROUP BY segment_id) AS week "
        "ON week.segment_id = one.id WHERE one.account_id = %(account_id)s "
        "AND (one.deleted_at IS NOT NULL) = %(deleted)s",
        {
            "account_id": account_id,
            "since": today - timedelta(days=CHANGE_DAYS),
            "deleted": deleted,
        },
    )
    return [Line(*row) for row in found]


def _within(account_id: int, lines: Sequence[Line], reach: Reach) -> list[Line]:
    """Return the lines with the numbers of those that the person may see (P1)."""
    counts = members_within(account_id, [line.id for line in lines], reach)
    return [
        Line(
            line.id,
            line.name,
            line.kind,
            line.state,
            line.problem,
            counts.get(line.id, 0),
            None,
            line.created_by,
            line.updated_at,
            line.deleted_at,
        )
        for line in lines
    ]


def members_within(account_id: int, segment_ids: Sequence[int], reach: Reach) -> dict[int, int]:
    """Return how many members of each segment are in reach; segments without any are left out."""
    within = conditions.reach(reach)
    found = sql.rows(
        "SELECT member.segment_id, count(*) FROM segment_member AS member "
        "JOIN contact AS c ON c.account_id = member.account_id AND c.id = member.contact_id "
        "WHERE member.account_id = %(account_id)s AND member.segment_id = ANY(%(ids)s) "
        f"AND c.archived_at IS NULL AND {within.text} GROUP BY member.segment_id",
        {**within.params, "account_id": account_id, "ids": list(segment_ids)},
    )
    return {int(row[0]): int(row[1]) for row in found}

"""Reading the ledger: a contact's timeline, the account's changes, and new ones in order."""

import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from marketable import sql
from marketable.errors import NotFound


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One entry of the ledger (L1)."""

    id: int
    at: datetime
    kind: str
    actor_type: str
    actor_id: str
    actor_label: str
    source_type: str
    source_id: str
    source_label: str
    bulk_action_id: int | None
    contact_count: int
    marketing_delta: int
    effective_on: date | None
    reverts_id: int | None
    reason: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Event:
    """What one change did to one contact."""

    change: ChangeRow
    before: dict[str, Any]
    after: dict[str, Any]


COLUMNS = (
    "change.id, change.at, change.kind, change.actor_type, change.actor_id, change.actor_label, "
    "change.source_type, change.source_id, change.source_label, change.bulk_action_id, "
    "change.contact_count, change.marketing_delta, change.effective_on, change.reverts_id, "
    "change.reason, change.body"
)


#: A page of a timeline looks at no more of a contact's lines than this, so that a rare kind in a
#: long story costs no more than a page; the next page goes on where it stopped.
LOOKED_AT = 2_000


@dataclass(frozen=True, slots=True)
class Sought:
    """What of a timeline is wanted; empty: everything.

    kinds       kinds of change
    tools       sources
    since, until  moments, the latter not included
    name        a property that was given a value, or lost it
    """

    kinds: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    name: str = ""


EVERYTHING = Sought()


@dataclass(frozen=True, slots=True)
class Timeline:
    """A page of events, newest first; `older_than` is where to go on, None at the beginning."""

    events: tuple[Event, ...]
    older_than: int | None


TIMELINE = f"""
WITH looked AS MATERIALIZED (
    SELECT altered.change_id, altered.before, altered.after
      FROM contact_change AS altered
     WHERE altered.account_id = %(account_id)s AND altered.contact_id = %(contact_id)s
       AND altered.change_id < %(below)s
     ORDER BY altered.change_id DESC LIMIT {LOOKED_AT}
)
SELECT {COLUMNS}, looked.before, looked.after
  FROM looked
  JOIN change ON change.account_id = %(account_id)s AND change.id = looked.change_id
 WHERE (%(name)s = '' OR looked.before->'properties' ? %(name)s
        OR looked.after->'properties' ? %(name)s)
   AND (%(kinds)s::text[] = '{{}}' OR change.kind = ANY(%(kinds)s))
   AND (%(tools)s::text[] = '{{}}' OR change.source_type = ANY(%(tools)s))
   AND (%(since)s::timestamptz IS NULL OR change.at >= %(since)s)
   AND (%(until)s::timestamptz IS NULL OR change.at < %(until)s)
 ORDER BY looked.change_id DESC LIMIT %(limit)s
"""
#: The line after which a page that found too little stopped looking, if there are more.
STOPPED_AT = f"""
SELECT altered.change_id FROM contact_change AS altered
 WHERE altered.account_id = %(account_id)s AND altered.contact_id = %(contact_id)s
   AND altered.change_id < %(below)s
 ORDER BY altered.change_id DESC OFFSET {LOOKED_AT - 1} LIMIT 1
"""


def timeline(
    account_id: int,
    contact_id: int,
    sought: Sought = EVERYTHING,
    *,
    before_id: int | None = None,
    limit: int = 50,
) -> Timeline:
    """Return what happened to a contact, newest first (H4).

    before_id  go on below this change
    """
    params = {
        "account_id": account_id,
        "contact_id": contact_id,
        "below": before_id if before_id is not None else 2**63 - 1,
        "kinds": list(sought.kinds),
        "tools": list(sought.tools),
        "since": sought.since,
        "until": sought.until,
        "name": sought.name,
        "limit": limit + 1,
    }
    found = sql.rows(TIMELINE, params)
    events = tuple(Event(_change(row[:16]), _json(row[16]), _json(row[17])) for row in found)
    if len(events) > limit:
        return Timeline(events[:limit], events[limit - 1].change.id)
    stopped = sql.row(STOPPED_AT, params)
    return Timeline(events, int(stopped[0]) if stopped else None)


def changes(
    account_id: int,
    *,
    kind: str = "",
    source_type: str = "",
    before_id: int | None = None,
    limit: int = 50,
) -> list[ChangeRow]:
    """Return the account's changes, newest first."""
    found = sql.rows(
        f"SELECT {COLUMNS} FROM change WHERE account_id = %(account_id)s "
        "AND (%(kind)s = '' OR kind = %(kind)s) "
        "AND (%(source_type)s = '' OR source_type = %(source_type)s) "
        "AND (%(before_id)s::bigint IS NULL OR id < %(before_id)s) "
        "ORDER BY id DESC LIMIT %(limit)s",
        {
            "account_id": account_id,
            "kind": kind,
            "source_type": source_type,
            "before_id": before_id,
            "limit": limit,
        },
    )
    return [_change(row) for row in found]


def changes_of_segment(account_id: int, segment_id: int, *, limit: int = 50) -> list[ChangeRow]:
    """Return what was done to a segment, newest first."""
    found = sql.rows(
        f"SELECT {COLUMNS} FROM change WHERE account_id = %(account_id)s "
        "AND kind = 'segment_changed' AND body->>'segment_id' = %(segment_id)s "
        "ORDER BY id DESC LIMIT %(limit)s",
        {"account_id": account_id, "segment_id": str(segment_id), "limit": limit},
    )
    return [_change(row) for row in found]


def change(account_id: int, change_id: int) -> ChangeRow:
    found = sql.row(
        f"SELECT {COLUMNS} FROM change WHERE account_id = %(account_id)s AND id = %(id)s",
        {"account_id": account_id, "id": change_id},
    )
    if found is None:
        raise NotFound("There is no such change.")
    return _change(found)


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a reader of the ledger has come: numbers alone are not in the order of commits."""

    xid: int = 0
    id: int = 0


def changes_since(cursor: Cursor, *, limit: int = 1_000) -> tuple[list[tuple[int, int]], Cursor]:
    """Return (account, change) of all accounts after `cursor`, in an order that a change which
    commits late cannot slip behind, and the cursor to go on from.

    Only changes of transactions older than every transaction still running are given: a change
    that is not given yet will come after this cursor.
    """
    found = sql.rows(
        "SELECT account_id, id, xid::text FROM change "
        "WHERE xid < pg_snapshot_xmin(pg_current_snapshot()) "
        "AND (xid, id) > (%(xid)s::text::xid8, %(id)s) ORDER BY change.xid, id LIMIT %(limit)s",
        {"xid": str(cursor.xid), "id": cursor.id, "limit": limit},
    )
    if not found:
        return [], cursor
    last = found[-1]
    return [(int(row[0]), int(row[1])) for row in found], Cursor(int(last[2]), int(last[1]))


def _change(row: tuple[Any, ...]) -> ChangeRow:
    return ChangeRow(*(*row[:-1], _json(row[-1])))


def _json(value: Any) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(value) if isinstance(value, str) else value
    return parsed

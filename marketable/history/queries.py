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


def timeline(
    account_id: int, contact_id: int, *, before_id: int | None = None, limit: int = 50
) -> list[Event]:
    """Return what happened to a contact, newest first (H4).

    before_id  go on below this change
    """
    found = sql.rows(
        f"SELECT {COLUMNS}, altered.before, altered.after FROM contact_change AS altered "
        "JOIN change ON change.account_id = altered.account_id AND change.id = altered.change_id "
        "WHERE altered.account_id = %(account_id)s AND altered.contact_id = %(contact_id)s "
        "AND (%(before_id)s::bigint IS NULL OR altered.change_id < %(before_id)s) "
        "ORDER BY altered.change_id DESC LIMIT %(limit)s",
        {
            "account_id": account_id,
            "contact_id": contact_id,
            "before_id": before_id,
            "limit": limit,
        },
    )
    return [Event(_change(row[:16]), _json(row[16]), _json(row[17])) for row in found]


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

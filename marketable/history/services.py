"""Writing the ledger: a change is opened, its contact rows are written by the statement that
alters the contacts, and it is closed with the counts, all in the caller's transaction."""

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection

from marketable import sql
from marketable.history.kinds import Kind
from marketable.history.sources import Source

INSERT = """
INSERT INTO change (account_id, at, kind, actor_type, actor_id, actor_label, source_type,
                    source_id, source_label, bulk_action_id, body, contact_count, marketing_delta,
                    effective_on, reverts_id, reason)
VALUES (%(account_id)s, %(at)s, %(kind)s, %(actor_type)s, %(actor_id)s, %(actor_label)s, %(tool)s,
        %(tool_id)s, %(tool_label)s, %(bulk_action_id)s, %(body)s, 0, 0,
        %(effective_on)s, %(reverts_id)s, %(reason)s)
RETURNING id
"""


def open_change(
    account_id: int,
    kind: Kind,
    *,
    by: Source,
    at: datetime,
    body: Mapping[str, Any] | None = None,
    bulk_action_id: int | None = None,
    effective_on: date | None = None,
    reverts_id: int | None = None,
    reason: str = "",
) -> int:
    """Begin a change and return its number. `close_change` must follow in the same transaction.

    body  what was asked; holds ids and counts only, never personal values (S14)
    """
    found = sql.row(
        INSERT,
        {
            "account_id": account_id,
            "at": at,
            "kind": kind.value,
            "actor_type": by.actor_type,
            "actor_id": by.actor_id,
            "actor_label": by.actor_label,
            "tool": by.tool.value,
            "tool_id": by.tool_id,
            "tool_label": by.tool_label,
            "bulk_action_id": bulk_action_id,
            "body": json.dumps(dict(body or {}), cls=DjangoJSONEncoder),
            "effective_on": effective_on,
            "reverts_id": reverts_id,
            "reason": reason,
        },
    )
    assert found is not None
    return int(found[0])


def close_change(
    account_id: int, change_id: int, *, contact_count: int, marketing_delta: int = 0
) -> None:
    """Write how many contacts the change altered and what it did to usage."""
    sql.execute(
        "UPDATE change SET contact_count = %(n)s, marketing_delta = %(delta)s "
        "WHERE account_id = %(account_id)s AND id = %(change_id)s",
        {
            "account_id": account_id,
            "change_id": change_id,
            "n": contact_count,
            "delta": marketing_delta,
        },
    )


def drop_change(account_id: int, change_id: int) -> None:
    """Take back a change that turned out to alter nobody and that nobody asked for (L3)."""
    assert connection.in_atomic_block
    sql.execute(
        "DELETE FROM change WHERE account_id = %(account_id)s AND id = %(change_id)s",
        {"account_id": account_id, "change_id": change_id},
    )


def record(
    account_id: int, kind: Kind, *, by: Source, at: datetime, body: Mapping[str, Any]
) -> int:
    """Write a change that concerns no contact: a setting, a member, a contract."""
    return open_change(account_id, kind, by=by, at=at, body=body)

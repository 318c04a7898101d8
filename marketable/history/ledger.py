"""Reading the whole ledger of an account or a contact, however long, in little memory."""

import json
from collections.abc import Iterator
from typing import Any

from django.db import connection, transaction

CHUNK = 2_000
JSON_COLUMNS = frozenset({"body", "before", "after"})

CHANGES = """
SELECT change.id, change.at, change.kind, change.actor_type, change.actor_id, change.actor_label,
       change.source_type, change.source_id, change.source_label, change.bulk_action_id,
       change.contact_count, change.marketing_delta, change.effective_on, change.reverts_id,
       change.reason, change.body
  FROM change
 WHERE change.account_id = %(account_id)s
 ORDER BY change.id
"""

CHANGES_OF_CONTACT = """
SELECT change.id, change.at, change.kind, change.actor_type, change.actor_id, change.actor_label,
       change.source_type, change.source_id, change.source_label, change.bulk_action_id,
       change.contact_count, change.marketing_delta, change.effective_on, change.reverts_id,
       change.reason, change.body, altered.contact_id, altered.before, altered.after
  FROM contact_change AS altered
  JOIN change ON change.account_id = altered.account_id AND change.id = altered.change_id
 WHERE altered.account_id = %(account_id)s AND altered.contact_id = %(contact_id)s
 ORDER BY altered.change_id
"""


def changes(account_id: int, *, contact_id: int | None = None) -> Iterator[dict[str, Any]]:
    """Yield the changes of the account, or those of one contact with what they did to it (before,
    after), oldest first."""
    statement = CHANGES if contact_id is None else CHANGES_OF_CONTACT
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(statement, {"account_id": account_id, "contact_id": contact_id})
        while rows := cursor.fetchmany(CHUNK):
            names = [column[0] for column in cursor.description]
            for row in rows:
                yield {
                    name: json.loads(value) if name in JSON_COLUMNS else value
                    for name, value in zip(names, row, strict=True)
                }

"""What segments let go of when somebody is erased."""

import json
from collections.abc import Sequence
from typing import Any

from marketable import sql
from marketable.contacts.erasing import on_erase
from marketable.segments.rules import conditions_of, from_json, without_texts
from marketable.segments.services.segments import ask_to_build


@on_erase
def forget_erased(account_id: int, contact_ids: Sequence[int], addresses: Sequence[str]) -> None:
    """Forget when an erased person was in which segment, and no longer wait for their days (S14).

    They leave the segments that they are in as soon as the ledger is read. Filters that name one
    of their addresses name nobody in its place, and are built anew where others can have had it,
    as the value of another property or before. Filters that only links name are forgotten.
    """
    unwanted = frozenset(address.casefold() for address in addresses)
    for segment_id, written in sql.rows(
        "SELECT id, filter::text FROM segment WHERE account_id = %(account_id)s "
        "AND filter IS NOT NULL ORDER BY id FOR NO KEY UPDATE",
        {"account_id": account_id},
    ):
        kept = json.loads(written)
        if (cleared := without_texts(kept, unwanted)) != kept:
            sql.execute(
                "UPDATE segment SET filter = %(filter)s "
                "WHERE account_id = %(account_id)s AND id = %(id)s",
                {"account_id": account_id, "id": segment_id, "filter": json.dumps(cleared)},
            )
            if _asks_others(kept, cleared):
                ask_to_build(account_id, int(segment_id))
    for key, written in sql.rows(
        "SELECT key, written FROM kept_filter WHERE account_id = %(account_id)s",
        {"account_id": account_id},
    ):
        kept = json.loads(written)
        if without_texts(kept, unwanted) != kept:
            sql.execute(
                "DELETE FROM kept_filter WHERE account_id = %(account_id)s AND key = %(key)s",
                {"account_id": account_id, "key": key},
            )
    for table in ("segment_past_member", "segment_due"):
        sql.execute(
            f"DELETE FROM {table} WHERE account_id = %(account_id)s AND contact_id = ANY(%(ids)s)",
            {"account_id": account_id, "ids": list(contact_ids)},
        )


def _asks_others(kept: dict[str, Any], cleared: dict[str, Any]) -> bool:
    """Tell whether a filter that names an address no longer can have been met, or not met, by
    somebody else for it: an e-mail address is one contact's."""
    both = zip(conditions_of(from_json(kept)), conditions_of(from_json(cleared)), strict=True)
    return any(
        before != after and before.written.get("property") != "email"
        for (_path, before), (_same, after) in both
    )

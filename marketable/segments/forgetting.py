"""What segments let go of when somebody is erased."""

from collections.abc import Sequence

from marketable import sql
from marketable.contacts.erasing import on_erase


@on_erase
def forget_erased(account_id: int, contact_ids: Sequence[int], addresses: Sequence[str]) -> None:
    """Forget when an erased person was in which segment, and no longer wait for their days (S14).

    They leave the segments that they are in as soon as the ledger is read.
    """
    for table in ("segment_past_member", "segment_due"):
        sql.execute(
            f"DELETE FROM {table} WHERE account_id = %(account_id)s AND contact_id = ANY(%(ids)s)",
            {"account_id": account_id, "ids": list(contact_ids)},
        )

"""What saved views let go of when somebody is erased."""

import json
from collections.abc import Sequence

from marketable import sql
from marketable.contacts.erasing import on_erase
from marketable.segments.saved_views.rules import without_texts


@on_erase
def forget_erased(account_id: int, contact_ids: Sequence[int], addresses: Sequence[str]) -> None:
    """Take the addresses of an erased person out of searches and filters that name them (S14)."""
    unwanted = frozenset(address.casefold() for address in addresses)
    for view_id, written in sql.rows(
        "SELECT id, state::text FROM saved_view WHERE account_id = %(account_id)s "
        "AND state ?| ARRAY['q', 'filter'] FOR NO KEY UPDATE",
        {"account_id": account_id},
    ):
        kept = json.loads(written)
        if (cleared := without_texts(kept, unwanted)) != kept:
            sql.execute(
                "UPDATE saved_view SET state = %(state)s "
                "WHERE account_id = %(account_id)s AND id = %(id)s",
                {"account_id": account_id, "id": view_id, "state": json.dumps(cleared)},
            )

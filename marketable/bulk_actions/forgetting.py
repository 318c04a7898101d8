"""What is kept of the selection of a bulk action, and what is let go of when somebody is erased."""

from collections.abc import Mapping, Sequence
from typing import Any

from marketable import sql
from marketable.contacts.erasing import on_erase

#: What people and files name contacts by. The rest are numbers and states.
PERSONAL = frozenset({"emails", "search", "filter"})


def without_personal_values(selection: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stored selection without addresses, search and filter, for what is kept for ever:
    the members of a bulk action are frozen, so it needs them no more (S14).

    >>> without_personal_values({"emails": ["anna@example.com"], "status": "leaving"})
    {'status': 'leaving'}
    """
    return {name: value for name, value in selection.items() if name not in PERSONAL}


@on_erase
def forget_erased(account_id: int, contact_ids: Sequence[int], addresses: Sequence[str]) -> None:
    """Delete plans that name an address of an erased person, or hold a search, a filter or a value
    that may; whoever is looking at such a plan makes a new one (S14)."""
    sql.execute(
        "DELETE FROM plan_preview WHERE account_id = %(account_id)s "
        "AND (selection ?| ARRAY['search', 'filter'] OR selection->'emails' ?| %(addresses)s "
        "OR work ? 'value')",
        {"account_id": account_id, "addresses": list(addresses)},
    )

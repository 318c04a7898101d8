"""Deleting contacts: they go to the recycle bin and hold their place until the update date."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from marketable import sql
from marketable.accounts import queries as accounts
from marketable.billing import queries as billing
from marketable.billing import rules as billing_rules
from marketable.history import services as history
from marketable.history.kinds import Kind
from marketable.history.sources import Source
from marketable.marketing_status import services as marketing
from marketable.sql import SubQuery


@dataclass(frozen=True, slots=True)
class Archived:
    """`held` of them were marketing and count until the update date."""

    archived: int
    held: int
    change_id: int | None


@sql.retried
def archive_contacts(
    account_id: int,
    chosen: SubQuery,
    *,
    by: Source,
    now: datetime,
    bulk_action_id: int | None = None,
    body: Mapping[str, Any] | None = None,
) -> Archived:
    """Delete the chosen live contacts (S10). They can be restored until they are erased."""
    today = billing_rules.today_in(accounts.account(account_id).zone, now)
    ids = lock_contacts(account_id, chosen, live=True)
    if not ids:
        return Archived(0, 0, None)
    locked = SubQuery("SELECT unnest(%(sel_locked)s::bigint[]) AS id", {"sel_locked": ids})
    marketing.apply_overdue(account_id, locked, now=now)
    change_id = history.open_change(
        account_id,
        Kind.CONTACT_ARCHIVED,
        by=by,
        at=now,
        body=body,
        bulk_action_id=bulk_action_id,
    )
    # A statement of its own after the locks: its snapshot sees what a start under way committed.
    found = sql.row(
        sql.load("contacts", "archive"),
        {
            "account_id": account_id,
            "ids": ids,
            "now": now,
            "update_date": billing.calendar(account_id).next_update_date(today),
            "change_id": change_id,
        },
    )
    assert found is not None
    history.close_change(account_id, change_id, contact_count=int(found[0]))
    return Archived(int(found[0]), int(found[1]), change_id)


def lock_contacts(account_id: int, chosen: SubQuery, *, live: bool) -> list[int]:
    """Lock contacts in ascending order against everything, also against a start (design: one
    order of locks), and return those that are live, or in the recycle bin."""
    marketing.keep_batches_away(account_id)
    state = (
        "c.archived_at IS NULL"
        if live
        else "c.archived_at IS NOT NULL AND c.erased_at IS NULL AND c.merged_into IS NULL"
    )
    found = sql.rows(
        f"SELECT c.id FROM contact AS c WHERE c.account_id = %(account_id)s AND {state} "
        f"AND c.id IN ({chosen.text}) ORDER BY c.id FOR UPDATE",
        {**chosen.params, "account_id": account_id},
    )
    return [int(row[0]) for row in found]

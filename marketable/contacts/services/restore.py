"""Taking a contact out of the recycle bin."""

from dataclasses import dataclass
from datetime import date, datetime

from marketable import sql
from marketable.accounts import queries as accounts
from marketable.accounts.queries import Reach
from marketable.billing import rules as billing_rules
from marketable.contacts import queries
from marketable.contacts.errors import NotRestorable
from marketable.contacts.services import values as kept
from marketable.contacts.services.archive import lock_contacts
from marketable.contacts.services.merge import Merged, merge_contacts
from marketable.history import services as history
from marketable.history.kinds import Kind
from marketable.history.sources import Source, SourceType
from marketable.marketing_status import queries as status_queries
from marketable.marketing_status import services as marketing
from marketable.marketing_status.rules import Status
from marketable.properties import queries as properties
from marketable.sql import SubQuery


@dataclass(frozen=True, slots=True)
class Restored:
    contact_id: int
    status: Status
    change_id: int


@sql.retried
def restore_into(
    account_id: int, contact_id: int, survivor_id: int, *, reach: Reach, by: Source, now: datetime
) -> Merged:
    """Restore a deleted contact and merge it into the live one that has its address now (S17).

    It gets back the state that it had, and the merge does with it what a merge does (S12).
    """
    restore_contact(account_id, contact_id, into=survivor_id, reach=reach, by=by, now=now)
    return merge_contacts(
        account_id,
        survivor_id,
        contact_id,
        reach=reach,
        by=by.through(SourceType.MERGE),
        now=now,
    )


@sql.retried
def restore_contact(
    account_id: int,
    contact_id: int,
    *,
    into: int | None = None,
    reach: Reach,
    by: Source,
    now: datetime,
) -> Restored:
    """Make a deleted contact live again (S7).

    into  leave its addresses to this live contact, and unique values to the merge that follows

    In the period in which it was deleted it gets back the state it had; later, or when its place
    was taken over (S11), it is non-marketing.

    Raises NotRestorable, EmailTaken naming the live contact with its address (S17), UniqueTaken.
    """
    today = billing_rules.today_in(accounts.account(account_id).zone, now)
    row = queries.contact(account_id, contact_id, reach=reach, today=today)
    one = SubQuery("SELECT %(sel_id)s::bigint AS id", {"sel_id": contact_id})
    if not lock_contacts(account_id, one, live=False):
        raise NotRestorable
    marketing.lock_status(account_id, [contact_id])
    marketing.apply_overdue(account_id, one, now=now)
    status = status_queries.status_of(account_id, contact_id, today)
    params = {"account_id": account_id, "id": contact_id, "now": now}
    _take_addresses_back(account_id, contact_id, leave_to=into)
    if into is None:
        # A property out of use keeps its values, and that they are unique.
        definitions = properties.definitions(account_id, with_archived=True)
        known = {name: value for name, value in row.properties.items() if name in definitions}
        kept.take_unique_values(account_id, contact_id, known, definitions)
    sql.execute(
        "UPDATE contact SET archived_at = NULL, updated_at = %(now)s, version = version + 1 "
        "WHERE account_id = %(account_id)s AND id = %(id)s",
        params,
    )
    before: dict[str, object] = {"archived": True}
    after: dict[str, object] = {"archived": False}
    if status is Status.LEAVING and _was_marketing(account_id, contact_id):
        left = _keep_place(account_id, contact_id)
        before.update(status=Status.LEAVING.value, leaving_on=left.isoformat())
        after.update(status=Status.MARKETING.value)
        status = Status.MARKETING
    change_id = history.open_change(account_id, Kind.CONTACT_RESTORED, by=by, at=now)
    kept.write_ledger_row(account_id, contact_id, change_id, before, after)
    history.close_change(account_id, change_id, contact_count=1)
    return Restored(contact_id, status, change_id)


def _take_addresses_back(account_id: int, contact_id: int, *, leave_to: int | None) -> None:
    """Make the contact the live owner of its addresses again (S17), but for those of `leave_to`.

    They are written anew: an insert waits for whoever is taking an address at this moment, and
    then knows the owner, where an update could only fail.
    """
    params = {"account_id": account_id, "id": contact_id}
    held = sql.rows(
        "DELETE FROM contact_address WHERE account_id = %(account_id)s AND contact_id = %(id)s "
        "RETURNING address, is_primary",
        params,
    )
    for address, is_primary in sorted(held):
        if leave_to is not None and queries.owner_of_address(account_id, address) == leave_to:
            continue
        kept.take_address(account_id, contact_id, address, is_primary=is_primary)


def _was_marketing(account_id: int, contact_id: int) -> bool:
    """Tell from the ledger whether the deletion staged the contact, or it was staged before."""
    found = sql.row(
        "SELECT before->>'status' FROM contact_change WHERE account_id = %(account_id)s "
        "AND contact_id = %(id)s AND after->>'archived' = 'true' "
        "ORDER BY change_id DESC LIMIT 1",
        {"account_id": account_id, "id": contact_id},
    )
    return found is not None and found[0] == Status.MARKETING.value


def _keep_place(account_id: int, contact_id: int) -> date:
    found = sql.row(
        "UPDATE marketing_contact AS new SET leaving_on = NULL FROM marketing_contact AS old "
        "WHERE new.account_id = %(account_id)s AND new.contact_id = %(id)s "
        "AND old.account_id = new.account_id AND old.contact_id = new.contact_id "
        "RETURNING old.leaving_on",
        {"account_id": account_id, "id": contact_id},
    )
    assert found is not None
    day: date = found[0]
    return day

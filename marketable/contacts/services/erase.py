"""Erasing contacts for good, on their request or after 90 days in the recycle bin."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction

from marketable import sql
from marketable.accounts import queries as accounts
from marketable.billing import queries as billing
from marketable.billing import rules as billing_rules
from marketable.contacts import erased_list, rules
from marketable.contacts.erasing import erasers
from marketable.contacts.errors import NotBlocked
from marketable.contacts.services.values import address_hash
from marketable.history import services as history
from marketable.history.kinds import Kind
from marketable.history.sources import Source, system
from marketable.marketing_status import services as marketing
from marketable.sql import SubQuery

#: How long deleted contacts can be restored (S14).
KEPT_IN_BIN = timedelta(days=90)
BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Erased:
    erased: int
    held: int
    change_id: int | None


@sql.retried
def erase_contacts(
    account_id: int, chosen: SubQuery, *, block: bool = True, by: Source, now: datetime
) -> Erased:
    """Remove all personal data of the chosen contacts at once, live or deleted (S14).

    block  refuse their addresses from now on at every door that runs by itself

    A tombstone without a name holds the place until the update date. Records that were merged
    into a chosen one are the same person's and go with it; chosen alone, they are left, because
    the survivor has their values.
    """
    today = billing_rules.today_in(accounts.account(account_id).zone, now)
    # Twice: once locked, nothing more is merged into them, and what was meanwhile is found.
    ids = _lock_persons(account_id, _numbered(_lock_persons(account_id, chosen)))
    if not ids:
        return Erased(0, 0, None)
    params = {"account_id": account_id, "ids": ids}
    marketing.apply_overdue(account_id, _numbered(ids), now=now)
    addresses = [
        str(row[0])
        for row in sql.rows(
            "SELECT address FROM contact_address WHERE account_id = %(account_id)s "
            "AND contact_id = ANY(%(ids)s)",
            params,
        )
    ]
    for erase_elsewhere in erasers():
        erase_elsewhere(account_id, ids, addresses)
    change_id = history.open_change(account_id, Kind.CONTACT_ERASED, by=by, at=now)
    found = sql.row(
        sql.load("contacts", "erase"),
        {
            **params,
            "now": now,
            "update_date": billing.calendar(account_id).next_update_date(today),
            "change_id": change_id,
            "hashes": [address_hash(account_id, one) for one in addresses] if block else [],
        },
    )
    assert found is not None
    history.close_change(account_id, change_id, contact_count=int(found[0]))
    if block:  # those of 90 days in the recycle bin go by themselves, in a restored database too
        created = sql.rows(
            "SELECT id, created_at FROM contact WHERE account_id = %(account_id)s "
            "AND id = ANY(%(ids)s) ORDER BY id",
            params,
        )
        transaction.on_commit(partial(erased_list.remember, account_id, created))
    return Erased(int(found[0]), int(found[1]), change_id)


def erase_again(*, by: Source, now: datetime) -> int:
    """Erase those whom a restored backup has brought back: everybody who was erased on request
    and is there, by number and moment of creation. Returns how many (S14)."""
    listed: dict[int, list[tuple[int, datetime]]] = {}
    for account_id, number, created_at in erased_list.remembered():
        listed.setdefault(account_id, []).append((number, created_at))
    total = 0
    for account_id, contacts in listed.items():
        back = SubQuery(
            "SELECT back.id FROM contact AS back JOIN unnest(%(sel_numbers)s::bigint[], "
            "%(sel_moments)s::timestamptz[]) AS listed (id, created_at) "
            "ON back.id = listed.id AND back.created_at = listed.created_at "
            "WHERE back.account_id = %(account_id)s",
            {
                "sel_numbers": [number for number, _at in contacts],
                "sel_moments": [at for _number, at in contacts],
            },
        )
        if sql.row("SELECT FROM account WHERE id = %(id)s", {"id": account_id}) is not None:
            total += erase_contacts(account_id, back, by=by, now=now).erased
    return total


@sql.retried
def lift_block(account_id: int, address: str, *, by: Source, now: datetime) -> None:
    """Take an erased person's address off the block list, because they asked to come back (S14).

    Raises InvalidEmail, or NotBlocked for an address that is not on it.
    """
    email = rules.normalise_email(address)
    gone = sql.execute(
        "DELETE FROM blocked_address WHERE account_id = %(account_id)s AND address_hash = %(hash)s",
        {"account_id": account_id, "hash": address_hash(account_id, email)},
    )
    if not gone:
        raise NotBlocked
    body = {"setting": "blocked_address", "lifted": True}
    history.record(account_id, Kind.SETTING_CHANGED, by=by, at=now, body=body)


def _numbered(ids: list[int]) -> SubQuery:
    return SubQuery("SELECT unnest(%(sel_locked)s::bigint[]) AS id", {"sel_locked": ids})


def _lock_persons(account_id: int, chosen: SubQuery) -> list[int]:
    """Lock the chosen contacts, ascending, with all that was merged into them."""
    marketing.keep_batches_away(account_id)
    locked = sql.rows(
        "WITH RECURSIVE person AS ("
        "SELECT c.id FROM contact AS c WHERE c.account_id = %(account_id)s "
        f"AND c.merged_into IS NULL AND c.id IN ({chosen.text}) "
        "UNION SELECT away.id FROM person JOIN contact AS away "
        "ON away.account_id = %(account_id)s AND away.merged_into = person.id) "
        "SELECT c.id FROM contact AS c WHERE c.account_id = %(account_id)s "
        "AND c.erased_at IS NULL AND c.id IN (SELECT id FROM person) ORDER BY c.id FOR UPDATE",
        {**chosen.params, "account_id": account_id},
    )
    return [int(row[0]) for row in locked]


def erase_old_archived(account_id: int, *, now: datetime) -> int:
    """Erase contacts that were deleted 90 days ago or more; returns how many. Their addresses are
    not blocked: nobody asked for that."""
    total = 0
    while True:
        old = SubQuery(
            "SELECT id FROM contact WHERE account_id = %(account_id)s "
            "AND archived_at <= %(sel_before)s AND erased_at IS NULL AND merged_into IS NULL "
            f"ORDER BY id LIMIT {BATCH}",
            {"sel_before": now - KEPT_IN_BIN},
        )
        erased = erase_contacts(account_id, old, block=False, by=system(), now=now).erased
        total += erased
        if erased < BATCH:
            return total

"""Creating a contact by hand or one at a time."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from marketable import sql
from marketable.contacts import queries, rules
from marketable.contacts.errors import AddressBlocked, ContactLimit, NothingGiven
from marketable.contacts.services import values as kept
from marketable.history import services as history
from marketable.history.kinds import Kind
from marketable.history.sources import Source
from marketable.marketing_status import services as marketing
from marketable.marketing_status.services import Moved
from marketable.properties import queries as properties
from marketable.sql import SubQuery

NAMING = ("firstname", "lastname", "phone", "mobilephone", "company")


@dataclass(frozen=True, slots=True)
class ContactCreated:
    """`moved` tells what the start did, when one was asked for."""

    contact_id: int
    change_id: int
    moved: Moved | None


@sql.retried
def create_contact(
    account_id: int,
    values: Mapping[str, object],
    *,
    start_marketing: bool = False,
    lift_block: bool = False,
    by: Source,
    now: datetime,
) -> ContactCreated:
    """Make a contact, and set it as marketing if asked to (R3).

    lift_block  add an erased person again, who is a new contact with a new place (S14)

    Raises BadValues, NothingGiven, EmailTaken, UniqueTaken, AddressBlocked, ContactLimit or
    CeilingReached, and saves nothing then.
    """
    definitions = properties.definitions(account_id)
    given = kept.typed(values, definitions)
    stored = {name: value for name, value in given.properties.items() if value is not None}
    kept.check_owner(account_id, stored)
    if given.email is None and not any(stored.get(name) for name in NAMING):
        raise NothingGiven
    if given.email is not None and kept.is_blocked(account_id, given.email):
        if not lift_block:
            raise AddressBlocked
        sql.execute(
            "DELETE FROM blocked_address WHERE account_id = %(account_id)s "
            "AND address_hash = %(hash)s",
            {"account_id": account_id, "hash": kept.address_hash(account_id, given.email)},
        )
    check_room(account_id, settings.CONTACT_LIMIT)
    change_id = history.open_change(account_id, Kind.CONTACT_CREATED, by=by, at=now)
    found = sql.row(
        "INSERT INTO contact (account_id, email, name_key, properties, version, created_at, "
        "updated_at) VALUES (%(account_id)s, %(email)s, %(name_key)s, %(properties)s, 1, "
        "%(now)s, %(now)s) RETURNING id",
        {
            "account_id": account_id,
            "email": given.email,
            "name_key": rules.name_key(
                stored.get("firstname"), stored.get("lastname"), given.email
            ),
            "properties": json.dumps(stored),
            "now": now,
        },
    )
    assert found is not None
    contact_id = int(found[0])
    if given.email is not None:
        kept.take_address(account_id, contact_id, given.email)
    kept.take_unique_values(account_id, contact_id, stored, definitions)
    kept.write_words(account_id, contact_id, kept.words_of(given.email, stored, []))
    told = {**stored, **({"email": given.email} if given.email else {})}
    kept.write_ledger_row(account_id, contact_id, change_id, {}, {"properties": told})
    history.close_change(account_id, change_id, contact_count=1)
    moved = None
    if start_marketing:
        one = SubQuery("SELECT %(sel_id)s::bigint AS id", {"sel_id": contact_id})
        moved = marketing.start_marketing(account_id, one, by=by, now=now)
    return ContactCreated(contact_id, change_id, moved)


def check_room(account_id: int, limit: int, more: int = 1) -> None:
    """Raise ContactLimit if `more` contacts do not fit. Counts only where it could be close: the
    whole table is known to be far smaller nearly always."""
    found = sql.row("SELECT reltuples FROM pg_class WHERE oid = 'contact'::regclass")
    assert found is not None
    if 0 <= found[0] < 0.8 * limit - more and limit > 1_000_000:
        return
    if queries.live_count(account_id) + more > limit:
        raise ContactLimit(limit)

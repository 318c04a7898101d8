"""Taking many contacts out of the recycle bin at once, by the rules for one (S7, S10, S17)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from marketable import sql
from marketable.accounts import queries as accounts
from marketable.billing import rules as billing_rules
from marketable.contacts.services.archive import lock_contacts
from marketable.history import services as history
from marketable.history.kinds import Kind
from marketable.history.sources import Source
from marketable.marketing_status import services as marketing
from marketable.properties import queries as properties
from marketable.properties.rules import as_text
from marketable.sql import SubQuery

#: A contact `c` whose address somebody live has now (S17).
ADDRESS_TAKEN = """
EXISTS (SELECT
          FROM contact_address AS own
          JOIN contact_address AS taken
            ON taken.account_id = own.account_id AND taken.address = own.address AND taken.is_live
         WHERE own.account_id = c.account_id AND own.contact_id = c.id
           AND taken.contact_id <> c.id)"""


@dataclass(frozen=True, slots=True)
class Restored:
    """`taken` of them stay in the bin: an address or a unique value of theirs is somebody's."""

    restored: int
    taken: int
    change_id: int | None


@sql.retried
def restore_many(
    account_id: int,
    chosen: SubQuery,
    *,
    by: Source,
    now: datetime,
    bulk_action_id: int | None = None,
    reverts_id: int | None = None,
    body: Mapping[str, Any] | None = None,
) -> Restored:
    """Make the chosen deleted contacts live again, but for those who cannot be (S17)."""
    today = billing_rules.today_in(accounts.account(account_id).zone, now)
    ids = lock_contacts(account_id, chosen, live=False)
    if not ids:
        return Restored(0, 0, None)
    marketing.lock_status(account_id, ids)
    locked = SubQuery("SELECT unnest(%(sel_locked)s::bigint[]) AS id", {"sel_locked": ids})
    marketing.apply_overdue(account_id, locked, now=now)
    free = _take_unique_values(account_id, _with_free_addresses(account_id, ids))
    if not free:
        return Restored(0, len(ids), None)
    change_id = history.open_change(
        account_id,
        Kind.CONTACT_RESTORED,
        by=by,
        at=now,
        body=body,
        bulk_action_id=bulk_action_id,
        reverts_id=reverts_id,
    )
    try:
        with transaction.atomic():
            found = sql.row(
                sql.load("contacts", "restore_many"),
                {
                    "account_id": account_id,
                    "ids": free,
                    "now": now,
                    "today": today,
                    "change_id": change_id,
                },
            )
    except IntegrityError as error:  # somebody took an address since it was looked for
        raise sql.Overtaken from error
    assert found is not None
    history.close_change(account_id, change_id, contact_count=int(found[0]))
    return Restored(int(found[0]), len(ids) - int(found[0]), change_id)


def _with_free_addresses(account_id: int, ids: Sequence[int]) -> list[int]:
    found = sql.rows(
        "SELECT c.id FROM contact AS c WHERE c.account_id = %(account_id)s "
        f"AND c.id = ANY(%(ids)s) AND NOT {ADDRESS_TAKEN} ORDER BY c.id",
        {"account_id": account_id, "ids": list(ids)},
    )
    return [int(row[0]) for row in found]


def _take_unique_values(account_id: int, ids: Sequence[int]) -> list[int]:
    """Make contacts the holders of their unique values; return those that could be. A property out
    of use keeps its values, and that they are unique."""
    names = [
        name
        for name, definition in properties.definitions(account_id, with_archived=True).items()
        if definition.is_unique
    ]
    if not names or not ids:
        return list(ids)
    params: dict[str, Any] = {"account_id": account_id, "ids": list(ids), "names": names}
    found = sql.rows(
        "SELECT id, (SELECT jsonb_object_agg(name, properties->name) "
        "FROM unnest(%(names)s::text[]) AS name WHERE properties ? name)::text "
        "FROM contact WHERE account_id = %(account_id)s AND id = ANY(%(ids)s)",
        params,
    )
    held = [
        (int(contact_id), name, as_text(value).casefold())
        for contact_id, stored in found
        for name, value in json.loads(stored or "{}").items()
    ]
    params |= {
        "holders": [one[0] for one in held],
        "held_names": [one[1] for one in held],
        "held_values": [one[2] for one in held],
    }
    given = "unnest(%(holders)s::bigint[], %(held_names)s::text[], %(held_values)s::text[])"
    sql.execute(
        "INSERT INTO unique_value (account_id, name, value, contact_id) "
        f"SELECT %(account_id)s, name, value, holder FROM {given} AS given (holder, name, value) "
        "ON CONFLICT DO NOTHING",
        params,
    )
    taken = sql.rows(
        f"SELECT DISTINCT holder FROM {given} AS given (holder, name, value) "
        "JOIN unique_value AS held ON held.account_id = %(account_id)s "
        "AND held.name = given.name AND held.value = given.value AND held.contact_id <> holder",
        params,
    )
    refused = {int(row[0]) for row in taken}
    sql.execute(
        "DELETE FROM unique_value WHERE account_id = %(account_id)s "
        "AND contact_id = ANY(%(refused)s)",
        {"account_id": account_id, "refused": list(refused)},
    )
    return [one for one in ids if one not in refused]

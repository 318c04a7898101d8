"""Joining two records of one person (S12)."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from marketable import sql
from marketable.accounts import queries as accounts
from marketable.accounts.queries import Reach
from marketable.billing import rules as billing_rules
from marketable.contacts import queries, rules
from marketable.contacts.errors import Archived, NotChoosable, PlanStale, SameContact
from marketable.contacts.queries import ContactRow
from marketable.contacts.services import values as kept
from marketable.contacts.services.archive import lock_contacts
from marketable.history import services as history
from marketable.history.kinds import Kind
from marketable.history.sources import Source
from marketable.marketing_status import services as marketing
from marketable.marketing_status.rules import COUNTS_TOWARD_TIER, Status, joined
from marketable.properties import queries as properties
from marketable.sql import SubQuery


@dataclass(frozen=True, slots=True)
class Merged:
    survivor_id: int
    status: Status
    change_id: int
    places_freed: int


@dataclass(frozen=True, slots=True)
class Difference:
    """A value that the two records do not share.

    takes_theirs  whether the survivor gets the other's, unless a person chooses
    is_free       a person may choose
    """

    name: str
    mine: Any
    theirs: Any
    takes_theirs: bool
    is_free: bool


@dataclass(frozen=True, slots=True)
class MergePlan:
    """What a merge would do, before it is done.

    status, leaving_on  the survivor's afterwards (S12)
    seen                what it is made of: given back with the confirmation, it tells whether that
                        is still so
    """

    survivor: ContactRow
    other: ContactRow
    status: Status
    leaving_on: date | None
    places_freed: int
    differences: tuple[Difference, ...]
    seen: str


def plan_merge(
    account_id: int, survivor_id: int, other_id: int, *, reach: Reach, now: datetime
) -> MergePlan:
    """Return what joining `other_id` into `survivor_id` would do. Saves nothing (O1).

    Raises SameContact, ContactUnknown or Archived (J15).
    """
    if survivor_id == other_id:
        raise SameContact
    today = billing_rules.today_in(accounts.account(account_id).zone, now)
    survivor, other = (
        queries.contact(account_id, one, reach=reach, today=today)
        for one in (survivor_id, other_id)
    )
    if survivor.archived_at is not None or other.archived_at is not None:
        raise Archived
    takes_address = survivor.email is None and other.email is not None
    taken = rules.taken_in_merge(survivor.properties, other.properties, takes_address=takes_address)
    names = sorted(survivor.properties.keys() | other.properties.keys())
    pairs = [(name, survivor.properties.get(name), other.properties.get(name)) for name in names]
    status = joined(survivor.status, other.status)
    leads = survivor if survivor.status is status else other
    return MergePlan(
        survivor,
        other,
        status,
        leads.leaving_on,
        places_freed=int({survivor.status, other.status} <= COUNTS_TOWARD_TIER),
        differences=tuple(
            Difference(
                name, mine, theirs, name in taken, rules.is_free_in_merge(name, mine, theirs)
            )
            for name, mine, theirs in pairs
            if mine != theirs
        ),
        seen=seen(survivor, other),
    )


def seen(*rows: ContactRow) -> str:
    """Return what tells these states of contacts from any others."""
    states = [
        f"{row.id}:{row.version}:{row.status}:{row.leaving_on}:{row.merged_into}" for row in rows
    ]
    return hashlib.sha256("|".join(states).encode()).hexdigest()[:16]


@sql.retried
def merge_contacts(
    account_id: int,
    survivor_id: int,
    other_id: int,
    *,
    choices: Mapping[str, bool] | None = None,
    as_seen: str | None = None,
    reach: Reach,
    by: Source,
    now: datetime,
) -> Merged:
    """Join `other_id` into `survivor_id`, which keeps its number and its values.

    choices  {name of a property: whether the other's value is taken}; without a choice the
             survivor keeps what it has, and what it lacks comes from the other
    as_seen  the plan's `seen`, to be told when it is no longer so

    The other's addresses become secondary ones. The stronger status wins; one person counts once,
    so a second place is free at once. Usage never rises, so no marketing right is needed.

    Raises SameContact, ContactUnknown, Archived (J15), NotChoosable or PlanStale.
    """
    if survivor_id == other_id:
        raise SameContact
    today = billing_rules.today_in(accounts.account(account_id).zone, now)
    for contact_id in (survivor_id, other_id):
        queries.contact(account_id, contact_id, reach=reach, today=today)
    both = SubQuery(
        "SELECT unnest(%(sel_both)s::bigint[]) AS id", {"sel_both": [survivor_id, other_id]}
    )
    if len(lock_contacts(account_id, both, live=True)) < 2:
        raise Archived
    marketing.lock_status(account_id, [survivor_id, other_id])
    marketing.apply_overdue(account_id, both, now=now)
    survivor = queries.contact(account_id, survivor_id, reach=reach, today=today)
    other = queries.contact(account_id, other_id, reach=reach, today=today)
    if as_seen is not None and as_seen != seen(survivor, other):
        raise PlanStale
    for name in choices or {}:
        mine, theirs = survivor.properties.get(name), other.properties.get(name)
        if not rules.is_free_in_merge(name, mine, theirs):
            raise NotChoosable(name)
    change_id = history.open_change(
        account_id,
        Kind.CONTACT_MERGED,
        by=by,
        at=now,
        body={"survivor": survivor_id, "merged": other_id},
    )
    takes_address = survivor.email is None and other.email is not None
    filled = rules.taken_in_merge(
        survivor.properties, other.properties, takes_address=takes_address, choices=choices
    )
    survivor_before = _all_of(account_id, survivor)
    other_before = {"archived": False, **_all_of(account_id, other)}
    email = survivor.email or other.email
    _join_records(account_id, survivor, other, filled, email, now=now)
    survivor_after: dict[str, Any] = {"merged": other_id, "properties": dict(filled)}
    if email != survivor.email:
        survivor_after["properties"]["email"] = email
    other_after: dict[str, Any] = {"archived": True, "merged_into": survivor_id}
    freed = _join_status(account_id, survivor, other)
    status = joined(survivor.status, other.status)
    tell_status(survivor_before, survivor_after, survivor, status, other.leaving_on)
    tell_status(other_before, other_after, other, Status.NON_MARKETING, None)
    kept.write_ledger_row(account_id, survivor_id, change_id, survivor_before, survivor_after)
    kept.write_ledger_row(account_id, other_id, change_id, other_before, other_after)
    history.close_change(account_id, change_id, contact_count=2, marketing_delta=-freed)
    if freed:
        marketing.settle(account_id, -freed, cause_id=change_id, by=by, now=now, today=today)
    return Merged(survivor_id, status, change_id, freed)


def _all_of(account_id: int, row: ContactRow) -> dict[str, Any]:
    """Return all that must be known of a record to part it from the other again (S13)."""
    known: dict[str, Any] = {
        "properties": {**row.properties, "email": row.email},
        "addresses": queries.addresses(account_id, row.id),
    }
    if row.since is not None:
        known["place"] = {
            "since": row.since.isoformat(),
            "source_type": row.source_type,
            "source_id": row.source_id,
            "change_id": row.change_id,
            "leaving_on": row.leaving_on.isoformat() if row.leaving_on else None,
        }
    return known


def _join_records(
    account_id: int,
    survivor: ContactRow,
    other: ContactRow,
    filled: dict[str, Any],
    email: str | None,
    *,
    now: datetime,
) -> None:
    stored = {
        name: value
        for name, value in {**survivor.properties, **filled}.items()
        if value is not None
    }
    params = {
        "account_id": account_id,
        "survivor": survivor.id,
        "other": other.id,
        "email": email,
        "name_key": rules.name_key(stored.get("firstname"), stored.get("lastname"), email),
        "properties": json.dumps(stored),
        "now": now,
    }
    sql.execute(
        "UPDATE contact_address SET contact_id = %(survivor)s, "
        "is_primary = (address = %(email)s) WHERE account_id = %(account_id)s "
        "AND contact_id = %(other)s",
        params,
    )
    sql.execute(
        "DELETE FROM unique_value WHERE account_id = %(account_id)s AND contact_id = %(other)s",
        params,
    )
    # A property out of use keeps its values, and that they are unique.
    definitions = properties.definitions(account_id, with_archived=True)
    known = {name: value for name, value in filled.items() if name in definitions}
    kept.take_unique_values(account_id, survivor.id, known, definitions)
    sql.execute(
        "UPDATE contact SET archived_at = %(now)s, merged_into = %(survivor)s, "
        "updated_at = %(now)s, version = version + 1 "
        "WHERE account_id = %(account_id)s AND id = %(other)s",
        params,
    )
    sql.execute(
        "UPDATE contact SET email = %(email)s, name_key = %(name_key)s, "
        "properties = %(properties)s, updated_at = %(now)s, version = version + 1 "
        "WHERE account_id = %(account_id)s AND id = %(survivor)s",
        params,
    )
    sql.execute(
        "DELETE FROM contact_search WHERE account_id = %(account_id)s AND contact_id = %(other)s",
        params,
    )
    others = queries.addresses(account_id, survivor.id)
    kept.write_words(account_id, survivor.id, kept.words_of(email, stored, others))


def _join_status(account_id: int, survivor: ContactRow, other: ContactRow) -> int:
    """Move or free the other's place; return how many places are free now (S7, S12)."""
    if other.status is Status.NON_MARKETING:
        return 0
    params = {"account_id": account_id, "survivor": survivor.id, "other": other.id}
    if survivor.status is Status.NON_MARKETING:
        sql.execute(
            "UPDATE marketing_contact SET contact_id = %(survivor)s "
            "WHERE account_id = %(account_id)s AND contact_id = %(other)s",
            params,
        )
        return 0
    sql.execute(
        "WITH freed AS (DELETE FROM marketing_contact WHERE account_id = %(account_id)s "
        "AND contact_id = %(other)s RETURNING *) "
        "UPDATE marketing_contact AS mine SET "
        "leaving_on = CASE WHEN freed.leaving_on IS NULL THEN NULL ELSE mine.leaving_on END, "
        "source_type = CASE WHEN freed.since < mine.since THEN freed.source_type "
        "ELSE mine.source_type END, "
        "source_id = CASE WHEN freed.since < mine.since THEN freed.source_id "
        "ELSE mine.source_id END, "
        "change_id = CASE WHEN freed.since < mine.since THEN freed.change_id "
        "ELSE mine.change_id END, "
        "since = least(freed.since, mine.since) FROM freed "
        "WHERE mine.account_id = %(account_id)s AND mine.contact_id = %(survivor)s",
        params,
    )
    return 1


def tell_status(
    before: dict[str, Any],
    after: dict[str, Any],
    row: ContactRow,
    status: Status,
    leaving_on: date | None,
) -> None:
    """Put a status that moves into the ledger row."""
    if row.status is status:
        return
    before["status"] = row.status.value
    if row.leaving_on:
        before["leaving_on"] = row.leaving_on.isoformat()
    after["status"] = status.value
    if status is Status.LEAVING and leaving_on:
        after["leaving_on"] = leaving_on.isoformat()

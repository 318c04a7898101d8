"""Parting two records that were merged, for 30 days (S13)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from marketable import sql
from marketable.accounts import queries as accounts
from marketable.accounts.queries import EVERYTHING, Reach
from marketable.billing import queries as billing
from marketable.billing import rules as billing_rules
from marketable.contacts import queries, rules
from marketable.contacts.errors import (
    MergedLater,
    MergedTooLongAgo,
    NotMerged,
    PlanStale,
    SurvivorGone,
    SurvivorMerged,
    UniqueTaken,
)
from marketable.contacts.queries import ContactRow
from marketable.contacts.services import values as kept
from marketable.contacts.services.merge import seen, tell_status
from marketable.history import services as history
from marketable.history.kinds import Kind
from marketable.history.sources import Source
from marketable.marketing_status import services as marketing
from marketable.marketing_status.rules import Status, parted
from marketable.properties import queries as properties
from marketable.sql import SubQuery

#: How long a merge can be taken back (S13).
PARTED_FOR = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Place:
    """A place as the ledger keeps it: since when, by what, until when."""

    since: datetime
    source_type: str
    source_id: str
    change_id: int
    leaving_on: date | None

    @property
    def status(self) -> Status:
        return Status.MARKETING if self.leaving_on is None else Status.LEAVING


@dataclass(frozen=True, slots=True)
class UnmergePlan:
    """What taking a merge back would do, before it is done.

    merged_at, change_id  the merge
    place           what the one merged away gets back; None where it held none, where a later
                    period has begun, or where there is no room
    lacks_room      it held a place and the ceiling leaves none, so it comes back non-marketing
    status, leaving_on  the survivor's afterwards
    survivor_place  the survivor's own place of before, where that comes back
    keeps_status    the survivor's status was changed since the merge, and stays
    back            values of the survivor that become what they were: {name: value}
    stays           names of those that were changed since the merge, and stay
    addresses       addresses that go back, the primary one among them
    addresses_kept  how many cannot: the survivor has them as its own now, or somebody else has
    seen            what this is made of, as in a plan of a merge
    """

    survivor: ContactRow
    other: ContactRow
    merged_at: datetime
    change_id: int
    is_same_period: bool
    place: Place | None
    lacks_room: bool
    status: Status
    leaving_on: date | None
    survivor_place: Place | None
    keeps_status: bool
    back: Mapping[str, Any]
    stays: tuple[str, ...]
    addresses: tuple[str, ...]
    addresses_kept: int
    usage_before: int
    usage_after: int
    seen: str

    @property
    def other_status(self) -> Status:
        return self.place.status if self.place else Status.NON_MARKETING


@dataclass(frozen=True, slots=True)
class Unmerged:
    """`stays` and `values_lost` name properties: kept by the survivor because they were changed
    since, and not given back because another contact has the value of a unique one."""

    survivor_id: int
    contact_id: int
    status: Status
    change_id: int
    stays: tuple[str, ...]
    values_lost: tuple[str, ...]
    lacks_room: bool


@dataclass(frozen=True, slots=True)
class _Merge:
    """A merge as the ledger tells it."""

    change_id: int
    at: datetime
    survivor_before: Mapping[str, Any]
    survivor_after: Mapping[str, Any]
    other_before: Mapping[str, Any]


def plan_unmerge(account_id: int, contact_id: int, *, reach: Reach, now: datetime) -> UnmergePlan:
    """Return what parting a contact from the one it was merged into would do. Saves nothing.

    Raises ContactUnknown, NotMerged, MergedTooLongAgo, SurvivorGone, SurvivorMerged or
    MergedLater: several merges into one contact are taken back from the last to the first.
    """
    today = billing_rules.today_in(accounts.account(account_id).zone, now)
    other = queries.contact(account_id, contact_id, reach=reach, today=today)
    if other.merged_into is None or other.erased_at is not None:
        raise NotMerged
    survivor = queries.contact(account_id, other.merged_into, reach=reach, today=today)
    if survivor.merged_into is not None:
        raise SurvivorMerged(survivor.id, survivor.merged_into)
    if survivor.archived_at is not None:
        raise SurvivorGone(survivor.id)
    merge = _merge_of(account_id, contact_id, survivor.id)
    if now - merge.at > PARTED_FOR:
        raise MergedTooLongAgo(PARTED_FOR.days)
    later = _merged_later(account_id, survivor.id, merge.change_id)
    if later is not None:
        raise MergedLater(later)
    return _plan(account_id, survivor, other, merge, today=today)


@sql.retried
def unmerge_contact(
    account_id: int,
    contact_id: int,
    *,
    as_seen: str | None = None,
    reach: Reach,
    by: Source,
    now: datetime,
) -> Unmerged:
    """Part a contact from the one it was merged into (S13).

    as_seen  the plan's `seen`, to be told when it is no longer so

    In the period of the merge it gets back the status it had, with a place of its own, or none
    where a ceiling leaves no room; the survivor gets back its own, but for one that would be
    non-marketing: that is staged. In a later period the survivor keeps its status and the other
    is non-marketing. What was changed since the merge stays.

    Raises what `plan_unmerge` raises, and PlanStale.
    """
    first = plan_unmerge(account_id, contact_id, reach=reach, now=now)
    ids = [first.survivor.id, contact_id]
    both = SubQuery("SELECT unnest(%(sel_both)s::bigint[]) AS id", {"sel_both": ids})
    marketing.keep_batches_away(account_id)
    sql.rows(
        "SELECT id FROM contact WHERE account_id = %(account_id)s AND id = ANY(%(ids)s) "
        "ORDER BY id FOR UPDATE",
        {"account_id": account_id, "ids": ids},
    )
    marketing.lock_status(account_id, ids)
    marketing.apply_overdue(account_id, both, now=now)
    marketing.lock_usage(account_id)  # the room that is found now is there when it is taken
    plan = plan_unmerge(account_id, contact_id, reach=reach, now=now)
    if plan.survivor.id != first.survivor.id or as_seen not in (None, plan.seen):
        raise PlanStale
    change_id = history.open_change(
        account_id,
        Kind.CONTACT_UNMERGED,
        by=by,
        at=now,
        body={
            "survivor": plan.survivor.id,
            "parted": contact_id,
            "stays": list(plan.stays),
            "lacks_room": plan.lacks_room,
        },
        reverts_id=plan.change_id,
    )
    lost = _part_records(account_id, plan, now=now)
    _part_status(account_id, plan, now=now)
    parted_row = queries.contact(
        account_id,
        contact_id,
        reach=EVERYTHING,
        today=billing_rules.today_in(accounts.account(account_id).zone, now),
    )
    _write_ledger(account_id, plan, parted_row, lost, change_id)
    gained = int(plan.place is not None)
    history.close_change(account_id, change_id, contact_count=2, marketing_delta=gained)
    if gained:
        marketing.settle(account_id, gained, cause_id=change_id, by=by, now=now)
    return Unmerged(
        plan.survivor.id,
        contact_id,
        plan.other_status,
        change_id,
        plan.stays,
        tuple(lost),
        plan.lacks_room,
    )


def _merge_of(account_id: int, other_id: int, survivor_id: int) -> _Merge:
    """Return the last merge of a contact into another, as it was written down."""
    found = sql.row(
        "SELECT change.id, change.at, mine.before, mine.after, theirs.before "
        "FROM contact_change AS theirs "
        "JOIN change ON change.account_id = theirs.account_id AND change.id = theirs.change_id "
        "JOIN contact_change AS mine ON mine.account_id = theirs.account_id "
        "AND mine.contact_id = %(survivor_id)s AND mine.change_id = theirs.change_id "
        "WHERE theirs.account_id = %(account_id)s AND theirs.contact_id = %(other_id)s "
        "AND theirs.after ? 'merged_into' ORDER BY theirs.change_id DESC LIMIT 1",
        {"account_id": account_id, "other_id": other_id, "survivor_id": survivor_id},
    )
    if found is None:
        raise NotMerged
    number, at, *told = found
    return _Merge(int(number), at, *(json.loads(one) for one in told))


def _merged_later(account_id: int, survivor_id: int, change_id: int) -> int | None:
    """Return the contact that was merged into the survivor last, if that was after a change."""
    found = sql.row(
        "SELECT away.id FROM contact AS away JOIN contact_change AS told "
        "ON told.account_id = away.account_id AND told.contact_id = away.id "
        "AND told.after ? 'merged_into' "
        "WHERE away.account_id = %(account_id)s AND away.merged_into = %(survivor_id)s "
        "AND told.change_id > %(change_id)s ORDER BY told.change_id DESC LIMIT 1",
        {"account_id": account_id, "survivor_id": survivor_id, "change_id": change_id},
    )
    return int(found[0]) if found else None


def _plan(
    account_id: int, survivor: ContactRow, other: ContactRow, merge: _Merge, *, today: date
) -> UnmergePlan:
    calendar = billing.calendar(account_id)
    zone = accounts.account(account_id).zone
    next_date = calendar.next_update_date(today)
    merged_on = billing_rules.today_in(zone, merge.at)
    is_same_period = calendar.next_update_date(merged_on) == next_date
    touched = _touched_since(account_id, survivor.id, merge.change_id)
    keeps_status = "status" in touched
    held = _place(merge.other_before, today) if is_same_period else None
    usage, has_room = marketing.room_for(account_id, places=1, today=today)
    place = held if has_room else None
    status, leaving_on, own = survivor.status, survivor.leaving_on, None
    if is_same_period and not keeps_status:
        own = _place(merge.survivor_before, today)
        status = parted(own.status if own else Status.NON_MARKETING, survivor.status)
        if status is not Status.LEAVING:
            leaving_on = None
        elif own is not None:
            leaving_on = own.leaving_on
        else:
            leaving_on = survivor.leaving_on or next_date
    before, after = (
        told.get("properties", {}) for told in (merge.survivor_before, merge.survivor_after)
    )
    present = {name: queries.value_of(survivor, name) for name in after}
    stays = [name for name in after if name in touched or present[name] != after[name]]
    back = {name: before.get(name) for name in after if name not in stays}
    addresses, addresses_kept = _addresses_back(account_id, survivor, other, merge, back)
    return UnmergePlan(
        survivor=survivor,
        other=other,
        merged_at=merge.at,
        change_id=merge.change_id,
        is_same_period=is_same_period,
        place=place,
        lacks_room=held is not None and place is None,
        status=status,
        leaving_on=leaving_on,
        survivor_place=own,
        keeps_status=keeps_status,
        back=back,
        stays=tuple(sorted(stays)),
        addresses=tuple(addresses),
        addresses_kept=addresses_kept,
        usage_before=usage,
        usage_after=usage + (place is not None),
        seen=f"{seen(survivor, other)}{'+' if place else '-'}",
    )


#: Merges into a contact after a change that were taken back, with what took them back: together
#: they touched nothing.
TAKEN_BACK = """
SELECT unnest(ARRAY[undone.id, undone.reverts_id])
  FROM contact_change AS parted
  JOIN change AS undone ON undone.account_id = parted.account_id AND undone.id = parted.change_id
 WHERE parted.account_id = %(account_id)s AND parted.contact_id = %(contact_id)s
   AND parted.after ? 'unmerged' AND undone.reverts_id > %(change_id)s
"""


def _touched_since(account_id: int, contact_id: int, change_id: int) -> frozenset[str]:
    """Return the properties of a contact that were changed after a change, and `status`."""
    found = sql.rows(
        "SELECT DISTINCT key FROM contact_change AS told, LATERAL ("
        "SELECT jsonb_object_keys(coalesce(told.after->'properties', '{}')) AS key "
        "UNION ALL SELECT 'status' WHERE told.after ? 'status') AS keys "
        "WHERE told.account_id = %(account_id)s AND told.contact_id = %(contact_id)s "
        f"AND told.change_id > %(change_id)s AND told.change_id NOT IN ({TAKEN_BACK})",
        {"account_id": account_id, "contact_id": contact_id, "change_id": change_id},
    )
    return frozenset(str(row[0]) for row in found)


def _place(told: Mapping[str, Any], today: date) -> Place | None:
    """Return the place that a record held before the merge, unless its date has come since."""
    known = told.get("place")
    if known is None:
        return None
    leaving_on = date.fromisoformat(known["leaving_on"]) if known["leaving_on"] else None
    if leaving_on is not None and leaving_on <= today:
        return None
    since = datetime.fromisoformat(known["since"])
    return Place(since, known["source_type"], known["source_id"], known["change_id"], leaving_on)


def _addresses_back(
    account_id: int,
    survivor: ContactRow,
    other: ContactRow,
    merge: _Merge,
    back: Mapping[str, Any],
) -> tuple[list[str], int]:
    """Return the other's addresses that go back to it, and how many do not: the survivor was given
    one as its own since, or somebody else has it."""
    wanted = [*([other.email] if other.email else []), *merge.other_before.get("addresses", [])]
    primary = back.get("email", survivor.email)
    going = []
    for address in wanted:
        owner = queries.owner_of_address(account_id, address)
        if owner is None or (owner == survivor.id and address != primary):
            going.append(address)
    return going, len(wanted) - len(going)


def _part_records(account_id: int, plan: UnmergePlan, *, now: datetime) -> list[str]:
    """Give both records what is theirs; return the names of the values that the other lost."""
    survivor, other = plan.survivor, plan.other
    definitions = properties.definitions(account_id, with_archived=True)
    mine = {
        name: value
        for name, value in {**survivor.properties, **plan.back}.items()
        if value is not None and name != "email"
    }
    email = plan.back.get("email", survivor.email)
    sql.execute(
        "DELETE FROM contact_address WHERE account_id = %(account_id)s "
        "AND contact_id = ANY(%(ids)s) AND address = ANY(%(addresses)s)",
        {
            "account_id": account_id,
            "ids": [survivor.id, other.id],
            "addresses": list(plan.addresses),
        },
    )
    freed = {name: value for name, value in plan.back.items() if name in definitions}
    freed.pop("email", None)
    kept.take_unique_values(account_id, survivor.id, freed, definitions)
    theirs, lost = _with_unique_values(account_id, other, definitions)
    their_email = other.email if other.email in plan.addresses else None
    if their_email is None and plan.addresses:
        their_email = plan.addresses[0]
    for address in plan.addresses:
        kept.take_address(account_id, other.id, address, is_primary=address == their_email)
    _write(account_id, survivor.id, email, mine, now=now)
    _write(account_id, other.id, their_email, theirs, now=now)
    if their_email != other.email:
        lost.append("email")
    return lost


def _with_unique_values(
    account_id: int, other: ContactRow, definitions: Mapping[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    """Make the other the holder of its values of unique properties again; those that another
    contact has meanwhile are lost."""
    values, lost = dict(other.properties), []
    for name in sorted(values.keys() & definitions.keys()):
        try:
            kept.take_unique_values(account_id, other.id, {name: values[name]}, definitions)
        except UniqueTaken:
            del values[name]
            lost.append(name)
    return values, lost


def _write(
    account_id: int, contact_id: int, email: str | None, stored: Mapping[str, Any], *, now: datetime
) -> None:
    sql.execute(
        "UPDATE contact SET email = %(email)s, name_key = %(name_key)s, archived_at = NULL, "
        "merged_into = NULL, properties = %(properties)s, updated_at = %(now)s, "
        "version = version + 1 WHERE account_id = %(account_id)s AND id = %(id)s",
        {
            "account_id": account_id,
            "id": contact_id,
            "email": email,
            "name_key": rules.name_key(stored.get("firstname"), stored.get("lastname"), email),
            "properties": json.dumps(stored),
            "now": now,
        },
    )
    others = queries.addresses(account_id, contact_id)
    kept.write_words(account_id, contact_id, kept.words_of(email, stored, others))


GIVE_BACK = """
INSERT INTO marketing_contact (account_id, contact_id, since, source_type, source_id, change_id,
                               leaving_on)
VALUES (%(account_id)s, %(contact_id)s, %(since)s, %(source_type)s, %(source_id)s, %(change_id)s,
        %(leaving_on)s)
    ON CONFLICT (account_id, contact_id) DO UPDATE
       SET since = excluded.since, source_type = excluded.source_type,
           source_id = excluded.source_id, change_id = excluded.change_id,
           leaving_on = excluded.leaving_on
"""
#: A place that a clock which has gone back began later than it ends began now.
STAGE = """
UPDATE marketing_contact
   SET leaving_on = %(leaving_on)s,
       since = CASE WHEN (since AT TIME ZONE 'UTC')::date > %(leaving_on)s
                    THEN %(now)s ELSE since END
 WHERE account_id = %(account_id)s AND contact_id = %(contact_id)s
"""


def _part_status(account_id: int, plan: UnmergePlan, *, now: datetime) -> None:
    for contact_id, place in ((plan.survivor.id, plan.survivor_place), (plan.other.id, plan.place)):
        if place is not None:
            sql.execute(
                GIVE_BACK,
                {
                    "account_id": account_id,
                    "contact_id": contact_id,
                    "since": place.since,
                    "source_type": place.source_type,
                    "source_id": place.source_id,
                    "change_id": place.change_id,
                    "leaving_on": place.leaving_on,
                },
            )
    if plan.survivor_place is None and plan.leaving_on != plan.survivor.leaving_on:
        sql.execute(
            STAGE,
            {
                "account_id": account_id,
                "contact_id": plan.survivor.id,
                "leaving_on": plan.leaving_on,
                "now": now,
            },
        )


def _write_ledger(
    account_id: int,
    plan: UnmergePlan,
    parted_row: ContactRow,
    lost: Sequence[str],
    change_id: int,
) -> None:
    survivor, other = plan.survivor, plan.other
    before: dict[str, Any] = {
        "properties": {name: queries.value_of(survivor, name) for name in plan.back}
    }
    after: dict[str, Any] = {"properties": dict(plan.back), "unmerged": other.id}
    tell_status(before, after, survivor, plan.status, plan.leaving_on)
    kept.write_ledger_row(account_id, survivor.id, change_id, before, after)
    before = {"archived": True, "merged_into": survivor.id}
    after = {"archived": False}
    if lost:
        before["properties"] = {name: queries.value_of(other, name) for name in lost}
        after["properties"] = {name: queries.value_of(parted_row, name) for name in lost}
    leaving_on = plan.place.leaving_on if plan.place else None
    tell_status(before, after, other, plan.other_status, leaving_on)
    kept.write_ledger_row(account_id, other.id, change_id, before, after)

"""Setting contacts as marketing, staging them, keeping them, and the update date.

Every function takes its contacts as a sub-query, runs a fixed number of statements however many
they are, and works inside the caller's transaction, or makes one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from marketable import sql
from marketable.accounts import queries as accounts
from marketable.billing import queries as billing
from marketable.billing import rules as billing_rules
from marketable.billing import services as billing_services
from marketable.governance import services as governance
from marketable.governance.services import Settled
from marketable.history import services as history
from marketable.history.kinds import Kind
from marketable.history.sources import Source, SourceType, system
from marketable.marketing_status import queries
from marketable.marketing_status.rules import CANNOT, CHANGING, Event, Verdict
from marketable.sql import SubQuery

#: How an action keeps deletions of its contacts away until it has committed.
LOCKED = "ORDER BY c.id FOR KEY SHARE"
#: A large batch has its account's turn instead, which deletions wait for: `lock_status_batches`.
LOCKED_IN_TURN = "ORDER BY c.id"

#: What a contact was staged for before it was kept: the row's own date, as the statement found it,
#: unless it was staged while the statement waited for it. Nearly always all that are staged are so
#: for one day, the first and the last of the index, and then the rows are not looked at again.
DAY_STAGED_FOR = (
    "(SELECT {which}(leaving_on) FROM marketing_contact "
    "WHERE account_id = %(account_id)s AND leaving_on > %(today)s)"
)
FIRST_STAGED = DAY_STAGED_FOR.format(which="min")
STAGED_FOR = f"""
           CASE WHEN {FIRST_STAGED} = {DAY_STAGED_FOR.format(which="max")}
                THEN {FIRST_STAGED}
                ELSE coalesce(
                    (SELECT was.leaving_on FROM marketing_contact AS was
                      WHERE was.account_id = %(account_id)s AND was.contact_id = moved.contact_id),
                    %(update_date)s::date) END"""

#: The advisory lock that large batches of an account take in turns. Accounts whose numbers are
#: 2,147,483,647 apart share one, and only wait for each other.
TURN = "hashtext('marketing_contact'), (%(account_id)s %% 2147483647)::int"

#: Contacts per transaction of the update date (U5).
UPDATE_BATCH = 20_000

KINDS: dict[Event, Kind] = {
    Event.START: Kind.STATUS_STARTED,
    Event.STOP: Kind.STATUS_STAGED,
    Event.KEEP: Kind.STATUS_KEPT,
}


@dataclass(frozen=True, slots=True)
class Moved:
    """What an action did.

    changed    contacts whose status changed: set, kept or staged
    change_id  None when nothing changed
    """

    changed: int
    set: int
    kept: int
    staged: int
    change_id: int | None
    update_date: date
    usage_before: int
    usage_after: int
    tier_before: int
    tier_after: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What an action would do and cost, before it is done (T10).

    changing     contacts that will be updated: *set* + *kept*, or *staged*
    cannot       reason → count (S19)
    usage_after  right after the action; for a stop the same as before, and `usage_on_date` tells
                 what it will be on the update date
    first_lower_on  the first day on which usage could come down again
    """

    action: Event
    selected: int
    changing: int
    set: int
    kept: int
    staged: int
    already: int
    cannot: Mapping[str, int]
    usage_before: int
    usage_after: int
    usage_on_date: int
    tier_before: int
    tier_after: int
    price_before: int | None
    price_after: int | None
    currency: str
    update_date: date
    ceiling: int | None
    blocked_by: str = ""
    outside_rights: int = 0
    not_found: int = 0
    cannot_total: int = field(default=0)


@dataclass(frozen=True, slots=True)
class UpdateDateResult:
    """`due_on` is the last date applied, None if none had come; `applied` counts all of them."""

    today: date
    due_on: date | None
    applied: int
    change_id: int | None


def start_marketing(
    account_id: int,
    chosen: SubQuery,
    *,
    by: Source,
    now: datetime,
    bulk_action_id: int | None = None,
    holder: str | None = None,
    body: Mapping[str, Any] | None = None,
    reverts_id: int | None = None,
    in_turn: bool = False,
) -> Moved:
    """Set the chosen contacts as marketing, at once; a staged one is kept (S4, S6).

    holder   whose reservation the places are taken from, if any
    in_turn  the caller has called `lock_status_batches`

    Raises CeilingReached, and changes nothing, when the new places do not fit (O3).
    """
    return _move(
        Event.START,
        account_id,
        chosen,
        by,
        now,
        bulk_action_id,
        holder,
        body,
        reverts_id,
        in_turn,
    )


def stop_marketing(
    account_id: int,
    chosen: SubQuery,
    *,
    by: Source,
    now: datetime,
    bulk_action_id: int | None = None,
    body: Mapping[str, Any] | None = None,
    reverts_id: int | None = None,
    in_turn: bool = False,
) -> Moved:
    """Let the chosen contacts stop counting, from the next update date on (S5)."""
    return _move(
        Event.STOP, account_id, chosen, by, now, bulk_action_id, None, body, reverts_id, in_turn
    )


def keep_marketing(
    account_id: int,
    chosen: SubQuery,
    *,
    by: Source,
    now: datetime,
    bulk_action_id: int | None = None,
    body: Mapping[str, Any] | None = None,
    reverts_id: int | None = None,
    in_turn: bool = False,
) -> Moved:
    """Withdraw the staging of the chosen contacts (S6)."""
    return _move(
        Event.KEEP, account_id, chosen, by, now, bulk_action_id, None, body, reverts_id, in_turn
    )


@sql.retried
def _move(
    event: Event,
    account_id: int,
    chosen: SubQuery,
    by: Source,
    now: datetime,
    bulk_action_id: int | None,
    holder: str | None,
    body: Mapping[str, Any] | None,
    reverts_id: int | None,
    in_turn: bool,
) -> Moved:
    today = billing_rules.today_in(accounts.account(account_id).zone, now)
    update_date = billing.calendar(account_id).next_update_date(today)
    overdue = _leave_overdue(account_id, chosen, now=now, today=today)
    change_id = history.open_change(
        account_id,
        KINDS[event],
        by=by,
        at=now,
        body=body,
        bulk_action_id=bulk_action_id,
        effective_on=update_date if event is Event.STOP else None,
        reverts_id=reverts_id,
    )
    params = {
        **chosen.params,
        "account_id": account_id,
        "now": now,
        "today": today,
        "update_date": update_date,
        "tool": by.tool.value,
        "tool_id": by.tool_id,
        "change_id": change_id,
    }
    taken_over = 0
    if event is Event.START and queries.somebody_holds_a_place(account_id, today):
        taken_over = _take_over(account_id, chosen, by=by, now=now, params=params, in_turn=in_turn)
    statement = sql.compose(
        sql.load("marketing_status", event.value),
        belongs=chosen.belongs,
        among=chosen.among("contact_id"),
        locked=LOCKED_IN_TURN if in_turn else LOCKED,
        staged_for=STAGED_FOR,
    )
    found = sql.row(statement, params)
    assert found is not None
    started, kept, staged = (int(value) for value in found)
    changed = started + kept + staged
    if changed:
        _refuse_if_overtaken(account_id, change_id)
        history.close_change(account_id, change_id, contact_count=changed, marketing_delta=started)
    else:
        history.drop_change(account_id, change_id)
    settled = settle(
        account_id,
        started - taken_over - overdue,
        usage_delta=started - taken_over,
        cause_id=change_id,
        by=by,
        now=now,
        today=today,
        holder=holder,
    )
    return Moved(
        changed=changed,
        set=started,
        kept=kept,
        staged=staged,
        change_id=change_id if changed else None,
        update_date=update_date,
        usage_before=settled.usage_before,
        usage_after=settled.usage_after,
        tier_before=settled.tier_before,
        tier_after=settled.tier_after,
    )


def _take_over(
    account_id: int,
    chosen: SubQuery,
    *,
    by: Source,
    now: datetime,
    params: Mapping[str, Any],
    in_turn: bool,
) -> int:
    """Free the places that archived contacts with the same addresses hold (S11)."""
    moved_id = history.open_change(account_id, Kind.PLACE_MOVED, by=by, at=now)
    statement = sql.compose(
        sql.load("marketing_status", "take_over"),
        pairs=queries.take_over_pairs("SELECT id FROM chosen"),
        belongs=chosen.belongs,
        locked=LOCKED_IN_TURN if in_turn else LOCKED,
    )
    found = sql.row(statement, {**params, "change_id": moved_id})
    assert found is not None
    moved = int(found[0])
    if moved:
        _refuse_if_overtaken(account_id, moved_id)
        history.close_change(account_id, moved_id, contact_count=moved, marketing_delta=-moved)
    else:
        history.drop_change(account_id, moved_id)
    return moved


def settle(
    account_id: int,
    delta: int,
    *,
    cause_id: int,
    by: Source,
    now: datetime,
    today: date | None = None,
    holder: str | None = None,
    usage_delta: int | None = None,
) -> Settled:
    """Move the account's counter, as the last statements of a transaction that moved rows.

    Raises CeilingReached when more usage does not fit.
    """
    day = today or billing_rules.today_in(accounts.account(account_id).zone, now)
    governance.lock_usage(account_id)
    return governance.settle(
        account_id,
        delta,
        overdue=queries.overdue_count(account_id, day),
        cause_id=cause_id,
        by=by,
        now=now,
        today=day,
        holder=holder,
        usage_delta=usage_delta,
    )


def reserve(account_id: int, holder: str, places: int, *, today: date) -> None:
    """Hold places against the ceiling for work that will take them batch by batch (B6).

    Raises CeilingReached when they do not fit now.
    """
    governance.lock_usage(account_id)
    governance.reserve(
        account_id,
        holder,
        places,
        overdue=queries.overdue_count(account_id, today),
        today=today,
    )


def _refuse_if_overtaken(account_id: int, change_id: int) -> None:
    """Raise Overtaken if a contact that the change moved was moved since by a later number.

    Numbers are given before the contacts are locked, so another transaction may get in between.
    The ledger tells the order by number, and must tell the true one (V13). The moved rows stay
    locked until the commit, so that what is looked at here cannot change any more.
    """
    if queries.is_overtaken(account_id, change_id):
        raise sql.Overtaken


def apply_overdue(account_id: int, chosen: SubQuery, *, now: datetime) -> int:
    """Apply the update date that has come to the chosen contacts, before anything else is done to
    them, so that a start on an overdue row is a new start (U6). Returns how many left."""
    today = billing_rules.today_in(accounts.account(account_id).zone, now)
    left = _leave_overdue(account_id, chosen, now=now, today=today)
    if left:
        governance.take_off(account_id, left)
    return left


def _leave_overdue(account_id: int, chosen: SubQuery, *, now: datetime, today: date) -> int:
    """Delete the overdue rows of the chosen contacts; the counter is left to the caller."""
    among = SubQuery(chosen.among("contact_id"), chosen.params)
    total = 0
    for due_on in queries.due_dates(account_id, today):
        _remember_if_late(account_id, due_on, today=today)
        left, _, _ = _leave(account_id, due_on, now=now, among=among)
        total += left
    return total


def _remember_if_late(account_id: int, due_on: date, *, today: date) -> None:
    """Write the usage of a date that was missed, before the first of its contacts leaves."""
    if due_on < today and not billing.days(account_id, due_on, due_on):
        billing_services.remember_late_date(
            account_id, due_on, left=queries.staged_for(account_id, due_on)
        )


def apply_update_date(account_id: int, *, now: datetime) -> UpdateDateResult:
    """Let everybody whose update date has come stop counting, in order of dates, 20,000 contacts
    a transaction. Safe to repeat, to kill and to run late (U5, U6)."""
    today = billing_rules.today_in(accounts.account(account_id).zone, now)
    last_on: date | None = None
    applied = 0
    first_change: int | None = None
    for due_on in queries.due_dates(account_id, today):
        _remember_if_late(account_id, due_on, today=today)
        cursor: int | None = 0
        while cursor is not None:
            left, cursor, change_id = _leave_batch(
                account_id, due_on, now=now, today=today, after=cursor
            )
            applied += left
            first_change = first_change or change_id
        last_on = due_on
    if applied > UPDATE_BATCH:
        queries.tell_planner()
    return UpdateDateResult(today, last_on, applied, first_change)


@sql.retried
def _leave_batch(
    account_id: int, due_on: date, *, now: datetime, today: date, after: int
) -> tuple[int, int | None, int | None]:
    lock_status_batches(account_id)
    left, last, change_id = _leave(
        account_id, due_on, now=now, among=SubQuery("TRUE"), after=after, limit=UPDATE_BATCH
    )
    if change_id is not None and after:  # usage never counted them, and the day is written
        governance.take_off(account_id, left)
    elif change_id is not None:
        settle(
            account_id,
            -left,
            usage_delta=0,
            cause_id=change_id,
            by=_date_itself(due_on),
            now=now,
            today=today,
        )
    return left, last, change_id


def _date_itself(due_on: date) -> Source:
    return system(SourceType.UPDATE_DATE, due_on.isoformat())


def _leave(
    account_id: int,
    due_on: date,
    *,
    now: datetime,
    among: SubQuery,
    after: int = 0,
    limit: int | None = None,
) -> tuple[int, int | None, int | None]:
    """Delete rows staged for `due_on`; return (how many, the last contact if there are more,
    change or None)."""
    change_id = history.open_change(
        account_id, Kind.UPDATE_DATE, by=_date_itself(due_on), at=now, effective_on=due_on
    )
    statement = sql.compose(sql.load("marketing_status", "leave"), among=among.text)
    found = sql.row(
        statement,
        {
            **among.params,
            "account_id": account_id,
            "due_on": due_on,
            "after": after,
            "limit": limit,
            "change_id": change_id,
        },
    )
    assert found is not None
    left, last = int(found[0]), found[1]
    if not left:
        history.drop_change(account_id, change_id)
        return 0, last, None
    _refuse_if_overtaken(account_id, change_id)
    history.close_change(account_id, change_id, contact_count=left, marketing_delta=-left)
    return left, last, change_id


def lock_status_batches(account_id: int) -> None:
    """Let one large batch of an account run at a time, so that overlapping ones do not meet in a
    deadlock. Deletions wait for it, small changes do not. Held until the transaction ends."""
    sql.row(
        f"SELECT pg_advisory_xact_lock({TURN})",
        {"account_id": account_id},
    )


def keep_batches_away(account_id: int) -> None:
    """Wait for a large batch under way and hold back the next until the transaction ends. Called
    before contacts are locked that are to be deleted, erased or merged; these do not wait for
    each other. It is what spares a batch the lock on every contact."""
    sql.row(
        f"SELECT pg_advisory_xact_lock_shared({TURN})",
        {"account_id": account_id},
    )


def lock_usage(account_id: int) -> None:
    """Hold what usage is until the transaction ends, so that `room_for` stays true in it."""
    governance.lock_usage(account_id)


def room_for(account_id: int, *, places: int, today: date) -> tuple[int, bool]:
    """Return the usage, and whether so many places more fit under the ceiling (O3)."""
    usage = queries.usage(account_id, today)
    ceiling = billing.subscription(account_id, today).ceiling
    return usage.usage, ceiling is None or usage.usage + usage.reserved + places <= ceiling


def lock_status(account_id: int, contact_ids: Sequence[int]) -> None:
    """Lock the status rows of contacts that are locked already, so that what is read of them now
    is still so when it is written: staging does not look at the contact's lock."""
    sql.rows(
        "SELECT contact_id FROM marketing_contact WHERE account_id = %(account_id)s "
        "AND contact_id = ANY(%(ids)s) ORDER BY contact_id FOR UPDATE",
        {"account_id": account_id, "ids": list(contact_ids)},
    )


def plan(
    account_id: int,
    event: Event,
    chosen: SubQuery,
    *,
    now: datetime,
    include_unreachable: bool = False,
    outside_rights: int = 0,
    not_found: int = 0,
) -> Plan:
    """Return what `event` would do to the chosen contacts, and cost. Saves nothing (O1)."""
    today = billing_rules.today_in(accounts.account(account_id).zone, now)
    counts = queries.verdict_counts(
        account_id, event, chosen, today=today, include_unreachable=include_unreachable
    )
    taken_over = 0
    if event is Event.START and counts.get(Verdict.SET):
        taken_over = queries.take_over_count(
            account_id, chosen, today=today, include_unreachable=include_unreachable
        )
    return price_plan(
        account_id,
        event,
        counts,
        today=today,
        taken_over=taken_over,
        outside_rights=outside_rights,
        not_found=not_found,
    )


def price_plan(
    account_id: int,
    event: Event,
    counts: Mapping[Verdict, int],
    *,
    today: date,
    taken_over: int = 0,
    outside_rights: int = 0,
    not_found: int = 0,
) -> Plan:
    """Return the plan for counted verdicts: usage, tier and price before and after (T10).

    taken_over  contacts among those to be set that need no new place (S11)
    """
    usage = queries.usage(account_id, today)
    info = billing.subscription(account_id, today)
    started = counts.get(Verdict.SET, 0)
    staged = counts.get(Verdict.STAGED, 0)
    kept = counts.get(Verdict.KEPT, 0)
    cannot = {verdict.value: counts[verdict] for verdict in CANNOT if counts.get(verdict)}
    places = started - taken_over
    usage_after = usage.usage + places
    tier_after = max(info.tier, billing_rules.tier_needed(info.plan, usage_after))
    if info.ceiling is not None and info.at_limit == "ceiling" and usage_after > info.tier:
        tier_after = max(
            info.tier, billing_rules.tier_needed(info.plan, min(usage_after, info.ceiling))
        )
    blocked = (
        "CEILING"
        if info.ceiling is not None
        and places > 0
        and usage.usage + usage.reserved + places > info.ceiling
        else ""
    )
    changing = sum(counts.get(verdict, 0) for verdict in CHANGING)
    return Plan(
        action=event,
        selected=sum(counts.values()) + outside_rights + not_found,
        changing=changing,
        set=started,
        kept=kept,
        staged=staged,
        already=counts.get(Verdict.ALREADY, 0),
        cannot=cannot,
        cannot_total=sum(cannot.values()),
        usage_before=usage.usage,
        usage_after=usage_after,
        usage_on_date=usage_after - usage.leaving - staged + kept,
        tier_before=info.tier,
        tier_after=tier_after,
        price_before=info.price(info.tier),
        price_after=info.price(tier_after),
        currency=info.currency,
        update_date=billing.calendar(account_id).next_update_date(today),
        ceiling=info.ceiling,
        blocked_by=blocked,
        outside_rights=outside_rights,
        not_found=not_found,
    )

"""Plan, confirm, run, cancel and take back one status action over many contacts (B).

Small ones are done in the request, all or nothing. Larger ones are frozen on confirm and done
batch by batch: each batch is one transaction with its change, its outcome and its progress, so a
killed worker resumes where it was and nothing is done twice.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.core.serializers.json import DjangoJSONEncoder
from django.utils.translation import gettext as _

from marketable import sql
from marketable.accounts import queries as accounts
from marketable.accounts.queries import Reach
from marketable.billing import rules as billing_rules
from marketable.bulk_actions import queries
from marketable.bulk_actions.errors import (
    BulkActionUnknown,
    CannotUndo,
    NothingToDo,
    PlanOutdated,
    PlanUnknown,
    WrongCount,
)
from marketable.bulk_actions.forgetting import without_personal_values
from marketable.bulk_actions.models import Batch, BulkAction, PlanRow
from marketable.bulk_actions.queries import BulkActionView, StoredPlan
from marketable.bulk_actions.rules import BATCH_SIZE, PLAN_LIFE, REQUEST_LIMIT, ActionState
from marketable.errors import Refused
from marketable.governance import services as governance
from marketable.governance.errors import CeilingReached
from marketable.history.sources import Source, SourceType
from marketable.marketing_status import queries as status_queries
from marketable.marketing_status import services as marketing
from marketable.marketing_status.rules import CHANGING, Event, Verdict
from marketable.marketing_status.services import Plan
from marketable.queue import Job, enqueue
from marketable.segments import selection as segments
from marketable.segments.selection import Selection
from marketable.sql import SubQuery

#: How long a job is listed and can be taken back (B7).
KEPT_FOR = timedelta(days=30)

ACTIONS = {
    Event.START: marketing.start_marketing,
    Event.STOP: marketing.stop_marketing,
    Event.KEEP: marketing.keep_marketing,
}


@dataclass(frozen=True, slots=True)
class PlanPreview:
    """A plan with the number under which it can be confirmed for one hour."""

    id: UUID
    plan: Plan
    selection: Selection
    include_unreachable: bool


def make_plan(
    account_id: int,
    event: Event,
    selection: Selection,
    *,
    reach: Reach,
    now: datetime,
    include_unreachable: bool = False,
) -> Plan:
    """Return what `event` would do to the selection inside `reach`. Saves nothing."""
    today = billing_rules.today_in(accounts.account(account_id).zone, now)
    inside = segments.compile_selection(account_id, selection, reach=reach, today=today)
    return marketing.plan(
        account_id,
        event,
        inside,
        now=now,
        include_unreachable=include_unreachable,
        outside_rights=segments.outside_count(account_id, selection, reach=reach, today=today),
        not_found=segments.not_found_count(account_id, selection, today=today),
    )


@sql.retried
def preview(
    account_id: int,
    event: Event,
    selection: Selection,
    *,
    by: Source,
    reach: Reach,
    now: datetime,
    include_unreachable: bool = False,
) -> PlanPreview:
    """Make a plan that can be confirmed for one hour (B3, B5)."""
    plan = make_plan(
        account_id,
        event,
        selection,
        reach=reach,
        now=now,
        include_unreachable=include_unreachable,
    )
    plan_id = _remember_plan(
        account_id,
        event,
        selection,
        plan.changing,
        by=by,
        now=now,
        include_unreachable=include_unreachable,
    )
    return PlanPreview(plan_id, plan, selection, include_unreachable)


def _remember_plan(
    account_id: int,
    event: Event,
    selection: Selection,
    changing: int,
    *,
    by: Source,
    now: datetime,
    include_unreachable: bool,
) -> UUID:
    PlanRow.objects.filter(account_id=account_id, created_at__lt=now - KEPT_FOR).delete()
    row = PlanRow.objects.create(
        account_id=account_id,
        id=uuid4(),
        created_at=now,
        actor_id=by.actor_id,
        action=event.value,
        selection=selection.as_json(),
        answer={"changing": changing, "include_unreachable": include_unreachable},
    )
    return row.id


def confirm(
    account_id: int,
    plan_id: UUID,
    count: int,
    *,
    by: Source,
    reach: Reach,
    now: datetime,
) -> BulkActionView:
    """Do what the plan announced, if the number still holds; the first result again if it was
    confirmed before (B5).

    count  the number of contacts to be updated, as the person typed it

    Raises WrongCount, PlanOutdated (with a fresh plan), NothingToDo or CeilingReached; nothing is
    saved then.
    """
    try:
        return _confirm(account_id, plan_id, count, by=by, reach=reach, now=now)
    except PlanOutdated as refusal:
        stored = queries.stored_plan(account_id, plan_id)
        fresh = preview(
            account_id,
            stored.action,
            stored.selection,
            by=by,
            reach=reach,
            now=now,
            include_unreachable=stored.include_unreachable,
        )
        raise PlanOutdated(
            expected=count, actual=fresh.plan.changing, fresh_plan_id=fresh.id
        ) from refusal


@sql.retried
def _confirm(
    account_id: int, plan_id: UUID, count: int, *, by: Source, reach: Reach, now: datetime
) -> BulkActionView:
    # The lock makes a second press of the button wait, and then see the first one's result.
    locked = PlanRow.objects.select_for_update().filter(account_id=account_id, id=plan_id)
    row = locked.first()
    if row is None or row.actor_id != by.actor_id:
        raise PlanUnknown
    stored = queries.stored_plan(account_id, plan_id)
    if stored.bulk_action_id is not None:
        return queries.bulk_action(account_id, stored.bulk_action_id)
    if now - stored.created_at > PLAN_LIFE:
        raise PlanOutdated(expected=count, actual=stored.changing)
    if count != stored.changing:
        raise WrongCount(expected=stored.changing)
    if count == 0:
        raise NothingToDo
    bulk_action_id = _freeze(account_id, stored, count, by=by, reach=reach, now=now)
    row.bulk_action_id = bulk_action_id
    locked.update(bulk_action_id=bulk_action_id, selection=without_personal_values(row.selection))
    if count <= REQUEST_LIMIT:
        _do_all(account_id, bulk_action_id, now=now)
    else:
        enqueue(Job.RUN_BULK_ACTION, account_id=account_id, bulk_action_id=bulk_action_id)
    return queries.bulk_action(account_id, bulk_action_id)


def run_now(
    account_id: int,
    event: Event,
    selection: Selection,
    *,
    expected: int,
    by: Source,
    reach: Reach,
    now: datetime,
    include_unreachable: bool = False,
) -> BulkActionView | None:
    """Do a bulk action of any size in this process and answer when it is finished.

    Returns None when `expected` is 0 and nothing was to be done. A process that dies in the
    middle leaves a bulk action that any worker finishes.

    Raises PlanOutdated when another number than `expected` would change, or CeilingReached.
    """
    if expected == 0:
        plan = make_plan(
            account_id,
            event,
            selection,
            reach=reach,
            now=now,
            include_unreachable=include_unreachable,
        )
        if plan.changing:
            raise PlanOutdated(expected=0, actual=plan.changing)
        return None
    # The number is all that a plan has to announce: it is compared while the members are frozen.
    plan_id = _remember_plan(
        account_id,
        event,
        selection,
        expected,
        by=by,
        now=now,
        include_unreachable=include_unreachable,
    )
    started = confirm(account_id, plan_id, expected, by=by, reach=reach, now=now)
    while run_next_batch(account_id, started.id, now=now):
        pass
    return queries.bulk_action(account_id, started.id)


def _freeze(
    account_id: int,
    stored: StoredPlan,
    count: int,
    *,
    by: Source,
    reach: Reach,
    now: datetime,
) -> int:
    """Write the bulk action and its frozen members; refuse if their number is not `count`."""
    today = billing_rules.today_in(accounts.account(account_id).zone, now)
    chosen = segments.compile_selection(account_id, stored.selection, reach=reach, today=today)
    row = BulkAction.objects.create(
        account_id=account_id,
        id=_next_id(),
        kind=stored.action.value,
        state=ActionState.PENDING.value,
        source=by.as_json(),
        selection=without_personal_values(stored.selection.as_json()),
        answer={},
        total=count,
        created_at=now,
    )
    judged = status_queries.judge(stored.action, chosen)
    statement = sql.compose(
        sql.load("bulk_actions", "freeze"), judged=judged, batch_size=str(BATCH_SIZE)
    )
    found = sql.rows(
        statement,
        {
            **chosen.params,
            "account_id": account_id,
            "bulk_action_id": row.id,
            "today": today,
            "now": now,
            "include_unreachable": stored.include_unreachable,
        },
    )
    counts = {Verdict(verdict): int(n) for verdict, n in found}
    actual = sum(n for verdict, n in counts.items() if verdict in CHANGING)
    if actual != count:
        raise PlanOutdated(expected=count, actual=actual)
    taken_over = (
        status_queries.take_over_count(
            account_id, chosen, today=today, include_unreachable=stored.include_unreachable
        )
        if counts.get(Verdict.SET) and stored.action is Event.START
        else 0
    )
    plan = marketing.price_plan(
        account_id,
        stored.action,
        counts,
        today=today,
        taken_over=taken_over,
        outside_rights=segments.outside_count(
            account_id, stored.selection, reach=reach, today=today
        ),
        not_found=segments.not_found_count(account_id, stored.selection, today=today),
    )
    BulkAction.objects.filter(account_id=account_id, id=row.id).update(answer=plan_as_json(plan))
    places = counts.get(Verdict.SET, 0) - taken_over
    if places > 0 and count > REQUEST_LIMIT:
        marketing.reserve(account_id, holder(row.id), places, today=today)
    return row.id


def _next_id() -> int:
    found = sql.row("SELECT nextval('bulk_action_id_seq')")
    assert found is not None
    return int(found[0])


def holder(bulk_action_id: int) -> str:
    """Return the name under which a bulk action holds places against the ceiling."""
    return f"bulk:{bulk_action_id}"


def plan_as_json(plan: Plan) -> dict[str, Any]:
    """Return a plan as plain JSON values, dates as ISO text."""
    stored: dict[str, Any] = json.loads(json.dumps(asdict(plan), cls=DjangoJSONEncoder))
    return stored


@sql.retried
def run_next_batch(account_id: int, bulk_action_id: int, *, now: datetime) -> bool:
    """Do the next batch, with its change, its outcome and the progress in one transaction.

    Returns whether there may be more to do. Any number of workers may call it at once: they take
    turns, and no batch is done twice.
    """
    row = _locked(account_id, bulk_action_id)
    if row.state not in {ActionState.PENDING.value, ActionState.RUNNING.value}:
        return False
    batch = _next_batch(row)
    if batch is None:
        _end(row, ActionState.COMPLETE, now=now)
        if row.total > BATCH_SIZE:
            status_queries.tell_planner()
        return False
    if row.cancelled_at is not None:
        _end(row, ActionState.CANCELLED, now=now)
        return False
    try:
        _do_batch(row, batch, now=now, in_turn=True)
    except Refused as refusal:
        _end(row, ActionState.FAILED, now=now, error=refusal.stored())
        return False
    return True


def _do_all(account_id: int, bulk_action_id: int, *, now: datetime) -> None:
    """Do a small bulk action in the caller's transaction: all of it, or nothing and the refusal.

    It neither waits for the turn of a large one nor reserves: both would hold up the other.
    """
    row = _locked(account_id, bulk_action_id)
    while batch := _next_batch(row):
        _do_batch(row, batch, now=now, in_turn=False)
        row.refresh_from_db()
    _end(row, ActionState.COMPLETE, now=now)


def _locked(account_id: int, bulk_action_id: int) -> BulkAction:
    locked = BulkAction.objects.select_for_update()
    row = locked.filter(account_id=account_id, id=bulk_action_id).first()
    if row is None:
        raise BulkActionUnknown
    return row


def _next_batch(row: BulkAction) -> Batch | None:
    return (
        Batch.objects.filter(
            account_id=row.account_id, bulk_action_id=row.id, done_at=None, outcome=""
        )
        .order_by("number")
        .defer("contact_ids")
        .first()
    )


def _end(row: BulkAction, state: ActionState, *, now: datetime, error: str = "") -> None:
    BulkAction.objects.filter(account_id=row.account_id, id=row.id).update(
        state=state.value, finished_at=now, error=error
    )
    governance.release(row.account_id, holder(row.id))


@sql.retried
def _do_batch(row: BulkAction, batch: Batch, *, now: datetime, in_turn: bool) -> None:
    of_batch = (
        "FROM bulk_action_batch WHERE account_id = %(account_id)s "
        "AND bulk_action_id = %(sel_bulk)s AND number = %(sel_number)s"
    )
    chosen = SubQuery(
        f"SELECT unnest(contact_ids) AS id {of_batch}",
        {"sel_bulk": row.id, "sel_number": batch.number},
        ids=f"(SELECT contact_ids {of_batch})::bigint[]",
    )
    if in_turn:
        marketing.lock_status_batches(row.account_id)
    event = Event(row.kind)
    body = {"selection": row.selection, "action": row.kind, "batch": batch.number}
    by = Source.from_json(row.source)
    more: dict[str, Any] = {"in_turn": in_turn}
    if event is Event.START:
        more["holder"] = holder(row.id)
    moved = ACTIONS[event](
        row.account_id,
        chosen,
        by=by if by.tool_id else by.through(by.tool, str(row.id)),
        now=now,
        bulk_action_id=row.id,
        body=body,
        reverts_id=_first_change_of(row.account_id, row.reverts_id) if row.reverts_id else None,
        **more,
    )
    size = sql.row(
        "SELECT cardinality(contact_ids) FROM bulk_action_batch WHERE account_id = %(account_id)s "
        "AND bulk_action_id = %(id)s AND number = %(number)s",
        {"account_id": row.account_id, "id": row.id, "number": batch.number},
    )
    assert size is not None
    Batch.objects.filter(
        account_id=row.account_id, bulk_action_id=row.id, number=batch.number
    ).update(done_at=now, change_id=moved.change_id)
    outcomes = _add(
        row.outcomes,
        {
            "set": moved.set,
            "kept": moved.kept,
            "staged": moved.staged,
            "skipped": int(size[0]) - moved.changed,
        },
    )
    BulkAction.objects.filter(account_id=row.account_id, id=row.id).update(
        state=ActionState.RUNNING.value,
        started_at=row.started_at or now,
        done=row.done + int(size[0]),
        outcomes=outcomes,
        change_id=row.change_id or moved.change_id,
    )


def _first_change_of(account_id: int, bulk_action_id: int) -> int | None:
    return queries.bulk_action(account_id, bulk_action_id).change_id


def _add(first: Mapping[str, int], second: Mapping[str, int]) -> dict[str, int]:
    names = {*first, *second}
    total = {name: first.get(name, 0) + second.get(name, 0) for name in names}
    return {name: n for name, n in total.items() if n}


@sql.retried
def cancel(account_id: int, bulk_action_id: int, *, now: datetime) -> BulkActionView:
    """Stop what is left of a bulk action; what is done stays and counts (B6)."""
    queries.bulk_action(account_id, bulk_action_id)
    BulkAction.objects.filter(
        account_id=account_id,
        id=bulk_action_id,
        state__in=[ActionState.PENDING.value, ActionState.RUNNING.value],
        cancelled_at=None,
    ).update(cancelled_at=now)
    run_next_batch(account_id, bulk_action_id, now=now)
    return queries.bulk_action(account_id, bulk_action_id)


@sql.retried
def take_back(account_id: int, bulk_action_id: int, *, by: Source, now: datetime) -> BulkActionView:
    """Take a bulk action back as the rules allow, leaving alone whatever was touched since.

    A start is staged for the next update date (S15); a staging that it withdrew is staged again,
    and a stop is kept (S16). The answer is a new bulk action, done in the background when large.
    """
    # The lock makes a second press of the button wait, and then see that it was taken back.
    was = queries.view(_locked(account_id, bulk_action_id))
    if not was.is_finished:
        raise CannotUndo(_("The job is still running. Cancel it first."))
    if now - was.created_at > KEPT_FOR:
        raise CannotUndo(_("Jobs can be taken back for 30 days."))
    if BulkAction.objects.filter(account_id=account_id, reverts_id=bulk_action_id).exists():
        raise CannotUndo(_("This job was taken back already."))
    event = {Event.START: Event.STOP, Event.STOP: Event.KEEP, Event.KEEP: Event.STOP}[was.kind]
    today = billing_rules.today_in(accounts.account(account_id).zone, now)
    chosen = _untouched(was, today_is_before=today < was.update_date)
    row = BulkAction.objects.create(
        account_id=account_id,
        id=_next_id(),
        kind=event.value,
        state=ActionState.PENDING.value,
        source=by.through(SourceType.UNDO, str(bulk_action_id)).as_json(),
        selection=Selection(bulk_action_id=bulk_action_id).as_json(),
        answer={},
        total=0,
        reverts_id=bulk_action_id,
        created_at=now,
    )
    judged = status_queries.judge(event, chosen)
    found = sql.rows(
        sql.compose(sql.load("bulk_actions", "freeze"), judged=judged, batch_size=str(BATCH_SIZE)),
        {
            **chosen.params,
            "account_id": account_id,
            "bulk_action_id": row.id,
            "today": today,
            "now": now,
            "include_unreachable": True,
        },
    )
    counts = {Verdict(verdict): int(n) for verdict, n in found}
    answer = marketing.price_plan(account_id, event, counts, today=today)
    if answer.changing == 0:
        raise CannotUndo(_("There is nothing left to take back: all were changed since."))
    BulkAction.objects.filter(account_id=account_id, id=row.id).update(
        answer={**plan_as_json(answer), "left_alone": was.changed - answer.changing},
        total=answer.changing,
    )
    if answer.changing <= REQUEST_LIMIT:
        _do_all(account_id, row.id, now=now)
    else:
        enqueue(Job.RUN_BULK_ACTION, account_id=account_id, bulk_action_id=row.id)
    return queries.bulk_action(account_id, row.id)


def _untouched(was: BulkActionView, *, today_is_before: bool) -> SubQuery:
    """Return the contacts that taking `was` back is about."""
    template = sql.load("bulk_actions", "take_back")
    params = {"sel_bulk_action_id": was.id}
    if was.kind is Event.STOP:
        moves = [("marketing", "leaving")] if today_is_before else []
    elif was.kind is Event.KEEP:
        moves = [("leaving", "marketing")] if today_is_before else []
    else:
        moves = [("non_marketing", "marketing")]
        if today_is_before:  # the staging that the start withdrew was for that date (S16)
            moves.append(("leaving", "marketing"))
    if not moves:
        raise CannotUndo(_("The update date has passed. Start or stage the contacts again."))
    return SubQuery(
        " UNION ALL ".join(
            sql.compose(template, before=before, after=after) for before, after in moves
        ),
        params,
    )


def ceiling_answer(refusal: CeilingReached) -> dict[str, int]:
    """Return the numbers of a refused plan (A4)."""
    return {name: int(refusal.facts[name]) for name in ("ceiling", "usage", "wanted")}

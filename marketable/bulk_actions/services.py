"""Plan, confirm and take back one action over many contacts (B).

Small ones are done in the request, all or nothing. Larger ones are frozen on confirm, and `running`
does them batch by batch.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.core.serializers.json import DjangoJSONEncoder
from django.utils.translation import gettext as _

from marketable import sql
from marketable.accounts import queries as accounts
from marketable.accounts.queries import Reach
from marketable.billing import queries as billing
from marketable.billing import rules as billing_rules
from marketable.bulk_actions import queries, running, works
from marketable.bulk_actions.errors import (
    CannotUndo,
    NothingToDo,
    PlanOutdated,
    PlanUnknown,
    WrongCount,
)
from marketable.bulk_actions.forgetting import without_personal_values
from marketable.bulk_actions.models import BulkAction, PlanRow
from marketable.bulk_actions.queries import BulkActionView, StoredPlan
from marketable.bulk_actions.rules import (
    BATCH_SIZE,
    PLAN_LIFE,
    REQUEST_LIMIT,
    ActionKind,
    ActionState,
)
from marketable.bulk_actions.works import ALTERED, Judged, Work, WorkPlan
from marketable.history.sources import Source, SourceType
from marketable.marketing_status import queries as status_queries
from marketable.marketing_status import services as marketing
from marketable.marketing_status.rules import CHANGING, Event, Verdict
from marketable.marketing_status.services import Plan
from marketable.queue import Job, enqueue
from marketable.segments import following
from marketable.segments import selection as segments
from marketable.segments.selection import Selection
from marketable.sql import SubQuery

#: How long a job is listed and can be taken back (B7).
KEPT_FOR = timedelta(days=30)
#: How long a person waits for the segments that are named to be brought up to date.
SEGMENT_PATIENCE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class PlanPreview:
    """A plan with the number under which it can be confirmed for one hour."""

    id: UUID
    plan: Plan
    selection: Selection
    include_unreachable: bool


@dataclass(frozen=True, slots=True)
class WorkPreview:
    """The plan of an action that does not move the status, with the number to confirm it by."""

    id: UUID
    plan: WorkPlan
    selection: Selection


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


@sql.retried
def preview_work(
    account_id: int,
    work: Work,
    selection: Selection,
    *,
    by: Source,
    reach: Reach,
    now: datetime,
) -> WorkPreview:
    """Make the plan of an action that does not move the status, to be confirmed within an hour.

    Raises the refusal of a work that is not possible.
    """
    today = billing_rules.today_in(accounts.account(account_id).zone, now)
    chosen = segments.compile_selection(account_id, selection, reach=reach, today=today)
    judged = works.judge(account_id, work, chosen)
    found = sql.rows(
        f"SELECT verdict, count(*) FROM ({judged.text}) AS judged GROUP BY verdict",
        {**judged.params, "account_id": account_id},
    )
    plan = _work_plan(account_id, work, selection, dict(found), reach=reach, today=today)
    plan_id = _remember_plan(
        account_id, work.kind, selection, plan.changing, by=by, now=now, work=work
    )
    return WorkPreview(plan_id, plan, selection)


def preview_again(
    account_id: int, plan_id: UUID, *, by: Source, reach: Reach, now: datetime
) -> PlanPreview | WorkPreview:
    """Make a plan anew as things stand now.

    Raises PlanUnknown, also for somebody else's.
    """
    stored = queries.stored_plan(account_id, plan_id)
    if stored.actor_id != by.actor_id:
        raise PlanUnknown
    if stored.work is not None:
        return preview_work(account_id, stored.work, stored.selection, by=by, reach=reach, now=now)
    return preview(
        account_id,
        stored.action,
        stored.selection,
        by=by,
        reach=reach,
        now=now,
        include_unreachable=stored.include_unreachable,
    )


def _work_plan(
    account_id: int,
    work: Work,
    selection: Selection,
    verdicts: Mapping[str, int],
    *,
    reach: Reach,
    today: date,
) -> WorkPlan:
    where = segments.conditions_of(account_id, selection, reach=reach, today=today)
    return WorkPlan(
        work=work,
        changing=verdicts.get(ALTERED, 0),
        already=verdicts.get("already", 0),
        cannot={reason: n for reason, n in verdicts.items() if reason not in {ALTERED, "already"}},
        outside_rights=segments.outside_count(account_id, selection, reach=reach, today=today),
        not_found=segments.not_found_count(account_id, selection, today=today),
        held=works.held_among(account_id, where, today) if work.kind is ActionKind.ARCHIVE else 0,
        update_date=billing.calendar(account_id).next_update_date(today),
    )


def _remember_plan(
    account_id: int,
    action: Event | ActionKind,
    selection: Selection,
    changing: int,
    *,
    by: Source,
    now: datetime,
    include_unreachable: bool = False,
    work: Work | None = None,
) -> UUID:
    PlanRow.objects.filter(account_id=account_id, created_at__lt=now - KEPT_FOR).delete()
    row = PlanRow.objects.create(
        account_id=account_id,
        id=uuid4(),
        created_at=now,
        actor_id=by.actor_id,
        action=action.value,
        selection=selection.as_json(),
        work=work.as_json() if work else {},
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

    Raises WrongCount, PlanOutdated (with a fresh plan), NothingToDo or CeilingReached, and
    LedgerBehind where a segment is named that cannot be brought up to date soon; nothing is saved
    then.
    """
    selection = queries.stored_plan(account_id, plan_id).selection
    following.catch_up_for(account_id, selection, patience_seconds=SEGMENT_PATIENCE_SECONDS)
    try:
        return _confirm(account_id, plan_id, count, by=by, reach=reach, now=now)
    except PlanOutdated as refusal:
        fresh = preview_again(account_id, plan_id, by=by, reach=reach, now=now)
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
    if stored.work is not None:
        stored = replace(stored, work=works.made(account_id, stored.work, by=by, now=now))
    bulk_action_id = _freeze(account_id, stored, count, by=by, reach=reach, now=now)
    row.bulk_action_id = bulk_action_id
    locked.update(
        bulk_action_id=bulk_action_id,
        selection=without_personal_values(row.selection),
        work=stored.work.kept_for_ever().as_json() if stored.work else {},
    )
    if count <= REQUEST_LIMIT:
        running.do_all(account_id, bulk_action_id, now=now)
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
    while running.run_next_batch(account_id, started.id, now=now):
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
        kind=stored.kind.value,
        state=ActionState.PENDING.value,
        source=by.as_json(),
        selection=without_personal_values(stored.selection.as_json()),
        work=stored.work.as_json() if stored.work else {},
        answer={},
        total=count,
        created_at=now,
    )
    if stored.work is not None:
        verdicts = _frozen(row, works.judge(account_id, stored.work, chosen), now=now)
        planned = _work_plan(
            account_id, stored.work, stored.selection, verdicts, reach=reach, today=today
        )
        if planned.changing != count:
            raise PlanOutdated(expected=count, actual=planned.changing)
        BulkAction.objects.filter(account_id=account_id, id=row.id).update(
            answer=_work_answer(planned)
        )
        return row.id
    judged = Judged(
        status_queries.judge(stored.action, chosen),
        {**chosen.params, "today": today, "include_unreachable": stored.include_unreachable},
    )
    counts = {Verdict(verdict): n for verdict, n in _frozen(row, judged, now=now).items()}
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
        marketing.reserve(account_id, running.holder(row.id), places, today=today)
    return row.id


def _frozen(row: BulkAction, judged: Judged, *, now: datetime) -> dict[str, int]:
    """Write the members of a bulk action; return how many there are of each verdict."""
    statement = sql.compose(
        sql.load("bulk_actions", "freeze"), judged=judged.text, batch_size=str(BATCH_SIZE)
    )
    found = sql.rows(
        statement,
        {**judged.params, "account_id": row.account_id, "bulk_action_id": row.id, "now": now},
    )
    return {str(verdict): int(n) for verdict, n in found}


def _work_answer(plan: WorkPlan) -> dict[str, Any]:
    """Return what is kept of the plan of a work: numbers, and the date."""
    return {
        "already": plan.already,
        "cannot": dict(plan.cannot),
        "outside_rights": plan.outside_rights,
        "not_found": plan.not_found,
        "update_date": plan.update_date.isoformat(),
    }


def _next_id() -> int:
    found = sql.row("SELECT nextval('bulk_action_id_seq')")
    assert found is not None
    return int(found[0])


def plan_as_json(plan: Plan) -> dict[str, Any]:
    """Return a plan as plain JSON values, dates as ISO text."""
    stored: dict[str, Any] = json.loads(json.dumps(asdict(plan), cls=DjangoJSONEncoder))
    return stored


@sql.retried
def take_back(account_id: int, bulk_action_id: int, *, by: Source, now: datetime) -> BulkActionView:
    """Take a bulk action back as the rules allow, leaving alone whatever was touched since.

    A start is staged for the next update date (S15); a staging that it withdrew is staged again,
    and a stop is kept (S16). Values and memberships become what they were, and the deleted live.
    The answer is a new bulk action, done in the background when large.
    """
    # The lock makes a second press of the button wait, and then see that it was taken back.
    was = queries.view(running.locked(account_id, bulk_action_id), None)
    if not was.is_finished:
        raise CannotUndo(_("The job is still running. Cancel it first."))
    if now - was.created_at > KEPT_FOR:
        raise CannotUndo(_("Jobs can be taken back for 30 days."))
    if queries.taken_back(account_id, [bulk_action_id]):
        raise CannotUndo(_("This job was taken back already."))
    if was.work is not None:
        return _take_work_back(account_id, was, was.work, by=by, now=now)
    event = {Event.START: Event.STOP, Event.STOP: Event.KEEP, Event.KEEP: Event.STOP}[
        Event(was.kind)
    ]
    today = billing_rules.today_in(accounts.account(account_id).zone, now)
    chosen = _untouched(was, today_is_before=today < was.update_date)
    row = _way_back(account_id, was, ActionKind(event), {}, by=by, now=now)
    judged = Judged(
        status_queries.judge(event, chosen),
        {**chosen.params, "today": today, "include_unreachable": True},
    )
    counts = {Verdict(verdict): n for verdict, n in _frozen(row, judged, now=now).items()}
    answer = marketing.price_plan(account_id, event, counts, today=today)
    left_alone = was.changed - answer.changing
    return _begin_way_back(
        row, answer.changing, {**plan_as_json(answer), "left_alone": left_alone}, now=now
    )


def _take_work_back(
    account_id: int, was: BulkActionView, work: Work, *, by: Source, now: datetime
) -> BulkActionView:
    """Take back what does not move the status. Those that somebody touched since are left alone,
    and named in the file of those left out."""
    back = works.way_back(account_id, work)
    today = billing_rules.today_in(accounts.account(account_id).zone, now)
    row = _way_back(account_id, was, back.kind, back.as_json(), by=by, now=now)
    counts = _frozen(row, works.judge_back(account_id, back, was.id), now=now)
    changing = counts.pop(ALTERED, 0)
    plan = WorkPlan(
        work=back,
        changing=changing,
        already=0,
        cannot=counts,
        outside_rights=0,
        not_found=0,
        held=0,
        update_date=billing.calendar(account_id).next_update_date(today),
    )
    return _begin_way_back(row, changing, _work_answer(plan), now=now)


def _way_back(
    account_id: int,
    was: BulkActionView,
    kind: ActionKind,
    work: dict[str, Any],
    *,
    by: Source,
    now: datetime,
) -> BulkAction:
    return BulkAction.objects.create(
        account_id=account_id,
        id=_next_id(),
        kind=kind.value,
        state=ActionState.PENDING.value,
        source=by.through(SourceType.UNDO, str(was.id)).as_json(),
        selection=Selection(bulk_action_id=was.id).as_json(),
        work=work,
        answer={},
        total=0,
        reverts_id=was.id,
        created_at=now,
    )


def _begin_way_back(
    row: BulkAction, changing: int, answer: dict[str, Any], *, now: datetime
) -> BulkActionView:
    if changing == 0:
        raise CannotUndo(_("There is nothing left to take back: all were changed since."))
    BulkAction.objects.filter(account_id=row.account_id, id=row.id).update(
        answer=answer, total=changing
    )
    if changing <= REQUEST_LIMIT:
        running.do_all(row.account_id, row.id, now=now)
    else:
        enqueue(Job.RUN_BULK_ACTION, account_id=row.account_id, bulk_action_id=row.id)
    return queries.bulk_action(row.account_id, row.id)


def _untouched(was: BulkActionView, *, today_is_before: bool) -> SubQuery:
    """Return the contacts that taking `was` back is about."""
    template = sql.load("bulk_actions", "take_back")
    params = {"sel_bulk_action_id": was.id}
    if was.kind is ActionKind.STOP:
        moves = [("marketing", "leaving")] if today_is_before else []
    elif was.kind is ActionKind.KEEP:
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

"""Doing a confirmed bulk action batch by batch, and stopping it (B6).

Each batch is one transaction with its change, its outcome and its progress, so a killed worker
resumes where it was and nothing is done twice.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from marketable import sql
from marketable.bulk_actions import queries, works
from marketable.bulk_actions.errors import BulkActionUnknown
from marketable.bulk_actions.models import Batch, BulkAction, Cancelling
from marketable.bulk_actions.queries import BulkActionView
from marketable.bulk_actions.rules import BATCH_SIZE, OF_STATUS, ActionKind, ActionState
from marketable.bulk_actions.works import Context, Work
from marketable.errors import Refused
from marketable.governance import services as governance
from marketable.history.sources import Source
from marketable.marketing_status import queries as status_queries
from marketable.marketing_status import services as marketing
from marketable.marketing_status.rules import Event
from marketable.sql import SubQuery

ACTIONS = {
    Event.START: marketing.start_marketing,
    Event.STOP: marketing.stop_marketing,
    Event.KEEP: marketing.keep_marketing,
}


def holder(bulk_action_id: int) -> str:
    """Return the name under which a bulk action holds places against the ceiling."""
    return f"bulk:{bulk_action_id}"


@sql.retried
def run_next_batch(account_id: int, bulk_action_id: int, *, now: datetime) -> bool:
    """Do the next batch, with its change, its outcome and the progress in one transaction.

    Returns whether there may be more to do. Any number of workers may call it at once: they take
    turns, and no batch is done twice.
    """
    row = locked(account_id, bulk_action_id)
    return _go_on(row, now=now)


def _go_on(row: BulkAction, *, now: datetime) -> bool:
    if row.state not in {ActionState.PENDING.value, ActionState.RUNNING.value}:
        return False
    batch = _next_batch(row)
    if batch is None:
        _end(row, ActionState.COMPLETE, now=now)
        if row.total > BATCH_SIZE:
            status_queries.tell_planner()
        return False
    if row.id in queries.cancelled_at(row.account_id, [row.id]):
        _end(row, ActionState.CANCELLED, now=now)
        return False
    try:
        _do_batch(row, batch, now=now, in_turn=True)
    except Refused as refusal:
        _end(row, ActionState.FAILED, now=now, error=refusal.stored())
        return False
    return True


def do_all(account_id: int, bulk_action_id: int, *, now: datetime) -> None:
    """Do a small bulk action in the caller's transaction: all of it, or nothing and the refusal.

    It neither waits for the turn of a large one nor reserves: both would hold up the other.
    """
    row = locked(account_id, bulk_action_id)
    while batch := _next_batch(row):
        _do_batch(row, batch, now=now, in_turn=False)
        row.refresh_from_db()
    _end(row, ActionState.COMPLETE, now=now)


def locked(account_id: int, bulk_action_id: int) -> BulkAction:
    """Return a bulk action, locked until the transaction ends. Raises BulkActionUnknown."""
    # Not the key: whoever wishes to stop it writes a row that refers to this one.
    rows = BulkAction.objects.select_for_update(no_key=True)
    row = rows.filter(account_id=account_id, id=bulk_action_id).first()
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
    work = Work.from_json(ActionKind(row.kind), row.work)
    BulkAction.objects.filter(account_id=row.account_id, id=row.id).update(
        state=state.value, finished_at=now, error=error, work=work.kept_for_ever().as_json()
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
    outcomes, change_id = (
        _move_status(row, batch, chosen, now=now, in_turn=in_turn)
        if row.kind in OF_STATUS
        else _work_on(row, batch, chosen, now=now)
    )
    size = sql.row(
        "SELECT cardinality(contact_ids) FROM bulk_action_batch WHERE account_id = %(account_id)s "
        "AND bulk_action_id = %(id)s AND number = %(number)s",
        {"account_id": row.account_id, "id": row.id, "number": batch.number},
    )
    assert size is not None
    Batch.objects.filter(
        account_id=row.account_id, bulk_action_id=row.id, number=batch.number
    ).update(done_at=now, change_id=change_id)
    skipped = int(size[0]) - sum(outcomes.values())
    BulkAction.objects.filter(account_id=row.account_id, id=row.id).update(
        state=ActionState.RUNNING.value,
        started_at=row.started_at or now,
        done=row.done + int(size[0]),
        outcomes=_add(row.outcomes, {**outcomes, "skipped": skipped}),
        change_id=row.change_id or change_id,
    )


def _move_status(
    row: BulkAction, batch: Batch, chosen: SubQuery, *, now: datetime, in_turn: bool
) -> tuple[dict[str, int], int | None]:
    event = Event(row.kind)
    more: dict[str, Any] = {"in_turn": in_turn}
    if event is Event.START:
        more["holder"] = holder(row.id)
    moved = ACTIONS[event](
        row.account_id,
        chosen,
        by=_doer(row),
        now=now,
        bulk_action_id=row.id,
        body=_body(row, batch),
        reverts_id=_first_change_of(row.account_id, row.reverts_id) if row.reverts_id else None,
        **more,
    )
    outcomes = {"set": moved.set, "kept": moved.kept, "staged": moved.staged}
    return outcomes, moved.change_id


def _work_on(
    row: BulkAction, batch: Batch, chosen: SubQuery, *, now: datetime
) -> tuple[dict[str, int], int | None]:
    done = works.do(
        row.account_id,
        Work.from_json(ActionKind(row.kind), row.work),
        chosen,
        Context(
            by=_doer(row),
            now=now,
            bulk_action_id=row.id,
            reverts_id=row.reverts_id,
            reverted_change_id=_first_change_of(row.account_id, row.reverts_id)
            if row.reverts_id
            else None,
            body=_body(row, batch),
        ),
    )
    return {outcome.value: n for outcome, n in done.outcomes.items()}, done.change_id


def _doer(row: BulkAction) -> Source:
    by = Source.from_json(row.source)
    return by if by.tool_id else by.through(by.tool, str(row.id))


def _body(row: BulkAction, batch: Batch) -> dict[str, Any]:
    return {"selection": row.selection, "action": row.kind, "batch": batch.number}


def _first_change_of(account_id: int, bulk_action_id: int) -> int | None:
    return queries.bulk_action(account_id, bulk_action_id).change_id


def _add(first: Mapping[str, int], second: Mapping[str, int]) -> dict[str, int]:
    names = {*first, *second}
    total = {name: first.get(name, 0) + second.get(name, 0) for name in names}
    return {name: n for name, n in total.items() if n}


def cancel(account_id: int, bulk_action_id: int, *, now: datetime) -> BulkActionView:
    """Stop what is left of a bulk action; what is done stays and counts (B6).

    The wish stands before a batch under way has ended: nobody waits for that here, and no other
    is begun.
    """
    if not queries.bulk_action(account_id, bulk_action_id).is_finished:
        _wish_to_stop(account_id, bulk_action_id, now=now)
        _end_if_idle(account_id, bulk_action_id, now=now)
    return queries.bulk_action(account_id, bulk_action_id)


@sql.retried
def _wish_to_stop(account_id: int, bulk_action_id: int, *, now: datetime) -> None:
    Cancelling.objects.bulk_create(
        [Cancelling(account_id=account_id, bulk_action_id=bulk_action_id, at=now)],
        ignore_conflicts=True,
    )


@sql.retried
def _end_if_idle(account_id: int, bulk_action_id: int, *, now: datetime) -> None:
    """End a stopped bulk action at once, unless a worker holds it, who does so after its batch."""
    locked = BulkAction.objects.select_for_update(no_key=True, skip_locked=True)
    row = locked.filter(account_id=account_id, id=bulk_action_id).first()
    if row is not None:
        _go_on(row, now=now)

"""The run of a checked import, batch by batch."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_noop

from marketable import sql
from marketable.accounts import queries as accounts
from marketable.billing import rules as billing_rules
from marketable.contacts.services.create import check_room
from marketable.contacts.services.upsert import Upserted, upsert_staged
from marketable.errors import Refused
from marketable.governance import services as governance
from marketable.history.sources import Source, SourceType
from marketable.marketing_status import services as marketing
from marketable.queue import Job, enqueue
from marketable.sql import SubQuery
from marketable.transfers import failures_file, queries, staging, undo
from marketable.transfers.errors import ImportOutdated, WrongState
from marketable.transfers.models import Cancelling, ImportRun
from marketable.transfers.queries import ImportView
from marketable.transfers.rules import BATCH, ImportState, Marketing, Mode
from marketable.transfers.services.checking import check, fail_check, plan_from, plan_of
from marketable.transfers.services.steps import locked
from marketable.transfers.services.unique_values import refuse_taken_values, remember_values


@sql.retried
def start(
    account_id: int, import_id: int, *, expected: int | None, by: Source, now: datetime
) -> ImportView:
    """Begin the run of a checked import. Places are reserved, so that it is all or nothing under
    a ceiling (O3); the worker does the rest.

    expected  how many contacts will become marketing; None where none can

    Raises ImportOutdated, CeilingReached or ContactLimit, and begins nothing then.
    """
    row = locked(account_id, import_id, ImportState.CHECKED)
    view = queries.view(row)
    if view.marketing is Marketing.LEAVE:  # nothing to count anew: no place is taken
        told, plan = plan_from(account_id, view, row.check_result, now=now)
    else:
        told, plan = plan_of(account_id, import_id, now=now)
    if (expected or 0) != told.marketing_started:
        raise ImportOutdated(expected=expected or 0, actual=told.marketing_started)
    if told.created:
        check_room(account_id, settings.CONTACT_LIMIT, told.created)
    today = billing_rules.today_in(accounts.account(account_id).zone, now)
    places = plan.usage_after - plan.usage_before
    if places > 0:
        marketing.reserve(account_id, holder(import_id), places, today=today)
    row.state = ImportState.RUNNING.value
    row.started_at = now
    row.outcomes = dict(row.check_result["failures"])
    row.reached_line = 0
    row.done = row.total - row.staged_rows
    row.check_result = {**row.check_result, "plan": _told(plan)}
    row.source = by.through(SourceType.IMPORT, str(import_id), row.file_name).as_json()
    row.save()
    enqueue(Job.RUN_IMPORT, account_id=account_id, import_id=import_id)
    return queries.view(row)


def _told(plan: marketing.Plan) -> dict[str, Any]:
    """Return what the person was told before the run."""
    return {
        "set": plan.set,
        "kept": plan.kept,
        "usage_before": plan.usage_before,
        "usage_after": plan.usage_after,
        "tier_before": plan.tier_before,
        "tier_after": plan.tier_after,
        "update_date": plan.update_date.isoformat(),
    }


def holder(import_id: int) -> str:
    """Return the name under which an import holds places against the ceiling."""
    return f"import:{import_id}"


@sql.retried
def run_next_batch(account_id: int, import_id: int, *, now: datetime) -> bool:
    """Take the next 20,000 staged rows; return whether there may be more to do.

    Any number of workers may call it at once: they take turns, and no row is taken twice.
    """
    # Not the key: whoever wishes to stop it writes a row that refers to this one.
    locked = ImportRun.objects.select_for_update(no_key=True)
    return _go_on(locked.get(account_id=account_id, id=import_id), now=now)


def _go_on(row: ImportRun, *, now: datetime) -> bool:
    account_id, import_id = row.account_id, row.id
    if row.state != ImportState.RUNNING.value:
        return False
    found = sql.row(
        "SELECT max(line) FROM (SELECT line FROM import_row "
        "WHERE account_id = %(account_id)s AND import_id = %(import_id)s AND line > %(after)s "
        "ORDER BY line LIMIT %(limit)s) AS next",
        {
            "account_id": account_id,
            "import_id": import_id,
            "after": row.reached_line,
            "limit": BATCH,
        },
    )
    assert found is not None
    if import_id in queries.cancelled_at(account_id, [import_id]):
        _finish(row, ImportState.CANCELLED, now=now)
        return False
    if found[0] is None:
        _finish(row, ImportState.COMPLETE, now=now)
        return False
    try:
        _do_batch(row, upto=int(found[0]), now=now)
    except Refused as refusal:
        row.error = refusal.stored()
        _finish(row, ImportState.FAILED, now=now)
        return False
    return True


@sql.retried
def _do_batch(row: ImportRun, *, upto: int, now: datetime) -> None:
    account_id, import_id = row.account_id, row.id
    batch = {
        "account_id": account_id,
        "import_id": import_id,
        "after": row.reached_line,
        "upto": upto,
    }
    marketing.lock_status_batches(account_id)
    # What was found in the check, once more: others wrote contacts meanwhile.
    sql.row(sql.load("transfers", "duplicates"), batch)
    refuse_taken_values(account_id, row.mapping, batch)
    by = Source.from_json(row.source)
    mode = queries.view(row).mode
    taken = upsert_staged(
        account_id,
        import_id,
        after=row.reached_line,
        upto=upto,
        may_create=mode is not Mode.UPDATE,
        may_update=mode is not Mode.CREATE,
        by=by,
        now=now,
    )
    remember_values(account_id, import_id, row.mapping, taken)
    started = _start_marketing(row, taken, by=by, now=now)
    _write_failures(account_id, import_id, taken.failed)
    sql.execute(
        "DELETE FROM import_row WHERE account_id = %(account_id)s "
        "AND import_id = %(import_id)s AND line > %(after)s AND line <= %(upto)s",
        batch,
    )
    outcomes = Counter(row.outcomes)
    outcomes.update(taken.outcomes)
    if started is not None:
        outcomes["marketing_started"] += started.changed
    row.outcomes = dict(outcomes)
    row.reached_line = upto
    row.done = min(row.done + sum(taken.outcomes.values()), row.total)
    row.change_id = row.change_id or taken.change_id or (started.change_id if started else None)
    row.save(update_fields=["outcomes", "reached_line", "done", "change_id"])


def _start_marketing(
    row: ImportRun, taken: Upserted, *, by: Source, now: datetime
) -> marketing.Moved | None:
    option = queries.view(row).marketing
    ids = [] if option is Marketing.LEAVE else list(taken.created.values())
    if option is Marketing.ALL:
        ids += taken.present.values()
    if not ids:
        return None
    # S19: who would only cost is left out; a staging of theirs is withdrawn all the same.
    reachable = (
        "TRUE"
        if queries.view(row).includes_unreachable
        else "c.email IS NOT NULL AND NOT c.properties ? 'hs_email_hard_bounce_reason_enum' "
        "OR EXISTS (SELECT FROM marketing_contact AS sel_status "
        "WHERE sel_status.account_id = c.account_id AND sel_status.contact_id = c.id)"
    )
    test = f"c.id = ANY(%(sel_ids)s) AND ({reachable})"
    chosen = SubQuery(
        f"SELECT c.id FROM contact AS c WHERE c.account_id = %(account_id)s AND {test}",
        {"sel_ids": sorted(ids)},
        test=test,
    )
    return marketing.start_marketing(
        row.account_id, chosen, by=by, now=now, holder=holder(row.id), in_turn=True
    )


def _write_failures(account_id: int, import_id: int, failed: Sequence[tuple[int, str]]) -> None:
    if failed:
        sql.execute(
            "INSERT INTO import_failure (account_id, import_id, line, code, field) "
            "SELECT %(account_id)s, %(import_id)s, line, code, 'email' "
            "FROM unnest(%(lines)s::int[], %(codes)s::text[]) AS given (line, code) "
            "ON CONFLICT DO NOTHING",
            {
                "account_id": account_id,
                "import_id": import_id,
                "lines": [line for line, _code in failed],
                "codes": [code for _line, code in failed],
            },
        )


def _finish(row: ImportRun, state: ImportState, *, now: datetime) -> None:
    """End a run: write the failures file, let go of the rest of the file and of the places."""
    kept = {name: count for name, count in row.outcomes.items() if name in queries.DONE}
    row.outcomes = {**kept, **queries.failure_counts(row.account_id, row.id)}
    view = queries.view(row)
    row.failures_as = failures_file.write(row.account_id, view) if view.failed else ""
    if state is ImportState.COMPLETE:
        row.done = row.total
    _end(row, state, now=now)


def _end(row: ImportRun, state: ImportState, *, now: datetime) -> None:
    row.state = state.value
    row.finished_at = now
    row.save()
    sql.execute(
        "DELETE FROM import_row WHERE account_id = %(account_id)s AND import_id = %(import_id)s",
        {"account_id": row.account_id, "import_id": row.id},
    )
    queries.forget_mended(row.account_id, row.id)
    governance.release(row.account_id, holder(row.id))
    path = queries.folder() / row.stored_as
    transaction.on_commit(lambda: path.unlink(missing_ok=True))


def cancel(account_id: int, import_id: int, *, now: datetime) -> ImportView:
    """Stop the rest of an import; what is done stays. A draft is thrown away.

    The wish stands before a batch under way has ended: nobody waits for that here, and no other is
    begun.
    """
    if queries.import_run(account_id, import_id).state is ImportState.RUNNING:
        _wish_to_stop(account_id, import_id, now=now)
        _end_if_idle(account_id, import_id, now=now)
    else:
        _throw_away(account_id, import_id, now=now)
    return queries.import_run(account_id, import_id)


@sql.retried
def _wish_to_stop(account_id: int, import_id: int, *, now: datetime) -> None:
    wish = Cancelling(account_id=account_id, import_id=import_id, at=now)
    Cancelling.objects.bulk_create([wish], ignore_conflicts=True)


@sql.retried
def _end_if_idle(account_id: int, import_id: int, *, now: datetime) -> None:
    """End a stopped import at once, unless a worker holds it, who does so after its batch."""
    locked = ImportRun.objects.select_for_update(no_key=True, skip_locked=True)
    row = locked.filter(account_id=account_id, id=import_id).first()
    if row is not None:
        _go_on(row, now=now)


@sql.retried
def _throw_away(account_id: int, import_id: int, *, now: datetime) -> None:
    row = ImportRun.objects.select_for_update().get(account_id=account_id, id=import_id)
    if row.state == ImportState.RUNNING.value:  # started since it was looked at
        _wish_to_stop(account_id, import_id, now=now)
    elif row.started_at is None and row.state != ImportState.CANCELLED.value:
        row.cancelled_at = now
        staging.remove(account_id, import_id)
        _end(row, ImportState.CANCELLED, now=now)


def work_on(
    account_id: int,
    import_id: int,
    *,
    now: datetime,
    between: Callable[[], None] = lambda: None,
) -> bool:
    """Do the next piece of what an import waits for: its check, a batch, or a part of its undo.

    between  called between two blocks of a check; may raise to stop

    Returns whether there may be more to do.
    """
    view = queries.import_run(account_id, import_id)
    if view.state is ImportState.CHECKING:
        try:
            check(account_id, import_id, now=now, between=between)
        except (Refused, WrongState):
            return False  # the refusal stands in the import's row, where its person reads it
        return start_as_asked(account_id, import_id, now=now)
    if view.state is ImportState.CHECKED:
        return start_as_asked(account_id, import_id, now=now)
    if view.state is ImportState.UNDOING:
        return undo.undo_next_batch(account_id, import_id, now=now)
    return run_next_batch(account_id, import_id, now=now)


def start_as_asked(account_id: int, import_id: int, *, now: datetime) -> bool:
    """Begin the run of a checked import if it was asked for before the check, with a number to
    expect; a refusal then stands in the import. Returns whether it has begun."""
    view = queries.import_run(account_id, import_id)
    if view.state is not ImportState.CHECKED or not view.starts_when_checked:
        return view.state is ImportState.RUNNING
    try:
        start(account_id, import_id, expected=view.options.get("expected"), by=view.by, now=now)
    except WrongState:
        return True  # another process has begun it
    except Refused as refusal:
        fail_check(account_id, import_id, refusal, now=now)
        return False
    return True


BROKEN = gettext_noop(
    "The import stopped because of an error in the program. What was done until then stays. The "
    "details are in the program's log."
)


@sql.retried
def give_up(account_id: int, import_id: int, *, now: datetime) -> bool:
    """End an import that an error stops again and again; return whether it was under way. What is
    done stays, can be undone, and is told as far as it was counted."""
    row = ImportRun.objects.select_for_update().filter(account_id=account_id, id=import_id).first()
    if row is None or not queries.view(row).is_running:
        return False
    broken = Refused(BROKEN)
    if row.started_at is None:
        fail_check(account_id, import_id, broken, now=now)
    else:
        row.error = broken.stored()
        _end(row, ImportState.FAILED, now=now)
    return True

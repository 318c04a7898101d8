"""The run of a checked import, batch by batch."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings

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
from marketable.transfers import failures_file, queries
from marketable.transfers.errors import ImportOutdated
from marketable.transfers.models import ImportRun
from marketable.transfers.queries import ImportView
from marketable.transfers.rules import BATCH, ImportState, Marketing, Mode
from marketable.transfers.services.checking import check, plan_of
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
    told, plan = plan_of(account_id, import_id, now=now)
    if (expected or 0) != told.marketing_started:
        raise ImportOutdated(expected=expected or 0, actual=told.marketing_started)
    if told.created:
        check_room(account_id, settings.CONTACT_LIMIT, told.created)
    today = billing_rules.today_in(accounts.account(account_id).zone, now)
    if plan.set:
        marketing.reserve(account_id, holder(import_id), plan.set, today=today)
    row.state = ImportState.RUNNING.value
    row.started_at = now
    row.outcomes = {}
    row.done = 0
    row.check_result = {**row.check_result, "plan": _told(plan)}
    row.source = by.through(SourceType.IMPORT, str(import_id), row.file_name).as_json()
    row.save(update_fields=["state", "started_at", "outcomes", "done", "check_result", "source"])
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
    row = ImportRun.objects.select_for_update().get(account_id=account_id, id=import_id)
    if row.state != ImportState.RUNNING.value:
        return False
    params = {"account_id": account_id, "import_id": import_id, "limit": BATCH}
    found = sql.row(
        "SELECT max(line), min(line) FROM (SELECT line FROM import_row "
        "WHERE account_id = %(account_id)s AND import_id = %(import_id)s "
        "ORDER BY line LIMIT %(limit)s) AS next",
        params,
    )
    assert found is not None
    if row.cancelled_at is not None or found[0] is None:
        _finish(row, now=now)
        return False
    upto, after = int(found[0]), int(found[1]) - 1
    batch = {**params, "after": after, "upto": upto}
    marketing.lock_status_batches(account_id)
    refused = refuse_taken_values(account_id, import_id, batch)
    by = Source.from_json(row.source)
    mode = Mode(row.options.get("mode", Mode.UPSERT))
    taken = upsert_staged(
        account_id,
        import_id,
        after=after,
        upto=upto,
        may_create=mode is not Mode.UPDATE,
        may_update=mode is not Mode.CREATE,
        by=by,
        now=now,
    )
    remember_values(account_id, taken)
    started = _start_marketing(row, taken, by=by, now=now)
    _write_failures(account_id, import_id, taken.failed)
    sql.execute(
        "DELETE FROM import_row WHERE account_id = %(account_id)s "
        "AND import_id = %(import_id)s AND line <= %(upto)s",
        batch,
    )
    outcomes = Counter(row.outcomes)
    outcomes.update(taken.outcomes)
    if refused:
        outcomes["DUPLICATE_UNIQUE_PROPERTY_VALUE"] += refused
    if started is not None:
        outcomes["marketing_started"] += started.changed
    row.outcomes = dict(outcomes)
    row.done = upto if upto < row.total else row.total
    row.change_id = row.change_id or taken.change_id or (started.change_id if started else None)
    row.save(update_fields=["outcomes", "done", "change_id"])
    return True


def _start_marketing(
    row: ImportRun, taken: Upserted, *, by: Source, now: datetime
) -> marketing.Moved | None:
    option = Marketing(row.options.get("marketing", Marketing.LEAVE))
    ids = [] if option is Marketing.LEAVE else list(taken.created)
    if option is Marketing.ALL:
        ids += taken.present
    if not ids:
        return None
    reachable = (
        "TRUE"
        if row.options.get("include_unreachable")
        else "email IS NOT NULL AND NOT properties ? 'hs_email_hard_bounce_reason_enum' "
        "OR EXISTS (SELECT FROM marketing_contact AS sel_status "
        "WHERE sel_status.account_id = contact.account_id AND sel_status.contact_id = contact.id)"
    )
    chosen = SubQuery(
        "SELECT contact.id FROM contact WHERE contact.account_id = %(account_id)s "
        f"AND contact.id = ANY(%(sel_ids)s) AND ({reachable})",
        {"sel_ids": sorted(ids)},
    )
    return marketing.start_marketing(row.account_id, chosen, by=by, now=now, holder=holder(row.id))


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


def _finish(row: ImportRun, *, now: datetime) -> None:
    """End a run: write the failures file, let go of the rest of the file and of the places."""
    params = {"account_id": row.account_id, "import_id": row.id}
    outcomes = Counter(row.outcomes)
    for code, count in sql.rows(
        "SELECT code, count(*) FROM import_failure WHERE account_id = %(account_id)s "
        "AND import_id = %(import_id)s GROUP BY code",
        params,
    ):
        outcomes[str(code)] = int(count)
    row.outcomes = dict(outcomes)
    view = queries.view(row)
    row.failures_as = failures_file.write(row.account_id, view) if view.failed else ""
    row.state = ImportState.CANCELLED.value if row.cancelled_at else ImportState.COMPLETE.value
    row.done = row.total if not row.cancelled_at else row.done
    row.finished_at = now
    row.save(update_fields=["outcomes", "failures_as", "state", "done", "finished_at"])
    sql.execute(
        "DELETE FROM import_row WHERE account_id = %(account_id)s AND import_id = %(import_id)s",
        params,
    )
    governance.release(row.account_id, holder(row.id))
    (queries.folder() / row.stored_as).unlink(missing_ok=True)


@sql.retried
def cancel(account_id: int, import_id: int, *, now: datetime) -> ImportView:
    """Stop the rest of an import; what is done stays. A draft is thrown away."""
    row = ImportRun.objects.select_for_update().filter(account_id=account_id, id=import_id).first()
    if row is None:
        return queries.import_run(account_id, import_id)
    if row.state == ImportState.RUNNING.value:
        row.cancelled_at = row.cancelled_at or now
        row.save(update_fields=["cancelled_at"])
        run_next_batch(account_id, import_id, now=now)
    elif row.started_at is None and row.state != ImportState.CANCELLED.value:
        row.state = ImportState.CANCELLED.value
        row.cancelled_at = row.finished_at = now
        row.save(update_fields=["state", "cancelled_at", "finished_at"])
        for table in ("import_row", "import_failure"):
            sql.execute(
                f"DELETE FROM {table} WHERE account_id = %(account_id)s "
                "AND import_id = %(import_id)s",
                {"account_id": account_id, "import_id": import_id},
            )
        (queries.folder() / row.stored_as).unlink(missing_ok=True)
    return queries.import_run(account_id, import_id)


def work_on(account_id: int, import_id: int, *, now: datetime) -> bool:
    """Do the next piece of what an import waits for: its check, a batch, or a part of its undo.

    Returns whether there may be more to do.
    """
    from marketable.transfers.undo import undo_next_batch

    state = queries.import_run(account_id, import_id).state
    if state is ImportState.CHECKING:
        try:
            check(account_id, import_id, now=now)
        except Refused:
            return False  # the refusal stands in the import's row, where its person reads it
        return False
    if state is ImportState.UNDOING:
        return undo_next_batch(account_id, import_id, now=now)
    return run_next_batch(account_id, import_id, now=now)

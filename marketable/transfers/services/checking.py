"""The check of a whole file: typed rows, what they would do, and the plan. Writes no contact.

A file is staged block by block, each in a transaction of its own that remembers the line it came
to, so a killed check goes on where it was.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from marketable import sql
from marketable.accounts import queries as accounts
from marketable.billing import rules as billing_rules
from marketable.contacts import rules as contact_rules
from marketable.errors import Refused
from marketable.marketing_status import queries as status
from marketable.marketing_status import services as marketing
from marketable.marketing_status.rules import Event, Verdict
from marketable.properties import queries as properties
from marketable.queue import Job, enqueue
from marketable.transfers import queries, staging
from marketable.transfers.errors import WrongState
from marketable.transfers.models import ImportRun
from marketable.transfers.queries import ImportView
from marketable.transfers.rules import LAST_LINE, ImportState, Marketing, Mode
from marketable.transfers.services.drafts import refuse_half_mapped
from marketable.transfers.services.steps import mendable
from marketable.transfers.services.unique_values import refuse_taken_values


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What an import would do (I3). `marketing_started` is the number to expect."""

    created: int
    updated: int
    unchanged: int
    failed: int
    marketing_started: int
    blocked_by: str


@sql.retried
def ask_for_check(account_id: int, import_id: int) -> ImportView:
    """Let the worker read the whole file and find out what it would do.

    Raises BadMapping for a mapping that is not whole.
    """
    view = begin_check(account_id, import_id)
    enqueue(Job.RUN_IMPORT, account_id=account_id, import_id=import_id)
    return view


@sql.retried
def begin_check(account_id: int, import_id: int) -> ImportView:
    """Let the file be checked by the one who asks."""
    row = mendable(account_id, import_id)
    refuse_half_mapped(row.mapping["columns"], properties.definitions(account_id))
    row.state, row.error, row.finished_at = ImportState.CHECKING.value, "", None
    row.reached_line, row.done, row.total = 0, 0, 0
    row.save(update_fields=["state", "error", "finished_at", "reached_line", "done", "total"])
    return queries.view(row)


def _nothing() -> None:
    """What is done between two blocks when nobody waits for it."""


def check(
    account_id: int, import_id: int, *, now: datetime, between: Callable[[], None] = _nothing
) -> ImportView:
    """Read the whole file into typed rows, and count what it would do. Writes no contact.

    between  called after each block; may raise to stop, and the check can be gone on with

    Any number of workers may call it at once: every block is staged once. Raises FileRefused when
    the file cannot be read to its end; that stands in the import, too.
    """
    view = queries.import_run(account_id, import_id)
    if view.state is not ImportState.CHECKING:
        raise WrongState
    try:
        while view.state is ImportState.CHECKING:
            if _stage_rest(view, account_id, between):
                _conclude(account_id, import_id, now=now)
            view = queries.import_run(account_id, import_id)
    except Refused as refusal:
        fail_check(account_id, import_id, refusal, now=now)
        raise
    return view


def fail_check(account_id: int, import_id: int, refusal: Refused, *, now: datetime) -> None:
    """Let the import say why its file cannot be taken. It can be read another way."""
    ImportRun.objects.filter(
        account_id=account_id,
        id=import_id,
        state__in=[ImportState.CHECKING.value, ImportState.CHECKED.value],
    ).update(state=ImportState.FAILED.value, error=refusal.stored(), finished_at=now)


def _stage_rest(view: ImportView, account_id: int, between: Callable[[], None]) -> bool:
    """Stage what has not been staged; return False if somebody else staged a part meanwhile, or
    the check was given up."""
    columns = staging.columns_taken(
        account_id,
        view.mapping,
        properties.definitions(account_id),
        date_order=str(view.options.get("date_order", "ymd")),
        decimal_comma=bool(view.options.get("decimal_comma")),
        zone=accounts.account(account_id).zone,
    )
    path = queries.folder() / view.stored_as
    reached = view.reached_line
    blocks = staging.blocks(
        path,
        view.format,
        staging.row_maker(columns, len(view.headers), account_id),
        mended=queries.mended(account_id, view.id),
        after=reached,
        with_addresses=staging.has_blocked(account_id),
    )
    for block in staging.ahead(blocks):
        if not _stage_block(account_id, view.id, block, after=reached):
            return False
        reached = block.last
        between()
    return True


@sql.retried
def _stage_block(account_id: int, import_id: int, block: staging.Block, *, after: int) -> bool:
    row = ImportRun.objects.select_for_update().get(account_id=account_id, id=import_id)
    if row.state != ImportState.CHECKING.value or row.reached_line != after:
        return False
    if not after:
        staging.remove(account_id, import_id)  # what an earlier check left
    if block.addresses:
        staging.refuse_blocked(account_id, block)
    staging.store(account_id, import_id, block)
    row.reached_line = block.last
    row.done += len(block.rows) + len(block.failures)
    row.save(update_fields=["reached_line", "done"])
    return True


@sql.retried
def _conclude(account_id: int, import_id: int, *, now: datetime) -> None:
    """Find what is wrong between rows, count, and let the import be checked."""
    row = ImportRun.objects.select_for_update().get(account_id=account_id, id=import_id)
    if row.state != ImportState.CHECKING.value:
        return
    if not row.reached_line:
        staging.remove(account_id, import_id)
    sql.execute("ANALYZE import_row")
    settle(row, now=now)
    row.total = row.done
    row.reached_line = row.done = 0
    row.state = ImportState.CHECKED.value
    row.save(
        update_fields=["check_result", "staged_rows", "total", "reached_line", "done", "state"]
    )


def settle(row: ImportRun, *, now: datetime) -> None:
    """Set rows aside that others of the file, or contacts, stand against, and count the rest."""
    account_id, import_id = row.account_id, row.id
    whole = {"account_id": account_id, "import_id": import_id, "after": 0, "upto": LAST_LINE}
    sql.row(sql.load("transfers", "duplicates"), whole)
    refuse_taken_values(account_id, row.mapping, whole)
    row.check_result = _count(account_id, import_id, queries.view(row), now=now)
    row.staged_rows = sum(row.check_result["outcomes"].values())


def _count(account_id: int, import_id: int, view: ImportView, *, now: datetime) -> dict[str, Any]:
    """Return what the staged rows would do: outcomes, failures by reason, and verdicts of a start
    for those that would be created and for those present."""
    today = billing_rules.today_in(accounts.account(account_id).zone, now)
    statement = sql.compose(
        sql.load("transfers", "check"), matched_rows=sql.load("contacts", "matched_rows")
    )
    found = sql.rows(
        statement,
        {
            "account_id": account_id,
            "import_id": import_id,
            "after": 0,
            "upto": LAST_LINE,
            "stages": list(contact_rules.LIFECYCLE),
            "today": today,
            "include_unreachable": view.includes_unreachable,
        },
    )
    outcomes: Counter[str] = Counter()
    verdicts: dict[str, Counter[str]] = {"created": Counter(), "present": Counter()}
    for outcome, verdict, count in found:
        outcomes[outcome] += int(count)
        verdicts["created" if outcome == "created" else "present"][verdict] += int(count)
    return {
        "outcomes": dict(outcomes),
        "failures": queries.failure_counts(account_id, import_id),
        "verdicts": {name: dict(counts) for name, counts in verdicts.items()},
    }


def plan_of(account_id: int, import_id: int, *, now: datetime) -> tuple[ImportPlan, marketing.Plan]:
    """Return what a checked import would do now, with its options (I3, T10)."""
    view = queries.import_run(account_id, import_id)
    if view.state is not ImportState.CHECKED:
        raise WrongState
    return plan_from(account_id, view, _count(account_id, import_id, view, now=now), now=now)


def plan_from(
    account_id: int, view: ImportView, counted: dict[str, Any], *, now: datetime
) -> tuple[ImportPlan, marketing.Plan]:
    """Return the plan for what was counted."""
    today = billing_rules.today_in(accounts.account(account_id).zone, now)
    may_create, may_update = view.mode is not Mode.UPDATE, view.mode is not Mode.CREATE
    starts_created = view.marketing is not Marketing.LEAVE and may_create
    starts_present = view.marketing is Marketing.ALL and may_update
    outcomes, verdicts = counted["outcomes"], Counter[str]()
    if starts_created:
        verdicts.update(counted["verdicts"]["created"])
    if starts_present:
        verdicts.update(counted["verdicts"]["present"])
    plan = marketing.price_plan(
        account_id,
        Event.START,
        {Verdict(name): count for name, count in verdicts.items()},
        today=today,
        taken_over=_taken_over(account_id, view, starts_created, starts_present, verdicts, now=now),
    )
    created = outcomes.get("created", 0)
    updated, unchanged = outcomes.get("updated", 0), outcomes.get("unchanged", 0)
    left_out = (0 if may_create else created) + (0 if may_update else updated + unchanged)
    told = ImportPlan(
        created=created if may_create else 0,
        updated=updated if may_update else 0,
        unchanged=unchanged if may_update else 0,
        failed=sum(counted["failures"].values()) + left_out,
        marketing_started=plan.changing,
        blocked_by=plan.blocked_by,
    )
    return told, plan


def _taken_over(
    account_id: int,
    view: ImportView,
    of_created: bool,
    of_present: bool,
    verdicts: Counter[str],
    *,
    now: datetime,
) -> int:
    """Return how many starts would take over a place that a deleted contact holds (S11)."""
    today = billing_rules.today_in(accounts.account(account_id).zone, now)
    if not verdicts[Verdict.SET] or not status.somebody_holds_a_place(account_id, today):
        return 0
    found = sql.row(
        sql.load("transfers", "taken_over"),
        {
            "account_id": account_id,
            "import_id": view.id,
            "today": today,
            "of_created": of_created,
            "of_present": of_present,
            "include_unreachable": view.includes_unreachable,
        },
    )
    assert found is not None
    return int(found[0])

"""The check of a whole file: typed rows, what they would do, and the plan. Writes no contact."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from marketable import sql
from marketable.accounts import queries as accounts
from marketable.billing import rules as billing_rules
from marketable.contacts import rules as contact_rules
from marketable.errors import Refused
from marketable.marketing_status import services as marketing
from marketable.marketing_status.rules import Event, Verdict
from marketable.properties import queries as properties
from marketable.queue import Job, enqueue
from marketable.transfers import queries, staging
from marketable.transfers.errors import WrongState
from marketable.transfers.models import ImportRun
from marketable.transfers.queries import ImportView
from marketable.transfers.rules import ImportState, Marketing, Mode
from marketable.transfers.services.drafts import refuse_half_mapped
from marketable.transfers.services.steps import locked, mendable


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
    row = mendable(account_id, import_id)
    refuse_half_mapped(row.mapping["columns"], properties.definitions(account_id))
    row.state, row.error, row.finished_at = ImportState.CHECKING.value, "", None
    row.save(update_fields=["state", "error", "finished_at"])
    enqueue(Job.RUN_IMPORT, account_id=account_id, import_id=import_id)
    return queries.view(row)


def check(account_id: int, import_id: int, *, now: datetime) -> ImportView:
    """Read the whole file into typed rows, and count what it would do. Writes no contact."""
    try:
        return _check(account_id, import_id, now=now)
    except Refused as refusal:
        ImportRun.objects.filter(
            account_id=account_id, id=import_id, state=ImportState.CHECKING.value
        ).update(state=ImportState.FAILED.value, error=refusal.stored(), finished_at=now)
        raise


@sql.retried
def _check(account_id: int, import_id: int, *, now: datetime) -> ImportView:
    row = locked(account_id, import_id, ImportState.CHECKING)
    view = queries.view(row)
    account = accounts.account(account_id)
    definitions = properties.definitions(account_id)
    columns = staging.columns_taken(
        view.mapping,
        definitions,
        date_order=str(view.options.get("date_order", "ymd")),
        decimal_comma=bool(view.options.get("decimal_comma")),
        zone=account.zone,
    )
    rows, failed = staging.stage(
        account_id,
        import_id,
        queries.folder() / view.stored_as,
        view.format,
        columns,
        len(view.headers),
    )
    sql.execute("ANALYZE import_row")
    duplicates = sql.row(
        sql.load("transfers", "duplicates"), {"account_id": account_id, "import_id": import_id}
    )
    assert duplicates is not None
    row.total = rows
    row.staged_rows = rows - failed - int(duplicates[0])
    row.state = ImportState.CHECKED.value
    row.save(update_fields=["total", "staged_rows", "state"])
    counted = _count(account_id, import_id, queries.view(row), now=now)
    row.check_result = counted
    row.save(update_fields=["check_result"])
    return queries.view(row)


def _count(account_id: int, import_id: int, view: ImportView, *, now: datetime) -> dict[str, Any]:
    """Return what the staged rows would do: outcomes, failures by reason, verdicts for both
    marketing options."""
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
            "upto": 2_147_483_647,
            "stages": list(contact_rules.LIFECYCLE),
            "today": today,
            "include_unreachable": bool(view.options.get("include_unreachable")),
        },
    )
    outcomes: Counter[str] = Counter()
    verdicts: dict[str, Counter[str]] = {"created": Counter(), "present": Counter()}
    for outcome, verdict, count in found:
        outcomes[outcome] += int(count)
        verdicts["created" if outcome == "created" else "present"][verdict] += int(count)
    failures = {
        str(code): int(count)
        for code, count in sql.rows(
            "SELECT code, count(*) FROM import_failure WHERE account_id = %(account_id)s "
            "AND import_id = %(import_id)s GROUP BY code",
            {"account_id": account_id, "import_id": import_id},
        )
    }
    return {
        "outcomes": dict(outcomes),
        "failures": failures,
        "verdicts": {name: dict(counts) for name, counts in verdicts.items()},
    }


def plan_of(account_id: int, import_id: int, *, now: datetime) -> tuple[ImportPlan, marketing.Plan]:
    """Return what a checked import would do now, with its options (I3, T10)."""
    view = queries.import_run(account_id, import_id)
    if view.state is not ImportState.CHECKED:
        raise WrongState
    today = billing_rules.today_in(accounts.account(account_id).zone, now)
    counted = _count(account_id, import_id, view, now=now)
    mode = Mode(view.options.get("mode", Mode.UPSERT))
    outcomes = counted["outcomes"]
    created = outcomes.get("created", 0) if mode is not Mode.UPDATE else 0
    present = mode is not Mode.CREATE
    verdicts: Counter[str] = Counter()
    if view.marketing is not Marketing.LEAVE and mode is not Mode.UPDATE:
        verdicts.update(counted["verdicts"]["created"])
    if view.marketing is Marketing.ALL and present:
        verdicts.update(counted["verdicts"]["present"])
    plan = marketing.price_plan(
        account_id,
        Event.START,
        {Verdict(name): count for name, count in verdicts.items()},
        today=today,
    )
    left_out = 0
    if mode is Mode.UPDATE:
        left_out = outcomes.get("created", 0)
    elif mode is Mode.CREATE:
        left_out = outcomes.get("updated", 0) + outcomes.get("unchanged", 0)
    told = ImportPlan(
        created=created,
        updated=outcomes.get("updated", 0) if present else 0,
        unchanged=outcomes.get("unchanged", 0) if present else 0,
        failed=sum(counted["failures"].values()) + left_out,
        marketing_started=plan.changing,
        blocked_by=plan.blocked_by,
    )
    return told, plan

"""Importing a file in steps: keep it, map its columns, check, run in batches, undo.

Nothing is written to contacts before the run. Each batch of the run is one transaction with its
changes, its starts, its outcome and its progress, so a killed import goes on where it was.
"""

import os
import shutil
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings
from django.utils.translation import gettext as _

from marketable import sql
from marketable.accounts import queries as accounts
from marketable.billing import rules as billing_rules
from marketable.bulk_actions.services import plan_as_json
from marketable.contacts import rules as contact_rules
from marketable.contacts.erasing import on_erase
from marketable.contacts.services.create import check_room
from marketable.contacts.services.upsert import Upserted, upsert_staged
from marketable.errors import Refused
from marketable.governance import services as governance
from marketable.history.sources import Source, SourceType
from marketable.marketing_status import queries as status_queries
from marketable.marketing_status import services as marketing
from marketable.marketing_status.rules import Event, Verdict
from marketable.properties import queries as properties
from marketable.properties.labels import label_of
from marketable.queue import Job, enqueue
from marketable.sql import SubQuery
from marketable.transfers import failures_file, mapping, queries, reading, staging
from marketable.transfers.errors import BadMapping, ImportOutdated, WrongState
from marketable.transfers.models import ImportRun
from marketable.transfers.queries import ImportView
from marketable.transfers.reading import Format, Sample
from marketable.transfers.rules import (
    BATCH,
    DRAFT_KEPT_FOR,
    KEPT_FOR,
    ImportState,
    Marketing,
    Mode,
)

DATE_ORDERS = ("ymd", "dmy", "mdy")


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What an import would do (I3). `marketing_started` is the number to expect."""

    created: int
    updated: int
    unchanged: int
    failed: int
    marketing_started: int
    blocked_by: str


def keep_file(
    account_id: int, file: BinaryIO, file_name: str, *, by: Source, now: datetime
) -> ImportView:
    """Store an uploaded file and find out how it is to be read; the import is a draft.

    Raises FileRefused for what is no table, and keeps nothing then (J10).
    """
    stored_as = uuid.uuid4().hex
    path = queries.folder() / stored_as
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:  # noqa: PTH123
        shutil.copyfileobj(file, out, 1024 * 1024)
    try:
        found = reading.sniff(path)
        first = reading.sample(path, found)
        return _make_draft(account_id, path, stored_as, file_name, first, by=by, now=now)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


@sql.retried
def _make_draft(
    account_id: int,
    path: Path,
    stored_as: str,
    file_name: str,
    first: Sample,
    *,
    by: Source,
    now: datetime,
) -> ImportView:
    found = sql.row("SELECT nextval('import_run_id_seq')")
    assert found is not None
    import_id = int(found[0])
    name = reading.clean(Path(file_name).name)[:200] or "file"
    row = ImportRun.objects.create(
        account_id=account_id,
        id=import_id,
        state=ImportState.DRAFT.value,
        source=by.through(SourceType.IMPORT, str(import_id), name).as_json(),
        file_name=name,
        stored_as=stored_as,
        byte_size=path.stat().st_size,
        format=first.format.as_json(),
        headers=list(first.headers),
        mapping={"columns": suggested(account_id, first)},
        options={"marketing": Marketing.LEAVE.value, "mode": Mode.UPSERT.value},
        created_at=now,
    )
    return queries.view(row)


def suggested(account_id: int, first: Sample) -> list[Mapping[str, Any] | None]:
    """Return the mapping that the same headers had last time, else one by names and content."""
    definitions = properties.definitions(account_id)
    last = queries.last_mapping(account_id, first.headers)
    if last is not None and all(one is None or one.get("property") in definitions for one in last):
        return last
    names = mapping.suggest(first.headers, first.rows, definitions)
    return [{"property": name, "overwrite": "always"} if name else None for name in names]


def sample_of(view: ImportView) -> Sample:
    """Return the first rows of a draft as its format reads them."""
    return reading.sample(queries.folder() / view.stored_as, view.format)


@sql.retried
def set_format(account_id: int, import_id: int, found: Format) -> ImportView:
    """Read the file another way; the mapping is suggested anew.

    Raises FileRefused when the file cannot be read so, and changes nothing.
    """
    row = _locked(account_id, import_id, ImportState.DRAFT, ImportState.CHECKED)
    first = reading.sample(queries.folder() / row.stored_as, found)
    row.format = found.as_json()
    row.headers = list(first.headers)
    row.mapping = {"columns": suggested(account_id, first)}
    row.state = ImportState.DRAFT.value
    row.save(update_fields=["format", "headers", "mapping", "state"])
    return queries.view(row)


@sql.retried
def set_mapping(
    account_id: int,
    import_id: int,
    columns: Sequence[Mapping[str, Any] | None],
    *,
    date_order: str = "ymd",
    decimal_comma: bool = False,
) -> ImportView:
    """Choose a property for each column, and what it may overwrite.

    Raises BadMapping for a property that is unknown, read-only (I2, J5) or chosen twice.
    """
    row = _locked(account_id, import_id, ImportState.DRAFT, ImportState.CHECKED)
    definitions = properties.definitions(account_id)
    if len(columns) != len(row.headers):
        raise BadMapping(_("The file has %(count)s columns.") % {"count": len(row.headers)})
    seen: set[str] = set()
    stored: list[dict[str, str] | None] = []
    for chosen in columns:
        name = (chosen or {}).get("property")
        if not name:
            stored.append(None)
            continue
        definition = definitions.get(str(name))
        if definition is None:
            raise BadMapping(_("There is no property “%(name)s”.") % {"name": str(name)[:100]})
        if definition.is_read_only:
            raise BadMapping(
                _(
                    "“%(label)s” is read only. To set contacts as marketing, choose it in the "
                    "options."
                )
                % {"label": label_of(definition)}
            )
        if definition.name in seen:
            raise BadMapping(
                _("Two columns are mapped to “%(label)s”.") % {"label": label_of(definition)}
            )
        seen.add(definition.name)
        overwrite = str((chosen or {}).get("overwrite", "always"))
        if overwrite not in mapping.OVERWRITES:
            raise BadMapping(_("A column overwrites always, only if empty, or never."))
        stored.append({"property": definition.name, "overwrite": overwrite})
    if not seen & {"email", *staging.NAMING}:
        raise BadMapping(_("Map a column to the e-mail address, a name or a telephone number."))
    if date_order not in DATE_ORDERS:
        raise BadMapping(_("Dates are read as year-month-day, day-month-year or month-day-year."))
    row.mapping = {"columns": stored}
    row.options = {**row.options, "date_order": date_order, "decimal_comma": decimal_comma}
    row.state = ImportState.DRAFT.value
    row.save(update_fields=["mapping", "options", "state"])
    return queries.view(row)


@sql.retried
def set_options(
    account_id: int,
    import_id: int,
    *,
    mode: Mode,
    marketing_option: Marketing,
    include_unreachable: bool = False,
) -> ImportView:
    """Choose whether to create, update or both, and what to do to the status (I1)."""
    row = _locked(account_id, import_id, ImportState.DRAFT, ImportState.CHECKED)
    row.options = {
        **row.options,
        "mode": mode.value,
        "marketing": marketing_option.value,
        "include_unreachable": include_unreachable,
    }
    row.save(update_fields=["options"])
    return queries.view(row)


@sql.retried
def ask_for_check(account_id: int, import_id: int) -> ImportView:
    """Let the worker read the whole file and find out what it would do."""
    row = _locked(account_id, import_id, ImportState.DRAFT, ImportState.CHECKED)
    row.state = ImportState.CHECKING.value
    row.save(update_fields=["state"])
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
    row = _locked(account_id, import_id, ImportState.CHECKING)
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


@sql.retried
def start(
    account_id: int, import_id: int, *, expected: int | None, by: Source, now: datetime
) -> ImportView:
    """Begin the run of a checked import. Places are reserved, so that it is all or nothing under
    a ceiling (O3); the worker does the rest.

    expected  how many contacts will become marketing; None where none can

    Raises ImportOutdated, CeilingReached or ContactLimit, and begins nothing then.
    """
    row = _locked(account_id, import_id, ImportState.CHECKED)
    told, plan = plan_of(account_id, import_id, now=now)
    if (expected or 0) != told.marketing_started:
        raise ImportOutdated(expected=expected or 0, actual=told.marketing_started)
    if told.created:
        check_room(account_id, settings.CONTACT_LIMIT, told.created)
    today = billing_rules.today_in(accounts.account(account_id).zone, now)
    if plan.set:
        governance.reserve(
            account_id,
            holder(import_id),
            plan.set,
            overdue=status_queries.overdue_count(account_id, today),
            today=today,
        )
    row.state = ImportState.RUNNING.value
    row.started_at = now
    row.outcomes = {}
    row.done = 0
    row.check_result = {**row.check_result, "plan": plan_as_json(plan)}
    row.source = by.through(SourceType.IMPORT, str(import_id), row.file_name).as_json()
    row.save(update_fields=["state", "started_at", "outcomes", "done", "check_result", "source"])
    enqueue(Job.RUN_IMPORT, account_id=account_id, import_id=import_id)
    return queries.view(row)


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
    refused = _refuse_taken_values(account_id, import_id, batch)
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
    _remember_values(account_id, taken)
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


def _unique_names(account_id: int) -> list[str]:
    return [one.name for one in properties.definitions(account_id).values() if one.is_unique]


def _refuse_taken_values(account_id: int, import_id: int, batch: Mapping[str, Any]) -> int:
    """Set aside rows whose value of a unique property another contact or an earlier row has."""
    refused = 0
    for name in _unique_names(account_id):
        found = sql.row(
            "WITH valued AS (SELECT row.line, owner.contact_id, "
            "lower((coalesce(row.only_new, '{}') || coalesce(row.if_empty, '{}') "
            "|| coalesce(row.always, '{}'))->>%(name)s) AS value "
            "FROM import_row AS row LEFT JOIN contact_address AS owner "
            "ON owner.account_id = row.account_id AND owner.address = row.email AND owner.is_live "
            "WHERE row.account_id = %(account_id)s AND row.import_id = %(import_id)s "
            "AND row.line <= %(upto)s), taken AS (SELECT line FROM (SELECT valued.*, "
            "row_number() OVER (PARTITION BY value ORDER BY line) AS place FROM valued "
            "WHERE value IS NOT NULL) AS valued WHERE place > 1 OR EXISTS (SELECT FROM "
            "unique_value WHERE unique_value.account_id = %(account_id)s "
            "AND unique_value.name = %(name)s AND unique_value.value = valued.value "
            "AND unique_value.contact_id IS DISTINCT FROM valued.contact_id)), "
            "gone AS (DELETE FROM import_row WHERE account_id = %(account_id)s "
            "AND import_id = %(import_id)s AND line IN (SELECT line FROM taken) RETURNING line), "
            "told AS (INSERT INTO import_failure (account_id, import_id, line, code, field) "
            "SELECT %(account_id)s, %(import_id)s, line, 'DUPLICATE_UNIQUE_PROPERTY_VALUE', "
            "%(name)s FROM gone) SELECT count(*) FROM gone",
            {**batch, "name": name},
        )
        assert found is not None
        refused += int(found[0])
    return refused


def _remember_values(account_id: int, taken: Upserted) -> None:
    """Make the contacts of a batch the holders of their values of unique properties."""
    for name in _unique_names(account_id):
        params = {
            "account_id": account_id,
            "name": name,
            "ids": [*taken.created, *taken.present],
        }
        sql.execute(
            "DELETE FROM unique_value USING contact WHERE unique_value.account_id = "
            "%(account_id)s AND unique_value.name = %(name)s "
            "AND unique_value.contact_id = ANY(%(ids)s) "
            "AND contact.account_id = unique_value.account_id "
            "AND contact.id = unique_value.contact_id "
            "AND lower(contact.properties->>%(name)s) IS DISTINCT FROM unique_value.value",
            params,
        )
        sql.execute(
            "INSERT INTO unique_value (account_id, name, value, contact_id) "
            "SELECT account_id, %(name)s, lower(properties->>%(name)s), id FROM contact "
            "WHERE account_id = %(account_id)s AND id = ANY(%(ids)s) "
            "AND properties ? %(name)s ON CONFLICT DO NOTHING",
            params,
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
    elif row.state in {
        ImportState.DRAFT.value,
        ImportState.CHECKING.value,
        ImportState.CHECKED.value,
    }:
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


def _locked(account_id: int, import_id: int, *states: ImportState) -> ImportRun:
    row = ImportRun.objects.select_for_update().filter(account_id=account_id, id=import_id).first()
    if row is None:
        queries.import_run(account_id, import_id)
    assert row is not None
    if row.state not in {state.value for state in states}:
        raise WrongState
    return row


def clear_remains(*, now: datetime) -> int:
    """Throw away drafts that nobody went on with, and failures files older than 30 days."""
    cleared = 0
    drafts = ImportRun.objects.filter(
        state__in=[ImportState.DRAFT.value, ImportState.CHECKED.value],
        created_at__lt=now - DRAFT_KEPT_FOR,
    )
    for account_id, import_id in list(drafts.values_list("account_id", "id")):
        cancel(account_id, import_id, now=now)
        cleared += 1
    old = ImportRun.objects.filter(created_at__lt=now - KEPT_FOR).exclude(failures_as="")
    for row in old:
        (queries.folder() / row.failures_as).unlink(missing_ok=True)
        ImportRun.objects.filter(account_id=row.account_id, id=row.id).update(failures_as="")
        cleared += 1
    return cleared


@on_erase
def forget_erased(account_id: int, contact_ids: Sequence[int], addresses: Sequence[str]) -> None:
    """Take erased people out of staged rows, source files and failures files (S14)."""
    if not addresses:
        return
    sql.execute(
        "DELETE FROM import_row WHERE account_id = %(account_id)s AND email = ANY(%(addresses)s)",
        {"account_id": account_id, "addresses": list(addresses)},
    )
    for row in ImportRun.objects.filter(account_id=account_id).exclude(failures_as=""):
        failures_file.forget(queries.folder() / row.failures_as, addresses)


def import_file(
    account_id: int,
    path: Path,
    *,
    columns: Mapping[str, Any] | None,
    marketing_option: Marketing,
    expect: int | None,
    dry_run: bool,
    by: Source,
    now: datetime,
) -> tuple[ImportView, ImportPlan]:
    """Import a file in this process, from reading to the last row.

    columns  header → property name, or {"property", "overwrite"}; None to take the suggestion
    expect   how many contacts will become marketing; with None, none may

    A process that dies in the middle leaves an import that any worker finishes. A dry run leaves
    nothing.
    """
    with path.open("rb") as file:
        view = keep_file(account_id, file, path.name, by=by, now=now)
    try:
        chosen = [
            _column(columns.get(header)) if columns is not None else view.mapping[place]
            for place, header in enumerate(view.headers)
        ]
        if columns is not None and set(columns) - set(view.headers):
            unknown = ", ".join(sorted(set(columns) - set(view.headers)))
            raise BadMapping(_("The file has no column %(names)s.") % {"names": unknown})
        set_mapping(account_id, view.id, chosen)
        set_options(account_id, view.id, mode=Mode.UPSERT, marketing_option=marketing_option)
        ImportRun.objects.filter(account_id=account_id, id=view.id).update(
            state=ImportState.CHECKING.value
        )
        check(account_id, view.id, now=now)
        told, _plan = plan_of(account_id, view.id, now=now)
        if expect is not None and expect != told.marketing_started:
            raise ImportOutdated(expected=expect, actual=told.marketing_started)
        if not dry_run:
            start(account_id, view.id, expected=told.marketing_started, by=by, now=now)
    except Refused:
        cancel(account_id, view.id, now=now)
        raise
    if dry_run:
        cancel(account_id, view.id, now=now)
        return queries.import_run(account_id, view.id), told
    while run_next_batch(account_id, view.id, now=now):
        pass
    return queries.import_run(account_id, view.id), told


def _column(chosen: object) -> Mapping[str, Any] | None:
    if isinstance(chosen, str):
        return {"property": chosen, "overwrite": "always"}
    return chosen if isinstance(chosen, Mapping) else None

"""Reading imports and their outcomes."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Q

from marketable import sql
from marketable.errors import message_of
from marketable.history.sources import Source
from marketable.transfers.errors import ImportUnknown
from marketable.transfers.models import Cancelling, ImportRun
from marketable.transfers.reading import Format
from marketable.transfers.rules import ImportState, Marketing, Mode

#: What rows became that were taken; the other outcomes are reasons.
DONE = frozenset({"created", "updated", "unchanged", "marketing_started"})


@dataclass(frozen=True, slots=True)
class ImportView:
    """An import with its progress. `outcomes` counts rows by what became of them; `done` of
    `total` are rows; while the file is checked, the total is not known."""

    id: int
    state: ImportState
    by: Source
    file_name: str
    stored_as: str
    format: Format
    headers: tuple[str, ...]
    mapping: tuple[Mapping[str, Any] | None, ...]
    options: Mapping[str, Any]
    check: Mapping[str, Any]
    reached_line: int
    total: int
    done: int
    outcomes: Mapping[str, int]
    change_id: int | None
    failures_as: str
    error: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    cancelled_at: datetime | None
    undone_at: datetime | None

    @property
    def is_running(self) -> bool:
        return self.state in {ImportState.CHECKING, ImportState.RUNNING, ImportState.UNDOING}

    @property
    def created(self) -> int:
        return self.outcomes.get("created", 0)

    @property
    def updated(self) -> int:
        return self.outcomes.get("updated", 0)

    @property
    def unchanged(self) -> int:
        return self.outcomes.get("unchanged", 0)

    @property
    def marketing_started(self) -> int:
        return self.outcomes.get("marketing_started", 0)

    @property
    def failed(self) -> int:
        return sum(self.failures.values())

    @property
    def failures(self) -> dict[str, int]:
        """Return the codes of rows that were not taken, with their counts."""
        return {name: count for name, count in self.outcomes.items() if name not in DONE}

    @property
    def marketing(self) -> Marketing:
        return Marketing(self.options.get("marketing", Marketing.LEAVE))

    @property
    def mode(self) -> Mode:
        return Mode(self.options.get("mode", Mode.UPSERT))

    @property
    def includes_unreachable(self) -> bool:
        return bool(self.options.get("include_unreachable"))

    @property
    def starts_when_checked(self) -> bool:
        """Whether the run was asked for together with the check."""
        return "expected" in self.options

    @property
    def percent(self) -> int:
        return min(100, self.done * 100 // self.total) if self.total else 0


def folder() -> Path:
    """Return where files of imports lie: in the data folder, for this user only."""
    path = Path(settings.DATA_DIR) / "imports"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def import_run(account_id: int, import_id: int) -> ImportView:
    row = ImportRun.objects.filter(account_id=account_id, id=import_id).first()
    if row is None:
        raise ImportUnknown
    return _views(account_id, [row])[0]


def import_runs(account_id: int, *, since: datetime, limit: int = 100) -> list[ImportView]:
    """Return imports since a moment, newest first, without those thrown away before they ran."""
    found = ImportRun.objects.filter(account_id=account_id, created_at__gte=since).exclude(
        state=ImportState.CANCELLED.value, started_at=None
    )
    return _views(account_id, list(found.order_by("-id")[:limit]))


def cancelled_at(account_id: int, import_ids: Sequence[int]) -> dict[int, datetime]:
    """Return since when those among them are to stop that somebody has stopped while they ran."""
    found = Cancelling.objects.filter(account_id=account_id, import_id__in=import_ids)
    return dict(found.values_list("import_id", "at"))


def _views(account_id: int, rows: Sequence[ImportRun]) -> list[ImportView]:
    stopped = cancelled_at(account_id, [row.id for row in rows])
    return [view(row, stopped.get(row.id)) for row in rows]


def unfinished() -> list[tuple[int, int]]:
    """Return (account, import) of those that should be worked on, of all accounts."""
    states = [ImportState.CHECKING.value, ImportState.RUNNING.value, ImportState.UNDOING.value]
    to_be_started = Q(state=ImportState.CHECKED.value, options__has_key="expected")
    found = ImportRun.objects.filter(Q(state__in=states) | to_be_started).order_by("created_at")
    return list(found.values_list("account_id", "id"))


def last_mapping(account_id: int, headers: Sequence[str]) -> list[Mapping[str, Any] | None] | None:
    """Return the mapping of the latest import with the same headers that ran."""
    row = (
        ImportRun.objects.filter(
            account_id=account_id,
            headers=list(headers),
            state__in=[ImportState.COMPLETE.value, ImportState.CANCELLED.value],
        )
        .order_by("-id")
        .first()
    )
    return list(row.mapping["columns"]) if row else None


def failures(
    account_id: int, import_id: int, *, after: int = 0, limit: int = 50
) -> list[tuple[int, str, str]]:
    """Return (line, code, property) of rows that cannot be taken, from the line after `after`."""
    found = sql.rows(
        "SELECT line, code, field FROM import_failure WHERE account_id = %(account_id)s "
        "AND import_id = %(import_id)s AND line > %(after)s ORDER BY line LIMIT %(limit)s",
        {"account_id": account_id, "import_id": import_id, "after": after, "limit": limit},
    )
    return [(int(line), str(code), str(field)) for line, code, field in found]


def failure_counts(account_id: int, import_id: int) -> dict[str, int]:
    """Return how many rows cannot be taken, by reason."""
    found = sql.rows(
        "SELECT code, count(*) FROM import_failure WHERE account_id = %(account_id)s "
        "AND import_id = %(import_id)s GROUP BY code",
        {"account_id": account_id, "import_id": import_id},
    )
    return {str(code): int(count) for code, count in found}


def mended(account_id: int, import_id: int) -> dict[int, list[str]]:
    """Return the rows that were mended on the page, whole, by line; those left out are empty."""
    found = sql.rows(
        "SELECT line, cells FROM import_mend WHERE account_id = %(account_id)s "
        "AND import_id = %(import_id)s ORDER BY line",
        {"account_id": account_id, "import_id": import_id},
    )
    return {int(line): list(json.loads(cells)) for line, cells in found}


def forget_mended(account_id: int, import_id: int) -> None:
    sql.execute(
        "DELETE FROM import_mend WHERE account_id = %(account_id)s AND import_id = %(import_id)s",
        {"account_id": account_id, "import_id": import_id},
    )


def cells_as_text(cells: Sequence[str]) -> str:
    """Return a row as it is kept: ASCII, so that bytes which are no text stay what they are."""
    return json.dumps(list(cells), ensure_ascii=True)


def view(row: ImportRun, cancelled_at: datetime | None = None) -> ImportView:
    return ImportView(
        id=row.id,
        state=ImportState(row.state),
        by=Source.from_json(row.source),
        file_name=row.file_name,
        stored_as=row.stored_as,
        format=Format(**row.format),
        headers=tuple(row.headers),
        mapping=tuple(row.mapping.get("columns", [])),
        options=row.options,
        check=row.check_result,
        reached_line=row.reached_line,
        total=row.total,
        done=row.done,
        outcomes=row.outcomes,
        change_id=row.change_id,
        failures_as=row.failures_as,
        error=message_of(row.error),
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        cancelled_at=row.cancelled_at or cancelled_at,
        undone_at=row.undone_at,
    )

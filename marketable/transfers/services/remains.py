"""What an import leaves behind, and how it goes."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from marketable import sql
from marketable.contacts.erasing import on_erase
from marketable.transfers import failures_file, queries, reading
from marketable.transfers.errors import FileRefused
from marketable.transfers.models import ImportRun
from marketable.transfers.rules import DRAFT_KEPT_FOR, KEPT_FOR, ImportState
from marketable.transfers.services.running import cancel
from marketable.transfers.services.steps import MENDABLE

#: A file that no import names may be one that is being uploaded.
UPLOADED_WITHIN = timedelta(days=1)


def clear_remains(*, now: datetime) -> int:
    """Throw away drafts that nobody went on with, failures older than 30 days, and files that a
    killed process left."""
    cleared = 0
    drafts = ImportRun.objects.filter(
        state__in=[state.value for state in MENDABLE],
        started_at=None,
        created_at__lt=now - DRAFT_KEPT_FOR,
    )
    for account_id, import_id in list(drafts.values_list("account_id", "id")):
        cancel(account_id, import_id, now=now)
        cleared += 1
    for row in ImportRun.objects.filter(finished_at__lt=now - KEPT_FOR).exclude(failures_as=""):
        (queries.folder() / row.failures_as).unlink(missing_ok=True)
        sql.execute(
            "DELETE FROM import_failure WHERE account_id = %(account_id)s "
            "AND import_id = %(import_id)s",
            {"account_id": row.account_id, "import_id": row.id},
        )
        ImportRun.objects.filter(account_id=row.account_id, id=row.id).update(failures_as="")
        cleared += 1
    return cleared + _clear_files(now=now)


def _clear_files(*, now: datetime) -> int:
    kept = set(ImportRun.objects.exclude(failures_as="").values_list("failures_as", flat=True))
    kept |= set(ImportRun.objects.filter(finished_at=None).values_list("stored_as", flat=True))
    kept |= set(
        ImportRun.objects.filter(state=ImportState.FAILED.value, started_at=None).values_list(
            "stored_as", flat=True
        )
    )
    oldest = (now - UPLOADED_WITHIN).timestamp()
    gone = [
        path
        for path in queries.folder().iterdir()
        if path.name not in kept and path.stat().st_mtime < oldest
    ]
    for path in gone:
        path.unlink(missing_ok=True)
    return len(gone)


@on_erase
def forget_erased(account_id: int, contact_ids: Sequence[int], addresses: Sequence[str]) -> None:
    """Take erased people out of staged rows, source files and failures files (S14)."""
    if not addresses:
        return
    sql.execute(
        "WITH gone AS (DELETE FROM import_row WHERE account_id = %(account_id)s "
        "AND email = ANY(%(addresses)s) RETURNING import_id, line) "
        "INSERT INTO import_failure (account_id, import_id, line, code, field) "
        "SELECT %(account_id)s, import_id, line, 'GDPR_BLACKLISTED_EMAIL', 'email' FROM gone",
        {"account_id": account_id, "addresses": list(addresses)},
    )
    words = [one for address in addresses for one in spellings(address)]
    _forget_mended(account_id, words)
    folder = queries.folder()
    for row in ImportRun.objects.filter(account_id=account_id):
        if row.failures_as:
            reading.rewrite_without(folder / row.failures_as, failures_file.FORMAT, words)
        if row.finished_at is None or (folder / row.stored_as).exists():
            _forget_in_source(row, words)


def _forget_mended(account_id: int, words: Sequence[str]) -> None:
    """Let go of rows mended on the page that name one of the addresses; the file's row is emptied
    as well."""
    sought = {word.casefold() for word in words}
    for import_id, line, cells in sql.rows(
        "SELECT import_id, line, cells FROM import_mend WHERE account_id = %(account_id)s",
        {"account_id": account_id},
    ):
        text = "\n".join(json.loads(cells)).casefold()
        if any(word in text for word in sought):
            sql.execute(
                "DELETE FROM import_mend WHERE account_id = %(account_id)s "
                "AND import_id = %(import_id)s AND line = %(line)s",
                {"account_id": account_id, "import_id": import_id, "line": line},
            )


def _forget_in_source(row: ImportRun, words: Sequence[str]) -> None:
    path = queries.folder() / row.stored_as
    try:
        reading.rewrite_without(path, queries.view(row).format, words)
    except (FileRefused, UnicodeError):  # what is no table can only go as a whole
        path.unlink(missing_ok=True)


def spellings(address: str) -> list[str]:
    """Return an address as it is kept, and as people write it.

    >>> spellings("anna@xn--bcher-kva.example")
    ['anna@xn--bcher-kva.example', 'anna@bücher.example']
    """
    local, _at, domain = address.rpartition("@")
    try:
        readable = domain.encode("ascii").decode("idna")
    except UnicodeError:
        readable = domain
    return list(dict.fromkeys([address, f"{local}@{readable}"]))

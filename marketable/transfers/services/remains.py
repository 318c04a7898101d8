"""What an import leaves behind, and how it goes."""

from collections.abc import Sequence
from datetime import datetime

from marketable import sql
from marketable.contacts.erasing import on_erase
from marketable.transfers import failures_file, queries
from marketable.transfers.models import ImportRun
from marketable.transfers.rules import DRAFT_KEPT_FOR, KEPT_FOR
from marketable.transfers.services.running import cancel
from marketable.transfers.services.steps import MENDABLE


def clear_remains(*, now: datetime) -> int:
    """Throw away drafts that nobody went on with, and failures files older than 30 days."""
    cleared = 0
    drafts = ImportRun.objects.filter(
        state__in=[state.value for state in MENDABLE],
        started_at=None,
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

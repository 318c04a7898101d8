"""At which step an import is; a step is taken under the lock of its row."""

from marketable.transfers import queries
from marketable.transfers.errors import WrongState
from marketable.transfers.models import ImportRun
from marketable.transfers.rules import ImportState

#: States in which how a file is read and mapped can still be chosen. A check that was refused
#: leaves the file, to be read another way.
MENDABLE = (ImportState.DRAFT, ImportState.CHECKED, ImportState.FAILED)


def mendable(account_id: int, import_id: int) -> ImportRun:
    """Return an import whose reading and mapping can still be chosen, locked."""
    row = locked(account_id, import_id, *MENDABLE)
    if row.started_at is not None:
        raise WrongState
    return row


def locked(account_id: int, import_id: int, *states: ImportState) -> ImportRun:
    row = ImportRun.objects.select_for_update().filter(account_id=account_id, id=import_id).first()
    if row is None:
        queries.import_run(account_id, import_id)
    assert row is not None
    if row.state not in {state.value for state in states}:
        raise WrongState
    return row

"""The refusals of the embedded server. They stand apart because they are raised before Django."""

from pathlib import Path
from typing import Any, ClassVar


class PostgresRefused(Exception):
    """The database is not there for the asker, for a reason that they can act on.

    Has the shape of `marketable.errors.Refused` (`code`, `message`, `facts`), so that a door can
    answer both alike.
    """

    code: ClassVar[str] = "postgres_refused"

    def __init__(self, message: str, **facts: Any) -> None:
        super().__init__(message)
        self.facts: dict[str, Any] = facts

    @property
    def message(self) -> str:
        return str(self.args[0])


class FolderTaken(PostgresRefused):
    """The folder holds something that is not ours, or a database that somebody else runs."""

    code = "folder_taken"


class FolderUnreachable(PostgresRefused):
    """The folder holds our database, but the user that the server runs as cannot get there."""

    code = "folder_unreachable"


class OtherVersion(PostgresRefused):
    """The folder holds a database of another PostgreSQL major version."""

    code = "other_version"


class DiskFull(PostgresRefused):
    """There is no room for the database to start."""

    code = "disk_full"


class ReadOnly(PostgresRefused):
    """This process cannot write into the folder."""

    code = "read_only"


class StartFailed(PostgresRefused):
    """PostgreSQL ended instead of starting. `facts["log"]` holds its last lines."""

    code = "start_failed"


class NoServerUser(PostgresRefused):
    """PostgreSQL refuses to run as root, and the system user for it is missing."""

    code = "no_server_user"


class BinariesMissing(PostgresRefused):
    """The wheel that carries PostgreSQL is not installed."""

    code = "binaries_missing"


class UnreachableServer(PostgresRefused):
    """Nobody answers at the DATABASE_URL, or not for this name and password."""

    code = "unreachable_server"


class UnsupportedServer(PostgresRefused):
    """The server at the DATABASE_URL is one that the product was never tested on."""

    code = "unsupported_server"


class BackupFailed(PostgresRefused):
    """No backup was written; a file that was there before is still the old one."""

    code = "backup_failed"


class DatabaseNotEmpty(PostgresRefused):
    """A restore would mix with what the database already holds."""

    code = "database_not_empty"


class RestoreFailed(PostgresRefused):
    """The backup could not be restored, and the database is as empty as it was."""

    code = "restore_failed"


def cannot_write(folder: Path, error: OSError) -> ReadOnly:
    return ReadOnly(
        f"Cannot write into {folder}: {error.strerror}. Choose another folder with"
        " MARKETABLE_DATA_DIR, or make this one writable.",
        folder=str(folder),
    )


def no_room(folder: Path) -> DiskFull:
    return DiskFull(
        f"The disk of {folder} is full. Free some space, or choose another folder with"
        " MARKETABLE_DATA_DIR.",
        folder=str(folder),
    )

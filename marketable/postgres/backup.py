"""Whole-database backups: one file out, and one file into an empty database."""

import contextlib
import errno
import os
import re
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from marketable.postgres.cluster import Cluster
from marketable.postgres.errors import (
    BackupFailed,
    DatabaseNotEmpty,
    RestoreFailed,
    UnreachableServer,
    no_room,
)

# What the programs write into a script and some server of the supported versions refuses:
# a setting that came with version 17, and a mark that the server keeps on columns since the minor
# releases of November 2026 and that older programs take for the user's own.
NEW_SETTING = b"SET transaction_timeout = 0;\n"
COLUMN_MARK = re.compile(
    rb"(ALTER (?:TABLE|FOREIGN TABLE|MATERIALIZED VIEW|TYPE) .* ALTER COLUMN .* SET \()"
    rb"pg_attver=\d+(?:, (.+))?(\);\n)"
)
HEAD_BYTES = 64 * 1024

OWN_OBJECTS = """
SELECT objects.name
  FROM (SELECT relname, relnamespace FROM pg_class
        UNION ALL SELECT proname, pronamespace FROM pg_proc
        UNION ALL SELECT typname, typnamespace FROM pg_type) AS objects (name, namespace)
  JOIN pg_namespace ON pg_namespace.oid = objects.namespace
 WHERE nspname <> 'information_schema' AND nspname NOT LIKE 'pg\\_%'
 ORDER BY objects.name
 LIMIT 1
"""


def dump(source: Cluster | str, bin_dir: Path, file: Path) -> None:
    """Write the database to a file that only this user can read, whole or not at all.

    source   the embedded server, or the address of a database
    bin_dir  folder of pg_dump, of the server's major version or newer

    Raises BackupFailed or DiskFull; a file of that name from before is then still there.
    """
    file = file.absolute()
    if file.exists() and not file.is_file():
        raise BackupFailed(f"{file} is not a file, so no backup is written there.")
    fresh = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    address, environment = _address(source)
    try:
        with _refused_as_backup(file):
            os.close(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        done = subprocess.run(
            [
                bin_dir / "pg_dump",
                "--format=custom",
                "--no-owner",
                "--no-privileges",
                f"--file={fresh}",
                f"--dbname={address}",
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=environment,
        )
        if done.returncode:
            if os.strerror(errno.ENOSPC) in done.stderr:
                raise no_room(file.parent)
            raise BackupFailed(f"pg_dump could not write {file}:\n{_end(done.stderr)}")
        with _refused_as_backup(file):
            fresh.replace(file)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


def restore(target: Cluster | str, bin_dir: Path, file: Path) -> None:
    """Bring a backup into an empty database, in one transaction.

    The backup may come from another supported version, older or newer; what the target's version
    does not understand is refused.

    Raises DatabaseNotEmpty or RestoreFailed; the database is then as it was.
    """
    if not file.is_file():
        raise RestoreFailed(f"There is no backup {file}.")
    found = _something_in(target)
    if found is not None:
        raise DatabaseNotEmpty(
            f"The database is not empty (it holds {found}). Restore into a new one.", found=found
        )
    address, environment = _address(target)
    with tempfile.TemporaryFile() as complaints:
        writing = subprocess.Popen(
            [
                bin_dir / "psql",
                "--no-psqlrc",
                "--quiet",
                "--single-transaction",
                "--set=ON_ERROR_STOP=1",
                "--output=/dev/null",
                f"--dbname={address}",
            ],
            stdin=subprocess.PIPE,
            stderr=complaints,
            env=environment,
        )
        assert writing.stdin is not None
        sections = (["pre-data"], ["data", "post-data"])
        is_whole = all(_feed(writing.stdin, bin_dir, file, part, complaints) for part in sections)
        if not is_whole:
            writing.kill()  # before it sees the end of its input, where it would commit
        with contextlib.suppress(BrokenPipeError):
            writing.stdin.close()
        if writing.wait() != 0:
            complaints.seek(0)
            said = _end(complaints.read().decode(errors="replace"))
            raise RestoreFailed(f"{file} could not be restored; nothing was changed.\n{said}")


def _feed(
    psql: IO[bytes], bin_dir: Path, file: Path, sections: list[str], complaints: IO[bytes]
) -> bool:
    """Write sections of the backup to psql as a script; return whether they came out whole."""
    with subprocess.Popen(
        [
            bin_dir / "pg_restore",
            "--no-owner",
            "--no-privileges",
            "--file=-",
            *(f"--section={name}" for name in sections),
            file,
        ],
        stdout=subprocess.PIPE,
        stderr=complaints,
    ) as reading:
        assert reading.stdout is not None
        with contextlib.suppress(BrokenPipeError):  # psql met an error and ended; it says which
            if sections == ["pre-data"]:  # statements alone, no rows of people that might look so
                for line in reading.stdout:
                    psql.write(_understood(line))
            else:
                psql.write(_understood(reading.stdout.read(HEAD_BYTES)))
                shutil.copyfileobj(reading.stdout, psql)
        reading.stdout.close()
        return reading.wait() == 0


def _understood(script: bytes) -> bytes:
    """Return the script, or one line of it, as every supported server understands it."""
    mark = COLUMN_MARK.fullmatch(script)
    if mark:
        return mark[1] + mark[2] + mark[3] if mark[2] else b""
    return script.replace(NEW_SETTING, b"", 1)


def _something_in(target: Cluster | str) -> str | None:
    """Return the name of one thing that the database holds, or None if it is empty."""
    url = target if isinstance(target, str) else target.url
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            found = connection.execute(OWN_OBJECTS).fetchone()
    except psycopg.OperationalError as error:
        raise UnreachableServer(f"Nobody answers: {' '.join(str(error).split())}") from error
    return found[0] if found else None


def _address(database: Cluster | str) -> tuple[str, dict[str, str]]:
    """Return the address without the password, which other users could read in the process list,
    and the environment that has it."""
    url = database if isinstance(database, str) else database.url
    parts = conninfo_to_dict(url)
    password = parts.pop("password", None)
    secret = {"PGPASSWORD": str(password)} if password else {}
    return make_conninfo("", **parts), {**os.environ, **secret, "LC_ALL": "C"}


@contextmanager
def _refused_as_backup(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise no_room(file.parent) from error
        raise BackupFailed(f"Cannot write {file}: {error.strerror}.") from error


def _end(said: str) -> str:
    return "\n".join(said.strip().splitlines()[-12:])

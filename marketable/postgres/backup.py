"""Whole-database backups: one file out, and one file into an empty database."""

import contextlib
import errno
import os
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

# Written by pg_restore 17 and later into every script, and not understood by older servers.
NEW_SETTING = b"SET transaction_timeout = 0;\n"
UNDERSTOOD_SINCE = 170_000
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
    with _refused_as_backup(file):
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as writing:
            said = _pg_dump(source, bin_dir, writing)
            with _refused_as_backup(file):
                os.fsync(handle)
        if said is not None:
            if os.strerror(errno.ENOSPC) in said:
                raise no_room(file.parent)
            raise BackupFailed(f"pg_dump could not write {file}:\n{said}")
        with _refused_as_backup(file):
            fresh.replace(file)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


def restore(target: Cluster | str, bin_dir: Path, file: Path) -> None:
    """Bring a backup into an empty database, in one transaction.

    Raises DatabaseNotEmpty or RestoreFailed; the database is then as it was.
    """
    if not file.is_file():
        raise RestoreFailed(f"There is no backup {file}.")
    found, version = _inspect(target)
    if found is not None:
        raise DatabaseNotEmpty(
            f"The database is not empty (it holds {found}). Restore into a new one.", found=found
        )
    read = [str(bin_dir / "pg_restore"), "--no-owner", "--no-privileges", "--exit-on-error"]
    address, environment = _address(target)
    if version >= UNDERSTOOD_SINCE:
        command = [*read, "--single-transaction", f"--dbname={address}", str(file)]
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        failed, said = done.returncode != 0, done.stderr
    else:
        failed, said = _restore_as_script([*read, "--file=-", str(file)], bin_dir, target)
    if failed:
        raise RestoreFailed(f"{file} could not be restored; nothing was changed.\n{_end(said)}")


def _pg_dump(source: Cluster | str, bin_dir: Path, writing: IO[bytes]) -> str | None:
    """Run pg_dump; return what it complained of, or None."""
    address, environment = _address(source)
    done = subprocess.run(
        [
            bin_dir / "pg_dump",
            "--format=custom",
            "--no-owner",
            "--no-privileges",
            f"--dbname={address}",
        ],
        stdin=subprocess.DEVNULL,
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    return _end(done.stderr) if done.returncode else None


def _restore_as_script(read: list[str], bin_dir: Path, target: Cluster | str) -> tuple[bool, str]:
    """Restore into a server older than the programs: through psql, without the one line that the
    server does not know. Return whether it failed, and what was said."""
    address, environment = _address(target)
    write = [
        str(bin_dir / "psql"),
        "--no-psqlrc",
        "--quiet",
        "--single-transaction",
        "--set=ON_ERROR_STOP=1",
        "--output=/dev/null",
        f"--dbname={address}",
    ]
    with tempfile.TemporaryFile() as complaints:
        reading = subprocess.Popen(read, stdout=subprocess.PIPE, stderr=complaints)
        writing = subprocess.Popen(write, stdin=subprocess.PIPE, stderr=complaints, env=environment)
        assert reading.stdout is not None and writing.stdin is not None
        try:
            head = reading.stdout.read(HEAD_BYTES)
            writing.stdin.write(head.replace(NEW_SETTING, b"", 1))
            shutil.copyfileobj(reading.stdout, writing.stdin)
        except BrokenPipeError:
            pass  # psql met an error and ended; its status tells
        reading.stdout.close()
        if reading.wait() != 0:
            writing.kill()  # before it sees the end of its input, where it would commit
        with contextlib.suppress(BrokenPipeError):
            writing.stdin.close()
        failed = writing.wait() != 0
        complaints.seek(0)
        return failed, complaints.read().decode(errors="replace")


def _inspect(target: Cluster | str) -> tuple[str | None, int]:
    """Return the name of one thing that the database holds, or None, and the server's version."""
    url = target if isinstance(target, str) else target.url
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            found = connection.execute(OWN_OBJECTS).fetchone()
            return (found[0] if found else None), connection.info.server_version
    except psycopg.OperationalError as error:
        raise UnreachableServer(f"Nobody answers: {' '.join(str(error).split())}") from error


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

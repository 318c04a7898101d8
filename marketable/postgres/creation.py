"""Making a new cluster: complete or not at all, whenever the command is killed."""

import os
import secrets
import shutil
import subprocess
from pathlib import Path

from marketable.postgres import machine
from marketable.postgres.errors import DiskFull, PostgresRefused, StartFailed, no_room
from marketable.postgres.folders import Home
from marketable.postgres.processes import NO_SPACE
from marketable.postgres.users import as_user

ROLE = "marketable"
DATABASE = "marketable"
FREE_BYTES = 200 * machine.MIB

# The role is no superuser, as on any hosted server; the superuser `postgres` has no password and so
# cannot sign in at all. pg_monitor is for `marketable doctor`.
STATEMENTS = (
    f"CREATE ROLE {ROLE} LOGIN CREATEDB PASSWORD '{{password}}'",
    f"GRANT pg_monitor, pg_checkpoint TO {ROLE}",
    f"CREATE DATABASE {DATABASE} OWNER {ROLE}",
)


def create(home: Home, bin_dir: Path, start_lock: int, *, fsync: bool) -> None:
    """Make the cluster of the home, with its role and database.

    It is made beside its place and moved there in one step. The programs that make it hold the
    start lock too: if this command is killed, the next one waits until they have ended, and then
    clears away what they made.
    """
    home.remove_half_made()
    free_bytes = shutil.disk_usage(home.path).free
    if free_bytes < FREE_BYTES:
        raise DiskFull(
            f"The disk of {home.path} has {free_bytes // machine.MIB} MB free; a new database needs"
            f" {FREE_BYTES // machine.MIB} MB. Free some space, or choose another folder with"
            " MARKETABLE_DATA_DIR.",
            free_bytes=free_bytes,
            needed_bytes=FREE_BYTES,
        )
    fresh = home.make_cluster_folder()
    initdb = [
        str(bin_dir / "initdb"),
        f"--pgdata={fresh}",
        "--username=postgres",
        "--auth=reject",  # whoever starts it without our access file lets nobody in
        "--encoding=UTF8",
        "--locale-provider=builtin",  # sorts alike on every machine and in every release
        "--builtin-locale=C.UTF-8",
        "--locale=C",
        "--text-search-config=simple",
        "--data-checksums",
        "--no-sync",
    ]
    try:
        _run(home, initdb, start_lock)
        _single_user(
            home,
            bin_dir,
            fresh,
            start_lock,
            [line.format(password=password(home)) for line in STATEMENTS],
        )
        if fsync:
            _run(home, [str(bin_dir / "initdb"), f"--pgdata={fresh}", "--sync-only"], start_lock)
        fresh.rename(home.cluster)
    except PostgresRefused:
        shutil.rmtree(fresh)
        raise
    if fsync:
        folder = os.open(home.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def password(home: Home) -> str:
    """Return the role's password, made once."""
    if not home.password.exists():
        home.write(home.password, secrets.token_urlsafe(32) + "\n")
    return home.password.read_text().strip()


def renew_password(home: Home, bin_dir: Path, start_lock: int) -> None:
    """Give the role of a stopped cluster the password of a new file: the old one was lost."""
    statement = f"ALTER ROLE {ROLE} PASSWORD '{password(home)}'"
    try:
        _single_user(home, bin_dir, home.cluster, start_lock, [statement])
    except PostgresRefused:
        home.password.unlink()
        raise


def _single_user(
    home: Home, bin_dir: Path, cluster: Path, start_lock: int, statements: list[str]
) -> None:
    """Run statements as superuser in a server that nobody can connect to."""
    command = [str(bin_dir / "postgres"), "--single", "-j", "-D", str(cluster), "postgres"]
    said = _run(home, command, start_lock, lines=";\n\n".join(statements) + ";\n\n")
    if "ERROR:" in said:  # which does not show in the exit status
        raise StartFailed(f"PostgreSQL could not prepare the database: {said}", log=[said])


def _run(home: Home, command: list[str], start_lock: int, *, lines: str = "") -> str:
    """Run one of PostgreSQL's programs; return what it wrote to standard error."""
    ran = subprocess.run(
        command,
        input=lines,
        capture_output=True,
        text=True,
        pass_fds=(start_lock,),
        **as_user(home.user),
    )
    if ran.returncode == 0:
        return ran.stderr
    if NO_SPACE in ran.stderr + ran.stdout:
        raise no_room(home.path)
    said = (ran.stderr or ran.stdout).strip().splitlines()[-12:]
    raise StartFailed(
        f"{Path(command[0]).name} failed in {home.path}:\n" + "\n".join(said), log=said
    )

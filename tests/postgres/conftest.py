"""Folders for the tests of the embedded server."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from marketable.postgres import Cluster, running
from marketable.postgres.users import server_user
from tests.postgres.support import IS_ROOT, end_all_under, server_identity

SMALL = "shared_buffers = '32MB'\n"


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that the server's user can reach, as pytest's own is closed to it when root runs the
    tests, and whose path is short enough for a socket."""
    folder = reachable_folder()
    yield folder
    end_all_under(folder)
    shutil.rmtree(folder)


@pytest.fixture
def fresh(place: Path) -> Path:
    """A data folder that is not there yet."""
    return place / "data"


@pytest.fixture
def data(prepared: Path) -> Iterator[Path]:
    """A data folder with a database that is not running. The tests have it one after the other, as
    making one is slow; what one test leaves there, no other may mind."""
    yield prepared
    end_all_under(prepared)
    (prepared / "postgresql.own.conf").write_text(SMALL)


@pytest.fixture(scope="session")
def prepared() -> Iterator[Path]:
    folder = reachable_folder()
    with running(folder / "data", fsync=False):
        pass
    own = folder / "data/postgresql.own.conf"
    own.write_text(SMALL)
    own.chmod(0o644)
    yield folder / "data"
    shutil.rmtree(folder)


def reachable_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="mk-"))
    if IS_ROOT:
        folder.chmod(0o711)
    return folder


@pytest.fixture(scope="module")
def cluster(prepared: Path) -> Iterator[Cluster]:
    """A running server, for tests that do nothing to it."""
    with running(prepared, fsync=False) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def postgres_15() -> Iterator[str]:
    """The address of a server of Debian's PostgreSQL 15, to administer it with."""
    programs = Path("/usr/lib/postgresql/15/bin")
    if not programs.is_dir():
        pytest.skip("PostgreSQL 15 is not installed")
    folder = reachable_folder()
    if IS_ROOT:
        shutil.chown(folder, server_user().name)
    initdb: list[str | Path] = [
        programs / "initdb",
        "-D",
        folder / "d",
        "--username=admin",
        "--auth=trust",
    ]
    control: list[str | Path] = [programs / "pg_ctl", "-D", folder / "d", "-w"]
    options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"

    def run(*command: str | Path) -> None:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **server_identity())

    try:
        run(*initdb, "--encoding=UTF8", "--locale=C", "--no-sync")
        run(*control, "-l", folder / "log", "-o", options, "start")
        yield f"postgresql://admin@/postgres?host={folder}&port=5432"
        run(*control, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)

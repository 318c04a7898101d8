"""Where real processes are killed: on a database of their own, or a whole server of their own."""

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from marketable.postgres import Cluster, running
from tests.commands.shell import Shell


@pytest.fixture
def shell(fresh_database: str, tmp_path: Path) -> Shell:
    """Commands on a migrated, empty database of the run's server."""
    return Shell(fresh_database, tmp_path)


@dataclass(frozen=True, slots=True)
class House:
    """An embedded server of the test's own.

    inside  commands as people run them: they join the server, or start it
    beside  a look at the database itself
    """

    cluster: Cluster
    inside: Shell
    beside: Shell

    @property
    def postmaster(self) -> int:
        """The first process of the server."""
        [file] = self.cluster.data_dir.rglob("postmaster.pid")
        return int(file.read_text().split("\n", 1)[0])


@pytest.fixture
def house() -> Iterator[House]:
    folder = Path(tempfile.mkdtemp(prefix="marketable-house-"))
    folder.chmod(0o711)  # when root runs the tests, the server's own user must get there
    try:
        with running(folder / "data", fsync=False, say=lambda line: None) as cluster:
            inside = Shell(None, folder / "data")
            made = inside("worker", "--until-idle")  # makes the tables
            assert made.status == 0, made.err
            yield House(cluster, inside, Shell(cluster.url, folder / "data"))
    finally:
        shutil.rmtree(folder, ignore_errors=True)

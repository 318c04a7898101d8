"""Real commands, real servers and folders that a server's own user can reach."""

import contextlib
import json
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg

from marketable.postgres import processes
from marketable.postgres.folders import Home
from marketable.postgres.users import server_user

REPOSITORY = Path(__file__).parents[2]
IS_ROOT = os.geteuid() == 0


COMMANDS: "list[Command]" = []


class Command:
    """A process that holds its part in the server until `end` or `kill`."""

    def __init__(self, folder: Path, *options: str, before: list[str] | None = None) -> None:
        self.process = subprocess.Popen(
            [*(before or []), sys.executable, "-m", "tests.postgres.command", folder, *options],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._told: dict[str, Any] | None = None
        COMMANDS.append(self)

    @property
    def told(self) -> dict[str, Any]:
        """What the command joined; waits for it."""
        if self._told is None:
            assert self.process.stdout is not None
            line = self.process.stdout.readline()
            assert line, self.process.communicate()[1]
            self._told = json.loads(line)
        return self._told

    def end(self) -> str:
        """Let the command leave; return what it said."""
        assert self.told
        _, said = self.process.communicate()
        assert self.process.returncode == 0, said
        return said

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


def home_of(folder: Path) -> Home:
    return Home(path=folder.resolve(), user=server_user())


def server_pid(folder: Path) -> int | None:
    """Return the process of the server that runs on the folder."""
    home = home_of(folder)
    found = {pid: parent_of(pid) for pid in all_pids() if processes.is_server(pid, home)}
    # A process that the server has just forked still bears its command line, and may have ended
    # between the two looks at it, when it has no parent any more.
    pids = [pid for pid, parent in found.items() if parent is not None and parent not in found]
    assert len(pids) <= 1, "two servers on one folder"
    return pids[0] if pids else None


def all_pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").glob("[0-9]*")]


def parent_of(pid: int) -> int | None:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return None


def is_running(pid: int) -> bool:
    """Tell whether the process runs: one that ended may still wait for somebody to notice."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/cmdline").read_bytes() != b""
    return False


def kill_server(folder: Path) -> int:
    """Kill the server the hard way, and return its former number."""
    pid = server_pid(folder)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: server_pid(folder) is None)
    return pid


def ask(url: str, statement: str) -> Any:
    """Return the one value that a statement answers."""
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(statement).fetchone()
        assert row is not None
        return row[0]


def do(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


def wait_until(is_so: Callable[[], bool]) -> None:
    """Wait for something that another process does; the limit only ends a test that hangs."""
    give_up_at = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < give_up_at, "waited in vain"
        time.sleep(0.002)


def end_all_under(folder: Path) -> None:
    """End what a failed test left running."""
    while COMMANDS:
        COMMANDS.pop().kill()
    for made in folder.rglob("PG_VERSION"):
        if made.parent.name == "cluster":
            processes.clear_remains(home_of(made.parents[1]))


@contextlib.contextmanager
def small_disk(folder: Path, *, megabytes: int, options: str = "rw") -> Iterator[None]:
    """Mount a disk of its own on the folder."""
    options = f"size={megabytes}m,mode=755,{options}"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def server_identity() -> dict[str, Any]:
    """Return the options of `subprocess` to run something as the server's user."""
    if not IS_ROOT:
        return {}
    entry = pwd.getpwnam(server_user().name)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": [], "cwd": "/"}

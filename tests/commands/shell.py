"""The command `marketable` as people run it: a process of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import psutil
import psycopg

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Ran:
    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document that the command printed."""
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, Any]:
        found: dict[str, Any] = self.json["error"]
        return found


class Shell:
    """Runs commands on one database, or on the embedded server of a folder (`url` None)."""

    def __init__(self, url: str | None, data_dir: Path) -> None:
        self.url, self.data_dir = url, data_dir
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("MARKETABLE_") and name != "DATABASE_URL"
        } | {"MARKETABLE_DATA_DIR": str(data_dir), "PYTHONPATH": str(ROOT)}
        if url is not None:
            self.environment["DATABASE_URL"] = url

    def __call__(self, *words: str | int, stdin: str = "", **environment: str) -> Ran:
        done = subprocess.run(
            self.command(*words),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS * 3,
            env={**self.environment, **environment},
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def command(self, *words: str | int) -> list[str]:
        return [sys.executable, "-m", "marketable", *map(str, words)]

    @contextmanager
    def started(self, *words: str | int) -> Iterator["subprocess.Popen[str]"]:
        """A command that runs during the block, and is killed with all its children after it."""
        process = subprocess.Popen(
            self.command(*words),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment,
        )
        try:
            yield process
        finally:
            for one in (*descendants(process.pid), process.pid):
                kill(one)
            process.communicate(timeout=PATIENCE_SECONDS)

    def python(self, code: str) -> Any:
        """Run a few lines on the same database, through the product's own services; return what
        they leave in `answer`."""
        script = (
            "import json, django; django.setup()\n"
            "from tests import make\n"
            f"{code}\n"
            "print(json.dumps(answer))"
        )
        done = subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            text=True,
            env={**self.environment, "DJANGO_SETTINGS_MODULE": "marketable.config.settings"},
            cwd=ROOT,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        assert self.url is not None
        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(statement).fetchall()


def first_line(process: "subprocess.Popen[str]") -> str:
    """The first line on standard output; an error with what was said if there is none."""
    assert process.stdout is not None and process.stderr is not None
    line = process.stdout.readline()
    assert line, process.stderr.read()
    return line.rstrip("\n")


def rest_of(stream: IO[str] | None) -> str:
    assert stream is not None
    return stream.read()


def descendants(pid: int) -> list[int]:
    try:
        return [one.pid for one in psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def is_running(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def eventually(holds: Callable[[], bool], what: str) -> None:
    """Wait until something is true, which is all that is said about when."""
    until = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < until, f"This never came true: {what}"
        time.sleep(0.02)

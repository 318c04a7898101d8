"""`marketable serve` as an operator sees it: ready, stopped, killed, restarted."""

import shutil
import signal
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from subprocess import Popen

import psutil
import pytest

from marketable.commands.answers import CommandRefused
from marketable.commands.serve import listen, shown_address
from marketable.jobs.worker import CREWS
from tests.commands.shell import (
    PATIENCE_SECONDS,
    Shell,
    descendants,
    eventually,
    first_line,
    is_running,
    kill,
    rest_of,
)

READY = "marketable is ready at "


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[Shell]:
    """Commands on an embedded server of their own."""
    shell = Shell(None, tmp_path / "data")
    yield shell
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if words[:1] and words[0].endswith("/postgres") and str(tmp_path) in " ".join(words):
            kill(process.pid)
    shutil.rmtree(tmp_path / "data", ignore_errors=True)


def address(process: "Popen[str]") -> str:
    line = first_line(process)
    assert line.startswith(READY + "http://127.0.0.1:")
    return line.removeprefix(READY)


def get(url: str) -> tuple[int, bytes]:
    with urllib.request.urlopen(url, timeout=PATIENCE_SECONDS) as answer:
        return answer.status, answer.read()


def stop(process: "Popen[str]", how: signal.Signals = signal.SIGTERM) -> int:
    process.send_signal(how)
    return process.wait(timeout=PATIENCE_SECONDS)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_answers_when_it_says_so_and_stops_cleanly(shell: Shell, how: signal.Signals) -> None:
    with shell.started("serve", "--port", 0) as process:
        url = address(process)
        assert get(f"{url}/healthz") == (200, b"ok\n")
        children = descendants(process.pid)
        assert len(children) >= 3  # the web server, its process, the worker
        assert stop(process, how) == 0
        assert not [one for one in children if is_running(one)]
        assert rest_of(process.stdout) == "", "standard output is one line"


def test_without_a_worker_there_is_none(shell: Shell) -> None:
    with shell.started("serve", "--port", 0, "--no-worker", "--processes", 2) as process:
        url = address(process)
        assert get(f"{url}/healthz")[0] == 200
        assert shell.rows("SELECT count(*) FROM procrastinate_workers") == [(0,)]
        assert len(descendants(process.pid)) == 3  # the web server and its two processes
        assert stop(process) == 0


def test_a_killed_serve_leaves_no_process_behind(embedded: Shell) -> None:
    with embedded.started("serve", "--port", 0) as process:
        address(process)
        children = descendants(process.pid)
        kill(process.pid)
        process.wait(timeout=PATIENCE_SECONDS)
        eventually(
            lambda: not [one for one in children if is_running(one)],
            "every child has ended, the database included",
        )


def test_a_command_beside_it_uses_its_server_and_leaves_it_running(embedded: Shell) -> None:
    with embedded.started("serve", "--port", 0) as process:
        url = address(process)
        made = embedded(
            *("account", "create", "Acme", "--owner", "anna@example.com", "--password-stdin"),
            "--json",
            stdin="a long enough password",
        )
        assert made.status == 0, made.err
        assert get(f"{url}/healthz")[0] == 200
        assert stop(process) == 0
    # And without it, the command starts the server and stops it again.
    usage = embedded("usage", "--account", made.json["id"], "--json")
    assert usage.json["marketing_count"] == 0


def is_database_server(pid: int) -> bool:
    """Tell PostgreSQL's first process from those it forks, and from one that is dead."""
    try:
        one = psutil.Process(pid)
        return one.name() == "postgres" and "-D" in one.cmdline()
    except psutil.NoSuchProcess:  # a zombie is one too
        return False


def test_a_killed_database_is_started_again(embedded: Shell) -> None:
    with embedded.started("serve", "--port", 0) as process:
        url = address(process)
        [postgres] = [one for one in descendants(process.pid) if is_database_server(one)]
        kill(postgres)
        eventually(
            lambda: any(
                is_database_server(one) for one in descendants(process.pid) if one != postgres
            ),
            "another server runs",
        )
        made = embedded("account", "create", "Acme", "--owner", "not an address", "--json")
        assert made.error["code"] == "bad_field"  # so the database answered
        assert get(f"{url}/healthz")[0] == 200
        assert stop(process) == 0


def test_a_worker_that_dies_is_started_again(shell: Shell) -> None:
    with shell.started("serve", "--port", 0) as process:
        address(process)
        before = set(psutil.Process(process.pid).children())
        numbers = "SELECT id FROM procrastinate_workers ORDER BY id"
        eventually(lambda: len(shell.rows(numbers)) == len(CREWS), "every crew is registered")
        first = shell.rows(numbers)
        worker = max(before, key=lambda one: one.pid)
        kill(worker.pid)
        eventually(lambda: shell.rows(numbers)[-1] > first[-1], "another worker is registered")
        assert set(psutil.Process(process.pid).children()) != before
        assert stop(process) == 0


def test_a_taken_port_is_refused_before_anything_starts(tmp_path: Path) -> None:
    shell = Shell(None, tmp_path / "data")
    with socket.create_server(("127.0.0.1", 0)) as other:
        number = other.getsockname()[1]
        ran = shell("serve", "--port", number)
    assert ran.status == 1 and ran.out == ""
    assert f"Port {number}" in ran.err and "--port" in ran.err
    assert not (tmp_path / "data").exists()


def test_two_servers_cannot_share_a_port(shell: Shell) -> None:
    with shell.started("serve", "--port", 0, "--no-worker") as process:
        number = int(address(process).rsplit(":", 1)[1])
        with pytest.raises(CommandRefused) as refusal:
            listen("127.0.0.1", number)
        assert refusal.value.code == "port_taken"
        assert stop(process) == 0


def test_a_host_that_is_not_ours_is_refused() -> None:
    with pytest.raises(CommandRefused) as refusal:
        listen("no-such-host.invalid", 0)
    assert refusal.value.code == "host_unknown"


@pytest.mark.parametrize(
    ("host", "shown"), [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("::1", "[::1]")]
)
def test_the_printed_address_is_one_that_a_browser_here_can_open(host: str, shown: str) -> None:
    if host == "::1" and not socket.has_ipv6:
        pytest.skip("there is no IPv6 here")
    try:
        listener = listen(host, 0)
    except CommandRefused:
        assert host == "::1"
        pytest.skip("there is no IPv6 here")
    with listener:
        assert shown_address(host, listener).startswith(f"http://{shown}:")


def test_stopping_before_it_is_ready_leaves_nothing_behind(embedded: Shell) -> None:
    with embedded.started("serve", "--port", 0) as process:
        eventually(
            lambda: any("postgres" in name for name in _names(process.pid)), "the server starts"
        )
        children = descendants(process.pid)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=PATIENCE_SECONDS) in (0, 128 + signal.SIGTERM)
        eventually(
            lambda: not [one for one in children if is_running(one)], "every child has ended"
        )


def _names(pid: int) -> list[str]:
    files = [Path(f"/proc/{one}/comm") for one in descendants(pid)]
    return [file.read_text() for file in files if file.exists()]

"""Web server, command and database are killed in the midst of a bulk action (J18, V8).

A killed worker: see tests/commands/test_worker.py.
"""

import urllib.request
from subprocess import Popen
from typing import Any

import psutil
import psycopg

from tests.commands.shell import PATIENCE_SECONDS, Shell, eventually, first_line, kill
from tests.faults.conftest import House
from tests.faults.middle import (
    BATCHES,
    CONFIRMED,
    MANY,
    account_with_many,
    after_one_batch,
    assert_started_as_if_nothing_had_happened,
    running,
)

PROGRESS = "SELECT state, done FROM bulk_action"
READY = "marketable is ready at "


def address(process: "Popen[Any]") -> str:
    return first_line(process).removeprefix(READY)


def is_healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=PATIENCE_SECONDS) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def is_complete(shell: Shell) -> bool:
    return shell.rows(PROGRESS) == [("complete", MANY)]


def test_a_killed_web_server_is_started_again_and_the_work_goes_on(shell: Shell) -> None:
    account_id = account_with_many(shell, then=CONFIRMED)
    with after_one_batch(shell, account_id, running(shell, "serve", "--port", 0)) as serve:
        url = address(serve)
        web, worker = sorted(psutil.Process(serve.pid).children(), key=lambda one: one.pid)[:2]
        kill(web.pid)
        eventually(lambda: web.pid not in children_of(serve.pid), "it is gone")
        eventually(lambda: is_healthy(url), "pages are answered again")
        assert worker.is_running()
        assert shell.rows(PROGRESS) == [("running", BATCHES[0])]
        shell.rows(RELEASE)
        eventually(lambda: is_complete(shell), "the work is done")
        serve.terminate()
        assert serve.wait(timeout=PATIENCE_SECONDS) == 0
    assert_started_as_if_nothing_had_happened(shell, account_id)


#: Ends the session that holds the turn.
RELEASE = (
    "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted "
    "AND classid = hashtext('marketing_contact')::bigint::oid "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


def children_of(pid: int) -> list[int]:
    return [one.pid for one in psutil.Process(pid).children()]


def test_everything_killed_at_once(shell: Shell) -> None:
    account_id = account_with_many(shell, then=CONFIRMED)
    with after_one_batch(shell, account_id, running(shell, "serve", "--port", 0)) as serve:
        address(serve)
        kill(serve.pid)
    ended = shell("worker", "--until-idle")
    assert ended.status == 0, ended.err
    assert_started_as_if_nothing_had_happened(shell, account_id)


def test_a_killed_command_holds_its_places_until_a_worker_has_finished_its_work(
    shell: Shell,
) -> None:  # O3, V5
    account_id = account_with_many(shell, options=f"at_limit='ceiling', ceiling={MANY}")
    command = running(
        shell, *("marketing", "start", "--account", account_id, "--all", "--expect", MANY)
    )
    with after_one_batch(shell, account_id, command) as process:
        kill(process.pid)
    usage = "SELECT counter, reserved FROM account_usage"
    assert shell.rows(usage) == [(BATCHES[0], MANY - BATCHES[0])]
    late = shell.python(
        "from marketable.accounts.queries import account\n"
        f"answer = make.contact(account({account_id}))"
    )
    start_one = ("marketing", "start", "--account", account_id, "--ids", late, "--expect", 1)
    refused = shell(*start_one, "--json")
    assert (refused.status, refused.error["code"]) == (1, "ceiling_reached")
    ended = shell("worker", "--until-idle")
    assert ended.status == 0, ended.err
    assert_started_as_if_nothing_had_happened(shell, account_id)


def test_a_killed_database_under_a_command(house: House) -> None:
    account_id = account_with_many(house.beside)
    command = running(
        house.inside, *("marketing", "start", "--account", account_id, "--all", "--expect", MANY)
    )
    with after_one_batch(house.beside, account_id, command) as process:
        kill(house.postmaster)
        assert process.wait(timeout=PATIENCE_SECONDS) == 1
    ended = house.inside("worker", "--until-idle")  # starts the server again
    assert ended.status == 0, ended.err
    house.cluster.ensure_running()
    assert_started_as_if_nothing_had_happened(house.beside, account_id)


def test_a_killed_database_under_serve(house: House) -> None:
    account_id = account_with_many(house.beside, then=CONFIRMED)
    serve_pages = running(house.inside, "serve", "--port", 0)
    with after_one_batch(house.beside, account_id, serve_pages) as serve:
        url, killed = address(serve), house.postmaster
        kill(killed)
        eventually(lambda: is_up(house.beside), "the server runs again")
        assert house.postmaster != killed
        eventually(lambda: is_complete(house.beside), "the work is done")
        eventually(lambda: is_healthy(url), "pages are answered again")
        serve.terminate()
        assert serve.wait(timeout=PATIENCE_SECONDS) == 0
    assert_started_as_if_nothing_had_happened(house.beside, account_id)


def is_up(shell: Shell) -> bool:
    try:
        return shell.rows("SELECT 1") == [(1,)]
    except psycopg.OperationalError:
        return False

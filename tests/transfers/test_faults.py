"""Imports, checks and undos that are killed in the middle, and a database that is: what is left is
gone on with, and comes to the same as if nothing had happened."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.commands.shell import PATIENCE_SECONDS, Shell, eventually, kill
from tests.postgres.support import Command, end_all_under, kill_server

ROWS = 45_000
PRESENT = 15_000
BAD = 100

#: An account, and contacts whose addresses are in the file, too.
PREPARED = f"""
from datetime import UTC, datetime
from marketable.contacts.services.create_many import NewContact, create_contacts
from marketable.history.sources import SourceType, system
account, now = make.account(), datetime.now(UTC)
by = system(SourceType.COMMAND)
create_contacts(
    account.id,
    [NewContact(f"p{{n}}@example.com", {{"city": "Radom"}}) for n in range({PRESENT})],
    by=by,
    now=now,
)
answer = account.id
"""


@pytest.fixture
def account(shell: Shell) -> int:
    found: int = shell.python(PREPARED)
    return found


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "people.csv"
    with path.open("w") as out:
        out.write("email,first name,city\n")
        out.writelines(
            f"p{n}@example.com,Ewa,Opole\n" if n % 450 else f"bad {n},Ewa,Opole\n"
            for n in range(ROWS)
        )
    return path


TAKEN = ROWS - BAD
KEPT = PRESENT - -(-PRESENT // 450)


@contextmanager
def started(shell: Shell, *words: str | int) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(
        shell.command(*words),
        env=shell.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        kill(process.pid)
        process.wait(timeout=PATIENCE_SECONDS)


@contextmanager
def held(shell: Shell, account: int) -> Iterator[None]:
    """Let nobody take a batch of the account, until the block ends; one waits in its midst."""
    assert shell.url is not None
    with psycopg.connect(shell.url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(hashtext('marketing_contact'), %s)", [account])
        waiting = (
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted "
            "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        eventually(lambda: shell.rows(waiting)[0][0] > 0, "a batch has begun")
        yield


def state(shell: Shell) -> tuple[Any, ...]:
    found = shell.rows("SELECT state, reached_line, change_id FROM import_run")
    return found[0] if found else ("", 0, None)


def assert_imported_as_if_nothing_had_happened(shell: Shell, account: int) -> None:
    assert shell.rows("SELECT state, done, total, outcomes FROM import_run") == [
        (
            "complete",
            ROWS,
            ROWS,
            {
                "created": TAKEN - KEPT,
                "updated": KEPT,
                "marketing_started": TAKEN - KEPT,
                "INVALID_EMAIL": BAD,
            },
        )
    ]
    assert shell.rows("SELECT count(*), count(DISTINCT email) FROM contact") == [
        (PRESENT + TAKEN - KEPT,) * 2
    ]
    assert shell.rows("SELECT count(*) FROM contact WHERE properties->>'city' = 'Opole'") == [
        (TAKEN,)
    ]
    assert shell.rows(
        "SELECT kind, sum(contact_count)::int FROM change WHERE source_type = 'IMPORT' "
        "AND kind <> 'tier_upgraded' GROUP BY kind ORDER BY kind"
    ) == [
        ("contact_changed", KEPT),
        ("contact_created", TAKEN - KEPT),
        ("status_started", TAKEN - KEPT),
    ]
    proof = shell("prove", "--account", account, "--json").json
    assert proof["ok"] is True and proof["rows"] == TAKEN - KEPT
    for table in ("import_row", "reservation"):
        assert shell.rows(f"SELECT count(*) FROM {table}") == [(0,)]
    [(failures,)] = shell.rows("SELECT failures_as FROM import_run")
    lines = (shell.data_dir / "imports" / failures).read_text().splitlines()
    assert len(lines) == BAD + 1


def command(account: int, file: Path) -> tuple[str | int, ...]:
    return (
        *("contacts", "import", str(file), "--account", account),
        *("--marketing", "new", "--expect", TAKEN - KEPT, "--json"),
    )


def test_a_command_killed_in_the_middle_of_the_run_is_finished_by_a_worker(
    shell: Shell, account: int, file: Path
) -> None:
    with started(shell, *command(account, file)) as process:
        eventually(lambda: state(shell)[2] is not None, "a first batch is done")
        with held(shell, account):
            kill(process.pid)
            process.wait(timeout=PATIENCE_SECONDS)
    assert state(shell)[0] == "running"
    assert shell("worker", "--until-idle").status == 0
    assert_imported_as_if_nothing_had_happened(shell, account)


def test_a_command_killed_in_the_middle_of_the_check_is_finished_by_a_worker(
    shell: Shell, account: int, file: Path
) -> None:
    with started(shell, *command(account, file)) as process:
        eventually(lambda: state(shell)[1] > 0, "a part of the file is staged")
        kill(process.pid)
        process.wait(timeout=PATIENCE_SECONDS)
    assert state(shell)[0] in {"checking", "running"}
    assert shell("worker", "--until-idle").status == 0
    assert_imported_as_if_nothing_had_happened(shell, account)


def test_a_worker_killed_in_the_middle_of_the_check_and_of_the_run_is_gone_on_with(
    shell: Shell, account: int, file: Path
) -> None:
    with started(shell, *command(account, file)) as process:
        eventually(lambda: state(shell)[0] == "checking", "the check has begun")
        kill(process.pid)
        process.wait(timeout=PATIENCE_SECONDS)
    with started(shell, "worker") as worker:
        eventually(lambda: state(shell)[1] > 0, "the worker has staged a part")
        kill(worker.pid)
        worker.wait(timeout=PATIENCE_SECONDS)
    with started(shell, "worker") as worker:
        eventually(lambda: state(shell)[2] is not None, "a first batch is done")
        kill(worker.pid)
        worker.wait(timeout=PATIENCE_SECONDS)
    ended = shell("worker", "--until-idle")
    assert ended.status == 0, ended.err
    assert_imported_as_if_nothing_had_happened(shell, account)


def test_two_workers_share_an_import_without_doing_it_twice(
    shell: Shell, account: int, file: Path
) -> None:
    with (
        started(shell, *command(account, file)) as process,
        started(shell, "worker"),
        started(shell, "worker"),
    ):
        assert process.wait(timeout=PATIENCE_SECONDS * 3) == 0
    assert shell("worker", "--until-idle").status == 0
    assert_imported_as_if_nothing_had_happened(shell, account)


def test_a_worker_killed_in_the_middle_of_an_undo_is_gone_on_with(
    shell: Shell, account: int, file: Path
) -> None:
    done = shell(*command(account, file)).json
    shell.python(
        "from marketable import clock\n"
        "from marketable.history.sources import SourceType, system\n"
        "from marketable.transfers.undo import ask_for_undo\n"
        f"ask_for_undo({account}, {done['import_id']}, by=system(SourceType.COMMAND), "
        "now=clock.now())\n"
        "answer = None"
    )
    with started(shell, "worker") as worker:
        eventually(
            lambda: (
                shell.rows("SELECT (check_result->'undo'->>'staged')::int FROM import_run")[0][0]
                > 0
            ),
            "a part is undone",
        )
        with held(shell, account):
            kill(worker.pid)
            worker.wait(timeout=PATIENCE_SECONDS)
    assert state(shell)[0] == "undoing"
    assert shell("worker", "--until-idle").status == 0
    [(state_now, undo)] = shell.rows("SELECT state, check_result->'undo' FROM import_run")
    assert state_now == "undone"
    assert {name: undo[name] for name in ("archived", "restored", "staged", "kept")} == {
        "archived": TAKEN - KEPT,
        "restored": KEPT,
        "staged": TAKEN - KEPT,
        "kept": 0,
    }
    assert shell.rows("SELECT count(*) FROM contact WHERE archived_at IS NULL") == [(PRESENT,)]
    assert shell.rows(
        "SELECT count(*) FROM contact WHERE archived_at IS NULL "
        'AND properties = \'{"city": "Radom"}\''
    ) == [(PRESENT,)]
    proof = shell("prove", "--account", account, "--json").json
    assert (proof["ok"], proof["rows"]) == (True, TAKEN - KEPT)  # places are held (S10)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder that the embedded server's own user can reach."""
    with tempfile.TemporaryDirectory(prefix="marketable-killed-") as name:
        Path(name).chmod(0o711)
        yield Path(name) / "data"
        end_all_under(Path(name))


def test_a_killed_database_loses_nothing_of_an_import(folder: Path, file: Path) -> None:
    shell = Shell(None, folder)
    made = shell("account", "create", "Acme", "--owner", "anna@example.com", "--json")
    account = made.json["id"]
    server = Command(folder)
    rows = Shell(server.told["url"], folder)
    words = (*command(account, file)[:-2], TAKEN, "--json")  # here nobody is present
    with started(shell, *words) as process:
        eventually(lambda: state(rows)[2] is not None, "a first batch is done")
        kill_server(folder)
        process.wait(timeout=PATIENCE_SECONDS * 3)
    server.kill()
    ended = shell("worker", "--until-idle")
    assert ended.status == 0, ended.err
    usage = shell("usage", "--account", account, "--json").json
    assert (usage["contact_count"], usage["marketing_count"]) == (TAKEN, TAKEN)
    assert shell("prove", "--account", account, "--json").json["ok"] is True
    again = shell("contacts", "import", str(file), "--account", account, "--json").json
    assert (again["created"], again["unchanged"], again["failed"]) == (0, TAKEN, BAD)

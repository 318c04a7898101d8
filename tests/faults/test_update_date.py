"""Worker, command and database are killed in the midst of an update date (U6, J18, V8)."""

import pytest

from tests.commands.shell import PATIENCE_SECONDS, Shell, kill
from tests.faults.conftest import House
from tests.faults.middle import (
    BATCHES,
    MANY,
    OVERDUE,
    account_with_many,
    after_one_batch,
    assert_left_as_if_nothing_had_happened,
    running,
)


@pytest.mark.parametrize("command", [["worker"], ["update-date", "--account", "1"]])
def test_a_killed_process(shell: Shell, command: list[str]) -> None:
    account_id = account_with_many(shell, then=OVERDUE)
    assert account_id == 1
    with after_one_batch(shell, account_id, running(shell, *command)) as process:
        assert shell.rows("SELECT counter FROM account_usage") == [(MANY - BATCHES[0],)]
        usage = shell("usage", "--account", account_id, "--json").json
        assert (usage["marketing_count"], usage["leaving_count"]) == (0, 0)  # S1, V4
        kill(process.pid)
    proof = shell("prove", "--account", account_id, "--json").json
    assert (proof["ok"], proof["rows"]) == (True, MANY - BATCHES[0])
    ended = shell(*(("worker", "--until-idle") if command == ["worker"] else command))
    assert ended.status == 0, ended.err
    assert_left_as_if_nothing_had_happened(shell, account_id)


def test_what_is_left_by_one_is_applied_by_the_other_once(shell: Shell) -> None:
    account_id = account_with_many(shell, then=OVERDUE)
    with after_one_batch(shell, account_id, running(shell, "worker")) as process:
        kill(process.pid)
    done = shell("update-date", "--account", account_id, "--json").json
    assert done["applied"] == MANY - BATCHES[0]
    again = shell("update-date", "--account", account_id, "--json").json
    assert (again["applied"], again["due_on"], again["change_id"]) == (0, None, None)
    assert shell("worker", "--until-idle").status == 0
    assert_left_as_if_nothing_had_happened(shell, account_id)


def test_a_killed_database(house: House) -> None:
    account_id = account_with_many(house.beside, then=OVERDUE)
    command = running(house.inside, "update-date", "--account", account_id)
    with after_one_batch(house.beside, account_id, command) as process:
        kill(house.postmaster)
        assert process.wait(timeout=PATIENCE_SECONDS) == 1
    done = house.inside("update-date", "--account", account_id, "--json")
    assert done.json["applied"] == MANY - BATCHES[0], done.err
    house.cluster.ensure_running()
    assert_left_as_if_nothing_had_happened(house.beside, account_id)

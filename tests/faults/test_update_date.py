"""Worker, command and database are killed in the midst of an update date (U6, J18, V8)."""

import pytest

from tests.commands.shell import PATIENCE_SECONDS, Shell, kill, rest_of
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

WORKER, COMMAND = ("worker",), ("update-date", "--account", "1")


@pytest.mark.parametrize(
    ("killed", "next_one"), [(WORKER, COMMAND), (COMMAND, (*WORKER, "--until-idle"))]
)
def test_what_a_killed_one_left_is_applied_by_another_once(
    shell: Shell, killed: tuple[str, ...], next_one: tuple[str, ...]
) -> None:
    account_id = account_with_many(shell, then=OVERDUE)
    assert account_id == 1
    with after_one_batch(shell, account_id, running(shell, *killed)) as process:
        assert shell.rows("SELECT counter FROM account_usage") == [(MANY - BATCHES[0],)]
        usage = shell("usage", "--account", account_id, "--json").json
        assert (usage["marketing_count"], usage["leaving_count"]) == (0, 0)  # S1, V4
        kill(process.pid)
    proof = shell("prove", "--account", account_id, "--json").json
    assert (proof["ok"], proof["rows"]) == (True, MANY - BATCHES[0])
    ended = shell(*next_one)
    assert ended.status == 0, ended.err
    assert_left_as_if_nothing_had_happened(shell, account_id)
    again = shell(*COMMAND, "--json").json
    assert (again["applied"], again["due_on"], again["change_id"]) == (0, None, None)


def test_a_killed_database(house: House) -> None:
    account_id = account_with_many(house.beside, then=OVERDUE)
    command = running(house.inside, "update-date", "--account", account_id)
    with after_one_batch(house.beside, account_id, command) as process:
        kill(house.postmaster)
        assert process.wait(timeout=PATIENCE_SECONDS) == 1
        said = rest_of(process.stderr)
        assert "The database went away" in said and "Traceback" not in said
    done = house.inside("update-date", "--account", account_id, "--json")
    assert done.json["applied"] == MANY - BATCHES[0], done.err
    house.cluster.ensure_running()
    assert_left_as_if_nothing_had_happened(house.beside, account_id)

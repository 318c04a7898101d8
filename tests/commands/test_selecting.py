"""Contacts chosen by a filter, for the commands that take one."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.commands.shell import Shell

POLES = {"and": [{"property": "country", "operator": "is", "value": "poland"}, {"counts": False}]}


@pytest.fixture
def account_id(shell: Shell) -> int:
    """An account with five contacts, three of them in Poland, one of these marketing."""
    made: int = shell.python(
        "from marketable.marketing_status.rules import Status\n"
        "account = make.account()\n"
        "for country, status in (('Poland', Status.MARKETING), ('Poland', Status.NON_MARKETING), "
        "('POLAND', Status.NON_MARKETING), ('Spain', Status.NON_MARKETING), "
        "('France', Status.MARKETING)):\n"
        "    make.contact(account, status=status, country=country)\n"
        "answer = account.id"
    )
    return made


def written(folder: Path, what: Any) -> str:
    path = folder / "filter.json"
    path.write_text(what if isinstance(what, str) else json.dumps(what), encoding="utf-8")
    return str(path)


def test_those_that_meet_a_filter_are_set(shell: Shell, account_id: int, tmp_path: Path) -> None:
    path = written(tmp_path, POLES)
    words = ("marketing", "start", "--account", account_id, "--filter", path, "--json")
    planned = shell(*words, "--dry-run")
    assert (planned.json["selected"], planned.json["changed"]) == (2, 2)
    wrong = shell(*words, "--expect", 3)
    assert (wrong.status, wrong.error["expected"], wrong.error["actual"]) == (1, 3, 2)
    done = shell(*words, "--expect", 2)
    assert done.status == 0, done.err
    assert done.json["usage_after"] == done.json["usage_before"] + 2
    assert shell(*words, "--dry-run").json["selected"] == 0  # they count now
    history = shell("history", "--account", account_id, "--json").out
    assert "poland" not in history, "the ledger keeps no value of a filter (S14)"


def test_a_filter_comes_from_standard_input_too(shell: Shell, account_id: int) -> None:
    words = ("marketing", "start", "--account", account_id, "--filter", "-", "--dry-run", "--json")
    assert shell(*words, stdin=json.dumps(POLES)).json["changed"] == 2


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("no json", "no JSON"),
        ({"and": [{"property": "gone", "operator": "is_known"}]}, "no property “gone”"),
        ({"and": [{"segment": 1}]}, "no segment 1"),
        ({"and": [{"planet": 1}]}, "no condition “planet”"),
    ],
)
def test_a_filter_that_is_not_understood_changes_nothing(
    shell: Shell, account_id: int, tmp_path: Path, given: Any, says: str
) -> None:
    path = written(tmp_path, given)
    refused = shell(
        *("marketing", "start", "--account", account_id, "--filter", path),
        *("--expect", 0, "--json"),
    )
    assert refused.status == 1
    assert refused.error["code"] == "filter_refused"
    assert says in refused.error["message"]


def test_a_file_that_is_not_there_is_named(shell: Shell, account_id: int, tmp_path: Path) -> None:
    refused = shell(
        *("marketing", "start", "--account", account_id, "--filter", str(tmp_path / "none.json")),
        *("--dry-run", "--json"),
    )
    assert (refused.status, refused.error["code"]) == (1, "file_unreadable")


def test_a_filter_and_another_choice_are_one_too_many(shell: Shell) -> None:
    both = shell("marketing", "stop", "--account", 1, "--all", "--filter", "x", "--dry-run")
    assert both.status == 2


def test_contacts_are_counted_and_exported_by_a_filter(
    shell: Shell, account_id: int, tmp_path: Path
) -> None:
    path = written(tmp_path, {"or": [{"property": "country", "operator": "is", "value": "France"}]})
    counted = shell("contacts", "count", "--account", account_id, "--filter", path, "--json")
    assert counted.json == {"count": 1}
    file = tmp_path / "out.csv"
    sent = shell(
        "contacts", "export", str(file), "--account", account_id, "--filter", path, "--json"
    )
    assert sent.json["contacts"] == 1
    assert "France" in file.read_text(encoding="utf-8-sig")
    everybody = shell("contacts", "count", "--account", account_id, "--all", "--json")
    assert everybody.json == {"count": 5}


def test_the_schema_of_filters_is_published(shell: Shell) -> None:
    told = shell("schema", "filter", "--json")
    assert told.status == 0
    assert told.json["title"] == "marketable filter"
    assert json.loads(shell("schema", "filter").out) == told.json

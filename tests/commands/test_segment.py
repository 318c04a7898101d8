"""Segments without a browser, and commands that choose by one; no worker runs."""

import json
from pathlib import Path

import pytest

from tests.commands.shell import Shell

POLES = {"and": [{"property": "country", "operator": "is", "value": "Poland"}]}


@pytest.fixture
def account_id(shell: Shell) -> int:
    made: int = shell.python(
        "account = make.account()\n"
        "for country in ('Poland', 'Poland', 'Spain'):\n"
        "    make.contact(account, country=country)\n"
        "answer = account.id"
    )
    return made


@pytest.fixture
def poles(tmp_path: Path) -> str:
    path = tmp_path / "poles.json"
    path.write_text(json.dumps(POLES))
    return str(path)


def created(shell: Shell, account_id: int, name: str, file: str) -> int:
    words = ("--account", account_id, "--name", name, "--filter", file, "--json")
    made = shell("segment", "create", *words)
    assert made.status == 0, made.err
    return int(made.json["id"])


def test_a_segment_is_made_seen_and_proven(shell: Shell, account_id: int, poles: str) -> None:
    words = ("--account", account_id, "--name", "Poles", "--filter", poles, "--json")
    made = shell("segment", "create", *words)
    assert made.json["member_count"] == 2
    of_it = ("--account", account_id, "--segment", made.json["id"], "--json")
    members = shell("segment", "members", *of_it).json
    assert members["member_count"] == len(members["contact_ids"]) == 2
    for verb in ("rebuild", "prove"):
        proof = shell("segment", verb, *of_it)
        assert (proof.status, proof.json) == (
            0,
            {"ok": True, "member_count": 2, "expected_count": 2},
        )


def test_what_an_import_brought_is_in_the_segment_without_a_worker(
    shell: Shell, account_id: int, poles: str, tmp_path: Path
) -> None:
    number = created(shell, account_id, "Poles", poles)
    file = tmp_path / "more.csv"
    file.write_text("email,country\na@example.com,Poland\nb@example.com,Peru\n")
    assert shell("contacts", "import", str(file), "--account", account_id).status == 0
    chosen = ("--account", account_id, "--segment", number)
    assert shell("contacts", "count", *chosen, "--json").json == {"count": 3}
    done = shell("marketing", "start", *chosen, "--expect", 3, "--json")
    assert (done.status, done.json["changed"]) == (0, 3)
    out = tmp_path / "out.csv"
    assert shell("contacts", "export", str(out), *chosen, "--json").json["contacts"] == 3


def test_a_segment_in_a_filter_is_up_to_date_too(
    shell: Shell, account_id: int, poles: str, tmp_path: Path
) -> None:
    number = created(shell, account_id, "Poles", poles)
    file = tmp_path / "more.csv"
    file.write_text("email,country\na@example.com,Poland\n")
    shell("contacts", "import", str(file), "--account", account_id)
    inner = tmp_path / "inner.json"
    inner.write_text(json.dumps({"and": [{"segment": number}]}))
    words = ("contacts", "count", "--account", account_id, "--filter", str(inner), "--json")
    assert shell(*words).json == {"count": 3}


def test_what_cannot_be_is_refused_by_name(
    shell: Shell, account_id: int, poles: str, tmp_path: Path
) -> None:
    number = created(shell, account_id, "Poles", poles)
    again = ("segment", "create", "--account", account_id, "--filter", poles, "--json", "--name")
    assert shell(*again, "POLES").error["code"] == "segment_name_taken"
    assert shell(*again, " ").error["code"] == "bad_segment_name"
    gone = tmp_path / "gone.json"
    gone.write_text(json.dumps({"and": [{"property": "gone", "operator": "is_known"}]}))
    words = ("segment", "create", "--account", account_id, "--name", "Gone", "--filter", str(gone))
    assert shell(*words, "--json").error["code"] == "filter_refused"
    other = shell.python("answer = make.account('Other', owner_email='b@example.com').id")
    for verb in ("members", "rebuild", "prove"):
        foreign = shell("segment", verb, "--account", other, "--segment", number, "--json")
        assert (foreign.status, foreign.error["code"]) == (1, "segment_unknown")
    foreign = shell("contacts", "count", "--account", other, "--segment", number, "--json")
    assert foreign.error["code"] == "segment_unknown"

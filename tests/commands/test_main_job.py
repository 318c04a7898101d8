"""The main job without a browser: accounts, status, usage, the update date, the ledger."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.commands.shell import Shell

FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")

#: An account with 3 non-marketing, 2 marketing and 1 leaving contact, and one without an address.
PREPARED = """
from marketable.marketing_status.rules import Status
account = make.account(start=date.today().replace(day=1) - timedelta(days=40))
now = datetime.now(UTC)
answer = {
    "account": account.id,
    "non": make.contacts(account, 3, at=now),
    "marketing": make.contacts(account, 2, status=Status.MARKETING, at=now),
    "leaving": make.contacts(account, 1, status=Status.LEAVING, at=now),
    "nobody": make.contact(account, email=None, at=now),
}
"""
IMPORTS = "from datetime import UTC, date, datetime, timedelta\n"


@pytest.fixture
def prepared(shell: Shell) -> dict[str, Any]:
    found: dict[str, Any] = shell.python(IMPORTS + PREPARED)
    return found


def test_an_account_is_made_with_its_owner_and_contract(shell: Shell) -> None:
    made = shell(
        *("account", "create", "Żółw sp. z o.o.", "--owner", "Anna@Example.com"),
        *("--password-stdin", "--time-zone", "Europe/Warsaw", "--language", "pl"),
        *("--plan", "starter", "--term", "yearly", "--start", "2026-03-15", "--json"),
        stdin="a long enough password\n",
    )
    assert made.status == 0, made.err
    assert made.json == {
        "id": made.json["id"],
        "name": "Żółw sp. z o.o.",
        "owner_email": "anna@example.com",
    }
    usage = shell("usage", "--account", made.json["id"], "--json").json
    assert usage["tier"] == 1_000
    assert (usage["contact_count"], usage["marketing_count"], usage["peak"]) == (0, 0, 0)


def test_without_a_password_the_owner_gets_a_link_on_standard_error(shell: Shell) -> None:
    made = shell("account", "create", "Acme", "--owner", "anna@example.com", "--json")
    assert made.json["owner_email"] == "anna@example.com"
    assert "http://127.0.0.1:8000/accounts/" in made.err
    assert "http" not in made.out


@pytest.mark.parametrize(
    ("words", "password"),
    [
        (["--time-zone", "Europe/Atlantis"], "a long enough password"),
        (["--plan", "gold"], "a long enough password"),
        (["--language", "xx"], "a long enough password"),
        ([], "short"),
        ([], ""),
    ],
)
def test_a_refused_account_leaves_nothing_behind(
    shell: Shell, words: list[str], password: str
) -> None:
    made = shell(
        *("account", "create", "Acme", "--owner", "anna@example.com", "--password-stdin"),
        *(*words, "--json"),
        stdin=password,
    )
    assert made.status == 1
    assert set(made.error) == {"code", "message", "expected", "actual"}
    assert shell.rows("SELECT count(*) FROM account") == [(0,)]


def test_a_start_changes_exactly_the_announced_contacts(
    shell: Shell, prepared: dict[str, Any]
) -> None:
    account = prepared["account"]
    planned = shell("marketing", "start", "--account", account, "--all", "--dry-run", "--json")
    assert planned.json["change_id"] is None
    done = shell("marketing", "start", "--account", account, "--all", "--expect", 4, "--json")
    assert done.status == 0, done.out + done.err
    expected = {
        "selected": 7,
        "changed": 4,  # three set, one kept
        "already": 2,
        "refused": 1,  # without an address
        "usage_before": 3,
        "usage_after": 6,
        "tier_before": 2_000,
        "tier_after": 2_000,
    }
    for answer in (planned.json, done.json):
        assert {name: answer[name] for name in expected} == expected
        assert set(answer) == {*expected, "update_date", "change_id"}
    history = shell("history", "--account", account, "--contact", prepared["non"][0], "--json")
    changes = [json.loads(line) for line in history.out.splitlines()]
    assert [one["kind"] for one in changes] == ["contact_created", "status_started"]
    started = changes[-1]
    assert started["id"] == done.json["change_id"]
    assert (started["actor_type"], started["source_type"]) == ("command", "COMMAND")
    assert started["before"] == {"status": "non_marketing"}
    assert started["after"] == {"status": "marketing"}
    assert shell("prove", "--account", account, "--json").json == {
        "ok": True,
        "counter": 6,
        "rows": 6,
        "ledger": 6,
        "unexplained": 0,
    }


def test_unreachable_contacts_are_set_when_asked_for(
    shell: Shell, prepared: dict[str, Any]
) -> None:
    done = shell(
        *("marketing", "start", "--account", prepared["account"], "--ids", prepared["nobody"]),
        *("--include-unreachable", "--expect", 1, "--json"),
    )
    assert (done.json["changed"], done.json["refused"]) == (1, 0)


def test_a_wrong_number_changes_nothing_and_says_both(
    shell: Shell, prepared: dict[str, Any]
) -> None:
    done = shell(
        *("marketing", "start", "--account", prepared["account"], "--all"),
        *("--expect", 5, "--json"),
    )
    assert done.status == 1
    assert (done.error["code"], done.error["expected"], done.error["actual"]) == (
        "plan_outdated",
        5,
        4,
    )
    assert shell("usage", "--account", prepared["account"], "--json").json["marketing_count"] == 3


def test_nothing_to_change_succeeds_with_0(shell: Shell, prepared: dict[str, Any]) -> None:
    ids = ",".join(map(str, prepared["marketing"]))
    done = shell(
        *("marketing", "start", "--account", prepared["account"], "--ids", ids),
        *("--expect", 0, "--json"),
    )
    assert done.status == 0
    assert (done.json["changed"], done.json["already"], done.json["change_id"]) == (0, 2, None)


def test_unknown_and_foreign_contacts_are_refused_without_failing(
    shell: Shell, prepared: dict[str, Any]
) -> None:
    foreign = shell.python(
        "other = make.account('Other', owner_email='o@example.com')\nanswer = make.contact(other)"
    )
    ids = f"{prepared['non'][0]},{foreign},999999999,{prepared['non'][0]}"
    done = shell(
        *("marketing", "start", "--account", prepared["account"], "--ids", ids),
        *("--expect", 1, "--json"),
    )
    assert done.status == 0
    assert (done.json["selected"], done.json["changed"], done.json["refused"]) == (3, 1, 2)


def test_addresses_come_from_a_file_as_people_write_them(
    shell: Shell, prepared: dict[str, Any], tmp_path: Path
) -> None:
    email = shell.rows(f"SELECT email FROM contact WHERE id = {prepared['non'][0]}")[0][0]
    file = tmp_path / "addresses.txt"
    file.write_bytes(
        f"\ufeff {email.upper()} \r\n{email}\n\nnobody@example.com\nno address\n".encode()
    )
    done = shell(
        *("marketing", "start", "--account", prepared["account"], "--emails-file", str(file)),
        *("--expect", 1, "--json"),
    )
    assert (done.json["selected"], done.json["changed"], done.json["refused"]) == (3, 1, 2)


@pytest.mark.parametrize(
    ("content", "code"), [("zażółć".encode("cp1250"), "not_utf8"), (None, "file_unreadable")]
)
def test_an_unreadable_file_of_addresses_is_refused(
    shell: Shell, prepared: dict[str, Any], tmp_path: Path, content: bytes | None, code: str
) -> None:
    file = tmp_path / "addresses.txt"
    if content is not None:
        file.write_bytes(content)
    done = shell(
        *("marketing", "start", "--account", prepared["account"], "--emails-file", str(file)),
        *("--expect", 1, "--json"),
    )
    assert (done.status, done.error["code"]) == (1, code)


def test_a_status_selects_its_contacts_and_stop_and_keep_are_opposites(
    shell: Shell, prepared: dict[str, Any]
) -> None:
    account = prepared["account"]
    stop = ("marketing", "stop", "--account", account, "--status", "marketing", "--json")
    stopped = shell(*stop, "--expect", 2)
    assert (stopped.json["selected"], stopped.json["changed"]) == (2, 2)
    assert stopped.json["usage_after"] == stopped.json["usage_before"] == 3
    usage = shell("usage", "--account", account, "--json").json
    assert (usage["marketing_count"], usage["leaving_count"]) == (3, 3)
    assert usage["update_date"] == stopped.json["update_date"]
    keep = ("marketing", "keep", "--account", account, "--status", "leaving", "--json")
    assert shell(*keep, "--expect", 3).json["changed"] == 3
    assert shell("usage", "--account", account, "--json").json["leaving_count"] == 0


def test_a_ceiling_refuses_the_whole_start(shell: Shell, prepared: dict[str, Any]) -> None:
    account = prepared["account"]
    chosen = shell(
        *("account", "set", "--account", account, "--at-limit", "ceiling", "--ceiling", 5),
        "--json",
    )
    assert (chosen.json["at_limit"], chosen.json["ceiling"]) == ("ceiling", 5)
    done = shell("marketing", "start", "--account", account, "--all", "--expect", 4, "--json")
    assert (done.status, done.error["code"]) == (1, "ceiling_reached")
    assert (done.error["expected"], done.error["actual"]) == (5, 6)
    assert shell("usage", "--account", account, "--json").json["marketing_count"] == 3


def test_the_ledger_is_printed_oldest_first_one_object_a_line(
    shell: Shell, prepared: dict[str, Any]
) -> None:
    lines = shell("history", "--account", prepared["account"], "--json").out.splitlines()
    changes = [json.loads(line) for line in lines]
    assert [one["id"] for one in changes] == sorted(one["id"] for one in changes)
    assert sum(one["marketing_delta"] for one in changes) == 3
    assert "status_staged" in {one["kind"] for one in changes}


def test_the_update_date_is_applied_once(shell: Shell, prepared: dict[str, Any]) -> None:
    account = prepared["account"]
    assert shell("update-date", "--account", account, "--json").json["applied"] == 0
    shell.rows("UPDATE marketing_contact SET since = since - interval '40 days' RETURNING 1")
    shell.rows(
        "UPDATE marketing_contact SET leaving_on = current_date - 1 "
        "WHERE leaving_on IS NOT NULL RETURNING 1"
    )
    # The row no longer counts, although nothing has been applied.
    assert shell("usage", "--account", account, "--json").json["marketing_count"] == 2
    due = shell("update-date", "--account", account, "--dry-run", "--json").json
    done = shell("update-date", "--account", account, "--json").json
    again = shell("update-date", "--account", account, "--json").json
    assert (due["applied"], due["due_on"], due["change_id"]) == (1, done["due_on"], None)
    assert done["applied"] == 1 and done["change_id"] is not None
    assert (again["applied"], again["due_on"], again["change_id"]) == (0, None, None)
    assert shell("usage", "--account", account, "--json").json["marketing_count"] == 2


@pytest.mark.skipif(not FAKETIME.exists(), reason="libfaketime is not installed")
def test_a_shifted_clock_shows_the_update_date(shell: Shell, prepared: dict[str, Any]) -> None:
    account = prepared["account"]
    now = shell("usage", "--account", account, "--json").json
    assert (now["marketing_count"], now["leaving_count"]) == (3, 1)
    later = {"LD_PRELOAD": str(FAKETIME), "FAKETIME": "+32d"}
    then = shell("usage", "--account", account, "--json", **later).json
    assert (then["marketing_count"], then["leaving_count"]) == (2, 0)
    assert then["period_start"] >= now["update_date"]
    done = shell("update-date", "--account", account, "--json", **later).json
    assert (done["due_on"], done["applied"]) == (now["update_date"], 1)
    assert shell("prove", "--account", account, "--json", **later).json["ok"] is True

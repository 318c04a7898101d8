"""What every command keeps: exit status, one document, errors as JSON."""

import json
import subprocess
import sys

import pytest

from marketable.commands import main as command_line
from marketable.commands.answers import show_refusal, to_json
from tests.commands.shell import ROOT, Shell


def test_help_is_there_without_loading_django() -> None:
    code = (
        "import sys; from marketable.commands.main import main; status = main(['--help']);"
        "sys.exit(status or 'django' in sys.modules or 'psycopg' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0
    for noun in ("serve", "worker", "account", "contacts", "marketing", "usage", "update-date"):
        assert noun in done.stdout


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["no-such-command"],
        ["usage"],
        ["usage", "--account", "0"],
        ["usage", "--account", "1e3"],
        ["usage", "--account", "9" * 5000],
        ["marketing", "start", "--account", "1", "--all"],
        ["marketing", "start", "--account", "1", "--expect", "1"],
        ["marketing", "start", "--account", "1", "--all", "--ids", "1", "--expect", "1"],
        ["marketing", "start", "--account", "1", "--status", "deleted", "--expect", "1"],
        ["marketing", "start", "--account", "1", "--ids", "1,x", "--expect", "1"],
        ["marketing", "start", "--account", "1", "--all", "--expect", "-1"],
        ["account", "create", "Acme"],
        ["account", "create", "Acme", "--owner", "a@example.com", "--term", "0"],
        ["account", "create", "Acme", "--owner", "a@example.com", "--start", "2027-02-30"],
        ["account", "set", "--account", "1"],
        ["serve", "--port", "65536"],
        ["serve", "--processes", "0"],
    ],
)
def test_wrong_usage_has_status_2_and_prints_nothing_on_standard_output(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command_line.main(words) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.startswith("usage: marketable")


def test_an_unknown_setting_stops_the_command_with_a_hint(shell: Shell) -> None:
    ran = shell("usage", "--account", 1, "--json", MARKETABLE_DATADIR="/nowhere")
    assert ran.status == 2
    assert "MARKETABLE_DATA_DIR" in ran.error["message"]


def test_a_refusal_is_one_document_with_status_1(shell: Shell) -> None:
    ran = shell("usage", "--account", 4711, "--json")
    assert ran.status == 1
    assert ran.error == {
        "code": "account_unknown",
        "message": "There is no such account.",
        "expected": None,
        "actual": None,
    }
    plain = shell("usage", "--account", 4711)
    assert (plain.status, plain.out, plain.err) == (1, "", "There is no such account.\n")


def test_a_database_that_nobody_answers_for_is_a_refusal(shell: Shell) -> None:
    ran = shell(
        "usage", "--account", 1, "--json", DATABASE_URL="postgresql:///x?host=/nowhere&port=1"
    )
    assert ran.status == 1
    assert ran.error["code"] == "unreachable_server"


def test_the_facts_of_a_refusal_are_in_its_document(capsys: pytest.CaptureFixture[str]) -> None:
    show_refusal("wrong", "No.", {"expected": 1, "actual": 2, "other": 3}, as_json=True)
    assert json.loads(capsys.readouterr().out) == {
        "error": {"code": "wrong", "message": "No.", "expected": 1, "actual": 2}
    }


def test_what_has_no_json_form_is_not_invented() -> None:
    with pytest.raises(TypeError):
        to_json({"value": object()})


def test_the_version_is_the_one_of_the_project(capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["--version"]) == 0
    assert (
        f'version = "{capsys.readouterr().out.split()[1]}"' in (ROOT / "pyproject.toml").read_text()
    )

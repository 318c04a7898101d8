"""`marketable contacts import | export`: files in and out without a browser."""

import csv
import io
import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.commands.shell import Ran, Shell

ACCOUNT = "answer = make.account().id"
HEADER = "E-mail,First name,Phone,City"
ROWS = ("a@example.com,Ewa,+48 601 234 567,Łódź", "b@example.com,Jan,,=Opole", "bad,Ola,,")


@pytest.fixture
def account(shell: Shell) -> int:
    found: int = shell.python(ACCOUNT)
    return found


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "people.csv"
    path.write_text("\n".join((HEADER, *ROWS)) + "\n", encoding="utf-8")
    return path


def bring_in(shell: Shell, account: int, file: Path, *words: str | int) -> Ran:
    return shell("contacts", "import", str(file), "--account", account, *words, "--json")


def count(shell: Shell) -> int:
    found: int = shell.rows("SELECT count(*) FROM contact")[0][0]
    return found


def test_a_file_is_imported_and_its_refused_rows_are_in_a_file(
    shell: Shell, account: int, file: Path
) -> None:
    done = bring_in(shell, account, file)
    assert done.status == 0, done.out + done.err
    assert {name: done.json[name] for name in ("created", "updated", "unchanged", "failed")} == {
        "created": 2,
        "updated": 0,
        "unchanged": 0,
        "failed": 1,
    }
    assert done.json["marketing_started"] == 0 and isinstance(done.json["change_id"], int)
    with Path(done.json["failures_file"]).open(encoding="utf-8-sig", newline="") as rows:
        assert list(csv.reader(rows)) == [
            ["E-mail", "First name", "Phone", "City", "reason"],
            ["bad", "Ola", "", "", "INVALID_EMAIL: email"],
        ]
    again = bring_in(shell, account, file).json
    assert (again["created"], again["unchanged"], again["change_id"]) == (0, 2, None)
    history = shell("history", "--account", account, "--json").out.splitlines()
    created = [one for one in map(json.loads, history) if one["kind"] == "contact_created"]
    assert [one["id"] for one in created] == [done.json["change_id"]]
    assert created[0]["source_type"] == "IMPORT"


def test_a_dry_run_tells_the_number_to_expect_and_leaves_nothing(
    shell: Shell, account: int, file: Path
) -> None:
    told = bring_in(shell, account, file, "--marketing", "new", "--dry-run")
    assert told.status == 0, told.out
    assert (told.json["created"], told.json["failed"], told.json["marketing_started"]) == (2, 1, 2)
    assert (told.json["change_id"], told.json["failures_file"]) == (None, None)
    assert count(shell) == 0
    assert list((shell.data_dir / "imports").iterdir()) == []
    done = bring_in(shell, account, file, "--marketing", "new", "--expect", 2)
    assert done.json["marketing_started"] == 2
    usage = shell("usage", "--account", account, "--json").json
    assert (usage["contact_count"], usage["marketing_count"]) == (2, 2)
    assert shell("prove", "--account", account, "--json").json["ok"] is True


@pytest.mark.parametrize("words", [(), ("--expect", 3), ("--expect", 0)])
def test_a_wrong_or_missing_number_imports_nothing_and_says_both(
    shell: Shell, account: int, file: Path, words: tuple[str | int, ...]
) -> None:
    done = bring_in(shell, account, file, "--marketing", "all", *words)
    assert done.status == 1
    assert (done.error["code"], done.error["expected"], done.error["actual"]) == (
        "plan_outdated",
        words[1] if words else 0,
        2,
    )
    assert count(shell) == 0


def test_a_wrong_number_fails_a_dry_run_as_well(shell: Shell, account: int, file: Path) -> None:
    told = bring_in(shell, account, file, "--marketing", "all", "--dry-run", "--expect", 1)
    assert (told.status, told.error["expected"], told.error["actual"]) == (1, 1, 2)


def test_columns_are_mapped_by_a_file(
    shell: Shell, account: int, file: Path, tmp_path: Path
) -> None:
    columns = tmp_path / "map.json"
    columns.write_text(
        json.dumps(
            {
                "E-mail": "email",
                "First name": {"property": "lastname", "overwrite": "empty"},
                "City": None,
            }
        )
    )
    assert bring_in(shell, account, file, "--map", str(columns)).json["created"] == 2
    stored = shell.rows("SELECT properties FROM contact ORDER BY id")
    assert stored == [({"lastname": "Ewa"},), ({"lastname": "Jan"},)]


@pytest.mark.parametrize(
    "content", ['{"Nowhere": "city"}', '{"City": "nonsense"}', "[1]", "{", '{"City": 5}']
)
def test_a_mapping_that_cannot_be_taken_is_refused(
    shell: Shell, account: int, file: Path, tmp_path: Path, content: str
) -> None:
    columns = tmp_path / "map.json"
    columns.write_text(content)
    done = bring_in(shell, account, file, "--map", str(columns))
    assert (done.status, done.error["code"]) == (1, "bad_mapping")
    assert count(shell) == 0


def test_the_status_cannot_be_imported_and_its_column_is_named(
    shell: Shell, account: int, file: Path, tmp_path: Path
) -> None:
    file.write_text("email,Marketing contact status,other\na@example.com,true,true\n")
    done = bring_in(shell, account, file)
    assert (done.json["created"], done.json["marketing_started"]) == (1, 0)
    assert done.json["ignored_columns"] == ["Marketing contact status"]
    assert "Marketing contact status" in done.err and "--marketing" in done.err
    columns = tmp_path / "map.json"
    columns.write_text('{"email": "email", "other": "hs_marketable_status"}')
    mapped = bring_in(shell, account, file, "--map", str(columns))
    assert (mapped.status, mapped.json["unchanged"]) == (0, 1)
    assert mapped.json["ignored_columns"] == ["Marketing contact status", "other"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "empty"),
        (b"%PDF-1.7", "PDF"),
        (bytes(range(256)) * 20, "binary"),
        (b"jan@example.com,Jan\n", "jan@example.com"),
        (None, "No such file"),
    ],
)
def test_what_is_no_table_is_refused_with_what_was_found(
    shell: Shell, account: int, tmp_path: Path, content: bytes | None, told: str
) -> None:
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    done = bring_in(shell, account, path)
    assert (done.status, done.error["code"]) == (1, "file_refused")
    assert told in done.error["message"]


def test_a_ceiling_refuses_the_whole_import(shell: Shell, account: int, file: Path) -> None:
    shell("account", "set", "--account", account, "--at-limit", "ceiling", "--ceiling", 1, "--json")
    done = bring_in(shell, account, file, "--marketing", "all", "--expect", 2)
    assert (done.status, done.error["code"]) == (1, "ceiling_reached")
    assert count(shell) == 0
    assert shell.rows("SELECT count(*) FROM reservation") == [(0,)]


def test_an_account_that_is_not_there_is_refused(shell: Shell, file: Path) -> None:
    assert bring_in(shell, 999, file).status == 1


def test_a_pipe_is_imported_like_a_file(shell: Shell, account: int, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(
        target=lambda: pipe.write_text("\n".join((HEADER, *ROWS)), encoding="utf-16")
    )
    writer.start()
    done = bring_in(shell, account, pipe)
    writer.join()
    assert (done.json["created"], done.json["failed"]) == (2, 1)


def exported(text: str) -> list[dict[str, Any]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_every_contact_is_exported_without_formulas(
    shell: Shell, account: int, file: Path, tmp_path: Path
) -> None:
    bring_in(shell, account, file, "--marketing", "new", "--expect", 2)
    target = tmp_path / "out.csv"
    done = shell("contacts", "export", str(target), "--account", account, "--json")
    assert done.status == 0, done.out + done.err
    assert done.json["contacts"] == 2 and done.json["bytes"] == target.stat().st_size
    rows = exported(target.read_text(encoding="utf-8-sig"))
    assert [(row["email"], row["city"], row["phone"]) for row in rows] == [
        ("a@example.com", "Łódź", "'+48 601 234 567"),
        ("b@example.com", "'=Opole", ""),
    ]
    assert {row["hs_marketable_status"] for row in rows} == {"true"}
    piped = shell("contacts", "export", "-", "--account", account)
    assert exported(piped.out) == rows
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_an_export_to_nowhere_is_refused(shell: Shell, account: int, tmp_path: Path) -> None:
    target = tmp_path / "no folder" / "out.csv"
    done = shell("contacts", "export", str(target), "--account", account, "--json")
    assert (done.status, done.error["code"]) == (1, "file_unwritable")
    assert shell("contacts", "export", "-", "--account", account, "--json").status == 2

"""Backups: one file out, one file into an empty database, all or nothing."""

import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from marketable.postgres import Cluster, backup
from marketable.postgres.backup import dump, restore
from marketable.postgres.errors import (
    BackupFailed,
    DatabaseNotEmpty,
    DiskFull,
    RestoreFailed,
    UnreachableServer,
)
from tests.postgres.support import IS_ROOT, ask, do, small_disk

ROWS = 2_000
TOTAL = "SELECT count(*) FROM area.person JOIN area.note USING (id)"


@pytest.fixture
def filled(cluster: Cluster) -> Iterator[str]:
    """The address of a database with related tables; dropped afterwards."""
    with database(cluster.admin_url, "filled") as url:
        do(
            url,
            "CREATE SCHEMA area;"
            "CREATE TABLE area.person (id int PRIMARY KEY, name text);"
            "CREATE TABLE area.note (id int PRIMARY KEY REFERENCES area.person, text text);"
            f"INSERT INTO area.person SELECT n, md5(n::text) FROM generate_series(1, {ROWS}) n;"
            f"INSERT INTO area.note SELECT n, md5(n::text) FROM generate_series(1, {ROWS}) n",
        )
        yield url


@pytest.fixture
def empty(cluster: Cluster) -> Iterator[str]:
    with database(cluster.admin_url, "empty") as url:
        yield url


class database:  # noqa: N801 (reads as a verb's object: with database(…))
    def __init__(self, admin_url: str, name: str) -> None:
        self.admin_url, self.name = admin_url, name

    def __enter__(self) -> str:
        do(self.admin_url, f'CREATE DATABASE "{self.name}"')
        return self.admin_url.replace("/postgres?", f"/{self.name}?")

    def __exit__(self, *error: object) -> None:
        do(self.admin_url, f'DROP DATABASE "{self.name}" WITH (FORCE)')


def test_a_backup_restores_into_an_empty_database(
    cluster: Cluster, filled: str, empty: str, tmp_path: Path
) -> None:
    file = tmp_path / "backup"
    dump(filled, cluster.bin_dir, file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["backup"]
    restore(empty, cluster.bin_dir, file)
    assert ask(empty, TOTAL) == ROWS


def test_a_backup_of_the_embedded_database_needs_no_address(
    cluster: Cluster, empty: str, tmp_path: Path
) -> None:
    do(cluster.url, "CREATE TABLE kept AS SELECT 7 AS seven")
    try:
        dump(cluster, cluster.bin_dir, tmp_path / "backup")
        with pytest.raises(DatabaseNotEmpty, match="kept"):
            restore(cluster, cluster.bin_dir, tmp_path / "backup")
        restore(empty, cluster.bin_dir, tmp_path / "backup")
        assert ask(empty, "SELECT seven FROM kept") == 7
    finally:
        do(cluster.url, "DROP TABLE kept")
    restore(cluster, cluster.bin_dir, tmp_path / "backup")
    assert ask(cluster.url, "SELECT seven FROM kept") == 7
    do(cluster.url, "DROP TABLE kept")


@pytest.mark.parametrize(
    "thing",
    [
        "CREATE TABLE thing ()",
        "CREATE SEQUENCE thing",
        "CREATE TYPE thing AS ENUM ('a')",
        "CREATE FUNCTION thing() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE SCHEMA own; CREATE TABLE own.thing ()",
    ],
)
def test_a_database_that_holds_anything_is_not_restored_into(
    cluster: Cluster, empty: str, tmp_path: Path, thing: str
) -> None:
    file = tmp_path / "backup"
    dump(empty, cluster.bin_dir, file)
    do(empty, thing)
    with pytest.raises(DatabaseNotEmpty, match="thing"):
        restore(empty, cluster.bin_dir, file)


def test_a_damaged_backup_changes_nothing(
    cluster: Cluster, filled: str, empty: str, tmp_path: Path
) -> None:
    file = tmp_path / "backup"
    dump(filled, cluster.bin_dir, file)
    os.truncate(file, file.stat().st_size - 1_000)
    with pytest.raises(RestoreFailed, match="nothing was changed"):
        restore(empty, cluster.bin_dir, file)
    assert ask(empty, "SELECT to_regnamespace('area') IS NULL")
    file.write_text("no backup at all")
    with pytest.raises(RestoreFailed, match="valid archive"):
        restore(empty, cluster.bin_dir, file)


def test_a_backup_goes_from_18_to_15_and_back(
    cluster: Cluster, postgres_15: str, filled: str, empty: str, tmp_path: Path
) -> None:
    there, back = tmp_path / "there", tmp_path / "back"
    dump(filled, cluster.bin_dir, there)
    with database(postgres_15, "moved") as moved:
        restore(moved, cluster.bin_dir, there)
        assert ask(moved, TOTAL) == ROWS
        do(moved, "ALTER TABLE area.note ALTER COLUMN text SET (n_distinct = 7)")
        dump(moved, cluster.bin_dir, back)
    restore(empty, cluster.bin_dir, back)
    assert ask(empty, TOTAL) == ROWS
    options = "SELECT attoptions FROM pg_attribute WHERE attname = 'text'"
    assert ask(empty, f"{options} AND attrelid = 'area.note'::regclass") == ["n_distinct=7"]


def test_a_damaged_backup_changes_nothing_on_an_older_server(
    cluster: Cluster, postgres_15: str, filled: str, tmp_path: Path
) -> None:
    file = tmp_path / "backup"
    dump(filled, cluster.bin_dir, file)
    os.truncate(file, file.stat().st_size - 1_000)
    with database(postgres_15, "moved") as moved:
        with pytest.raises(RestoreFailed, match="nothing was changed"):
            restore(moved, cluster.bin_dir, file)
        assert ask(moved, "SELECT to_regnamespace('area') IS NULL")


def test_what_an_older_server_does_not_understand_is_rolled_back(
    cluster: Cluster, postgres_15: str, filled: str, tmp_path: Path
) -> None:
    do(filled, "CREATE TABLE area.zebra (id int, two int GENERATED ALWAYS AS (id * 2) VIRTUAL)")
    dump(filled, cluster.bin_dir, tmp_path / "backup")
    with database(postgres_15, "moved") as moved:
        with pytest.raises(RestoreFailed, match="syntax error"):
            restore(moved, cluster.bin_dir, tmp_path / "backup")
        assert ask(moved, "SELECT to_regnamespace('area') IS NULL")


def test_a_failed_backup_leaves_the_one_before(cluster: Cluster, tmp_path: Path) -> None:
    file = tmp_path / "backup"
    file.write_text("the one before")
    with pytest.raises(BackupFailed):
        dump(cluster.url.replace("/marketable?", "/nowhere?"), cluster.bin_dir, file)
    assert file.read_text() == "the one before"
    assert [path.name for path in tmp_path.iterdir()] == ["backup"]


def test_a_place_that_cannot_be_written_is_named(cluster: Cluster, tmp_path: Path) -> None:
    with pytest.raises(BackupFailed, match="No such file or directory"):
        dump(cluster, cluster.bin_dir, tmp_path / "missing/backup")
    with pytest.raises(BackupFailed, match="not a file"):
        dump(cluster, cluster.bin_dir, tmp_path)


@pytest.mark.skipif(not IS_ROOT, reason="needs root")
def test_a_full_disk_is_named(cluster: Cluster, filled: str, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", megabytes=1):
        (tmp_path / "disk/filler").write_bytes(b"x" * 1_000_000)
        with pytest.raises(DiskFull):
            dump(filled, cluster.bin_dir, tmp_path / "disk/backup")
        assert [path.name for path in (tmp_path / "disk").iterdir()] == ["filler"]


def test_a_missing_backup_is_named(cluster: Cluster, tmp_path: Path) -> None:
    with pytest.raises(RestoreFailed, match="There is no backup"):
        restore(cluster, cluster.bin_dir, tmp_path / "missing")


def test_the_password_is_not_in_the_process_list(
    cluster: Cluster, filled: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[str] = []
    run = subprocess.run

    def watched(command: list[object], **options: object) -> object:
        commands.append(" ".join(map(str, command)))
        return run(command, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "run", watched)
    dump(filled, cluster.bin_dir, tmp_path / "backup")
    password = (cluster.data_dir / "postgres.password").read_text().strip()
    assert len(commands) == 1
    assert password not in commands[0]


def test_a_server_that_does_not_answer_is_named(cluster: Cluster, tmp_path: Path) -> None:
    file = tmp_path / "backup"
    dump(cluster, cluster.bin_dir, file)
    with pytest.raises(UnreachableServer):
        restore(cluster.url.replace("port=5432", "port=5433"), cluster.bin_dir, file)


@pytest.mark.parametrize(
    ("line", "understood"),
    [
        (b"ALTER TABLE ONLY a.b ALTER COLUMN c SET (pg_attver=17);\n", b""),
        (
            b"ALTER TABLE ONLY a.b ALTER COLUMN c SET (pg_attver=17, n_distinct=5);\n",
            b"ALTER TABLE ONLY a.b ALTER COLUMN c SET (n_distinct=5);\n",
        ),
        (b"SET transaction_timeout = 0;\n", b""),
        (b"SET lock_timeout = 0;\n", b"SET lock_timeout = 0;\n"),
    ],
)
def test_what_only_some_versions_understand_is_left_out(line: bytes, understood: bytes) -> None:
    assert backup._understood(line) == understood

"""Tables are brought up to date by whichever command comes first, and by one of them."""

from pathlib import Path

import psycopg
import pytest

from marketable.commands.database import known_migrations, pending
from tests.commands.shell import Shell
from tests.conftest import administer, with_database


@pytest.fixture
def empty_database(pytestconfig: pytest.Config, fresh_database: str) -> str:
    """The address of a database without tables, dropped with the other one's."""
    with psycopg.connect(fresh_database, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    return fresh_database


@pytest.mark.django_db
def test_django_agrees_about_what_is_pending() -> None:
    from django.db import connection
    from django.db.migrations.loader import MigrationLoader

    loader = MigrationLoader(connection, replace_migrations=False)
    assert set(loader.disk_migrations) == known_migrations()


def test_nothing_is_pending_in_a_migrated_database(fresh_database: str) -> None:
    with psycopg.connect(fresh_database) as connection:
        assert pending(connection) == set()


def test_commands_that_start_at_once_on_an_empty_database_all_succeed(
    empty_database: str, tmp_path: Path
) -> None:
    shell = Shell(empty_database, tmp_path)
    words = ("account", "create", "Acme", "--owner", "a@example.com", "--json")
    with shell.started(*words) as first, shell.started(*words) as second:
        third = shell(*words)
        assert third.status == 0, third.err
        assert (first.wait(timeout=60), second.wait(timeout=60)) == (0, 0)
    assert shell.rows("SELECT count(*) FROM account") == [(3,)]


def test_a_backup_goes_into_an_empty_database_and_into_no_other(
    shell: Shell, tmp_path: Path
) -> None:
    account = shell.python(
        "from marketable.marketing_status.rules import Status\n"
        "account = make.account()\n"
        "make.contacts(account, 3, status=Status.MARKETING)\n"
        "answer = account.id"
    )
    file = tmp_path / "all.backup"
    assert shell("backup", str(file)).status == 0
    assert file.stat().st_mode & 0o077 == 0
    refused = shell("restore", str(file))
    assert refused.status == 1 and "not empty" in refused.err
    assert shell.url is not None
    name = f"restored_{tmp_path.name}_{account}".replace("-", "_")[:60]
    administer(shell.url, f'CREATE DATABASE "{name}" TEMPLATE template0')
    try:
        other = Shell(with_database(shell.url, name), tmp_path / "other")
        assert other("restore", str(file)).status == 0
        assert other("prove", "--account", account, "--json").json["rows"] == 3
    finally:
        administer(shell.url, f'DROP DATABASE "{name}" WITH (FORCE)')


def test_a_backup_that_is_none_is_refused(shell: Shell, tmp_path: Path) -> None:
    ran = shell("restore", str(tmp_path / "nothing"))
    assert ran.status == 1 and "There is no backup" in ran.err

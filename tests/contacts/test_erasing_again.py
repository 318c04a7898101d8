"""A restored backup brings nobody back who was erased since it was made (S14)."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from marketable import sql
from marketable.accounts.queries import AccountInfo
from marketable.contacts import erased_list
from marketable.contacts.errors import AddressBlocked
from marketable.contacts.services.archive import archive_contacts
from marketable.contacts.services.create import create_contact
from marketable.contacts.services.erase import (
    KEPT_IN_BIN,
    erase_again,
    erase_contacts,
    erase_old_archived,
)
from marketable.history.sources import Source
from tests import make
from tests.commands.shell import Shell
from tests.conftest import administer, with_database
from tests.make import JAN_20

Commits = Callable[..., AbstractContextManager[list[Callable[[], Any]]]]
ERASE = (
    "from marketable.contacts.services.erase import erase_contacts\n"
    "from tests.make import JAN_20, ids\n"
    "from marketable.history.sources import system\n"
)


@pytest.fixture
def shell(fresh_database: str, tmp_path: Path) -> Shell:
    return Shell(fresh_database, tmp_path)


@pytest.fixture(autouse=True)
def an_empty_list() -> None:
    erased_list.path().unlink(missing_ok=True)


@pytest.mark.django_db
def test_the_list_names_those_who_were_erased_on_request_by_number(
    account: AccountInfo, anna: Source, django_capture_on_commit_callbacks: Commits
) -> None:
    gone, old = make.contacts(account, 2)
    with django_capture_on_commit_callbacks(execute=True):
        erase_contacts(account.id, make.ids(gone), by=anna, now=JAN_20)
        archive_contacts(account.id, make.ids(old), by=anna, now=JAN_20)
        assert erase_old_archived(account.id, now=JAN_20 + KEPT_IN_BIN) == 1
        assert list(erased_list.remembered()) == []  # not before the commit
    listed = list(erased_list.remembered())
    assert [(where, number) for where, number, _at in listed] == [(account.id, gone)]
    assert erased_list.path().stat().st_mode & 0o077 == 0


def test_a_line_that_a_crash_cut_short_is_none() -> None:
    erased_list.remember(7, [(1, JAN_20), (2, JAN_20)])
    text = erased_list.path().read_text(encoding="ascii")
    erased_list.path().write_text(text[:-10], encoding="ascii")
    assert list(erased_list.remembered()) == [(7, 1, JAN_20)]


def test_a_restored_backup_applies_later_erasures_again(shell: Shell) -> None:
    account, gone, kept = shell.python(
        "account = make.account()\n"
        "gone = make.contact(account, email='secretly.gone@example.com')\n"
        "kept = make.contact(account, email='kept@example.com')\n"
        "answer = account.id, gone, kept"
    )
    file = shell.data_dir / "all.backup"
    assert shell("backup", str(file)).status == 0
    shell.python(
        f"{ERASE}"
        f"done = erase_contacts({account}, ids({gone}), by=system(), now=JAN_20)\n"
        "answer = done.erased"
    )
    assert shell.url is not None
    name = f"restored_{account}_{gone}"
    administer(shell.url, f'DROP DATABASE IF EXISTS "{name}"')
    administer(shell.url, f'CREATE DATABASE "{name}" TEMPLATE template0')
    try:
        other = Shell(with_database(shell.url, name), shell.data_dir)
        ran = other("restore", str(file))
        assert (ran.status, "1 contacts that were erased" in ran.out) == (0, True), ran.err
        found = other.rows("SELECT id, email, erased_at IS NOT NULL FROM contact ORDER BY id")
        assert found == [(gone, None, True), (kept, "kept@example.com", False)]
        assert "secretly" not in str(other.rows("SELECT after::text FROM contact_change"))
    finally:
        administer(shell.url, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.mark.django_db
def test_a_number_that_was_given_away_anew_is_not_mistaken(
    account: AccountInfo, anna: Source
) -> None:
    contact_id = make.contact(account, email="new@example.com")
    found = sql.row("SELECT created_at FROM contact WHERE id = %(id)s", {"id": contact_id})
    assert found is not None
    earlier = found[0] - timedelta(seconds=1)
    erased_list.remember(account.id, [(contact_id, earlier)])
    assert erase_again(by=anna, now=JAN_20) == 0
    erased_list.remember(account.id, [(contact_id, found[0])])
    assert erase_again(by=anna, now=JAN_20) == 1
    assert erase_again(by=anna, now=JAN_20) == 0
    with pytest.raises(AddressBlocked):
        create_contact(account.id, {"email": "new@example.com"}, by=anna, now=JAN_20)

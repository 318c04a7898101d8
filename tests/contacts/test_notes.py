"""Notes on a contact."""

from datetime import date, timedelta
from typing import Any

import pytest

from marketable import sql
from marketable.accounts.queries import EVERYTHING, AccountInfo
from marketable.contacts import queries
from marketable.contacts.errors import Archived, BadNote, ContactUnknown, NoteUnknown, NotYourNote
from marketable.contacts.services.archive import archive_contacts
from marketable.contacts.services.erase import erase_contacts
from marketable.contacts.services.merge import merge_contacts
from marketable.contacts.services.notes import (
    KEPT_FOR,
    LONGEST_NOTE,
    change_note,
    delete_note,
    forget_deleted_notes,
    restore_note,
    write_note,
)
from marketable.contacts.services.unmerge import unmerge_contact
from marketable.history.sources import Source
from tests import make
from tests.make import JAN_20

pytestmark = pytest.mark.django_db
JAN = date(2027, 1, 20)


def write(account: AccountInfo, contact_id: int, text: str, by: Source) -> int:
    return write_note(account.id, contact_id, text, reach=EVERYTHING, by=by, now=JAN_20)


def told(by: Source, *, may_any: bool = False) -> dict[str, Any]:
    return {"may_any": may_any, "reach": EVERYTHING, "by": by, "now": JAN_20}


def texts(account: AccountInfo, contact_id: int) -> list[str]:
    return [one.text for one in queries.notes(account.id, contact_id)]


def test_a_note_is_written_changed_deleted_and_brought_back(
    account: AccountInfo, anna: Source
) -> None:
    one = make.contact(account)
    note = write(account, one, "  Call after\r\nEaster ", anna)
    assert texts(account, one) == ["Call after\nEaster"]
    change_note(account.id, one, note, "Call in May", **told(anna))
    assert texts(account, one) == ["Call in May"]
    delete_note(account.id, one, note, **told(anna))
    assert texts(account, one) == []
    restore_note(account.id, one, note, **told(anna))
    assert texts(account, one) == ["Call in May"]


def test_the_ledger_tells_that_a_note_was_written_and_not_what_it_says(
    account: AccountInfo, anna: Source
) -> None:  # S14, L4
    one = make.contact(account)
    note = write(account, one, "Unmistakable words", anna)
    change_note(account.id, one, note, "Unmistakable still", **told(anna))
    delete_note(account.id, one, note, **told(anna))
    ledger = sql.rows(
        "SELECT change.kind, change.body::text || altered.before::text || altered.after::text "
        "FROM contact_change AS altered JOIN change ON change.id = altered.change_id "
        "WHERE change.kind = 'contact_noted'"
    )
    assert len(ledger) == 3
    assert not any("nmistakable" in row[1] for row in ledger)


@pytest.mark.parametrize("text", ["", "  \n ", "x" * (LONGEST_NOTE + 1), "a\0b", "\ud800"])
def test_a_note_is_a_text_of_a_bounded_length(
    account: AccountInfo, anna: Source, text: str
) -> None:
    one = make.contact(account)
    with pytest.raises(BadNote):
        write(account, one, text, anna)
    write(account, one, "x" * LONGEST_NOTE, anna)


def test_somebody_elses_note_needs_the_right(account: AccountInfo, anna: Source) -> None:
    one, bob = make.contact(account), make.source(make.user(account))
    note = write(account, one, "Hers", anna)
    with pytest.raises(NotYourNote):
        change_note(account.id, one, note, "His", **told(bob))
    with pytest.raises(NotYourNote):
        delete_note(account.id, one, note, **told(bob))
    change_note(account.id, one, note, "His", **told(bob, may_any=True))
    assert texts(account, one) == ["His"]


def test_a_note_is_found_through_its_own_contact_and_account_only(
    account: AccountInfo, anna: Source
) -> None:
    one, two = make.contacts(account, 2)
    note = write(account, one, "Hers", anna)
    with pytest.raises(NoteUnknown):
        change_note(account.id, two, note, "His", **told(anna))
    elsewhere = make.account(owner_email="z@example.com")
    theirs = make.contact(elsewhere)
    with pytest.raises(NoteUnknown):
        change_note(elsewhere.id, theirs, note, "His", **told(anna, may_any=True))
    with pytest.raises(ContactUnknown):
        write(elsewhere, one, "His", anna)


def test_a_deleted_contact_takes_no_notes(account: AccountInfo, anna: Source) -> None:  # J15
    one = make.contact(account)
    archive_contacts(account.id, make.ids(one), by=anna, now=JAN_20)
    with pytest.raises(Archived):
        write(account, one, "Late", anna)


def test_notes_go_with_a_merge_and_come_back(account: AccountInfo, anna: Source) -> None:  # S13
    first, second, third = make.contacts(account, 3)
    write(account, first, "of the first", anna)
    note = write(account, second, "of the second", anna)
    merge_contacts(account.id, second, first, reach=EVERYTHING, by=anna, now=JAN_20)
    merge_contacts(account.id, third, second, reach=EVERYTHING, by=anna, now=JAN_20)
    write(account, third, "of the third", anna)
    change_note(account.id, third, note, "of the second, still", **told(anna))
    assert texts(account, third) == ["of the third", "of the second, still", "of the first"]
    unmerge_contact(account.id, second, reach=EVERYTHING, by=anna, now=JAN_20)
    assert texts(account, third) == ["of the third"]
    assert texts(account, second) == ["of the second, still", "of the first"]


def test_deleted_notes_are_kept_for_thirty_days(account: AccountInfo, anna: Source) -> None:
    one = make.contact(account)
    note = write(account, one, "Short-lived", anna)
    delete_note(account.id, one, note, **told(anna))
    assert forget_deleted_notes(now=JAN_20 + KEPT_FOR - timedelta(seconds=1)) == 0
    late = {**told(anna), "now": JAN_20 + KEPT_FOR}
    with pytest.raises(NoteUnknown):
        restore_note(account.id, one, note, **late)
    assert forget_deleted_notes(now=JAN_20 + KEPT_FOR) == 1


def test_erasing_a_person_takes_all_their_notes(account: AccountInfo, anna: Source) -> None:  # S14
    first, second = make.contacts(account, 2)
    for one in (first, second):
        write(account, one, "Unmistakable", anna)
    delete_note(account.id, second, write(account, second, "Unmistakable", anna), **told(anna))
    merge_contacts(account.id, second, first, reach=EVERYTHING, by=anna, now=JAN_20)
    erase_contacts(account.id, make.ids(second), by=anna, now=JAN_20)
    assert sql.rows("SELECT count(*) FROM contact_note") == [(0,)]


def test_pages_of_notes_follow_one_another(account: AccountInfo, anna: Source) -> None:
    one = make.contact(account)
    for number in range(5):
        write(account, one, str(number), anna)
    first = queries.notes(account.id, one, limit=3)
    rest = queries.notes(account.id, one, before_id=first[-1].id, limit=3)
    assert [note.text for note in (*first, *rest)] == ["4", "3", "2", "1", "0"]

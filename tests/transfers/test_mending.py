"""A checked file is mended on the page: bad cells get another value, rows are left out."""

import csv
import json
from datetime import timedelta

import pytest

from marketable import sql
from marketable.accounts.queries import AccountInfo
from marketable.contacts.services.erase import erase_contacts
from marketable.history.sources import Source
from marketable.properties.rules import PropertyDef, PropertyType
from marketable.properties.services import create_property
from marketable.transfers import failures_file, queries
from marketable.transfers import services as transfers
from marketable.transfers.bad_rows import bad_rows
from marketable.transfers.errors import RowNotBad, TooLargeToMend, TooManyMended, WrongState
from marketable.transfers.queries import ImportView
from marketable.transfers.rules import ImportState
from marketable.transfers.services import mending
from tests import make
from tests.make import JAN_20
from tests.transfers.files import BY, checked, contact_with, csv_of, finish

pytestmark = pytest.mark.django_db

FILE = csv_of(
    "email,firstname,city",
    "anna@example.com,Anna,Kraków",
    "no address,Jan,Łódź",
    "ewa@,Ewa,Radom",
)


@pytest.fixture
def view(account: AccountInfo) -> ImportView:
    """A check that found two rows whose addresses are none."""
    return checked(account, FILE)


def bad(account: AccountInfo, view: ImportView) -> list[tuple[int, str, str]]:
    return [(row.line, row.code, row.value) for row in bad_rows(account.id, view)]


def outcomes(view: ImportView) -> dict[str, int]:
    found: dict[str, int] = view.check["outcomes"]
    return found


def mend(account: AccountInfo, view: ImportView, line: int, text: str) -> ImportView:
    return transfers.mend_row(account.id, view.id, line, text, now=JAN_20)


def run(account: AccountInfo, view: ImportView) -> ImportView:
    transfers.start(account.id, view.id, expected=0, by=BY, now=JAN_20)
    return finish(account, view.id)


def test_a_mended_row_is_taken_with_the_others(account: AccountInfo, view: ImportView) -> None:
    assert bad(account, view) == [
        (3, "INVALID_EMAIL", "no address"),
        (4, "INVALID_EMAIL", "ewa@"),
    ]
    mended = mend(account, view, 3, " Jan@Example.com ")
    assert outcomes(mended) == {"created": 2}
    assert mended.check["failures"] == {"INVALID_EMAIL": 1}
    done = run(account, view)
    assert (done.created, done.failed) == (2, 1)
    assert contact_with(account, "jan@example.com")["city"] == "Łódź"


def test_a_value_that_cannot_be_either_says_so(account: AccountInfo, view: ImportView) -> None:
    mended = mend(account, view, 3, "still none")
    assert outcomes(mended) == {"created": 1}
    assert bad(account, mended)[0] == (3, "INVALID_EMAIL", "still none")


def test_a_row_with_two_bad_cells_is_mended_one_after_the_other(
    account: AccountInfo, anna: Source
) -> None:
    days = PropertyDef("days_open", "Days open", PropertyType.NUMBER, "number")
    create_property(account.id, days, by=anna, now=JAN_20)
    view = checked(account, csv_of("email,days_open,firstname", "jan@,many,Jan"))
    mended = mend(account, view, 2, "jan@example.com")
    assert [row.code for row in bad_rows(account.id, mended)] == ["COULD_NOT_PARSE_NUMBER"]
    assert outcomes(mend(account, mended, 2, "12")) == {"created": 1}


def test_a_mended_address_that_comes_again_is_reported_as_any_other(
    account: AccountInfo, view: ImportView
) -> None:
    mended = mend(account, view, 4, "anna@example.com")  # the later row counts (J11)
    assert outcomes(mended) == {"created": 1}
    assert (2, "DUPLICATE_ALTERNATE_ID", "anna@example.com") in bad(account, mended)


def test_a_row_left_out_is_no_failure_and_can_be_put_back(
    account: AccountInfo, view: ImportView
) -> None:
    without = transfers.leave_row_out(account.id, view.id, 3, now=JAN_20)
    assert without.total == view.total - 1
    assert [line for line, _code, _value in bad(account, without)] == [4]
    back = transfers.put_row_back(account.id, view.id, 3, now=JAN_20)
    assert (back.total, bad(account, back)) == (view.total, bad(account, view))
    transfers.leave_row_out(account.id, view.id, 3, now=JAN_20)
    transfers.leave_row_out(account.id, view.id, 4, now=JAN_20)
    done = run(account, view)
    assert (done.created, done.failed, done.done, done.failures_as) == (1, 0, 1, "")


def test_another_check_takes_the_mended_rows(account: AccountInfo, view: ImportView) -> None:
    mend(account, view, 3, "jan@example.com")
    transfers.leave_row_out(account.id, view.id, 4, now=JAN_20)
    transfers.begin_check(account.id, view.id)
    again = transfers.check(account.id, view.id, now=JAN_20)
    assert (outcomes(again), again.check["failures"]) == ({"created": 2}, {})
    assert again.total == 2


def test_reading_the_file_another_way_forgets_them(account: AccountInfo, view: ImportView) -> None:
    mend(account, view, 3, "jan@example.com")
    transfers.set_format(account.id, view.id, view.format)
    assert queries.mended(account.id, view.id) == {}


def test_the_file_of_failures_holds_what_the_rows_are_now(
    account: AccountInfo, view: ImportView
) -> None:
    mended = mend(account, view, 3, "=still none")
    lines = list(failures_file.lines(account.id, mended))
    assert lines[1] == ["'=still none", "Jan", "Łódź", "INVALID_EMAIL: email"]
    done = run(account, view)
    with (queries.folder() / done.failures_as).open(encoding="utf-8-sig", newline="") as file:
        assert list(csv.reader(file)) == lines
    assert queries.mended(account.id, view.id) == {}  # nothing of it is left behind


def test_bytes_that_are_no_text_stay_what_they_are(account: AccountInfo) -> None:
    content = csv_of("email,city,firstname", "jan@,Ł,Jan").replace("Ł".encode(), b"\xff")
    view = checked(account, content + "ó,ż,ź\n".encode())
    mended = mend(account, view, 2, "jan@example.com")
    assert (2, "INVALID_TEXT") in [(line, code) for line, code, _value in bad(account, mended)]


def test_only_a_row_that_is_not_taken_can_be_mended(account: AccountInfo, view: ImportView) -> None:
    for line in (0, 1, 2, 5, 10**9):
        with pytest.raises(RowNotBad):
            mend(account, view, line, "x@example.com")
        with pytest.raises(RowNotBad):
            transfers.leave_row_out(account.id, view.id, line, now=JAN_20)
        with pytest.raises(RowNotBad):
            transfers.put_row_back(account.id, view.id, line, now=JAN_20)
    assert queries.mended(account.id, view.id) == {}


def test_a_row_with_too_many_cells_can_only_be_left_out(account: AccountInfo) -> None:
    view = checked(account, csv_of("email,city", "jan@example.com,Łódź,more", "b@example.com,x"))
    assert [row.is_mendable for row in bad_rows(account.id, view)] == [False]
    with pytest.raises(RowNotBad):
        mend(account, view, 2, "x")
    assert transfers.leave_row_out(account.id, view.id, 2, now=JAN_20).check["failures"] == {}


def test_it_is_for_a_checked_file_only(account: AccountInfo, view: ImportView) -> None:
    run(account, view)
    with pytest.raises(WrongState):
        mend(account, view, 3, "jan@example.com")


def test_large_files_and_many_rows_are_refused_by_name(
    account: AccountInfo, view: ImportView, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mending, "MOST_MENDED", 1)
    mend(account, view, 3, "still none")
    mend(account, view, 3, "the same row again")
    with pytest.raises(TooManyMended):
        mend(account, view, 4, "ewa@example.com")
    monkeypatch.setattr(mending, "MOST_ROWS_TO_MEND", 2)
    with pytest.raises(TooLargeToMend):
        mend(account, view, 3, "jan@example.com")


def test_an_erased_person_is_forgotten_in_mended_rows(  # S14
    account: AccountInfo, anna: Source, view: ImportView
) -> None:
    contact_id = make.contact(account, email="jan@example.com")
    mend(account, view, 3, "Jan@Example.com")
    erase_contacts(account.id, make.ids(contact_id), by=anna, now=JAN_20 + timedelta(days=1))
    assert queries.mended(account.id, view.id) == {}
    assert not sql.rows("SELECT FROM import_row WHERE email = 'jan@example.com'")
    view = queries.import_run(account.id, view.id)
    assert view.state is ImportState.CHECKED
    assert (3, "GDPR_BLACKLISTED_EMAIL") in [(row[0], row[1]) for row in bad(account, view)]


def test_a_row_is_kept_as_it_was_given(account: AccountInfo, view: ImportView) -> None:
    mend(account, view, 3, "zażółć \udcff\0")
    [[stored]] = sql.rows("SELECT cells FROM import_mend")
    assert json.loads(stored) == ["zażółć \udcff\0", "Jan", "Łódź"]

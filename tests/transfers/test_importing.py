"""What an import does to contacts: created, updated, left as they are, or refused by row and
reason (J11)."""

import csv
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any

import pytest

from marketable import sql
from marketable.accounts.models import User
from marketable.accounts.queries import EVERYTHING, AccountInfo
from marketable.contacts import queries as contacts
from marketable.contacts.errors import ContactLimit
from marketable.contacts.services.merge import merge_contacts
from marketable.contacts.services.upsert import rewrite_words
from marketable.history.sources import Source
from marketable.properties import services as properties
from marketable.properties.rules import Option, PropertyDef, PropertyType
from marketable.transfers import queries
from marketable.transfers import services as transfers
from marketable.transfers.errors import BadMapping, FileRefused, ImportUnknown, WrongState
from marketable.transfers.rules import ImportState, Mode
from marketable.transfers.services import running
from tests import make
from tests.make import JAN_20
from tests.transfers.files import (
    bring_in,
    checked,
    contact_with,
    csv_of,
    draft,
    failures_path,
    finish,
    reasons,
    workbook_of,
)

pytestmark = pytest.mark.django_db


def own_property(account: AccountInfo, anna: Source, name: str, kind: str, **more: object) -> None:
    field = {"number": "number", "date": "date", "enumeration": "select"}.get(kind, "text")
    properties.create_property(
        account.id,
        PropertyDef(name, name.title(), PropertyType(kind), str(more.pop("field", field)), **more),  # type: ignore[arg-type]
        by=anna,
        now=JAN_20,
    )


def test_rows_create_change_and_leave_contacts_by_address(
    account: AccountInfo, anna: Source
) -> None:
    make.contact(account, email="old@example.com", firstname="Jan", lastname="Nowak")
    make.contact(account, email="same@example.com", firstname="Ewa", lastname="Lis")
    view = bring_in(
        account,
        csv_of(
            "E-mail,First name,Last name,City",
            "new@example.com,Anna,Żak,Łódź",
            " OLD@Example.com ,Jan,Nowak,Radom",
            "same@example.com,Ewa,Lis,",
        ),
        by=anna,
    )
    assert view.state is ImportState.COMPLETE
    assert (view.created, view.updated, view.unchanged, view.failed) == (1, 1, 1, 0)
    assert contact_with(account, "new@example.com")["lastname"] == "Żak"
    assert contact_with(account, "old@example.com")["city"] == "Radom"
    assert make.ledger(account)[-2:] == [("contact_created", 1, 0), ("contact_changed", 1, 0)]
    assert (
        sql.rows(
            "SELECT source_type, source_label FROM change WHERE id >= %(id)s",
            {"id": view.change_id},
        )
        == [("IMPORT", "people.csv")] * 2
    )


def test_the_ledger_tells_only_what_differed(account: AccountInfo) -> None:
    make.contact(account, email="old@example.com", firstname="Jan", lastname="Nowak")
    bring_in(account, csv_of("email,firstname,lastname", "old@example.com,Jan,Kos"))
    assert sql.rows("SELECT before, after FROM contact_change ORDER BY change_id DESC LIMIT 1") == [
        ('{"properties": {"lastname": "Nowak"}}', '{"properties": {"lastname": "Kos"}}')
    ]


def test_imported_contacts_are_found_and_sorted_as_all_others(account: AccountInfo) -> None:
    other = make.contact(account, email="b@example.com", firstname="Jan", lastname="Nowak")
    bring_in(
        account,
        csv_of(
            "email,first name,last name,phone,company,fax",
            "a@example.com,Łucja,Żak,+48 601 234 567,Młyn,22 111 22 33",
            "b@example.com,Zofia,Abacka,,,",
        ),
    )
    stored = sql.rows(
        "SELECT contact.id, name_key, words FROM contact JOIN contact_search ON contact_id = id "
        "ORDER BY contact.id"
    )
    assert [row[1] for row in stored] == ["abacka zofia", "zak lucja"]
    assert stored[0][0] == other and f"{account.id}:zofia" in stored[0][2]
    assert f"{account.id}:1112233" in stored[1][2]
    rewrite_words(account.id, [row[0] for row in stored])
    assert stored == sql.rows(
        "SELECT contact.id, name_key, words FROM contact JOIN contact_search ON contact_id = id "
        "ORDER BY contact.id"
    )


def test_a_part_of_the_name_keeps_the_rest_findable(account: AccountInfo) -> None:
    make.contact(account, email="b@example.com", firstname="Jan", lastname="Nowak")
    bring_in(account, csv_of("email,first name", "b@example.com,Zofia"))
    [(key, words)] = sql.rows(
        "SELECT name_key, words FROM contact JOIN contact_search ON contact_id = id"
    )
    assert key == "nowak zofia"
    assert f"'{account.id}:nowak'" in words and f"'{account.id}:jan'" not in words


def test_columns_overwrite_always_only_if_empty_or_never(account: AccountInfo) -> None:
    make.contact(account, email="old@example.com", city="Radom", jobtitle="Buyer")
    view = bring_in(
        account,
        csv_of(
            "email,city,job,zip,country",
            "old@example.com,Opole,Cook,11-111,PL",
            "new@example.com,Opole,Cook,11-111,PL",
        ),
        columns={
            "email": "email",
            "city": {"property": "city", "overwrite": "always"},
            "job": {"property": "jobtitle", "overwrite": "empty"},
            "zip": {"property": "zip", "overwrite": "empty"},
            "country": {"property": "country", "overwrite": "never"},
        },
    )
    assert (view.created, view.updated) == (1, 1)
    old, new = contact_with(account, "old@example.com"), contact_with(account, "new@example.com")
    assert (old["city"], old["jobtitle"], old["zip"]) == ("Opole", "Buyer", "11-111")
    assert "country" not in old
    assert (new["city"], new["jobtitle"], new["zip"], new["country"]) == (
        "Opole",
        "Cook",
        "11-111",
        "PL",
    )


def test_an_empty_cell_clears_nothing(account: AccountInfo) -> None:
    make.contact(account, email="old@example.com", city="Radom")
    view = bring_in(account, csv_of("email,city", "old@example.com,  "))
    assert view.unchanged == 1
    assert contact_with(account, "old@example.com")["city"] == "Radom"


@pytest.mark.parametrize(
    ("mode", "outcomes"),
    [
        (Mode.CREATE, {"created": 1, "CREATE_ONLY_IMPORT": 1}),
        (Mode.UPDATE, {"updated": 1, "UPDATE_ONLY_IMPORT": 1}),
    ],
)
def test_an_import_may_only_create_or_only_update(
    account: AccountInfo, mode: Mode, outcomes: dict[str, int]
) -> None:
    make.contact(account, email="old@example.com")
    content = csv_of("email,city", "old@example.com,Opole", "new@example.com,Opole")
    view = checked(account, content, mode=mode)
    told, _plan = transfers.plan_of(account.id, view.id, now=JAN_20)
    transfers.start(account.id, view.id, expected=0, by=view.by, now=JAN_20)
    done = finish(account, view.id)
    assert done.outcomes == outcomes
    assert (told.created, told.updated, told.failed) == (done.created, done.updated, done.failed)


def test_bad_rows_are_told_by_row_and_reason_and_the_others_are_taken(
    account: AccountInfo, owner: User
) -> None:
    rows = [
        ("good@example.com", "2026-04-03", "lead", "12.5", str(owner.pk), "", None),
        ("no address", "", "", "", "", "", ("INVALID_EMAIL", "email")),
        ("x@", "", "", "", "", "", ("INVALID_EMAIL", "email")),
        ("d@example.com", "31.31.2026", "", "", "", "", ("COULD_NOT_PARSE_DATE", "date_of_birth")),
        ("o@example.com", "", "unheard of", "", "", "",
         ("INVALID_ENUMERATION_OPTION", "lifecyclestage")),
        ("n@example.com", "", "", "many", "", "", ("COULD_NOT_PARSE_NUMBER", "amount")),
        ("w@example.com", "", "", "", "999999", "", ("COULD_NOT_FIND_OWNER", "hubspot_owner_id")),
        ("c@example.com", "", "", "", "", "one,more",
         ("INCORRECT_NUMBER_OF_COLUMNS", "")),
        ("", "2026-04-03", "", "", "", "", ("MISSING_REQUIRED_PROPERTY", "email")),
        ("owned@example.com", "", "", "", "anna@example.com", "", None),
    ]  # fmt: skip
    own_property(account, make.source(owner), "amount", "number")
    own_property(account, make.source(owner), "birth", "date")
    expected = [
        (line, reason[0], "birth" if reason[1] == "date_of_birth" else reason[1])
        for line, (*_cells, reason) in enumerate(rows, start=2)
        if reason
    ]
    content = csv_of(
        "email,birth,lifecyclestage,amount,hubspot_owner_id,city",
        *(",".join(cells) for *cells, _reason in rows),
    )
    view = bring_in(account, content)
    assert reasons(view) == expected
    assert (view.created, view.failed) == (2, len(expected))
    good = contact_with(account, "good@example.com")
    assert (good["birth"], good["amount"], good["lifecyclestage"]) == ("2026-04-03", 12.5, "lead")
    assert contact_with(account, "owned@example.com")["hubspot_owner_id"] == str(owner.pk)


def test_cells_that_cannot_be_stored_are_refused_and_not_the_file(account: AccountInfo) -> None:
    content = b"email,city\n" + b"\n".join(
        [
            b"nul@example.com,a\0b",
            b"wrong@example.com,a\xffb",
            b"large@example.com," + b"x" * 1_000_000,
            b"nul\0@example.com,Opole",
            b"fits@example.com," + b"x" * 65_536,
            "last@example.com,Łódź".encode(),
        ]
    )
    view = bring_in(account, content)
    assert reasons(view) == [
        (2, "INVALID_TEXT", "city"),
        (3, "INVALID_TEXT", "city"),
        (4, "VALUE_TOO_LONG", "city"),
        (5, "INVALID_EMAIL", "email"),
    ]
    assert view.created == 2
    assert contact_with(account, "last@example.com")["city"] == "Łódź"


def test_an_address_twice_in_a_file_is_taken_from_the_later_row(account: AccountInfo) -> None:
    content = csv_of("email,city", "a@example.com,Opole", "A@example.com,Radom")
    view = bring_in(account, content)
    assert (view.created, reasons(view)) == (1, [(2, "DUPLICATE_ALTERNATE_ID", "email")])
    assert contact_with(account, "a@example.com")["city"] == "Radom"


def test_two_addresses_of_one_contact_are_that_contact_twice(
    account: AccountInfo, anna: Source
) -> None:
    first = make.contact(account, email="a@example.com")
    second = make.contact(account, email="b@example.com")
    merge_contacts(account.id, first, second, reach=EVERYTHING, by=anna, now=JAN_20)
    view = bring_in(
        account, csv_of("email,city", "b@example.com,Opole", "a@example.com,Radom"), by=anna
    )
    assert (view.updated, reasons(view)) == (1, [(2, "DUPLICATE_ALTERNATE_ID", "email")])
    stored = contact_with(account, "b@example.com")
    assert (stored["id"], stored["city"]) == (first, "Radom")


def test_rows_without_an_address_are_new_contacts(account: AccountInfo) -> None:
    content = csv_of("email,first name,phone", ",Ewa,", ",,601 234 567", ",Ewa,")
    assert bring_in(account, content).created == 3


def test_columns_of_the_status_are_left_out(account: AccountInfo) -> None:
    header = "email,Marketing contact status,hs_marketable_status,Status kontaktu marketingowego"
    view = bring_in(account, csv_of(header, "a@example.com,true,true,true"))
    assert view.mapping[1:] == (None, None, None)
    assert view.created == 1
    assert sql.rows("SELECT count(*) FROM marketing_contact") == [(0,)]


def test_a_status_column_cannot_be_chosen(account: AccountInfo) -> None:
    view = draft(account, csv_of("email,status", "a@example.com,true"))
    with pytest.raises(BadMapping, match="read only"):
        transfers.set_mapping(
            account.id, view.id, [{"property": "email"}, {"property": "hs_marketable_status"}]
        )


def test_a_lifecycle_stage_never_goes_backwards(account: AccountInfo) -> None:
    make.contact(account, email="a@example.com", lifecyclestage="customer")
    make.contact(account, email="b@example.com", lifecyclestage="lead")
    rows = ("a@example.com,lead,Opole", "b@example.com,customer,Opole")
    view = bring_in(account, csv_of("email,lifecyclestage,city", *rows))
    assert view.updated == 2
    assert contact_with(account, "a@example.com")["lifecyclestage"] == "customer"
    assert contact_with(account, "a@example.com")["city"] == "Opole"
    assert contact_with(account, "b@example.com")["lifecyclestage"] == "customer"


def test_options_are_matched_by_value_and_by_label_in_either_language(
    account: AccountInfo, anna: Source
) -> None:
    own_property(
        account, anna, "size", "enumeration", options=(Option("s", "Small"), Option("l", "Large"))
    )
    own_property(
        account,
        anna,
        "likes",
        "enumeration",
        field="checkbox",
        options=(Option("t", "Tea"), Option("c", "Coffee")),
    )
    rows = ("a@example.com,small,Klient,coffee; TEA", "b@example.com,l,Customer,t")
    bring_in(account, csv_of("email,size,lifecyclestage,likes", *rows))
    a, b = contact_with(account, "a@example.com"), contact_with(account, "b@example.com")
    assert (a["size"], a["lifecyclestage"], a["likes"]) == ("s", "customer", ["t", "c"])
    assert (b["size"], b["lifecyclestage"], b["likes"]) == ("l", "customer", ["t"])


@pytest.mark.parametrize(
    ("date_order", "day"), [("dmy", "2026-04-03"), ("mdy", "2026-03-04"), ("ymd", None)]
)
def test_dates_are_read_in_the_chosen_order(
    account: AccountInfo, anna: Source, date_order: str, day: str | None
) -> None:
    own_property(account, anna, "birth", "date")
    content = csv_of("email,birth", "a@example.com,3/4/2026", "b@example.com,2026-04-03")
    view = bring_in(account, content, date_order=date_order)
    if day is None:
        assert reasons(view) == [(2, "COULD_NOT_PARSE_DATE", "birth")]
    else:
        assert contact_with(account, "a@example.com")["birth"] == day
    assert contact_with(account, "b@example.com")["birth"] == "2026-04-03"


def test_numbers_are_read_with_the_chosen_sign(account: AccountInfo, anna: Source) -> None:
    own_property(account, anna, "amount", "number")
    content = csv_of("email;amount", "a@example.com;12,5", "b@example.com;12.5")
    view = bring_in(account, content, decimal_comma=True)
    assert contact_with(account, "a@example.com")["amount"] == 12.5
    assert reasons(view) == [(3, "COULD_NOT_PARSE_NUMBER", "amount")]


def test_formulas_are_stored_as_given(account: AccountInfo) -> None:
    rows = ("a@example.com,=1+1,<b>x</b>", "b@example.com,'=1+1,'t Hooft")
    bring_in(account, csv_of("email,city,company", *rows))
    a, b = contact_with(account, "a@example.com"), contact_with(account, "b@example.com")
    assert (a["city"], a["company"]) == ("=1+1", "<b>x</b>")
    assert (b["city"], b["company"]) == ("=1+1", "'t Hooft")  # as our own exports disarm it


def test_a_workbook_is_imported_with_its_dates_and_numbers(
    account: AccountInfo, anna: Source
) -> None:
    own_property(account, anna, "birth", "date")
    own_property(account, anna, "amount", "number")
    view = bring_in(
        account,
        workbook_of(
            ["E-mail", "birth", "amount", "zip"],
            ["a@example.com", datetime(2026, 4, 3), 12.5, 1234],
            ["b@example.com", "2026-04-03", 3, "00-950"],
        ),
    )
    assert (view.created, view.failed) == (2, 0)
    a, b = contact_with(account, "a@example.com"), contact_with(account, "b@example.com")
    assert (a["birth"], a["amount"], a["zip"]) == ("2026-04-03", 12.5, "1234")
    assert (b["birth"], b["amount"], b["zip"]) == ("2026-04-03", 3, "00-950")


def test_a_unique_value_is_given_to_one_contact(account: AccountInfo, anna: Source) -> None:
    own_property(account, anna, "code", "string", is_unique=True)
    bring_in(account, csv_of("email,code", "a@example.com,Straße", "b@example.com,B"))
    content = csv_of(
        "email,code",
        "b@example.com,C",  # its old value is free again, but not for a row of the same file
        "c@example.com,STRASSE",  # somebody's, whatever its case
        "d@example.com,D",
        "e@example.com,d",  # the row before has it
        "a@example.com,Straße",
    )
    view = bring_in(account, content)
    assert reasons(view) == [
        (3, "DUPLICATE_UNIQUE_PROPERTY_VALUE", "code"),
        (5, "DUPLICATE_UNIQUE_PROPERTY_VALUE", "code"),
    ]
    assert (view.created, view.updated, view.unchanged) == (1, 1, 1)
    assert view.check["failures"] == {"DUPLICATE_UNIQUE_PROPERTY_VALUE": 2}  # told before the run
    held = sql.rows("SELECT value FROM unique_value WHERE name = 'code' ORDER BY value")
    assert held == [("c",), ("d",), ("strasse",)]


def test_a_value_that_would_not_be_written_is_nobodys(account: AccountInfo, anna: Source) -> None:
    own_property(account, anna, "code", "string", is_unique=True)
    bring_in(account, csv_of("email,code", "a@example.com,A", "b@example.com,B"))
    view = bring_in(
        account,
        csv_of("email,code,city", "b@example.com,A,Opole"),
        columns={
            "email": "email",
            "code": {"property": "code", "overwrite": "empty"},
            "city": "city",
        },
    )
    assert (view.updated, view.failed) == (1, 0)
    assert contact_with(account, "b@example.com")["code"] == "B"


def test_over_the_storage_limit_nothing_begins(account: AccountInfo, settings: Any) -> None:
    settings.CONTACT_LIMIT = 3
    make.contacts(account, 2)
    view = checked(account, csv_of("email", "a@example.com", "b@example.com"))
    with pytest.raises(ContactLimit):
        transfers.start(account.id, view.id, expected=0, by=view.by, now=JAN_20)
    assert queries.import_run(account.id, view.id).state is ImportState.CHECKED
    assert contacts.live_count(account.id) == 2


def test_a_check_writes_no_contact_and_can_be_made_anew(account: AccountInfo) -> None:
    view = checked(account, csv_of("email,name", "a@example.com,Ewa", "bad,Jan"))
    assert view.check["outcomes"] == {"created": 1}
    assert view.check["failures"] == {"INVALID_EMAIL": 1}
    assert view.total == 2
    assert contacts.live_count(account.id) == 0
    transfers.set_mapping(account.id, view.id, [None, {"property": "firstname"}])
    with pytest.raises(WrongState):
        transfers.plan_of(account.id, view.id, now=JAN_20)
    transfers.begin_check(account.id, view.id)
    again = transfers.check(account.id, view.id, now=JAN_20)
    assert (again.check["outcomes"], again.check["failures"]) == ({"created": 2}, {})


def test_a_file_that_stops_being_a_table_is_told_and_can_be_read_another_way(
    account: AccountInfo,
) -> None:
    content = csv_of("email,city", *(f"a{n}@example.com,Opole" for n in range(40)), 'x,"open')
    view = draft(account, content + b"y" * 5_000_000)
    transfers.ask_for_check(account.id, view.id)
    assert not transfers.work_on(account.id, view.id, now=JAN_20)
    failed = queries.import_run(account.id, view.id)
    assert failed.state is ImportState.FAILED and "Row 42" in failed.error
    assert transfers.set_format(account.id, view.id, failed.format).state is ImportState.DRAFT


def test_a_column_twice_or_no_column_that_names_anybody_is_refused(account: AccountInfo) -> None:
    view = draft(account, csv_of("email,mail,city", "a@example.com,b@example.com,Opole"))
    twice = [{"property": "email"}, {"property": "email"}, None]
    for columns in (twice, [None, None, {"property": "city"}], [{"property": "email"}]):
        with pytest.raises(BadMapping):
            transfers.set_mapping(account.id, view.id, columns)


def test_the_last_mapping_of_the_same_headers_is_suggested(account: AccountInfo) -> None:
    content = csv_of("email,where", "a@example.com,Opole")
    bring_in(account, content, columns={"email": "email", "where": "city"})
    assert [one and one["property"] for one in draft(account, content).mapping] == ["email", "city"]


def test_a_refused_file_leaves_nothing(account: AccountInfo) -> None:
    before = set(queries.folder().iterdir())
    with pytest.raises(FileRefused):
        draft(account, b"%PDF-1.7")
    assert set(queries.folder().iterdir()) == before
    assert queries.import_runs(account.id, since=datetime(2020, 1, 1, tzinfo=UTC)) == []


def test_refused_rows_can_be_mended_and_dropped_back_in(account: AccountInfo) -> None:
    view = bring_in(
        account,
        csv_of(
            "E-mail;Phone;City",
            "good@example.com;+48 601 234 567;Łódź",
            "bad;+48 602 345 678;=Opole",
            "twice@example.com;;Radom",
            "twice@example.com;;Gdynia",
        ),
    )
    assert (view.created, view.failed) == (2, 2)
    path = failures_path(view)
    assert path.stat().st_mode & 0o777 == 0o600
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["E-mail", "Phone", "City", "reason"],
        ["bad", "'+48 602 345 678", "'=Opole", "INVALID_EMAIL: email"],
        ["twice@example.com", "", "Radom", "DUPLICATE_ALTERNATE_ID: email"],
    ]
    mended = path.read_bytes().replace(b"bad,", b"mended@example.com,")
    again = bring_in(account, mended)
    assert again.mapping[3] is None
    assert (again.created, again.updated, again.failed) == (1, 1, 0)
    stored = contact_with(account, "mended@example.com")
    assert (stored["phone"], stored["city"]) == ("+48 602 345 678", "=Opole")


def test_cancelling_stops_the_rest_and_keeps_what_is_done(
    account: AccountInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "BATCH", 2)
    view = checked(account, csv_of("email", *(f"a{n}@example.com" for n in range(5)), "bad"))
    transfers.start(account.id, view.id, expected=0, by=view.by, now=JAN_20)
    assert transfers.work_on(account.id, view.id, now=JAN_20)
    assert queries.import_run(account.id, view.id).done == 3  # two, and the refused one
    done = transfers.cancel(account.id, view.id, now=JAN_20)
    assert (done.state, done.created, done.failed) == (ImportState.CANCELLED, 2, 1)
    assert not transfers.work_on(account.id, view.id, now=JAN_20)
    assert contacts.live_count(account.id) == 2


def test_imports_of_other_accounts_are_not_there(
    account: AccountInfo, other_account: AccountInfo
) -> None:
    view = draft(account, csv_of("email", "a@example.com"))
    asked: list[Callable[[], object]] = [
        lambda: queries.import_run(other_account.id, view.id),
        lambda: transfers.begin_check(other_account.id, view.id),
        lambda: transfers.cancel(other_account.id, view.id, now=JAN_20),
        lambda: transfers.start(other_account.id, view.id, expected=0, by=view.by, now=JAN_20),
    ]
    for ask in asked:
        with pytest.raises(ImportUnknown):
            ask()


def test_the_same_address_in_two_accounts_is_two_people(
    account: AccountInfo, other_account: AccountInfo
) -> None:
    make.contact(other_account, email="a@example.com", city="Radom")
    assert bring_in(account, csv_of("email,city", "a@example.com,Opole")).created == 1
    assert contact_with(other_account, "a@example.com")["city"] == "Radom"


@pytest.mark.parametrize("how_many", [1, 300])
def test_a_batch_costs_the_same_statements_however_many_rows(
    account: AccountInfo,
    how_many: int,
    count_statements: Callable[[int], AbstractContextManager[None]],
) -> None:
    rows = [f"a{n}@example.com,Opole" for n in range(how_many)]
    view = checked(account, csv_of("email,city", *rows))
    transfers.start(account.id, view.id, expected=0, by=view.by, now=JAN_20)
    with count_statements(BATCH_STATEMENTS):
        transfers.run_next_batch(account.id, view.id, now=JAN_20)


BATCH_STATEMENTS = 21

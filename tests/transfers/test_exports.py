"""Contacts as CSV: any selection, values as everybody reads them, no formulas (J19, E4, Y2)."""

import csv
import io
from datetime import datetime

import pytest

from marketable.accounts.queries import EVERYTHING, AccountInfo
from marketable.contacts.services.create import create_contact
from marketable.contacts.services.edit import edit_contact
from marketable.history.sources import Source, SourceType
from marketable.marketing_status.rules import Status
from marketable.properties import services as properties
from marketable.properties.rules import Option, PropertyDef, PropertyType
from marketable.segments.rules import from_json
from marketable.segments.selection import Selection, compile_selection
from marketable.transfers.exports import Exported, all_columns, export_contacts
from tests import make
from tests.make import FEB_2, JAN_20
from tests.transfers.files import bring_in, csv_of

pytestmark = pytest.mark.django_db


def exported(
    account: AccountInfo,
    columns: list[str] | None = None,
    selection: Selection = Selection(),  # noqa: B008 - frozen
    now: datetime = JAN_20,
) -> tuple[list[dict[str, str]], Exported]:
    out = io.BytesIO()
    chosen = compile_selection(account.id, selection, reach=EVERYTHING, today=now.date())
    names = all_columns(account.id) if columns is None else columns
    done = export_contacts(account.id, chosen, names, out, now=now)
    content = out.getvalue()
    assert content.startswith(b"\xef\xbb\xbf") and done.byte_count == len(content)
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig")))), done


def test_a_selection_is_written_in_the_order_of_numbers(account: AccountInfo) -> None:
    ids = make.contacts(account, 5)
    rows, done = exported(account, ["name", "nonsense"], Selection(ids=(ids[3], ids[1])))
    assert [int(row["hs_object_id"]) for row in rows] == [ids[1], ids[3]]
    assert done.contact_count == 2
    assert done.columns == ("hs_object_id", "email", "firstname", "lastname")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_value_is_a_formula(account: AccountInfo, start: str) -> None:
    make.contact(account, firstname=f"{start}1+1", city="a=b")
    [row], _done = exported(account)
    assert (row["firstname"], row["city"]) == (f"'{start}1+1", "a=b")


def test_numbers_dates_and_choices_are_written_without_a_locale(
    account: AccountInfo, anna: Source
) -> None:
    for name, kind, field in (
        ("amount", PropertyType.NUMBER, "number"),
        ("birth", PropertyType.DATE, "date"),
        ("seen", PropertyType.DATETIME, "date"),
        ("agreed", PropertyType.BOOL, "booleancheckbox"),
    ):
        properties.create_property(
            account.id, PropertyDef(name, name, kind, field), by=anna, now=JAN_20
        )
    properties.create_property(
        account.id,
        PropertyDef(
            "likes",
            "Likes",
            PropertyType.ENUMERATION,
            "checkbox",
            options=(Option("t", "Tea"), Option("c", "Coffee")),
        ),
        by=anna,
        now=JAN_20,
    )
    bring_in(
        account,
        csv_of(
            "email,amount,birth,seen,agreed,likes",
            "a@example.com,-1234567.5,2026-04-03,2026-04-03 14:05,tak,coffee;tea",
        ),
    )
    [row], _done = exported(account)
    assert (row["amount"], row["birth"], row["agreed"], row["likes"]) == (
        "-1234567.5",
        "2026-04-03",
        "true",
        "t;c",
    )
    assert row["seen"] == "2026-04-03T12:05:00.000Z"  # as typed in Warsaw's summer
    assert row["createdate"] == row["hs_createdate"] == "2027-01-20T12:00:00.000Z"
    assert row["hs_email_domain"] == "example.com"


def test_the_status_is_that_of_the_day_with_its_source(account: AccountInfo) -> None:
    for status in Status:
        make.contact(account, email=f"{status.value}@example.com", status=status)
    columns = ["status", "hs_marketable_until_renewal", "source", "since", "leaving_on"]
    rows, _done = exported(account, columns)
    found = {row.pop("email").split("@")[0]: list(row.values())[1:] for row in rows}
    since = "2027-01-10T12:00:00.000Z"
    assert found == {
        "non_marketing": ["false", "false", "", "", ""],
        "marketing": ["true", "false", "COMMAND", since, ""],
        "leaving": ["true", "true", "COMMAND", since, "2027-02-01"],
    }
    later, _done = exported(account, columns, now=FEB_2)  # no job has run
    assert [row["hs_marketable_status"] for row in later] == ["false", "true", "false"]


def test_an_account_without_marketing_contacts_exports_no_status(
    account: AccountInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    make.contact(account, status=Status.MARKETING)
    monkeypatch.setattr(
        "marketable.transfers.exports.accounts.account", lambda _id: _without_feature(account)
    )
    for columns in (None, ["status", "source", "since", "leaving_on", "city"]):
        [row], _done = exported(account, columns)
        assert not [name for name in row if "marketable" in name]


def _without_feature(account: AccountInfo) -> AccountInfo:
    from dataclasses import replace

    return replace(account, has_marketing_contacts=False)


def test_secondary_addresses_are_told(account: AccountInfo, anna: Source) -> None:
    from marketable.contacts.services.merge import merge_contacts

    first, second = (make.contact(account, email=f"{one}@example.com") for one in "ab")
    merge_contacts(account.id, first, second, reach=EVERYTHING, by=anna, now=JAN_20)
    [row], _done = exported(account)
    assert (row["email"], row["hs_additional_emails"]) == ("a@example.com", "b@example.com")


def test_what_was_exported_can_be_imported_again(account: AccountInfo, anna: Source) -> None:
    make.contact(account, email="a@example.com", phone="+48 601 234 567", city="=1+1")
    out = io.BytesIO()
    chosen = compile_selection(account.id, Selection(), reach=EVERYTHING, today=JAN_20.date())
    export_contacts(account.id, chosen, all_columns(account.id), out)
    view = bring_in(account, out.getvalue(), by=anna)
    assert (view.unchanged, view.failed) == (1, 0)


def test_properties_named_like_sql_are_columns_like_any_other(
    account: AccountInfo, anna: Source
) -> None:
    for name in ("select", "from_user", "p1"):
        properties.create_property(
            account.id, PropertyDef(name, "'; --", PropertyType.STRING, "text"), by=anna, now=JAN_20
        )
    contact_id = make.contact(account)
    edit_contact(
        account.id,
        contact_id,
        {"select": "x'y\"z", "p1": "%s {0}"},
        version=None,
        reach=EVERYTHING,
        by=anna,
        now=JAN_20,
    )
    [row], _done = exported(account)
    assert (row["select"], row["p1"], row["from_user"]) == ("x'y\"z", "%s {0}", "")


def test_other_accounts_are_never_exported(
    account: AccountInfo, other_account: AccountInfo
) -> None:
    foreign = make.contact(other_account)
    assert exported(account, ["city"], Selection(ids=(foreign,)))[0] == []


def test_what_created_a_contact_is_told_when_it_is_asked_for(
    account: AccountInfo, anna: Source
) -> None:
    bring_in(account, csv_of("email", "jan@example.com"), by=anna)
    by_hand = create_contact(
        account.id, {"email": "ewa@example.com"}, by=anna.through(SourceType.CREATE), now=JAN_20
    )
    names = ["hs_object_source", "hs_object_source_label", "hs_object_source_user_id"]
    rows, _done = exported(account, names)
    assert [row["hs_object_source"] for row in rows] == ["IMPORT", "CRM_UI"]
    assert [row["hs_object_source_label"] for row in rows] == ["IMPORT", "CREATE"]
    assert {row["hs_object_source_user_id"] for row in rows} == {anna.actor_id}
    assert not set(names) & set(exported(account)[1].columns)
    wanted = from_json({"property": "hs_object_source", "operator": "is", "value": "CRM_UI"})
    [row], _done = exported(account, names, Selection(filter=wanted))
    assert int(row["hs_object_id"]) == by_hand.contact_id

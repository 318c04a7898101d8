"""The import wizard through its doors: five steps, what each says, what each refuses (I1–I4)."""

import csv
import io
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from marketable import clock, sql
from marketable.accounts.models import Account, Membership, User
from marketable.accounts.queries import AccountInfo
from marketable.accounts.rules import Right
from marketable.contacts.services.archive import archive_contacts
from marketable.history.sources import Source
from marketable.marketing_status import queries as status_queries
from marketable.marketing_status.rules import Status
from marketable.marketing_status.services import start_marketing
from marketable.properties import queries as properties
from marketable.properties.rules import PropertyDef, PropertyType
from marketable.properties.services import create_property
from marketable.transfers import queries as imports
from marketable.transfers import services as transfers
from marketable.transfers.queries import ImportView
from marketable.transfers.reading import LARGEST_CELL
from marketable.transfers.rules import ImportState
from marketable.web.imports import bad_rows
from tests import make
from tests.make import JAN_20
from tests.transfers.files import workbook_of
from tests.web.guarding import Answer, signed_in
from tests.web.guarding import text_of as text

pytestmark = pytest.mark.django_db

TODAY = JAN_20.date()
HTMX = {"HX-Request": "true"}
PEOPLE = """\
Imię,Nazwisko,E-mail,Telefon
Zażółć,Gęślą,zazolc@example.pl,600 100 200
Łukasz,Żółć,lukasz@example.pl,600 100 201
Bez,Adresu,,600 100 202
"""


@pytest.fixture(autouse=True)
def in_january(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: JAN_20)


@pytest.fixture
def browser(owner: User) -> Client:
    return signed_in(owner)


def at(account: AccountInfo, step: str, import_id: int | None = None) -> str:
    return reverse(f"imports:{step}", args=[account.id, *([import_id] if import_id else [])])


def upload(
    browser: Client,
    account: AccountInfo,
    content: str | bytes = PEOPLE,
    name: str = "people.csv",
    **fields: str,
) -> Answer:
    given = content.encode() if isinstance(content, str) else content
    file = SimpleUploadedFile(name, given)
    return browser.post(at(account, "new"), {"file": file, **fields})


def begun(
    browser: Client, account: AccountInfo, content: str | bytes = PEOPLE, **fields: str
) -> int:
    """Upload a file and return the import's number."""
    answer = upload(browser, account, content, **fields)
    found = re.search(r"/imports/(\d+)/mapping$", answer.headers["Location"])
    assert found
    return int(found[1])


def columns_of(view: ImportView) -> dict[str, str]:
    """Return the form of the second step as it stands."""
    form = {"date_order": "ymd"}
    for place, chosen in enumerate(view.mapping):
        form[f"property-{place}"] = str(chosen["property"]) if chosen else ""
        form[f"overwrite-{place}"] = str(chosen["overwrite"]) if chosen else "always"
    return form


def seen(account: AccountInfo, import_id: int) -> ImportView:
    return imports.import_run(account.id, import_id)


def work(account: AccountInfo, import_id: int) -> ImportView:
    """Do what the worker does."""
    while transfers.work_on(account.id, import_id, now=JAN_20):
        pass
    return seen(account, import_id)


def checked(
    browser: Client,
    account: AccountInfo,
    content: str | bytes = PEOPLE,
    instead: Mapping[str, str] | None = None,
) -> int:
    """Go through the first three steps and return the import's number."""
    import_id = begun(browser, account, content)
    form = {**columns_of(seen(account, import_id)), **(instead or {})}
    answer = browser.post(at(account, "mapping", import_id), form)
    assert answer.headers["Location"] == at(account, "check", import_id)
    assert work(account, import_id).state is ImportState.CHECKED
    return import_id


def choose(
    browser: Client,
    account: AccountInfo,
    import_id: int,
    *,
    marketing: str = "leave",
    mode: str = "upsert",
    **fields: str,
) -> Answer:
    """Choose options as the page does, and return the plan."""
    form = {"mode": mode, "marketing": marketing, **fields}
    return browser.post(at(account, "options", import_id), form, headers=HTMX)


def planned(answer: Answer) -> str:
    return str(answer.context["page"].planned)


def begin(
    browser: Client,
    account: AccountInfo,
    import_id: int,
    *,
    marketing: str = "leave",
    mode: str = "upsert",
    **fields: str,
) -> Answer:
    """Choose options and press the button below the plan."""
    shown = choose(browser, account, import_id, marketing=marketing, mode=mode)
    return browser.post(
        at(account, "start", import_id),
        {"mode": mode, "marketing": marketing, "planned": planned(shown), **fields},
    )


def finished(
    browser: Client, account: AccountInfo, content: str = PEOPLE, **fields: str
) -> ImportView:
    import_id = checked(browser, account, content)
    answer = begin(browser, account, import_id, **fields)
    assert answer.headers["Location"] == at(account, "run", import_id)
    return work(account, import_id)


def usage(account: AccountInfo) -> int:
    return status_queries.usage(account.id, TODAY).usage


def contact_count(account: AccountInfo) -> int:
    found = sql.row(
        "SELECT count(*) FROM contact WHERE account_id = %(id)s AND archived_at IS NULL",
        {"id": account.id},
    )
    assert found is not None
    return int(found[0])


# The list


def test_an_account_without_imports_is_shown_how_to_begin(
    browser: Client, account: AccountInfo
) -> None:
    said = text(browser.get(at(account, "list")))
    assert "Nothing was imported in the last 30 days." in said
    assert "drop a CSV or XLSX file anywhere" in said


def test_the_list_says_what_who_when_and_what_came_of_it(
    browser: Client, account: AccountInfo
) -> None:
    finished(browser, account)
    begun(browser, account, "email\nlater@example.com\n")
    said = text(browser.get(at(account, "list")))
    assert "people.csv Done" in said
    assert "3 created" in said
    assert "Being prepared" in said
    assert "anna@example.com" in said
    assert "20 Jan 2027" in said


def test_imports_are_jobs_among_others(browser: Client, account: AccountInfo) -> None:
    run = finished(browser, account)
    begun(browser, account)  # has not begun to run, so it is no job yet
    answer = browser.get(reverse("jobs:list", args=[account.id]))
    assert text(answer).count("Import of people.csv") == 1
    assert at(account, "run", run.id) in answer.content.decode()


def test_whoever_may_not_import_sees_a_disabled_button_that_says_why(
    account: AccountInfo, owner: User
) -> None:  # P4
    finished(signed_in(owner), account)
    answer = signed_in(make.user(account, "sales")).get(at(account, "list"))
    assert "This needs the right “Import”." in text(answer)
    assert at(account, "new") not in answer.content.decode()
    assert "people.csv" in text(answer)
    assert "/run" not in answer.content.decode()


def test_whoever_may_edit_only_some_contacts_cannot_import(account: AccountInfo) -> None:  # P6
    person = make.user(account, "sales")
    Membership.objects.filter(user=person).update(granted=[Right.CONTACTS_IMPORT.value])
    browser = signed_in(person)
    assert "you may edit only some of them" in text(browser.get(at(account, "list")))
    assert upload(browser, account).status_code == 403


# 1 File


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"   \n ", "The file is empty."),
        (b"%PDF-1.7 and more", "This is a PDF file."),
        (bytes(range(9)) * 400, "binary"),
        (b"PK\x03\x04 nonsense", "Save the table as CSV or XLSX."),
        (b",".join(b"c%d" % place for place in range(1_001)), "at most 1,000 can be taken"),
    ],
    ids=["nothing", "blank", "pdf", "binary", "broken workbook", "too many columns"],
)
def test_what_is_no_table_is_refused_at_once(
    browser: Client, account: AccountInfo, content: bytes, reason: str
) -> None:  # J10
    kept = set(imports.folder().iterdir())
    answer = upload(browser, account, content)
    assert answer.status_code == 400
    assert reason in text(answer)
    assert imports.import_runs(account.id, since=JAN_20 - timedelta(days=1)) == []
    assert set(imports.folder().iterdir()) == kept


def test_without_a_file_it_is_asked_for_again(browser: Client, account: AccountInfo) -> None:
    answer = browser.post(at(account, "new"))
    assert answer.status_code == 400
    assert "Choose a file first." in text(answer)


def test_another_file_takes_the_place_of_the_first(browser: Client, account: AccountInfo) -> None:
    first = begun(browser, account)
    second = begun(browser, account, "email\na@example.com\n", instead_of=str(first))
    assert seen(account, first).state is ImportState.CANCELLED
    assert seen(account, second).state is ImportState.DRAFT
    listed = imports.import_runs(account.id, since=JAN_20 - timedelta(days=1))
    assert [one.id for one in listed] == [second]


def test_another_file_never_stops_an_import_that_runs(
    browser: Client, account: AccountInfo
) -> None:
    first = checked(browser, account)
    begin(browser, account, first)
    begun(browser, account, instead_of=str(first))
    assert seen(account, first).state is ImportState.RUNNING


# 2 Columns


def test_columns_are_suggested_by_their_names(browser: Client, account: AccountInfo) -> None:
    import_id = begun(browser, account)
    answer = browser.get(at(account, "mapping", import_id))
    chosen = [one.property for one in answer.context["page"].columns]
    assert chosen == ["firstname", "lastname", "email", "phone"]
    assert "Zażółć" in text(answer)
    assert "Every column is taken." in text(answer)


def test_what_is_ignored_is_said_while_it_is_chosen(browser: Client, account: AccountInfo) -> None:
    import_id = begun(browser, account)
    form = columns_of(seen(account, import_id)) | {"property-3": ""}
    answer = browser.post(at(account, "mapping", import_id), form, headers=HTMX)
    assert text(answer).strip() == "1 of 4 columns will be ignored: Telefon."
    again = browser.get(at(account, "mapping", import_id))  # kept: a reload loses nothing
    assert again.context["page"].columns[3].property == ""


def test_the_last_mapping_of_the_same_columns_is_remembered(
    browser: Client, account: AccountInfo
) -> None:
    import_id = checked(
        browser, account, instead={"property-3": "mobilephone", "overwrite-3": "empty"}
    )
    begin(browser, account, import_id)
    work(account, import_id)
    page = browser.get(at(account, "mapping", begun(browser, account))).context["page"]
    assert (page.columns[3].property, page.columns[3].overwrite) == ("mobilephone", "empty")


def test_the_first_rows_follow_how_the_file_is_read(browser: Client, account: AccountInfo) -> None:
    content = "Imię;E-mail\nŁucja;l@example.pl\n".encode("cp1250")
    import_id = begun(browser, account, content)
    page = browser.get(at(account, "mapping", import_id)).context["page"]
    assert page.columns[0].examples == ("Łucja",)
    form = {"encoding": "cp1251", "delimiter": ",", "has_header": ""}
    answer = browser.post(at(account, "read_as", import_id), form, headers=HTMX)
    page = answer.context["page"]
    assert len(page.columns) == 1
    assert page.columns[0].header == "Column 1"
    assert "<html" not in answer.content.decode()
    assert "Łucja" not in text(answer)


def test_a_workbook_has_no_encoding_to_choose(browser: Client, account: AccountInfo) -> None:
    answer = upload(browser, account, workbook_of(("E-mail", "Imię"), ("a@example.com", "Łucja")))
    page = browser.get(answer.headers["Location"]).context["page"]
    assert (page.encodings, page.delimiters) == ((), ())
    assert [one.property for one in page.columns] == ["email", "firstname"]
    assert page.columns[1].examples == ("Łucja",)


def test_choices_survive_another_encoding(browser: Client, account: AccountInfo) -> None:
    import_id = begun(browser, account, "name,email\nJan,a@example.com\n")
    form = columns_of(seen(account, import_id)) | {
        "property-0": "company",
        "encoding": "cp1250",
        "delimiter": ",",
        "has_header": "1",
    }
    answer = browser.post(at(account, "read_as", import_id), form, headers=HTMX)
    assert answer.context["page"].columns[0].property == "company"
    assert seen(account, import_id).format.encoding == "cp1250"


def test_an_unknown_encoding_in_a_forged_form_is_left_alone(
    browser: Client, account: AccountInfo
) -> None:
    import_id = begun(browser, account)
    form = {"encoding": "rot13", "delimiter": "xx", "has_header": "1"}
    answer = browser.post(at(account, "read_as", import_id), form)
    assert answer.status_code == 302
    assert seen(account, import_id).format.encoding == "utf-8"
    assert seen(account, import_id).format.delimiter == ","


def test_a_column_of_the_status_is_refused_with_a_hint(
    browser: Client, account: AccountInfo
) -> None:  # I2, J5
    content = "email,Marketing contact status\na@example.com,true\n"
    import_id = begun(browser, account, content)
    answer = browser.get(at(account, "mapping", import_id))
    assert "A file cannot set the marketing status" in text(answer)
    assert "property-1" not in answer.content.decode()
    forged = {"property-0": "email", "property-1": "hs_marketable_status", "date_order": "ymd"}
    browser.post(at(account, "mapping", import_id), forged)
    assert seen(account, import_id).mapping[1] is None
    assert work(account, import_id).state is ImportState.CHECKED


@pytest.mark.parametrize("name", ["hs_marketable_status", "hs_object_id", "nothing_like_it", "<b>"])
def test_a_forged_property_is_refused(
    browser: Client, account: AccountInfo, name: str
) -> None:  # J5
    import_id = begun(browser, account)
    form = columns_of(seen(account, import_id)) | {"property-3": name}
    answer = browser.post(at(account, "mapping", import_id), form)
    assert answer.status_code == 400
    assert "<b>”" not in answer.content.decode()
    assert seen(account, import_id).state is ImportState.DRAFT


def test_one_property_for_two_columns_is_refused_and_the_choice_stays(
    browser: Client, account: AccountInfo
) -> None:
    import_id = begun(browser, account)
    form = columns_of(seen(account, import_id)) | {"property-1": "firstname"}
    answer = browser.post(at(account, "mapping", import_id), form)
    assert answer.status_code == 400
    assert "Two columns are mapped to “First name”." in text(answer)
    assert [one.property for one in answer.context["page"].columns][:2] == ["firstname"] * 2


def test_going_back_keeps_even_a_half_made_choice(browser: Client, account: AccountInfo) -> None:
    import_id = begun(browser, account)
    form = columns_of(seen(account, import_id)) | {"property-1": "firstname", "go": "back"}
    answer = browser.post(at(account, "mapping", import_id), form)
    assert answer.headers["Location"] == at(account, "file", import_id)
    said = text(browser.get(at(account, "file", import_id)))
    assert "Zażółć" in said
    page = browser.get(at(account, "mapping", import_id)).context["page"]
    assert page.columns[1].property == "firstname"


def test_a_property_is_created_in_place(browser: Client, account: AccountInfo) -> None:
    import_id = begun(browser, account, "email,Rozmiar buta\na@example.com,42\nb@example.com,43\n")
    form = columns_of(seen(account, import_id)) | {"overwrite-0": "empty", "column": "1"}
    asked = browser.post(at(account, "property", import_id), form, headers=HTMX)
    assert asked.context["given"]["label"] == "Rozmiar buta"
    assert asked.context["given"]["type"] == "number/number"
    made = browser.post(
        at(account, "create_property", import_id),
        {"column": "1", "label": "Rozmiar buta", "type": "number/number"},
    )
    assert made.headers["Location"].startswith(at(account, "mapping", import_id))
    assert "rozmiar_buta" in properties.definitions(account.id)
    assert [one and one["property"] for one in seen(account, import_id).mapping] == [
        "email",
        "rozmiar_buta",
    ]


def test_a_choice_takes_its_options_from_the_first_rows(
    browser: Client, account: AccountInfo
) -> None:
    import_id = begun(browser, account, "email,Size\na@example.com,S\nb@example.com,M\n")
    shown = browser.get(at(account, "property", import_id) + "?column=1")
    assert shown.context["given"]["options"] == "S\nM"
    form = {"column": "1", "label": "Size", "type": "enumeration/select", "options": "S\nM"}
    browser.post(at(account, "create_property", import_id), form)
    made = properties.definitions(account.id)["size"]
    assert [one.value for one in made.options] == ["S", "M"]


def test_a_thousand_columns_can_be_mapped(browser: Client, account: AccountInfo) -> None:
    names = ",".join(["email", *(f"column {place}" for place in range(999))])
    import_id = begun(browser, account, f"{names}\na@example.com{',x' * 999}\n")
    assert browser.get(at(account, "mapping", import_id)).status_code == 200
    form = columns_of(seen(account, import_id)) | {"property-999": "city"}
    answer = browser.post(at(account, "mapping", import_id), form)
    assert answer.headers["Location"] == at(account, "check", import_id)
    assert work(account, import_id).state is ImportState.CHECKED


def test_two_properties_of_one_label_have_names_of_their_own(
    browser: Client, account: AccountInfo
) -> None:
    import_id = begun(browser, account, "email,Size,Size 2\na@example.com,S,M\n")
    for column in ("1", "2"):
        form = {"column": column, "label": "Size", "type": "string/text"}
        browser.post(at(account, "create_property", import_id), form)
    assert {"size", "size_2"} <= set(properties.definitions(account.id))


def test_without_the_right_no_property_is_created(account: AccountInfo) -> None:  # P4
    browser = signed_in(make.user(account, "marketer"))
    import_id = begun(browser, account, "email,Size\na@example.com,S\n")
    answer = browser.get(at(account, "mapping", import_id))
    assert "This needs the right “Edit properties”." in text(answer)
    form = {"column": "1", "label": "Size", "type": "string/text"}
    assert browser.post(at(account, "create_property", import_id), form).status_code == 403
    assert "size" not in properties.definitions(account.id)


def test_a_column_that_the_file_has_not_is_not_there(browser: Client, account: AccountInfo) -> None:
    import_id = begun(browser, account)
    for column in ("4", "-1", "", "x", "９", "99999999"):
        form = {"column": column, "label": "Size", "type": "string/text"}
        assert browser.post(at(account, "create_property", import_id), form).status_code == 404


# 3 Check


MIXED = """\
email,firstname,joined
new@example.com,New,1990-01-02
there@example.com,Fresh,
same@example.com,Jan,
broken@,Jan,
twice@example.com,First,
TWICE@example.com,Second,
late@example.com,Jan,31 February
"""


@pytest.fixture
def mixed(browser: Client, account: AccountInfo, anna: Source) -> int:
    joined = PropertyDef("joined", "Joined", PropertyType.DATE, "date")
    create_property(account.id, joined, by=anna, now=JAN_20)
    make.contact(account, email="there@example.com", firstname="Old")
    make.contact(account, email="same@example.com", firstname="Jan")
    return checked(browser, account, MIXED)


def test_the_check_counts_every_outcome_and_writes_nothing(
    browser: Client, account: AccountInfo, mixed: int
) -> None:  # I3
    ledger = make.ledger(account)
    answer = browser.get(at(account, "check", mixed))
    counts = {one.code: one.count for one in answer.context["counts"]}
    assert counts == {
        "created": "2",
        "updated": "1",
        "unchanged": "1",
        "duplicate": "1",
        "invalid": "2",
    }
    assert contact_count(account) == 2
    assert make.ledger(account) == ledger


def test_rows_that_fail_are_shown_with_line_reason_and_value(
    browser: Client, account: AccountInfo, mixed: int
) -> None:  # J11
    answer = browser.get(at(account, "check", mixed))
    assert [(row.line, row.who, row.header, row.value) for row in answer.context["rows"]] == [
        (5, "Jan", "email", "broken@"),
        (6, "First", "email", "twice@example.com"),
        (8, "Jan", "joined", "31 February"),
    ]
    said = text(answer)
    assert "not an e-mail address" in said
    assert "the address comes again further down" in said
    assert "not a date in the order chosen" in said
    assert 'value="31 February"' in answer.content.decode()


def post_row(
    browser: Client, account: AccountInfo, step: str, import_id: int, line: int, **form: str
) -> Answer:
    form["line"] = str(line)
    return browser.post(at(account, step, import_id), form, headers=HTMX)


def test_a_bad_cell_is_mended_in_place(browser: Client, account: AccountInfo, mixed: int) -> None:
    answer = post_row(browser, account, "mend", mixed, 5, value="mended@example.com")
    assert "Will be taken" in text(answer)
    assert "2 rows will not be taken" in text(answer)  # the counts come along
    counts = {one.code: one.count for one in answer.context["counts"]}
    assert (counts["created"], counts["invalid"]) == ("3", "1")
    again = post_row(browser, account, "mend", mixed, 8, value="30 February")
    assert "not a date in the order chosen" in text(again)
    assert 'value="30 February"' in again.content.decode()


def test_a_row_is_left_out_and_put_back(browser: Client, account: AccountInfo, mixed: int) -> None:
    answer = post_row(browser, account, "leave_out", mixed, 5)
    assert "Left out, as you chose" in text(answer) and "Put back" in text(answer)
    assert "2 rows will not be taken" in text(answer)
    back = post_row(browser, account, "put_back", mixed, 5)
    assert "not an e-mail address" in text(back)
    assert "3 rows will not be taken" in text(back)


def test_a_row_that_is_taken_cannot_be_mended(
    browser: Client, account: AccountInfo, mixed: int
) -> None:
    for step in ("mend", "leave_out", "put_back"):
        answer = post_row(browser, account, step, mixed, 2, value="x@example.com")
        assert answer.status_code == 404
        assert answer.headers["HX-Retarget"] == "#why-2"
        assert "This row cannot be mended here" in text(answer)
        for line in ("", "x", "-1", "9" * 30, "٣"):
            form = {"line": line, "value": "x@example.com"}
            assert browser.post(at(account, step, mixed), form).status_code == 404


def test_without_a_script_the_page_comes_back(
    browser: Client, account: AccountInfo, mixed: int
) -> None:
    form = {"line": "5", "value": "mended@example.com"}
    answer = browser.post(at(account, "mend", mixed), form)
    assert answer.headers["Location"] == at(account, "check", mixed) + "#line-5"


def test_rows_that_fail_come_as_a_file_ready_to_be_mended(
    browser: Client, account: AccountInfo, mixed: int
) -> None:
    answer = browser.get(at(account, "failures", mixed))
    rows = list(csv.reader(io.StringIO(answer.getvalue().decode("utf-8-sig"))))
    assert rows[0] == ["email", "firstname", "joined", "reason"]
    assert [row[0] for row in rows[1:]] == ["broken@", "twice@example.com", "late@example.com"]


def test_many_bad_rows_are_paged(browser: Client, account: AccountInfo) -> None:
    lines = "".join(f"bad{place}\n" for place in range(60))
    import_id = checked(browser, account, f"email\nok@example.com\n{lines}")
    first = browser.get(at(account, "check", import_id))
    assert len(first.context["rows"]) == 50
    last = first.context["rows"][-1].line
    second = browser.get(at(account, "bad_rows", import_id) + f"?after={last}")
    assert len(second.context["rows"]) == 10
    assert "60 not an e-mail address" in text(second)


def test_the_page_does_not_wait_for_bad_rows_of_a_large_file(
    browser: Client, account: AccountInfo, mixed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bad_rows, "MOST_ROWS_TO_MEND", 5)
    answer = browser.get(at(account, "check", mixed))
    assert "broken@" not in text(answer)
    assert at(account, "bad_rows", mixed) in answer.content.decode()
    part = browser.get(at(account, "bad_rows", mixed), headers=HTMX)
    assert "5 Jan email broken@ not an e-mail address" in text(part)
    assert 'name="line"' not in part.content.decode()
    assert "<html" not in part.content.decode()


def test_html_and_formulas_in_a_file_are_shown_as_text(
    browser: Client, account: AccountInfo
) -> None:  # J19
    bad = "<script>alert(1)</script>@"
    import_id = checked(browser, account, f"email\n{bad}\n=1+1@\nok@example.com\n")
    answer = browser.get(at(account, "check", import_id))
    assert "<script>alert" not in answer.content.decode()
    file = browser.get(at(account, "failures", import_id)).getvalue().decode("utf-8-sig")
    assert "'=1+1@" in file


def test_the_check_says_that_it_runs_and_then_what_it_found(
    browser: Client, account: AccountInfo
) -> None:
    import_id = begun(browser, account)
    browser.post(at(account, "mapping", import_id), columns_of(seen(account, import_id)))
    waiting = browser.get(at(account, "check", import_id))
    assert 'hx-trigger="every 1s"' in waiting.content.decode()
    work(account, import_id)
    part = browser.get(at(account, "check", import_id), headers=HTMX).content.decode()
    assert "<html" not in part
    assert "every 1s" not in part
    assert 'hx-swap-oob="true"' in part  # the steps: options can be gone to now


def test_a_file_that_stops_being_a_table_can_be_read_another_way(
    browser: Client, account: AccountInfo
) -> None:  # J10
    rows = "".join(f"a{place}@example.com,x\n" for place in range(30))
    huge = "x" * (LARGEST_CELL + 1)
    import_id = begun(browser, account, f"email,city\n{rows}b@example.com,{huge}\n")
    browser.post(at(account, "mapping", import_id), columns_of(seen(account, import_id)))
    view = work(account, import_id)
    assert view.state is ImportState.FAILED
    said = text(browser.get(at(account, "check", import_id)))
    assert "The file could not be read to its end" in said
    assert "Row 32 cannot be read" in said
    for step in ("file", "mapping"):
        assert browser.get(at(account, step, import_id)).status_code == 200
    form = columns_of(seen(account, import_id)) | {"property-1": ""}
    answer = browser.post(at(account, "mapping", import_id), form)
    assert answer.headers["Location"] == at(account, "check", import_id)
    assert seen(account, import_id).state is ImportState.CHECKING
    assert contact_count(account) == 0


def test_a_file_without_one_good_row_leads_nowhere(browser: Client, account: AccountInfo) -> None:
    import_id = checked(browser, account, "email\nbroken\n")
    answer = browser.get(at(account, "check", import_id))
    assert "No row of this file can be taken." in text(answer)
    assert "Next: options" not in text(answer)


def test_the_same_columns_need_no_second_check(browser: Client, account: AccountInfo) -> None:
    import_id = checked(browser, account)
    browser.post(at(account, "mapping", import_id), columns_of(seen(account, import_id)))
    assert seen(account, import_id).state is ImportState.CHECKED
    form = columns_of(seen(account, import_id)) | {"property-3": "mobilephone"}
    browser.post(at(account, "mapping", import_id), form)
    assert seen(account, import_id).state is ImportState.CHECKING


def test_a_step_that_was_left_leads_to_where_the_import_is(
    browser: Client, account: AccountInfo
) -> None:
    import_id = begun(browser, account)
    for step in ("check", "options", "run"):
        answer = browser.get(at(account, step, import_id))
        assert answer.headers["Location"] == at(account, "mapping", import_id)
    begin_id = checked(browser, account)
    begin(browser, account, begin_id)
    for step in ("open", "file", "mapping", "check", "options"):
        answer = browser.get(at(account, step, begin_id))
        assert answer.headers["Location"] == at(account, "run", begin_id), step


def test_reloading_what_a_form_was_answered_with_leads_to_its_step(
    browser: Client, account: AccountInfo
) -> None:
    import_id = checked(browser, account)
    for address, step in (
        ("read_as", "mapping"),
        ("create_property", "mapping"),
        ("start", "options"),
    ):
        answer = browser.get(at(account, address, import_id))
        assert answer.headers["Location"] == at(account, step, import_id)


# 4 Options


def test_the_options_cost_nothing_by_default(browser: Client, account: AccountInfo) -> None:  # I1
    import_id = checked(browser, account)
    answer = browser.get(at(account, "options", import_id))
    said = text(answer)
    assert "3 contacts will be created" in said
    assert "Import 3 contacts" in said
    assert 'name="count"' not in answer.content.decode()


def test_setting_them_shows_what_it_costs(browser: Client, account: AccountInfo) -> None:  # T10
    make.contacts(account, 2, status=Status.MARKETING)
    import_id = checked(browser, account)
    said = text(choose(browser, account, import_id, marketing="all"))
    assert "Set 2 contacts as marketing contacts" in said
    assert "Marketing contacts 2 4" in said
    assert "Contact tier 2,000 2,000" in said
    assert "no price set" in said
    assert "1 cannot receive mail: no e-mail address" in said
    assert "There is no way back before 1 Feb 2027 (Europe/Warsaw)" in said
    assert "Confirm: import, and set 2 contacts" in said
    assert usage(account) == 2


def test_those_without_an_address_are_set_only_when_asked(
    browser: Client, account: AccountInfo
) -> None:  # S19
    import_id = checked(browser, account)
    shown = choose(browser, account, import_id, marketing="all", include_unreachable="1")
    assert "Confirm: import, and set 3 contacts" in text(shown)
    form = {
        "mode": "upsert",
        "marketing": "all",
        "include_unreachable": "1",
        "planned": planned(shown),
        "count": "3",
    }
    browser.post(at(account, "start", import_id), form)
    work(account, import_id)
    assert usage(account) == 3


def test_only_the_new_ones_are_set(browser: Client, account: AccountInfo) -> None:  # I1
    old = make.contact(account, email="lukasz@example.pl")
    run = finished(browser, account, marketing="new", count="1")
    assert run.marketing_started == 1
    assert status_queries.status_of(account.id, old, TODAY) is Status.NON_MARKETING


def test_every_contact_of_the_file_is_set(browser: Client, account: AccountInfo) -> None:  # I1
    old = make.contact(account, email="lukasz@example.pl")
    run = finished(browser, account, marketing="all", count="2")
    assert run.marketing_started == 2
    assert status_queries.status_of(account.id, old, TODAY) is Status.MARKETING


def test_only_creating_leaves_those_that_exist(browser: Client, account: AccountInfo) -> None:
    make.contact(account, email="lukasz@example.pl", firstname="Old")
    import_id = checked(browser, account)
    said = text(choose(browser, account, import_id, mode="create"))
    assert "2 contacts will be created" in said
    assert "1 row will not be taken" in said
    begin(browser, account, import_id, mode="create")
    run = work(account, import_id)
    assert (run.created, run.updated) == (2, 0)


def test_only_updating_creates_nobody(browser: Client, account: AccountInfo) -> None:
    make.contact(account, email="lukasz@example.pl", firstname="Old")
    run = finished(browser, account, mode="update")
    assert (run.created, run.updated) == (0, 1)
    assert contact_count(account) == 1


def test_an_import_that_changes_nothing_has_no_button(
    browser: Client, account: AccountInfo
) -> None:  # J2
    import_id = checked(browser, account)
    answer = choose(browser, account, import_id, mode="update")
    assert "This import would change nothing." in text(answer)
    assert "data-confirm" not in answer.content.decode()


@pytest.mark.parametrize("typed", ["1", "2.0", "-2", "1e3", "", "two"])
def test_a_wrong_number_is_asked_for_again(
    browser: Client, account: AccountInfo, typed: str
) -> None:  # B4, J1
    import_id = checked(browser, account)
    answer = begin(browser, account, import_id, marketing="all", count=typed)
    assert answer.status_code == 400
    assert "Type the number 2" in text(answer)
    assert seen(account, import_id).state is ImportState.CHECKED


def test_a_set_that_changed_meanwhile_is_shown_again_with_both_numbers(
    browser: Client, account: AccountInfo, anna: Source
) -> None:  # B5, J3
    import_id = checked(browser, account)
    shown = choose(browser, account, import_id, marketing="all")
    there = make.contact(account, email="lukasz@example.pl", status=Status.MARKETING)
    form = {"mode": "upsert", "marketing": "all", "planned": planned(shown), "count": "2"}
    again = browser.post(at(account, "start", import_id), form)
    assert again.status_code == 409
    assert "It was 2, is now 1." in text(again)
    assert contact_count(account) == 1
    form |= {"planned": planned(again), "count": "1"}
    assert browser.post(at(account, "start", import_id), form).status_code == 302
    work(account, import_id)
    assert usage(account) == 2
    assert there


def test_a_plan_is_good_for_one_hour(
    browser: Client, account: AccountInfo, monkeypatch: pytest.MonkeyPatch
) -> None:  # B5
    import_id = checked(browser, account)
    shown = choose(browser, account, import_id, marketing="all")
    monkeypatch.setattr(clock, "now", lambda: JAN_20 + timedelta(minutes=61))
    form = {"mode": "upsert", "marketing": "all", "planned": planned(shown), "count": "2"}
    again = browser.post(at(account, "start", import_id), form)
    assert again.status_code == 409
    assert "older than an hour" in text(again)
    form["planned"] = planned(again)
    assert browser.post(at(account, "start", import_id), form).status_code == 302


@pytest.mark.parametrize("forged", ["", "[2, 1]", "WzIsMV0:abc"])
def test_a_forged_plan_is_shown_again(browser: Client, account: AccountInfo, forged: str) -> None:
    import_id = checked(browser, account)
    choose(browser, account, import_id, marketing="all")
    form = {"mode": "upsert", "marketing": "all", "planned": forged, "count": "2"}
    assert browser.post(at(account, "start", import_id), form).status_code == 409
    assert seen(account, import_id).state is ImportState.CHECKED


def test_a_plan_of_another_import_is_shown_again(browser: Client, account: AccountInfo) -> None:
    shown = choose(browser, account, checked(browser, account), marketing="all")
    import_id = checked(browser, account)
    choose(browser, account, import_id, marketing="all")
    form = {"mode": "upsert", "marketing": "all", "planned": planned(shown), "count": "2"}
    assert browser.post(at(account, "start", import_id), form).status_code == 409


def test_the_options_that_stand_there_at_first_can_be_pressed_at_once(
    browser: Client, account: AccountInfo
) -> None:
    import_id = checked(browser, account)
    shown = browser.get(at(account, "options", import_id))
    form = {"mode": "upsert", "marketing": "leave", "planned": planned(shown)}
    answer = browser.post(at(account, "start", import_id), form)
    assert answer.headers["Location"] == at(account, "run", import_id)


def test_other_options_than_those_shown_are_shown_first(
    browser: Client, account: AccountInfo
) -> None:
    import_id = checked(browser, account)
    shown = browser.get(at(account, "options", import_id))
    form = {"mode": "upsert", "marketing": "all", "planned": planned(shown)}
    answer = browser.post(at(account, "start", import_id), form)
    assert answer.status_code == 409
    assert "The options are not those of this preview." in text(answer)
    assert "Confirm: import, and set 2 contacts" in text(answer)


@pytest.mark.parametrize(
    "forged", [{"mode": "destroy"}, {"mode": "upsert", "marketing": "nobody"}, {}]
)
def test_a_forged_option_is_refused(
    browser: Client, account: AccountInfo, forged: dict[str, str]
) -> None:
    import_id = checked(browser, account)
    assert browser.post(at(account, "options", import_id), forged).status_code == 400
    assert browser.post(at(account, "start", import_id), forged).status_code == 400


def test_confirming_twice_gives_the_first_result(
    browser: Client, account: AccountInfo
) -> None:  # B5, J3
    import_id = checked(browser, account)
    shown = choose(browser, account, import_id, marketing="all")
    form = {"mode": "upsert", "marketing": "all", "planned": planned(shown), "count": "2"}
    first = browser.post(at(account, "start", import_id), form)
    work(account, import_id)
    ledger = make.ledger(account)
    second = browser.post(at(account, "start", import_id), form)
    assert first.headers["Location"] == second.headers["Location"]
    work(account, import_id)
    assert make.ledger(account) == ledger


def test_a_full_ceiling_blocks_with_its_numbers(db: None) -> None:  # O3
    account = make.account(at_limit="ceiling", ceiling=1)
    browser = signed_in(User.objects.get(email="anna@example.com"))
    import_id = checked(browser, account)
    answer = choose(browser, account, import_id, marketing="all")
    assert "2 more do not fit under the ceiling of 1, with 0 places taken" in text(answer)
    assert "data-confirm" not in answer.content.decode()
    form = {"mode": "upsert", "marketing": "all", "planned": planned(answer), "count": "2"}
    refused = browser.post(at(account, "start", import_id), form)
    assert refused.status_code == 409
    assert contact_count(account) == 0


def test_without_the_right_the_status_stays_as_it_is(account: AccountInfo) -> None:  # P3, P4
    person = make.user(account, "marketer")
    Membership.objects.filter(user=person).update(withdrawn=[Right.MARKETING_ACCESS.value])
    browser = signed_in(person)
    import_id = checked(browser, account)
    answer = browser.get(at(account, "options", import_id))
    assert "This needs the right “Marketing contacts access”." in text(answer)
    assert [one.is_disabled for one in answer.context["page"].marketing] == [False, True, True]
    assert choose(browser, account, import_id, marketing="all").status_code == 403
    form = {"mode": "upsert", "marketing": "new", "planned": planned(answer)}
    assert browser.post(at(account, "start", import_id), form).status_code == 403
    begin(browser, account, import_id)
    assert work(account, import_id).created == 3
    assert usage(account) == 0


def test_what_somebody_with_the_right_chose_is_not_started_by_somebody_without(
    browser: Client, account: AccountInfo
) -> None:  # P3
    import_id = checked(browser, account)
    shown = choose(browser, account, import_id, marketing="all")
    person = make.user(account, "marketer")
    Membership.objects.filter(user=person).update(withdrawn=[Right.MARKETING_ACCESS.value])
    form = {"mode": "upsert", "planned": planned(shown), "count": "2"}
    answer = signed_in(person).post(at(account, "start", import_id), form)
    assert answer.status_code == 409  # a disabled choice is not sent: another option than shown
    assert usage(account) == 0
    assert seen(account, import_id).state is ImportState.CHECKED


def test_an_account_without_the_feature_has_no_such_choice(
    browser: Client, account: AccountInfo
) -> None:  # E4
    Account.objects.filter(id=account.id).update(has_marketing_contacts=False)
    import_id = checked(browser, account)
    answer = browser.get(at(account, "options", import_id))
    assert "Marketing status" not in text(answer)
    assert choose(browser, account, import_id, marketing="all").status_code == 403
    begin(browser, account, import_id)
    assert work(account, import_id).created == 3


# 5 Run


def test_the_run_says_how_far_it_is_and_what_came_of_it(
    browser: Client, account: AccountInfo, mixed: int
) -> None:
    begin(browser, account, mixed)
    running = browser.get(at(account, "run", mixed))
    assert 'hx-trigger="every 1s"' in running.content.decode()
    assert "3 of 7 rows" in text(running)  # those that cannot be taken are done
    work(account, mixed)
    part = browser.get(at(account, "run", mixed), headers=HTMX)
    said = text(part)
    assert "<html" not in part.content.decode()
    assert "every 1s" not in part.content.decode()
    for outcome in ("2 created", "1 updated", "1 was as in the file", "3 not taken"):
        assert outcome in said
    assert "usage-changed" in part.headers["HX-Trigger"]


def test_the_run_leads_to_exactly_its_contacts(browser: Client, account: AccountInfo) -> None:
    make.contacts(account, 3)
    run = finished(browser, account)
    link = f"{reverse('contacts:list', args=[account.id])}?import={run.id}"
    assert link in browser.get(at(account, "run", run.id)).content.decode()
    said = text(browser.get(link))
    assert "Zażółć Gęślą" in said
    assert "Nowak 1" not in said


def test_the_failures_can_be_mended_and_dropped_back_in(
    browser: Client, account: AccountInfo, mixed: int
) -> None:
    begin(browser, account, mixed)
    work(account, mixed)
    answer = browser.get(at(account, "failures", mixed))
    mended = answer.getvalue().decode("utf-8-sig").replace("broken@", "mended@example.com")
    again = begun(browser, account, mended)
    page = browser.get(at(account, "mapping", again)).context["page"]
    assert page.columns[-1].property == ""  # the reason is not imported
    assert page.columns[0].property == "email"


def test_what_is_left_of_a_run_can_be_cancelled(browser: Client, account: AccountInfo) -> None:
    import_id = checked(browser, account)
    begin(browser, account, import_id)
    answer = browser.post(at(account, "cancel", import_id), follow=True)
    assert "Cancelled; what was done stays" in text(answer)
    assert seen(account, import_id).state is ImportState.CANCELLED
    assert contact_count(account) == 0


def test_a_draft_can_be_thrown_away(
    browser: Client, account: AccountInfo, django_capture_on_commit_callbacks: Any
) -> None:
    kept = set(imports.folder().iterdir())
    import_id = begun(browser, account)
    with django_capture_on_commit_callbacks(execute=True):
        answer = browser.post(at(account, "cancel", import_id), follow=True)
    assert "The file was thrown away. Nothing was imported." in text(answer)
    assert set(imports.folder().iterdir()) == kept
    assert "people.csv" not in text(browser.get(at(account, "list")))


# Undo


def test_undoing_says_before_what_it_will_do(
    browser: Client, account: AccountInfo
) -> None:  # I4, S10
    make.contact(account, email="lukasz@example.pl", firstname="Old")
    run = finished(browser, account, marketing="all", count="2")
    said = text(browser.get(at(account, "undo", run.id)))
    assert "2 contacts that the import created go to the recycle bin." in said
    assert "1 of them is a marketing contact. Its place counts until 1 Feb 2027" in said
    assert "2 contacts that the import set as marketing are staged" in said
    assert "1 contact that the import changed gets its earlier values back." in said


def test_undoing_does_what_it_said_and_tells_what_was_kept(
    browser: Client, account: AccountInfo, anna: Source
) -> None:  # I4
    old = make.contact(account, email="lukasz@example.pl", firstname="Old", lastname="Name")
    touched = make.contact(account, email="zazolc@example.pl", firstname="Old", lastname="Name")
    run = finished(browser, account)
    edit = reverse("records:edit", args=[account.id, touched])
    browser.post(edit, {"version": "2", "firstname": "Edited"})
    said = text(browser.get(at(account, "undo", run.id)))
    assert "1 contact was touched since: what was touched stays as it is now." in said
    browser.post(at(account, "undo", run.id))
    assert work(account, run.id).state is ImportState.UNDONE
    answer = browser.get(at(account, "run", run.id))
    said = text(answer)
    assert "1 put into the recycle bin" in said
    assert "1 touched since the import; that stays" in said
    assert reverse("records:show", args=[account.id, touched]) in answer.content.decode()
    assert reverse("records:show", args=[account.id, old]) not in answer.content.decode()
    names = sql.rows(
        "SELECT properties->>'firstname' FROM contact WHERE id = ANY(%(ids)s) ORDER BY id",
        {"ids": [old, touched]},
    )
    assert [name for (name,) in names] == ["Old", "Edited"]


def test_undoing_twice_undoes_once(browser: Client, account: AccountInfo) -> None:  # V8
    run = finished(browser, account)
    browser.post(at(account, "undo", run.id))
    work(account, run.id)
    ledger = make.ledger(account)
    second = browser.post(at(account, "undo", run.id))
    assert second.headers["Location"] == at(account, "run", run.id)
    work(account, run.id)
    assert make.ledger(account) == ledger


def test_undoing_is_offered_for_30_days(
    browser: Client, account: AccountInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finished(browser, account)
    assert "Undo…" in text(browser.get(at(account, "run", run.id)))
    monkeypatch.setattr(clock, "now", lambda: JAN_20 + timedelta(days=31))
    assert "Undo…" not in text(browser.get(at(account, "run", run.id)))
    assert browser.post(at(account, "undo", run.id)).status_code == 409


def test_undoing_starts_needs_the_marketing_right(
    browser: Client, account: AccountInfo
) -> None:  # P3
    run = finished(browser, account, marketing="all", count="2")
    person = make.user(account, "marketing_manager")
    Membership.objects.filter(user=person).update(withdrawn=[Right.MARKETING_ACCESS.value])
    other = signed_in(person)
    assert "Undoing: This needs the right “Marketing contacts access”." in text(
        other.get(at(account, "run", run.id))
    )
    assert other.post(at(account, "undo", run.id)).status_code == 403
    assert seen(account, run.id).state is ImportState.COMPLETE


def test_somebody_elses_import_is_undone_by_whoever_may_delete_many(
    browser: Client, account: AccountInfo
) -> None:
    run = finished(browser, account)
    marketer = signed_in(make.user(account, "marketer"))
    assert marketer.post(at(account, "undo", run.id)).status_code == 403
    manager = signed_in(make.user(account, "marketing_manager"))
    assert manager.post(at(account, "undo", run.id)).status_code == 302


def test_nothing_is_left_to_undo_when_somebody_deleted_it_all(
    browser: Client, account: AccountInfo, anna: Source
) -> None:
    run = finished(browser, account)
    everybody = sql.rows("SELECT id FROM contact WHERE account_id = %(id)s", {"id": account.id})
    archive_contacts(account.id, make.ids(*(one for (one,) in everybody)), by=anna, now=JAN_20)
    answer = browser.get(at(account, "undo", run.id))
    assert "Nothing of it is left to undo." in text(answer)
    assert '<button class="button button--danger"' not in answer.content.decode()


def test_a_later_start_by_somebody_else_is_not_undone(
    browser: Client, account: AccountInfo, anna: Source
) -> None:  # I4
    run = finished(browser, account)
    row = sql.row("SELECT id FROM contact WHERE email = 'lukasz@example.pl'")
    assert row is not None
    start_marketing(account.id, make.ids(row[0]), by=anna, now=JAN_20)
    said = text(browser.get(at(account, "undo", run.id)))
    assert "staged" not in said


# Other accounts


def test_an_import_of_another_account_is_not_there(
    browser: Client, account: AccountInfo, other_account: AccountInfo
) -> None:  # V16
    theirs = begun(signed_in(User.objects.get(email="owner@other.example")), other_account)
    for step in ("open", "file", "mapping", "check", "bad_rows", "options", "run", "failures"):
        assert browser.get(at(account, step, theirs)).status_code == 404, step
    for step in ("mapping", "read_as", "property", "options", "start", "cancel", "undo"):
        assert browser.post(at(account, step, theirs)).status_code == 404, step
    assert seen(other_account, theirs).state is ImportState.DRAFT
    link = f"{reverse('contacts:list', args=[account.id])}?import={theirs}"
    assert "No contact matches." in text(browser.get(link))

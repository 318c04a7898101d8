"""A contact's page through its door: create, edit, delete, restore, erase, merge, status."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from marketable import clock, sql
from marketable.accounts.models import Account, User
from marketable.accounts.queries import EVERYTHING, AccountInfo
from marketable.billing.services import set_limit_policy
from marketable.contacts import queries as contacts
from marketable.contacts.services.archive import archive_contacts
from marketable.contacts.services.duplicates import find_duplicates
from marketable.contacts.services.edit import edit_contact
from marketable.history.sources import Source, SourceType
from marketable.marketing_status import queries as status
from marketable.marketing_status.rules import Status
from marketable.marketing_status.services import start_marketing
from marketable.properties.rules import Option, PropertyDef, PropertyType
from marketable.properties.services import create_property
from marketable.segments.services import segments
from marketable.web.records import timeline
from tests import make
from tests.make import JAN_10, JAN_20
from tests.web.guarding import JAN, everything_stored, signed_in, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def in_january(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: JAN_20)


@pytest.fixture
def browser(owner: User) -> Client:
    return signed_in(owner)


def at(account: AccountInfo, name: str, contact_id: int) -> str:
    return reverse(f"records:{name}", args=[account.id, contact_id])


def read(account: AccountInfo, contact_id: int) -> contacts.ContactRow:
    return contacts.contact(account.id, contact_id, reach=EVERYTHING, today=JAN)


def create(browser: Client, account: AccountInfo, **form: str) -> Any:
    return browser.post(reverse("contacts:create", args=[account.id]), form)


def body(answer: Any) -> str:
    text: str = answer.content.decode()
    return text


# Creating


@pytest.mark.parametrize("tick", [False, True])
def test_a_new_contact_counts_only_when_ticked(
    browser: Client, account: AccountInfo, tick: bool
) -> None:  # R3
    form = {"email": "a@example.com", **({"marketing": "1"} if tick else {})}
    answer = create(browser, account, **form)
    page = browser.get(answer["Location"])
    said = "Marketing contact" if tick else "Non-marketing contact"
    assert said in text_of(page)
    assert status.usage(account.id, JAN).usage == tick
    if tick:
        assert "Created by hand" in text_of(page)  # H2


def test_the_tick_is_off_until_somebody_sets_it(browser: Client, account: AccountInfo) -> None:
    page = browser.get(reverse("contacts:create", args=[account.id])).content.decode()
    tick = page[page.index('name="marketing"') - 100 :][:200]
    assert "checked" not in tick


def test_an_erased_person_is_added_by_hand_after_a_warning(
    browser: Client, account: AccountInfo
) -> None:  # S14
    contact_id = make.contact(account, email="a@example.com")
    browser.post(at(account, "erase", contact_id), {"number": str(contact_id)})
    refused = create(browser, account, email="a@example.com", firstname="Anna")
    assert refused.status_code == 409
    assert "erased for good" in text_of(refused)
    assert 'value="Anna"' in refused.content.decode()
    done = create(browser, account, email="a@example.com", firstname="Anna", lift_block="1")
    assert done.status_code == 302
    assert create(browser, account, email="a@example.com").status_code == 409  # taken now


def test_a_block_is_lifted_by_its_address(browser: Client, account: AccountInfo) -> None:  # S14
    contact_id = make.contact(account, email="a@example.com")
    browser.post(at(account, "erase", contact_id), {"number": str(contact_id)})
    url = reverse("settings:unblock", args=[account.id])
    for wrong, code in (("b@example.com", 409), ("nonsense", 400), ("", 400)):
        answer = browser.post(url, {"address": wrong})
        assert answer.status_code == code
        assert f'value="{wrong}"' in answer.content.decode()
    assert browser.post(url, {"address": " A@Example.com "}).status_code == 302
    told = sql.row("SELECT kind, body::text FROM change ORDER BY id DESC LIMIT 1")
    assert told == ("setting_changed", '{"lifted": true, "setting": "blocked_address"}')
    assert create(browser, account, email="a@example.com").status_code == 302


# Editing


def edit(browser: Client, account: AccountInfo, contact_id: int, **form: str) -> Any:
    row = read(account, contact_id)
    return browser.post(at(account, "edit", contact_id), {"version": str(row.version), **form})


def test_values_are_saved_and_the_status_is_left(browser: Client, account: AccountInfo) -> None:
    contact_id = make.contact(account, status=Status.LEAVING)  # R4
    answer = edit(browser, account, contact_id, city="Łódź", firstname="Ola")
    assert answer.status_code == 302
    row = read(account, contact_id)
    assert (row.properties["city"], row.properties["firstname"]) == ("Łódź", "Ola")
    assert row.status is Status.LEAVING
    page = text_of(browser.get(at(account, "show", contact_id)))
    assert "City: Łódź" in page.replace("City: – → ", "City: ")


def test_the_status_cannot_be_typed_in(browser: Client, account: AccountInfo) -> None:  # R4, J5
    contact_id = make.contact(account)
    form = browser.get(at(account, "edit", contact_id)).content.decode()
    for name in ("hs_marketable_status", "hs_marketable_until_renewal", "marketable_since"):
        assert f'name="{name}"' not in form
        before = everything_stored()
        edit(browser, account, contact_id, **{name: "true"})
        assert everything_stored() == before


def test_what_cannot_be_saved_is_said_at_its_field_and_kept(
    browser: Client, account: AccountInfo
) -> None:
    contact_id = make.contact(account, email="a@example.com")
    other = make.contact(account, email="b@example.com")
    before = everything_stored()
    for form, problem in (
        ({"email": "no address", "city": "Łódź"}, "is not an e-mail address"),
        ({"email": "B@example.com", "city": "Łódź"}, f"#{other}"),
        ({"lifecyclestage": "nonsense", "city": "Łódź"}, "not one of the options"),
        ({"city": "x" * 65_537, "firstname": "Łódź"}, "can be stored"),
        ({"city": "nul\0", "firstname": "Łódź"}, "cannot be stored"),
    ):
        answer = edit(browser, account, contact_id, **form)
        assert answer.status_code in {400, 409}
        assert problem in text_of(answer)
        assert "Łódź" in answer.content.decode()
        assert "aria-invalid" in answer.content.decode()
    assert everything_stored() == before


def test_what_was_changed_meanwhile_is_told_and_nothing_is_written_over(
    browser: Client, account: AccountInfo
) -> None:
    contact_id = make.contact(account, city="Kraków", company="Acme", phone="1")
    bo = make.source(make.user(account, email="bo@example.com"))
    for values in ({"city": "Gdańsk"}, {"city": "Gdynia", "company": "Bauer"}):
        edit_contact(
            account.id, contact_id, values, version=None, reach=EVERYTHING, by=bo, now=JAN_20
        )
    form = {"version": "1", "city": "Łódź", "company": "Acme", "phone": "2"}
    before = everything_stored()
    answer = browser.post(at(account, "edit", contact_id), form)
    assert answer.status_code == 409
    assert everything_stored() == before
    said = text_of(answer)
    assert "bo@example.com" in said
    assert "City: Kraków → Gdynia" in said
    assert ": Acme → Bauer" in said
    page = answer.content.decode()
    assert 'name="city" value="Łódź"' in page  # typed: kept, and marked
    assert 'name="phone" value="2"' in page
    assert 'name="company" value="Bauer"' in page  # not touched here: as it is now
    assert page.count("Changed meanwhile") == 1
    again = {"version": "3", "city": "Łódź", "company": "Bauer", "phone": "2"}
    assert f'name="version" value="{again["version"]}"' in page
    assert browser.post(at(account, "edit", contact_id), again).status_code == 302
    kept = read(account, contact_id).properties
    assert (kept["city"], kept["company"], kept["phone"]) == ("Łódź", "Bauer", "2")


def test_saving_the_same_again_writes_nothing(browser: Client, account: AccountInfo) -> None:
    contact_id = make.contact(account, city="Łódź")
    before = everything_stored()
    answer = browser.post(at(account, "edit", contact_id), {"version": "1", "city": "Łódź"})
    assert "Nothing was different" in text_of(browser.get(answer["Location"]))
    assert everything_stored() == before


def test_what_is_not_offered_any_more_is_kept_by_saving_something_else(
    browser: Client, account: AccountInfo, anna: Source
) -> None:
    """A hidden option, and an owner who left the account."""
    options = (Option("old", "Old one", is_hidden=True), Option("new", "New one"))
    size = PropertyDef("size", "Size", PropertyType.ENUMERATION, "select", options=options)
    create_property(account.id, size, by=anna, now=JAN_20)
    contact_id = make.contact(account, size="old", hubspot_owner_id="4242")
    form = browser.get(at(account, "edit", contact_id)).content.decode()
    assert '<option value="old" selected>Old one</option>' in form
    assert '<option value="4242" selected>4242</option>' in form
    answer = edit(browser, account, contact_id, size="old", hubspot_owner_id="4242", city="Łódź")
    assert answer.status_code == 302
    kept = read(account, contact_id).properties
    assert (kept["size"], kept["hubspot_owner_id"], kept["city"]) == ("old", "4242", "Łódź")


# Archiving and restoring


def test_deleting_says_what_it_does_to_the_place_and_holds_it(
    browser: Client, account: AccountInfo
) -> None:  # S10
    contact_id = make.contact(account, status=Status.MARKETING)
    asked = text_of(browser.get(at(account, "archive", contact_id)))
    assert "its place counts until 1 Feb 2027" in asked
    assert read(account, contact_id).archived_at is None
    browser.post(at(account, "archive", contact_id))
    page = text_of(browser.get(at(account, "show", contact_id)))
    assert "It counts until 1 Feb 2027" in page
    assert status.usage(account.id, JAN).usage == 1
    restored = browser.post(at(account, "restore", contact_id))
    assert "with the status it had" in text_of(browser.get(restored["Location"]))
    assert read(account, contact_id).status is Status.MARKETING


def test_restoring_names_the_contact_with_the_address_and_offers_to_merge(
    browser: Client, account: AccountInfo, anna: Source
) -> None:  # S17
    old = make.contact(account, email="a@example.com", status=Status.MARKETING, city="Kraków")
    archive_contacts(account.id, make.ids(old), by=anna, now=JAN_20)
    new = make.contact(account, email="a@example.com", company="Bauer")
    answer = browser.post(at(account, "restore", old))
    assert answer.status_code == 409
    assert f"Restore and merge into #{new}" in text_of(answer)
    assert read(account, old).archived_at is not None
    done = browser.post(at(account, "restore", old), {"into": str(new)})
    assert done["Location"] == at(account, "show", new)
    row = read(account, new)
    assert (row.properties["city"], row.properties["company"]) == ("Kraków", "Bauer")
    assert row.status is Status.MARKETING  # the place came along
    assert status.usage(account.id, JAN).usage == 1
    assert read(account, old).merged_into == new
    assert contacts.owner_of_address(account.id, "a@example.com") == new
    assert status.prove(account.id).ok


def test_restoring_into_a_contact_frees_the_second_place(
    browser: Client, account: AccountInfo, anna: Source
) -> None:  # S12
    old = make.contact(account, email="a@example.com", status=Status.LEAVING)
    archive_contacts(account.id, make.ids(old), by=anna, now=JAN_20)
    new = make.contact(account, email="a@example.com")
    other = make.contact(account, status=Status.MARKETING)
    assert status.usage(account.id, JAN).usage == 2
    browser.post(at(account, "restore", old), {"into": str(other)})
    assert read(account, old).archived_at is not None  # not the one with the address
    browser.post(at(account, "restore", old), {"into": str(new)})
    assert read(account, new).status is Status.LEAVING
    assert status.usage(account.id, JAN).usage == 2
    assert status.prove(account.id).ok


@pytest.mark.parametrize("into", ["", "0", "-1", "abc", "9" * 30, "٤٢"])
def test_restoring_into_nobody_changes_nothing(
    browser: Client, account: AccountInfo, anna: Source, into: str
) -> None:
    old = make.contact(account, email="a@example.com")
    archive_contacts(account.id, make.ids(old), by=anna, now=JAN_20)
    make.contact(account, email="a@example.com")
    before = everything_stored()
    assert browser.post(at(account, "restore", old), {"into": into}).status_code in {404, 409}
    assert everything_stored() == before


def test_what_is_in_the_bin_takes_no_other_work(
    browser: Client, account: AccountInfo, anna: Source
) -> None:  # J15
    contact_id, other = make.contacts(account, 2)
    archive_contacts(account.id, make.ids(contact_id), by=anna, now=JAN_20)
    before = everything_stored()
    for name, form in (
        ("edit", {"version": "2", "city": "X"}),
        ("status", {"action": "start"}),
        ("merge", {"other": str(other)}),
    ):
        assert browser.post(at(account, name, contact_id), form).status_code == 409, name
    assert browser.post(at(account, "merge", other), {"other": str(contact_id)}).status_code == 409
    assert browser.post(at(account, "merge", other), {"other": str(other)}).status_code == 400
    assert everything_stored() == before


# Erasing


@pytest.mark.parametrize("typed", ["", "1", "yes", "12,48", "-5", "nul\0"])
def test_erasing_wants_the_number_typed(browser: Client, account: AccountInfo, typed: str) -> None:
    contact_id = make.contact(account, email="secret@example.com")
    before = everything_stored()
    answer = browser.post(at(account, "erase", contact_id), {"number": typed})
    assert answer.status_code == 400
    assert f"Type the number {contact_id}" in text_of(answer)
    assert everything_stored() == before


def test_an_erased_contact_leaves_a_tombstone_without_a_name(
    browser: Client, account: AccountInfo
) -> None:  # S14
    contact_id = make.contact(account, email="secret@example.com", status=Status.MARKETING)
    edit(browser, account, contact_id, city="Secretville")
    browser.post(at(account, "erase", contact_id), {"number": str(contact_id)})
    page = text_of(browser.get(at(account, "show", contact_id)))
    assert "secret" not in page.lower()
    assert "erased for good" in page
    assert status.usage(account.id, JAN).usage == 1
    again = browser.post(at(account, "erase", contact_id), {"number": str(contact_id)})
    assert again.status_code == 409


def test_erasing_somebody_who_was_merged_leads_to_the_survivor(
    browser: Client, account: AccountInfo
) -> None:
    survivor, other = make.contacts(account, 2)
    merge(browser, account, survivor, other)
    answer = browser.post(at(account, "erase", other), {"number": str(other)})
    assert answer["Location"] == at(account, "erase", survivor)
    browser.post(answer["Location"], {"number": str(survivor)})
    assert read(account, other).erased_at is not None


# Merging, and taking it back


def seen_on(page: Any) -> str:
    found = re.search(r'name="seen" value="([^"]+)"', page.content.decode())
    assert found is not None
    return found[1]


def merge(browser: Client, account: AccountInfo, survivor: int, other: int, **choices: str) -> Any:
    page = browser.get(at(account, "merge", survivor), {"other": str(other)})
    return browser.post(
        at(account, "merge", survivor),
        {"other": str(other), "seen": seen_on(page), **choices},
    )


def test_the_other_record_is_found_compared_and_merged(
    browser: Client, account: AccountInfo
) -> None:
    survivor = make.contact(account, firstname="Anna", lastname="Nowak", city="Kraków")
    other = make.contact(
        account, firstname="Ania", lastname="Nowak", email="ania@example.com", city="Gdańsk"
    )
    found = text_of(browser.get(at(account, "merge", survivor), {"q": "nowak"}))
    assert f"Compare with #{other}" in found
    assert f"Compare with #{survivor}" not in found
    both = text_of(browser.get(at(account, "merge", survivor), {"other": str(other)}))
    for part in ("Kraków", "Gdańsk", "Ania", "Neither counts", f"Keep #{other} instead"):
        assert part in both
    done = merge(browser, account, survivor, other, **{"from-city": "theirs"})
    page = text_of(browser.get(done["Location"]))
    assert "ania@example.com" in page
    assert read(account, survivor).properties["city"] == "Gdańsk"
    assert read(account, survivor).properties["firstname"] == "Anna"
    assert "Merged into" in text_of(browser.get(at(account, "show", other)))


@pytest.mark.parametrize("seen", ["", "stale"])
def test_a_merge_that_was_not_seen_as_it_is_is_shown_again_with_the_choices(
    browser: Client, account: AccountInfo, seen: str
) -> None:  # B5
    survivor, other = make.contact(account, city="Kraków"), make.contact(account, city="Gdańsk")
    answer = browser.post(
        at(account, "merge", survivor),
        {"other": str(other), "seen": seen, "from-city": "theirs"},
    )
    assert answer.status_code == 409
    chosen = re.search(r'<input type="radio" name="from-city" value="theirs"[^>]*>', body(answer))
    assert chosen is not None and "checked" in chosen[0]
    assert read(account, other).merged_into is None


def test_taking_a_merge_back_says_what_it_does_before(
    browser: Client, account: AccountInfo
) -> None:  # S13
    survivor = make.contact(account)
    other = make.contact(account, status=Status.MARKETING, company="Acme")
    merge(browser, account, survivor, other)
    page = browser.get(at(account, "unmerge", other))
    said = text_of(page)
    for part in ("Marketing contacts 1 2", "gets its place back", "until 1 Feb 2027", "Acme"):
        assert part in said
    done = browser.post(at(account, "unmerge", other), {"seen": seen_on(page)})
    assert done["Location"] == at(account, "show", other)
    assert read(account, other).status is Status.MARKETING
    assert read(account, survivor).status is Status.LEAVING
    refused = browser.post(at(account, "unmerge", other), {"seen": seen_on(page)})
    assert refused.status_code == 409


def test_the_ceiling_that_leaves_no_room_is_said_before(
    browser: Client, account: AccountInfo, anna: Source
) -> None:  # S13
    survivor, other = (make.contact(account, status=Status.MARKETING) for _ in range(2))
    merge(browser, account, survivor, other)
    set_limit_policy(account.id, at_limit="ceiling", ceiling=1, by=anna, now=JAN_20)
    page = browser.get(at(account, "unmerge", other))
    assert "the ceiling leaves no room" in text_of(page)
    browser.post(at(account, "unmerge", other), {"seen": seen_on(page)})
    assert read(account, other).status is Status.NON_MARKETING


# Timeline and the history of one property


def test_a_timeline_is_narrowed_by_kind_tool_and_day(
    browser: Client, account: AccountInfo
) -> None:  # H4
    contact_id = make.contact(account, status=Status.MARKETING)
    edit(browser, account, contact_id, city="Gdańsk")
    browser.post(at(account, "write_note", contact_id), {"text": "Call in May"})

    def titles(**query: str) -> list[str]:
        page = browser.get(at(account, "show", contact_id), query)
        return re.findall(r'timeline__head"><strong>([^<]+)', body(page))

    assert titles() == ["Note written", "Changed", "Set as marketing", "Created"]
    assert titles(kind="values") == ["Changed", "Created"]
    assert titles(kind="notes") == ["Note written"]
    assert titles(tool="RECORD") == ["Note written", "Changed"]
    assert titles(to="2027-01-15") == ["Set as marketing", "Created"]
    assert titles(**{"from": "2027-01-15"}) == ["Note written", "Changed"]
    assert len(titles(**{"from": "nonsense"}, kind="x", tool="y", before="z")) == 4


def test_the_story_goes_on_where_a_page_ends_whatever_it_is_narrowed_to(
    browser: Client, account: AccountInfo
) -> None:
    contact_id = make.contact(account)
    for number in range(timeline.PAGE + 5):
        browser.post(at(account, "write_note", contact_id), {"text": f"Note {number}"})
    first = body(browser.get(at(account, "show", contact_id), {"kind": "notes"}))
    assert first.count("timeline__head") == timeline.PAGE
    link = re.search(r'href="([^"]+before=[^"]+)#timeline"', first)
    assert link is not None
    rest = body(browser.get(link[1].replace("&amp;", "&")))
    assert rest.count("timeline__head") == 5


def test_a_value_of_the_past_is_found_with_its_source_and_restored(
    browser: Client, account: AccountInfo
) -> None:
    contact_id = make.contact(account)
    edit(browser, account, contact_id, city="Kraków")
    edit(browser, account, contact_id, city="Gdańsk")
    page = reverse("records:property", args=[account.id, contact_id, "city"])
    shown = browser.get(page)
    for part in ("Kraków", "Gdańsk", "Contact record", "anna@example.com"):
        assert part in text_of(shown)
    [change] = re.findall(r'name="change" value="(\d+)"', body(shown))
    browser.post(page, {"change": change})
    assert read(account, contact_id).properties["city"] == "Kraków"
    [(kind,)] = sql.rows("SELECT kind FROM change ORDER BY id DESC LIMIT 1")
    assert kind == "contact_changed"


@pytest.mark.parametrize("change", ["", "0", "x", "9" * 30])
def test_a_value_that_never_was_is_not_restored(
    browser: Client, account: AccountInfo, change: str
) -> None:
    contact_id = make.contact(account, city="Kraków")
    page = reverse("records:property", args=[account.id, contact_id, "city"])
    assert browser.post(page, {"change": change}).status_code == 400


# Notes and memberships


def test_a_note_is_written_shown_as_text_and_deleted_with_undo(
    browser: Client, account: AccountInfo
) -> None:
    contact_id = make.contact(account)
    browser.post(at(account, "write_note", contact_id), {"text": "<b>Call</b> in May"})
    [note] = contacts.notes(account.id, contact_id)
    page = body(browser.get(at(account, "show", contact_id)))
    assert "&lt;b&gt;Call" in page
    gone = browser.post(reverse("records:delete_note", args=[account.id, contact_id, note.id]))
    undo = body(browser.get(gone["Location"]))
    restore = reverse("records:restore_note", args=[account.id, contact_id, note.id])
    assert restore in undo
    assert contacts.notes(account.id, contact_id) == []
    browser.post(restore)
    assert contacts.notes(account.id, contact_id) == [note]


def test_a_contact_is_put_into_a_fixed_segment_and_taken_out(
    browser: Client, account: AccountInfo, anna: Source
) -> None:
    contact_id = make.contact(account)
    fair = segments.create_fixed(account.id, "Fair", by=anna, now=JAN_20)
    form = {"segment": str(fair.id), "go": "add"}
    browser.post(at(account, "segments", contact_id), form)
    page = text_of(browser.get(at(account, "show", contact_id)))
    assert "Fair: added" in page
    assert "since 20 Jan 2027" in page
    browser.post(at(account, "segments", contact_id), {**form, "go": "remove"})
    page = text_of(browser.get(at(account, "show", contact_id)))
    assert "Fair: removed" in page
    assert "1 earlier stay" in page


@pytest.mark.parametrize(
    "form", [{}, {"go": "add"}, {"segment": "x", "go": "add"}, {"segment": "1"}]
)
def test_a_segment_must_be_chosen(
    browser: Client, account: AccountInfo, form: dict[str, str]
) -> None:
    assert browser.post(at(account, "segments", make.contact(account)), form).status_code == 400


# Duplicates


def test_who_may_be_the_same_person_is_suggested_and_dismissed(
    browser: Client, account: AccountInfo
) -> None:  # S18
    one, two = (
        make.contact(account, phone="+48 601 234 567", lastname=name) for name in ("Nowak", "Lis")
    )
    page = text_of(browser.get(at(account, "show", one)))
    assert "May be the same person" in page
    assert "same telephone number" in page
    find_duplicates(account.id, now=JAN_20)
    listed = reverse("duplicates:list", args=[account.id])
    assert f"#{two}" in text_of(browser.get(listed))
    pair = {"one": str(one), "two": str(two)}
    browser.post(reverse("duplicates:dismiss", args=[account.id]), pair)
    assert "No two contacts look like one person" in text_of(browser.get(listed))
    assert "May be the same" not in text_of(browser.get(at(account, "show", one)))
    assert f"#{two}" in text_of(browser.get(listed, {"show": "dismissed"}))


# The status card


def test_the_card_says_state_since_source_and_dates(
    browser: Client, account: AccountInfo, anna: Source
) -> None:  # R1
    contact_id = make.contact(account)
    page = browser.get(at(account, "show", contact_id))
    assert "Non-marketing contact" in text_of(page)
    assert "Set as marketing contact" in text_of(page)
    form = anna.through(SourceType.FORM, "7", "Newsletter")
    start_marketing(account.id, make.ids(contact_id), by=form, now=JAN_10)
    said = text_of(browser.get(at(account, "show", contact_id)))
    for part in ("Marketing contact", "10 Jan 2027", "Form", "1 Feb 2027", "Europe/Warsaw"):
        assert part in said
    assert "Set as non-marketing on 1 Feb" in said
    browser.post(at(account, "status", contact_id), {"action": "stop"})
    said = text_of(browser.get(at(account, "show", contact_id)))
    assert "Marketing contact until 1 Feb 2027" in said
    assert "Keep as marketing" in said
    browser.post(at(account, "status", contact_id), {"action": "keep"})
    assert read(account, contact_id).status is Status.MARKETING


def test_a_start_shows_its_plan_and_wants_no_number(
    browser: Client, account: AccountInfo
) -> None:  # R2, T10
    contact_id = make.contact(account)
    plan = text_of(browser.get(at(account, "status", contact_id), {"action": "start"}))
    for part in ("Marketing contacts 0 1", "Contact tier", "Price a month", "1 Feb 2027"):
        assert part in plan
    assert status.usage(account.id, JAN).usage == 0
    browser.post(at(account, "status", contact_id), {"action": "start"})
    assert status.usage(account.id, JAN).usage == 1
    again = browser.post(at(account, "status", contact_id), {"action": "start"})
    assert "so already" in text_of(browser.get(again["Location"]))  # V8


def test_a_contact_that_cannot_be_mailed_is_set_after_a_warning(
    browser: Client, account: AccountInfo
) -> None:  # S19
    contact_id = make.contact(account, email=None)
    plan = text_of(browser.get(at(account, "status", contact_id), {"action": "start"}))
    assert "it would only cost" in plan
    browser.post(at(account, "status", contact_id), {"action": "start"})
    assert read(account, contact_id).status is Status.MARKETING


def test_over_the_ceiling_nothing_is_set_and_the_numbers_are_said(
    browser: Client, account: AccountInfo, owner: User
) -> None:  # O3
    make.contact(account, status=Status.MARKETING)
    contact_id = make.contact(account)
    browser.post(
        reverse("settings:limit", args=[account.id]), {"at_limit": "ceiling", "ceiling": "1"}
    )
    plan = browser.get(at(account, "status", contact_id), {"action": "start"})
    assert "does not fit" in text_of(plan)
    answer = browser.post(at(account, "status", contact_id), {"action": "start"})
    assert answer.status_code == 409
    assert read(account, contact_id).status is Status.NON_MARKETING


@pytest.mark.parametrize("action", ["", "erase", "update_date", "START", "start;stop", "nul\0"])
def test_there_is_no_way_to_non_marketing_now(
    browser: Client, account: AccountInfo, action: str
) -> None:  # R2
    contact_id = make.contact(account, status=Status.MARKETING)
    assert browser.post(at(account, "status", contact_id), {"action": action}).status_code == 400
    assert read(account, contact_id).status is Status.MARKETING


def test_without_marketing_contacts_there_is_no_card_and_no_status(
    browser: Client, account: AccountInfo
) -> None:  # E4
    contact_id = make.contact(account)
    Account.objects.filter(id=account.id).update(has_marketing_contacts=False)
    page = browser.get(at(account, "show", contact_id))
    assert "Marketing status" not in text_of(page)
    answer = browser.post(at(account, "status", contact_id), {"action": "start"})
    assert answer.status_code == 403
    assert "does not have marketing contacts" in text_of(answer)
    assert read(account, contact_id).status is Status.NON_MARKETING


# History


def test_the_timeline_tells_old_and_new_who_by_what_and_leads_to_the_others(
    browser: Client, account: AccountInfo, anna: Source
) -> None:  # H4
    one, other = make.contacts(account, 2)
    by = anna.through(SourceType.FORM, "7", "Newsletter")
    start_marketing(account.id, make.ids(one, other), by=by, now=JAN_20 - timedelta(hours=1))
    browser.post(at(account, "status", one), {"action": "stop"})
    page = browser.get(at(account, "show", one))
    said = text_of(page)
    newest, older = said.index("Staged as non-marketing"), said.index("Set as marketing ")
    assert newest < older
    assert "Status: Marketing → Staged as non-marketing (until 1 Feb 2027)" in said
    assert "Status: Non-marketing → Marketing" in said
    assert "Form: Newsletter" in said
    assert "anna@example.com" in said
    change_id = sql.row("SELECT id FROM change WHERE kind = 'status_started'")
    assert change_id is not None
    url = reverse("history:change", args=[account.id, change_id[0]])
    assert f'href="{url}"' in page.content.decode()
    listed = browser.get(url).content.decode()
    assert at(account, "show", one) in listed
    assert at(account, "show", other) in listed


def test_a_long_timeline_is_read_page_by_page(browser: Client, account: AccountInfo) -> None:
    contact_id = make.contact(account)
    for number in range(35):
        edit(browser, account, contact_id, city=f"City number {number}.")
    page = browser.get(at(account, "show", contact_id))
    seen = [n for n in range(35) if f"City number {n}." in text_of(page)]
    assert min(seen) > 0
    older = page.context["older_than"]
    rest = text_of(browser.get(at(account, "show", contact_id), {"before": str(older)}))
    assert all(f"City number {n}." in rest for n in range(min(seen) - 1))


@pytest.mark.parametrize("before", ["", "0", "-1", "x", "9" * 19, "9" * 40, "٤٢", "nul\0"])
def test_a_place_in_the_timeline_that_is_none_is_its_beginning_or_its_end(
    browser: Client, account: AccountInfo, before: str
) -> None:
    contact_id = make.contact(account)
    assert browser.get(at(account, "show", contact_id), {"before": before}).status_code == 200

"""Segments on their pages: made, looked at, changed, filled by hand, deleted and brought back."""

from collections.abc import Callable
from html import unescape
from io import BytesIO
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from marketable import clock
from marketable.accounts.models import User
from marketable.accounts.queries import AccountInfo
from marketable.history.sources import Source
from marketable.segments import queries
from marketable.segments.errors import SegmentUnknown
from marketable.segments.queries import SegmentView
from marketable.segments.rules import Filter, State, from_json
from marketable.segments.services import segments
from tests import make
from tests.make import JAN_20
from tests.transfers.files import workbook_of
from tests.web.guarding import signed_in, text_of

pytestmark = pytest.mark.django_db

KRAKOW = '{"and": [{"property": "city", "operator": "is", "value": "Kraków"}]}'


@pytest.fixture(autouse=True)
def in_january(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: JAN_20)


@pytest.fixture
def account(db: None) -> AccountInfo:
    return make.account()


@pytest.fixture
def owner(account: AccountInfo) -> User:
    return User.objects.get(email="anna@example.com")


@pytest.fixture
def by(owner: User) -> Source:
    return make.source(owner)


@pytest.fixture
def browser(owner: User) -> Client:
    return signed_in(owner)


def url(account: AccountInfo, door: str, *args: int) -> str:
    return reverse(f"segments:{door}", args=[account.id, *args])


def city(name: str) -> Filter:
    return from_json({"and": [{"property": "city", "operator": "is", "value": name}]})


def active(account: AccountInfo, by: Source, name: str, wanted: Filter) -> SegmentView:
    return segments.create_active(account.id, name, wanted, by=by, now=JAN_20, build=True)


def fixed(account: AccountInfo, by: Source, name: str, *contact_ids: int) -> SegmentView:
    made = segments.create_fixed(account.id, name, by=by, now=JAN_20)
    segments.add_members(account.id, made.id, make.ids(*contact_ids), by=by, now=JAN_20)
    return queries.segment(account.id, made.id)


def names_of(answer: Any) -> list[str]:
    return [line.name for line in answer.context["page"].lines]


# The list


def test_an_account_without_segments_is_told_what_they_are(
    account: AccountInfo, browser: Client
) -> None:
    page = text_of(browser.get(url(account, "list")))
    assert "A segment is a set of contacts with a name" in page
    assert "Create segment" in page


def test_the_list_tells_kind_members_state_use_and_maker(
    account: AccountInfo, by: Source, browser: Client
) -> None:
    make.contact(account, city="Kraków")
    inner = active(account, by, "Kraków", city("Kraków"))
    active(account, by, "Outer", from_json({"and": [{"segment": inner.id}]}))
    fixed(account, by, "Guests", *make.contacts(account, 2))
    answer = browser.get(url(account, "list"))
    lines = {line.name: line for line in answer.context["page"].lines}
    assert names_of(answer) == ["Guests", "Kraków", "Outer"]
    assert (lines["Kraków"].kind, lines["Kraków"].members) == ("Active", "1")
    assert (lines["Kraków"].change, lines["Kraków"].used_by) == ("+1", "1")
    assert (lines["Guests"].kind, lines["Guests"].members) == ("Fixed", "2")
    assert lines["Guests"].state == "Ready"
    assert lines["Outer"].created_by == by.actor_label


def test_segments_are_found_by_name_sorted_and_paged(
    account: AccountInfo, by: Source, browser: Client
) -> None:
    people = make.contacts(account, 3)
    for number in range(55):
        segments.create_fixed(account.id, f"List {number:02}", by=by, now=JAN_20)
    fixed(account, by, "Łódź", *people)
    page = url(account, "list")
    assert len(names_of(browser.get(page))) == 50
    assert names_of(browser.get(page, {"page": "2"}))[-1] == "Łódź"
    assert names_of(browser.get(page, {"q": "lodz"})) == ["Łódź"]
    assert names_of(browser.get(page, {"sort": "-members"}))[0] == "Łódź"
    assert names_of(browser.get(page, {"only": "active"})) == []
    assert "No segment matches." in text_of(browser.get(page, {"q": "nowhere"}))


def test_what_needs_attention_says_what_is_wrong(
    account: AccountInfo, by: Source, browser: Client
) -> None:
    inner = fixed(account, by, "Guests")
    outer = active(account, by, "Outer", from_json({"and": [{"segment": inner.id}]}))
    problem = SegmentUnknown(inner.id).stored()
    segments.set_state(account.id, outer.id, State.NEEDS_ATTENTION, problem=problem)
    page = text_of(browser.get(url(account, "list"), {"only": "attention"}))
    assert "Needs attention" in page
    assert "There is no such segment." in page
    assert "There is no such segment." in text_of(browser.get(url(account, "show", outer.id)))


# Making one


def test_a_filter_is_looked_at_before_it_becomes_a_segment(
    account: AccountInfo, browser: Client
) -> None:
    make.contact(account, city="Kraków", firstname="Łucja", lastname="Żak")
    form = {"kind": "active", "name": "Kraków", "filter": KRAKOW}
    look = text_of(browser.post(url(account, "new"), {**form, "go": "look"}))
    assert "City is Kraków" in look
    assert "1 contact" in look
    assert "Łucja Żak" in look
    assert queries.segments(account.id) == []
    answer = browser.post(url(account, "new"), form)
    (made,) = queries.segments(account.id)
    assert answer["Location"] == url(account, "show", made.id)
    assert made.filter == city("Kraków")


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"filter": "{"}, "This is no JSON"),
        ({"filter": '{"and": [{"property": "nope", "operator": "is_known"}]}'}, "nope"),
        ({"filter": '{"and": [{"segment": 99}]}'}, "There is no segment 99"),
        ({"name": ""}, "A name has 1 to 200 characters."),
        ({"name": "guests"}, "There is a segment “guests” already."),
    ],
)
def test_what_is_wrong_is_told_beside_what_was_given(
    account: AccountInfo, by: Source, browser: Client, form: dict[str, str], told: str
) -> None:
    fixed(account, by, "Guests")
    sent = {"kind": "active", "name": "Kraków", "filter": KRAKOW, **form}
    answer = browser.post(url(account, "new"), sent)
    assert answer.status_code in {400, 409}
    assert told in text_of(answer)
    assert answer.context["name"] == sent["name"]
    assert len(queries.segments(account.id)) == 1


def test_a_fixed_list_is_made_of_pasted_addresses(account: AccountInfo, browser: Client) -> None:
    make.contact(account, email="ania@example.com")
    answer = browser.post(
        url(account, "new"),
        {"kind": "fixed", "name": "Goście", "addresses": "Ania@example.com\nnobody@example.com\nx"},
    )
    page = text_of(answer)
    assert "1 contact was added" in " ".join(page.split())
    assert "nobody@example.com" in page
    (made,) = queries.segments(account.id)
    assert (made.name, made.member_count) == ("Goście", 1)


def test_a_fixed_list_is_made_of_a_workbook(account: AccountInfo, browser: Client) -> None:
    made = [make.contact(account, email=f"{n}@example.com") for n in range(3)]
    content = workbook_of(("Imię", "Adres"), *(("Żaneta", f"{n}@example.com") for n in range(3)))
    file = BytesIO(content)
    file.name = "goście.xlsx"
    browser.post(url(account, "new"), {"kind": "fixed", "name": "Goście", "file": file})
    (segment,) = queries.segments(account.id)
    assert queries.member_ids(account.id, segment.id) == made


def test_a_file_that_is_no_list_makes_nothing(account: AccountInfo, browser: Client) -> None:
    file = BytesIO(b"%PDF-1.7")
    file.name = "list.csv"
    answer = browser.post(url(account, "new"), {"kind": "fixed", "name": "x", "file": file})
    assert answer.status_code == 400
    assert "This is a PDF file." in text_of(answer)
    assert queries.segments(account.id) == []


def test_an_applied_filter_is_saved_as_a_segment(account: AccountInfo, browser: Client) -> None:
    make.contact(account, city="Kraków")
    table = reverse("contacts:list", args=[account.id])
    asked = {"filter": KRAKOW, "status": "non_marketing"}
    page = browser.get(table, asked)
    assert "Save as segment" in text_of(page)
    form = {"filter": page.context["page"].segment_filter, "go": "look"}
    new = browser.post(url(account, "new"), form)
    assert "City is Kraków and is a non-marketing contact" in text_of(new)
    for narrower in ({"q": "jan"}, {"filter": ""}, {"filter": "{"}):
        assert "Save as segment" not in text_of(browser.get(table, {**asked, **narrower}))


# Its page


def test_a_page_tells_filter_members_growth_use_and_changes(
    account: AccountInfo, by: Source, browser: Client
) -> None:
    make.contact(account, city="Kraków", firstname="Łucja", lastname="Żak")
    inner = active(account, by, "Kraków", city("Kraków"))
    active(account, by, "Outer", from_json({"and": [{"segment": inner.id}]}))
    answer = browser.get(url(account, "show", inner.id))
    page = text_of(answer)
    for told in ("City is Kraków", "Łucja Żak", "Members by day", "Outer", "Created"):
        assert told in page
    assert f"?segment={inner.id}" in answer.content.decode()


def test_who_left_is_told_with_both_days(account: AccountInfo, by: Source, browser: Client) -> None:
    member = make.contact(account, firstname="Łucja", lastname="Żak")
    guests = fixed(account, by, "Guests", member)
    segments.remove_members(account.id, guests.id, make.ids(member), by=by, now=JAN_20)
    page = text_of(browser.get(url(account, "people", guests.id), {"who": "left"}))
    assert "Łucja Żak" in page
    assert page.count("20 Jan 2027, 13:00") == 2


def test_members_are_paged_the_latest_to_join_first(
    account: AccountInfo, by: Source, browser: Client
) -> None:
    guests = fixed(account, by, "Guests", *make.contacts(account, 30))
    seen: list[int] = []
    page = url(account, "people", guests.id)
    while page:
        people = browser.get(page).context["people"]
        seen += [row.contact_id for row in people.rows]
        page = people.next_url
    assert seen == sorted(queries.member_ids(account.id, guests.id), reverse=True)
    for key in ("x", "_", "2027-01-20T12:00:00_5", f"2027-01-20T12:00:00+00:00_{'9' * 30}"):
        people = browser.get(url(account, "people", guests.id), {"after": key}).context["people"]
        assert people.rows[0].contact_id == seen[0]


def test_a_person_sees_only_members_in_their_reach(
    account: AccountInfo, by: Source, owner: User
) -> None:  # P1, P5
    sam = make.user(account, "sales")
    mine = make.contact(account, firstname="Mine", hubspot_owner_id=str(sam.pk))
    other = make.contact(account, firstname="Other", hubspot_owner_id=str(owner.pk))
    guests = fixed(account, by, "Guests", mine, other)
    browser = signed_in(sam)
    answer = browser.get(url(account, "show", guests.id))
    page = text_of(answer)
    assert "Mine" in page
    assert "Other" not in page
    assert answer.context["segment"].count == 1
    assert answer.context["growth"] is None
    (line,) = browser.get(url(account, "list")).context["page"].lines
    assert (line.members, line.change) == ("1", "")


def test_a_person_of_a_smaller_reach_fills_lists_and_leaves_filters_alone(
    account: AccountInfo, by: Source, owner: User
) -> None:  # P6
    sam = make.user(account, "sales")
    make.contact(account, email="mine@example.com", hubspot_owner_id=str(sam.pk))
    make.contact(account, email="other@example.com", hubspot_owner_id=str(owner.pk))
    guests = fixed(account, by, "Guests")
    kept = active(account, by, "Kraków", city("Kraków"))
    browser = signed_in(sam)
    answer = browser.post(
        url(account, "add", guests.id), {"addresses": "mine@example.com other@example.com"}
    )
    assert answer.context["added"].not_found == ("other@example.com",)
    assert queries.segment(account.id, guests.id).member_count == 1
    for door in ("filter", "rename", "delete"):
        answer = browser.get(url(account, door, kept.id))
        assert answer.status_code == 403
        assert "A filter takes from all contacts" in text_of(answer)


def test_the_contacts_page_says_which_segment_it_shows(
    account: AccountInfo, by: Source, browser: Client
) -> None:
    make.contact(account, firstname="Other")
    guests = fixed(account, by, "Łódź guests", make.contact(account, firstname="Łucja"))
    page = browser.get(reverse("contacts:list", args=[account.id]), {"segment": str(guests.id)})
    assert "In segment “Łódź guests”" in text_of(page)
    assert [row.cells[0].text for row in page.context["page"].rows] == ["Łucja Kowalski"]
    assert ("segment", str(guests.id)) in page.context["page"].filters


# Changing it


def test_another_filter_is_saved_after_it_told_who_moves(
    account: AccountInfo, by: Source, browser: Client
) -> None:
    make.contact(account, city="Kraków")
    make.contact(account, city="Gdańsk")
    make.contact(account, city="Gdańsk")
    segment = active(account, by, "A city", city("Kraków"))
    form = {"filter": KRAKOW.replace("Kraków", "Gdańsk")}
    page = text_of(browser.post(url(account, "filter", segment.id), {**form, "go": "look"}))
    assert "2 contacts join and 1 contact leaves." in page
    assert "City is Gdańsk" in page
    assert queries.segment(account.id, segment.id).filter == city("Kraków")
    browser.post(url(account, "filter", segment.id), {**form, "go": "save"})
    assert queries.segment(account.id, segment.id).filter == city("Gdańsk")


def test_a_filter_cannot_name_its_own_segment(
    account: AccountInfo, by: Source, browser: Client
) -> None:
    segment = active(account, by, "A city", city("Kraków"))
    answer = browser.post(
        url(account, "filter", segment.id),
        {"filter": f'{{"and": [{{"segment": {segment.id}}}]}}', "go": "save"},
    )
    assert answer.status_code == 409
    assert "would depend on itself" in text_of(answer)


def test_a_segment_is_renamed_copied_checked_and_restored(
    account: AccountInfo, by: Source, browser: Client
) -> None:
    people = make.contacts(account, 3)
    guests = fixed(account, by, "Guests", *people)
    browser.post(url(account, "rename", guests.id), {"name": " VIP  guests "})
    assert queries.segment(account.id, guests.id).name == "VIP guests"
    for name in ("Copy of VIP guests", "Copy of VIP guests 2"):
        browser.post(url(account, "copy", guests.id))
        copied = {one.name: one for one in queries.segments(account.id)}[name]
        assert copied.member_count == 3
    browser.post(url(account, "delete", guests.id))
    assert guests.id not in queries.names(account.id)
    deleted = browser.get(url(account, "list"), {"only": "deleted"})
    assert "19 Feb 2027" in text_of(deleted)
    assert "can be restored until" in text_of(browser.get(url(account, "show", guests.id)))
    browser.post(url(account, "restore", guests.id))
    assert queries.segment(account.id, guests.id).member_count == 3


def test_a_check_says_what_it_found(account: AccountInfo, by: Source, browser: Client) -> None:
    segment = active(account, by, "A city", city("Kraków"))
    checked = browser.post(url(account, "rebuild", segment.id), follow=True)
    assert "who is in it, 0, is exactly who should be" in text_of(checked)
    make.contact(account, city="Kraków")
    checked = browser.post(url(account, "rebuild", segment.id), follow=True)
    assert "0 are in it, and 1 should be. It is built anew." in text_of(checked)
    assert queries.segment(account.id, segment.id).state is State.BUILDING


def test_a_segment_in_use_is_not_deleted_and_says_by_what(
    account: AccountInfo, by: Source, browser: Client
) -> None:
    inner = fixed(account, by, "Guests")
    active(account, by, "Outer", from_json({"and": [{"segment": inner.id}]}))
    assert "Outer" in text_of(browser.get(url(account, "delete", inner.id)))
    answer = browser.post(url(account, "delete", inner.id))
    assert answer.status_code == 409
    assert "used by “Outer”" in text_of(answer)


# Filling by hand


def test_the_ticked_are_taken_out_and_put_back(
    account: AccountInfo, by: Source, browser: Client
) -> None:
    first, second, third = make.contacts(account, 3)
    guests = fixed(account, by, "Guests", first, second, third)
    answer = browser.post(
        url(account, "remove", guests.id), {"id": [str(first), str(second)]}, follow=True
    )
    assert "2 contacts taken out" in text_of(answer)
    assert queries.member_ids(account.id, guests.id) == [third]
    segments.add_members(account.id, guests.id, make.ids(first), by=by, now=JAN_20)
    segments.remove_members(account.id, guests.id, make.ids(first), by=by, now=JAN_20)
    browser.post(answer.context["just_moved"].url)
    # Whoever was moved since stays as they are.
    assert queries.member_ids(account.id, guests.id) == [second, third]


def test_by_htmx_a_toast_says_what_moved_and_undoes_it(
    account: AccountInfo, by: Source, browser: Client
) -> None:
    (member,) = make.contacts(account, 1)
    guests = fixed(account, by, "Guests", member)
    htmx = {"HX-Request": "true"}
    answer = browser.post(url(account, "remove", guests.id), {"id": str(member)}, headers=htmx)
    assert "1 contact was taken out of the list." in text_of(answer)
    change_id = answer.context["toast"]["change_id"]
    answer = browser.post(url(account, "undo", guests.id, change_id), headers=htmx)
    assert "1 contact was added." in text_of(answer)
    again = browser.post(url(account, "undo", guests.id, change_id), headers=htmx)
    assert "Nothing of it is left to undo." in text_of(again)


def test_a_list_is_emptied_and_filled_again(
    account: AccountInfo, by: Source, browser: Client
) -> None:
    guests = fixed(account, by, "Guests", *make.contacts(account, 4))
    assert "4 contacts are taken out" in text_of(browser.get(url(account, "clear", guests.id)))
    answer = browser.post(url(account, "clear", guests.id), follow=True)
    assert queries.segment(account.id, guests.id).member_count == 0
    browser.post(answer.context["just_moved"].url)
    assert queries.segment(account.id, guests.id).member_count == 4


def test_an_address_of_another_account_is_not_found(
    account: AccountInfo, by: Source, browser: Client
) -> None:  # P5, V16
    theirs = make.account("Theirs", owner_email="eve@elsewhere.example")
    make.contact(theirs, email="ewa@example.com")
    guests = fixed(account, by, "Guests")
    answer = browser.post(url(account, "add", guests.id), {"addresses": "ewa@example.com"})
    assert answer.context["added"].not_found == ("ewa@example.com",)
    assert queries.segment(account.id, guests.id).member_count == 0


def test_an_active_segment_is_not_filled_by_hand(
    account: AccountInfo, by: Source, browser: Client
) -> None:
    segment = active(account, by, "A city", city("Kraków"))
    for door in ("add", "clear"):
        assert browser.get(url(account, door, segment.id)).status_code == 409


def test_those_left_out_are_downloaded_without_their_formulas(
    account: AccountInfo, browser: Client
) -> None:
    answer: Any = browser.post(url(account, "not_found"), {"lines": 'nobody@example.com\n=1+1"'})
    assert b"".join(answer.streaming_content) == b'email\r\n"nobody@example.com"\r\n"\'=1+1"""\r\n'


def test_the_number_of_statements_does_not_grow_with_the_members(
    account: AccountInfo, by: Source, browser: Client, count_statements: Callable[..., Any]
) -> None:
    few = fixed(account, by, "Few", *make.contacts(account, 2))
    many = fixed(account, by, "Many", *make.contacts(account, 60))
    with CaptureQueriesContext(connection) as first:
        browser.get(url(account, "show", few.id))
    with count_statements(exactly=len(first.captured_queries)):
        browser.get(url(account, "show", many.id))


def test_people_without_the_right_see_why(account: AccountInfo, by: Source) -> None:  # P4
    analyst = make.user(account, "analyst")
    guests = fixed(account, by, "Guests")
    browser = signed_in(analyst)
    answer = browser.get(url(account, "show", guests.id))
    assert "Create and edit contacts" in answer.context["segment"].why_not
    assert answer.context["segment"].why_not in unescape(answer.content.decode())
    assert "Rename" not in text_of(answer)

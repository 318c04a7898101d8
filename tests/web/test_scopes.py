"""Whose contacts a person reaches: all, the team's, their own, none; on every page and in every
count (P1, P5, P6)."""

import re
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from marketable import clock, sql
from marketable.accounts.models import Membership, User
from marketable.accounts.queries import EVERYTHING, AccountInfo
from marketable.accounts.rules import Right
from marketable.accounts.wording import right_name
from marketable.contacts import queries as contacts
from marketable.history.sources import Source
from marketable.marketing_status import queries as status
from marketable.marketing_status.rules import Status
from marketable.marketing_status.services import start_marketing
from tests import make
from tests.make import JAN_20
from tests.web.guarding import JAN, everything_stored, signed_in, text_of

pytestmark = pytest.mark.django_db

SCOPES = ("all", "team", "own", "none")
#: Whose contact each scope reaches, for Sam of the team North.
REACHED = {
    "all": {"sam", "tom", "olga", "nobody"},
    "team": {"sam", "tom"},
    "own": {"sam"},
    "none": set(),
}


@pytest.fixture(autouse=True)
def in_january(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: JAN_20)


@pytest.fixture
def sam(account: AccountInfo) -> User:
    return person(account, "sam", "North")


def owned_by(owner: int | None) -> dict[str, Any]:
    return {"hubspot_owner_id": str(owner)} if owner else {}


def person(account: AccountInfo, name: str, team: str) -> User:
    user = make.user(account, "sales", email=f"{name}@example.com")
    Membership.objects.filter(user=user).update(team=team)
    return user


@pytest.fixture
def theirs(account: AccountInfo, sam: User) -> dict[str, int]:
    """A contact of Sam's, of Tom's in the same team, of Olga's in another, and of nobody's."""
    owners = {
        "sam": sam.pk,
        "tom": person(account, "tom", "North").pk,
        "olga": person(account, "olga", "South").pk,
        "nobody": None,
    }
    return {
        name: make.contact(
            account,
            email=f"of.{name}@example.com",
            firstname=f"Of{name}",
            lastname="Shared",
            **owned_by(owner),
        )
        for name, owner in owners.items()
    }


def allow(sam: User, **scopes: str) -> Client:
    """Give Sam a scope for each right named as `contacts_edit="team"`, and plain rights as yes."""
    granted, withdrawn = [], []
    for name, scope in scopes.items():
        right = Right[name.upper()]
        if scope == "none":
            withdrawn.append(right.value)
        else:
            granted.append(right.value if scope == "yes" else f"{right.value}:{scope}")
    Membership.objects.filter(user=sam).update(granted=granted, withdrawn=withdrawn)
    return signed_in(sam)


def named(text: str) -> set[str]:
    return {name for name in REACHED["all"] if f"Of{name}" in text or f"of.{name}@" in text}


def url(account: AccountInfo, name: str, *rest: Any) -> str:
    return reverse(name, args=[account.id, *rest])


@pytest.mark.parametrize("scope", SCOPES)
def test_the_table_its_search_and_its_counts_show_what_is_reached(
    account: AccountInfo, sam: User, theirs: dict[str, int], scope: str
) -> None:
    browser = allow(sam, contacts_view=scope)
    table, counted = url(account, "contacts:list"), url(account, "contacts:count")
    if scope == "none":
        assert browser.get(table).status_code == browser.get(counted).status_code == 403
        return
    for query in ("", "?q=shared", "?status=non_marketing", "?sort=name", "?q=of"):
        page = browser.get(table + query)
        assert named(page.content.decode()) == REACHED[scope], query
        assert page.context["page"].total_text == str(len(REACHED[scope]))
        exact = browser.get(counted + query, headers={"hx-request": "true"})
        assert str(len(REACHED[scope])) in text_of(exact)
    assert named(browser.get(table + "?q=ofolga").content.decode()) == REACHED[scope] & {"olga"}


@pytest.mark.parametrize("scope", SCOPES)
def test_a_record_that_is_not_reached_is_not_there(
    account: AccountInfo, sam: User, theirs: dict[str, int], scope: str
) -> None:  # P5
    browser = allow(sam, contacts_view=scope)
    for name, contact_id in theirs.items():
        answer = browser.get(url(account, "records:show", contact_id))
        expected = 200 if name in REACHED[scope] else 404
        assert answer.status_code == (403 if scope == "none" else expected), name
        if expected == 404:
            assert named(answer.content.decode()) == set()


@pytest.mark.parametrize("scope", SCOPES)
def test_editing_reaches_what_may_be_edited(
    account: AccountInfo, sam: User, theirs: dict[str, int], scope: str
) -> None:
    browser = allow(sam, contacts_view="all", contacts_edit=scope)
    for name, contact_id in theirs.items():
        before = everything_stored()
        answer = browser.post(
            url(account, "records:edit", contact_id), {"version": "1", "city": "Łódź"}
        )
        if name in REACHED[scope]:
            assert answer.status_code == 302, name
        else:
            assert answer.status_code in {403, 404}, name
            assert everything_stored() == before
        shown = browser.get(url(account, "records:show", contact_id)).content.decode()
        edit = f'href="{url(account, "records:edit", contact_id)}"'
        assert (edit in shown) is (name in REACHED[scope])


@pytest.mark.parametrize("scope", SCOPES[:3])
@pytest.mark.parametrize("action", ["start", "stop", "keep"])
@pytest.mark.parametrize("by_number", [True, False])
def test_a_plan_counts_the_others_as_outside_ones_rights(
    account: AccountInfo,
    sam: User,
    theirs: dict[str, int],
    scope: str,
    action: str,
    by_number: bool,
) -> None:  # P6
    prepare = {"start": Status.NON_MARKETING, "stop": Status.MARKETING, "keep": Status.LEAVING}
    for name in theirs:
        theirs[name] = make.contact(
            account,
            status=prepare[action],
            **owned(account, theirs[name]),
        )
    browser = allow(sam, contacts_view="all", contacts_edit=scope, marketing_access="yes")
    ids = ",".join(map(str, theirs.values()))
    form = {"chosen": ids} if by_number else {"everyone": "1", "status": prepare[action].value}
    answer = browser.post(url(account, "contacts:plan"), {"action": action, **form})
    plan = answer.context["shown"].plan
    extra = 4 if not by_number and action == "start" else 0  # those of the fixture match as well
    reached = len(REACHED[scope]) * (2 if extra else 1)
    assert plan.changing == reached
    assert plan.outside_rights == 4 + extra - reached
    done = browser.post(answer.context["confirm_url"], {"count": str(reached)})
    assert done.status_code == 302
    for name, contact_id in theirs.items():
        is_done = name in REACHED[scope]
        now = status.status_of(account.id, contact_id, JAN)
        assert (now is not prepare[action]) is is_done, name
    assert status.prove(account.id).ok


def owned(account: AccountInfo, contact_id: int) -> dict[str, Any]:
    row = contacts.contact(account.id, contact_id, reach=EVERYTHING, today=JAN)
    owner = row.properties.get("hubspot_owner_id")
    return {"hubspot_owner_id": owner} if owner else {}


@pytest.mark.parametrize("scope", SCOPES[:3])
def test_a_file_holds_what_may_be_seen(
    account: AccountInfo, sam: User, theirs: dict[str, int], scope: str
) -> None:
    browser = allow(sam, contacts_view=scope, contacts_export="yes")
    for form in ({"everyone": "1"}, {"chosen": ",".join(map(str, theirs.values()))}):
        answer: Any = browser.post(
            url(account, "contacts:export"), {**form, "columns": "email,firstname"}
        )
        text = b"".join(answer.streaming_content).decode()
        assert named(text) == REACHED[scope]


@pytest.mark.parametrize("scope", SCOPES[:3])
def test_deleting_many_leaves_the_others_alone(
    account: AccountInfo, sam: User, theirs: dict[str, int], scope: str
) -> None:
    browser = allow(sam, contacts_view="all", contacts_delete=scope, contacts_bulk_delete="yes")
    asked = browser.post(url(account, "contacts:delete"), {"everyone": "1"})
    count = len(REACHED[scope])
    assert f'name="count" value="{count}"' in asked.content.decode()
    form = {**dict(asked.context["confirm_fields"]), "count": str(count)}
    assert browser.post(url(account, "contacts:delete"), form).status_code == 302
    gone = {
        name
        for name, contact_id in theirs.items()
        if contacts.contact(account.id, contact_id, reach=EVERYTHING, today=JAN).archived_at
    }
    assert gone == REACHED[scope]


@pytest.mark.parametrize("scope", SCOPES)
def test_deleting_and_restoring_one_reach_what_may_be_deleted(
    account: AccountInfo, sam: User, theirs: dict[str, int], scope: str
) -> None:
    browser = allow(sam, contacts_view="all", contacts_delete=scope)
    for name, contact_id in theirs.items():
        for what in ("archive", "restore"):
            answer = browser.post(url(account, f"records:{what}", contact_id))
            if name in REACHED[scope]:
                assert answer.status_code == 302, (name, what)
            else:
                assert answer.status_code in {403, 404}, (name, what)


@pytest.mark.parametrize("scope", SCOPES[:3])
def test_merging_finds_and_joins_what_may_be_edited(
    account: AccountInfo, sam: User, theirs: dict[str, int], scope: str
) -> None:
    browser = allow(sam, contacts_view="all", contacts_edit=scope, contacts_merge="yes")
    page = url(account, "records:merge", theirs["sam"])
    found = named(browser.get(page, {"q": "shared"}).content.decode())
    assert found - {"sam"} == REACHED[scope] - {"sam"}
    for name in ("tom", "olga", "nobody"):
        before = everything_stored()
        compared = browser.get(page, {"other": str(theirs[name])})
        seen = re.search(r'name="seen" value="([^"]+)"', compared.content.decode())
        form = {"other": str(theirs[name]), "seen": seen[1] if seen else ""}
        answer = browser.post(page, form)
        if name in REACHED[scope]:
            assert answer.status_code == 302
        else:
            assert (compared.status_code, answer.status_code) == (404, 404)
            assert everything_stored() == before


def test_the_others_of_a_change_are_those_one_may_see(
    account: AccountInfo, sam: User, theirs: dict[str, int], anna: Source
) -> None:  # H4
    start_marketing(account.id, make.ids(*theirs.values()), by=anna, now=JAN_20)
    found = sql.row("SELECT id FROM change WHERE kind = 'status_started'")
    assert found is not None
    for scope in SCOPES[:3]:
        page = allow(sam, contacts_view=scope).get(url(account, "history:change", found[0]))
        assert named(page.content.decode()) == REACHED[scope]


def test_whoever_edits_their_own_makes_contacts_of_their_own(
    account: AccountInfo, sam: User, theirs: dict[str, int]
) -> None:
    browser = allow(sam)
    form = {"email": "new@example.com", "hubspot_owner_id": "1"}
    made = browser.post(url(account, "contacts:create"), form)
    assert browser.get(made["Location"]).status_code == 200
    contact_id = int(made["Location"].rstrip("/").rsplit("/", 1)[1])
    row = contacts.contact(account.id, contact_id, reach=EVERYTHING, today=JAN)
    assert row.properties["hubspot_owner_id"] == str(sam.pk)


def test_a_contact_is_not_given_to_somebody_of_another_account(
    account: AccountInfo, other_account: AccountInfo, owner: User, theirs: dict[str, int]
) -> None:  # V16
    eve = User.objects.get(email="owner@other.example")
    browser = signed_in(owner)
    before = everything_stored()
    for number in (str(eve.pk), "999999", "-1", "1.5", "x"):
        edited = browser.post(
            url(account, "records:edit", theirs["sam"]),
            {"version": "1", "hubspot_owner_id": number},
        )
        made = browser.post(
            url(account, "contacts:create"),
            {"email": "new@example.com", "hubspot_owner_id": number},
        )
        assert (edited.status_code, made.status_code) == (400, 400), number
    assert everything_stored() == before


#: Right → a page, and the control on it that needs the right.
CONTROLS = {
    Right.CONTACTS_EDIT: ("contacts:list", "Create contact"),
    Right.CONTACTS_IMPORT: ("contacts:list", "Import"),
    Right.CONTACTS_EXPORT: ("contacts:list", "Export as CSV"),
    Right.CONTACTS_BULK_DELETE: ("contacts:list", "Delete"),
    Right.MARKETING_ACCESS: ("contacts:list", "Set as marketing contacts"),
    Right.CONTACTS_DELETE: ("records:show", "Delete"),
    Right.CONTACTS_MERGE: ("records:show", "Merge with another contact"),
    Right.CONTACTS_ERASE: ("records:show", "Erase for good (GDPR)"),
    Right.PROPERTIES_EDIT: ("properties:list", "Create property"),
    Right.USERS_MANAGE: ("people:list", "Change"),
    Right.SETTINGS_MANAGE: ("settings:account", "Save settings"),
    Right.BILLING_MANAGE: ("settings:account", "Save limit"),
}


@pytest.mark.parametrize("right", list(CONTROLS))
def test_a_control_one_may_not_use_is_there_disabled_and_names_right_and_who_grants_it(
    account: AccountInfo, right: Right
) -> None:  # P4
    name, control = CONTROLS[right]
    contact_id = make.contact(account)
    page_url = url(account, name, *([contact_id] if name == "records:show" else []))
    someone = make.user(account, "owner")
    pages = {}
    for withdrawn in ([], [right.value]):
        Membership.objects.filter(user=someone).update(withdrawn=withdrawn)
        pages[bool(withdrawn)] = signed_in(someone).get(page_url)
        assert control in text_of(pages[bool(withdrawn)])
    needs = re.compile(rf"“{re.escape(right_name(right.value))}”[^<]*grant")
    assert not needs.search(unescape(pages[False].content.decode()))
    assert needs.search(unescape(pages[True].content.decode()))
    without, with_it = (pages[lacks].content.decode().count("disabled") for lacks in (True, False))
    assert without > with_it


def test_the_number_of_those_one_cannot_see_is_not_told_on_the_pages(
    account: AccountInfo, sam: User, theirs: dict[str, int]
) -> None:
    """Usage is the account's; how many contacts there are is not told to whoever sees their own."""
    make.contacts(account, 70)
    page = allow(sam, contacts_view="own").get(url(account, "contacts:list"))
    assert "74" not in text_of(page)

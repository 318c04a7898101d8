"""People of an account through their pages: roles, single rights, teams, invitations, removal."""

import re
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.test import Client
from django.urls import reverse

from marketable import clock
from marketable.accounts import queries
from marketable.accounts.models import User
from marketable.accounts.queries import AccountInfo
from marketable.accounts.rules import ROLES, Right, Rights, Scope
from marketable.accounts.wording import RIGHTS
from tests import make
from tests.make import JAN_20
from tests.web.guarding import everything_stored, signed_in, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def in_january(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: JAN_20)


@pytest.fixture
def browser(owner: User) -> Client:
    return signed_in(owner)


def url(account: AccountInfo, name: str, *rest: Any) -> str:
    return reverse(f"people:{name}", args=[account.id, *rest])


def save(browser: Client, account: AccountInfo, user: User, **form: str) -> Any:
    member = queries.member(account.id, user.pk)
    usual = {"role": member.rights.role, "team": member.team}
    given = {name.replace("__", "-").replace("_DOT_", "."): value for name, value in form.items()}
    return browser.post(url(account, "person", user.pk), {**usual, **given})


def test_everybody_sees_who_is_there_and_who_may_spend(
    account: AccountInfo, owner: User
) -> None:  # P2
    sales = make.user(account, "sales", email="sam@example.com")
    said = text_of(signed_in(sales).get(url(account, "list")))
    assert "anna@example.com anna@example.com Owner Yes" in said
    assert "sam@example.com sam@example.com Sales No" in said


def test_controls_that_one_may_not_use_are_there_disabled_with_the_reason(
    account: AccountInfo, owner: User
) -> None:  # P4
    page = signed_in(make.user(account, "analyst")).get(url(account, "list")).content.decode()
    assert "People and roles" in page
    assert page.count('aria-disabled="true"') >= 4  # change and remove, for two people
    assert re.search(r"<fieldset disabled>", page)
    assert f'href="{url(account, "person", owner.pk)}"' not in page


@pytest.mark.parametrize("right", list(RIGHTS))
def test_each_right_is_given_and_taken_on_the_page(
    browser: Client, account: AccountInfo, right: str
) -> None:
    person = make.user(account, "billing")
    page = browser.get(url(account, "person", person.pk)).content.decode()
    choices = re.search(rf'name="right-{re.escape(right)}">(.*?)</select>', page, re.DOTALL)
    assert choices is not None
    offered = re.findall(r'value="(\w+)"', choices[1])
    assert offered[0] == "role"
    for choice in offered:
        form = {"role": "billing", f"right-{right}": choice}
        assert browser.post(url(account, "person", person.pk), form).status_code == 302
        found = queries.member(account.id, person.pk).rights
        assert found.choice(Right(right)) == choice
        shown = browser.get(url(account, "person", person.pk)).content.decode()
        chosen = re.search(rf'name="right-{re.escape(right)}">(.*?)</select>', shown, re.DOTALL)
        assert chosen is not None
        assert re.findall(r'value="(\w+)" selected', chosen[1]) == [choice]


def test_marketing_contacts_access_is_a_right_of_its_own(
    browser: Client, account: AccountInfo
) -> None:  # P2
    """Given to one person, it works from their next request and for them alone."""
    sam, tom = make.user(account, "sales"), make.user(account, "sales")
    contact_id = make.contact(account, hubspot_owner_id=str(sam.pk))
    plan = reverse("contacts:plan", args=[account.id])
    form = {"action": "start", "chosen": str(contact_id)}
    browsers = signed_in(sam), signed_in(tom)
    assert [one.post(plan, form).status_code for one in browsers] == [403, 403]
    save(browser, account, sam, **{"right-marketing_contacts.access": "yes"})
    assert [one.post(plan, form).status_code for one in browsers] == [200, 403]
    save(browser, account, sam, **{"right-marketing_contacts.access": "no"})
    assert [one.post(plan, form).status_code for one in browsers] == [403, 403]


@pytest.mark.parametrize("role", ROLES)
def test_every_role_can_be_given(browser: Client, account: AccountInfo, role: str) -> None:
    person = make.user(account, "marketer")
    save(browser, account, person, role=role, team="North")
    member = queries.member(account.id, person.pk)
    assert (member.rights, member.team) == (Rights(role), "North")


def test_single_rights_stay_when_the_role_changes(browser: Client, account: AccountInfo) -> None:
    person = make.user(account, "sales")
    save(browser, account, person, **{"right-contacts.edit": "team"})
    save(browser, account, person, role="analyst")
    assert queries.member(account.id, person.pk).rights.scope(Right.CONTACTS_EDIT) is Scope.TEAM


@pytest.mark.parametrize(
    "form",
    [
        {"role": "emperor"},
        {"role": ""},
        {"team": "x" * 101},
        {"team": "nul\0"},
        {"right-contacts.edit": "everything"},
        {"right-marketing_contacts.access": "team"},
    ],
)
def test_what_cannot_be_is_refused_whole_and_what_was_chosen_is_kept(
    browser: Client, account: AccountInfo, form: dict[str, str]
) -> None:
    person = make.user(account, "marketer")
    before = everything_stored()
    answer = save(browser, account, person, **{"right-contacts.export": "yes", **form})
    assert answer.status_code == 400
    assert everything_stored() == before
    page = answer.content.decode()
    chosen = re.search(r'name="right-contacts.export">(.*?)</select>', page, re.DOTALL)
    assert chosen is not None
    assert '"yes" selected' in chosen[1]


def test_the_last_owner_is_told_why_they_stay(
    browser: Client, account: AccountInfo, owner: User
) -> None:  # P8
    before = everything_stored()
    demoted = save(browser, account, owner, role="marketer", team="North")
    withdrawn = save(browser, account, owner, **{"right-users.manage": "no"})
    removed = browser.post(url(account, "remove", owner.pk))
    for answer in (demoted, withdrawn, removed):
        assert answer.status_code == 409
        assert "An account needs an Owner" in text_of(answer)
    assert everything_stored() == before


def test_an_owner_leaves_when_there_is_another(
    browser: Client, account: AccountInfo, owner: User
) -> None:
    make.user(account, "owner")
    assert browser.get(url(account, "remove", owner.pk)).status_code == 200
    answer = browser.post(url(account, "remove", owner.pk))
    assert answer["Location"] == "/"
    assert "You belong to no account yet" in text_of(browser.get("/"))


def test_removing_asks_first_and_says_who(browser: Client, account: AccountInfo) -> None:
    person = make.user(account, "sales", email="sam@example.com")
    assert "Remove sam@example.com" in text_of(browser.get(url(account, "remove", person.pk)))
    assert queries.rights(account.id, person.pk) is not None
    done = browser.post(url(account, "remove", person.pk))
    assert "sam@example.com was removed" in text_of(browser.get(done["Location"]))
    assert browser.post(url(account, "remove", person.pk)).status_code == 404


# Invitations


def test_open_invitations_are_listed_and_withdrawn(browser: Client, account: AccountInfo) -> None:
    sent = browser.post(url(account, "invite"), {"email": "bo@example.com", "role": "analyst"})
    assert "bo@example.com" in text_of(sent)
    assert [one.role for one in queries.invitations(account.id, JAN_20)] == ["analyst"]
    (invitation,) = queries.invitations(account.id, JAN_20)
    done = browser.post(url(account, "withdraw", invitation.id))
    assert "was withdrawn" in text_of(browser.get(done["Location"]))
    assert queries.invitations(account.id, JAN_20) == []


@pytest.mark.parametrize(
    ("form", "code", "problem"),
    [
        ({"email": "nonsense", "role": "sales"}, 400, "not an e-mail address"),
        ({"email": "bo@example.com", "role": "emperor"}, 400, "There is no role"),
        ({"email": "anna@example.com", "role": "sales"}, 409, "belongs to the account already"),
        ({"email": "a@b.example\nBcc: all@c.example", "role": "sales"}, 400, "not an e-mail"),
    ],
)
def test_an_invitation_that_cannot_be_sent_says_why_and_keeps_what_was_typed(
    browser: Client, account: AccountInfo, form: dict[str, str], code: int, problem: str
) -> None:
    before = everything_stored()
    answer = browser.post(url(account, "invite"), form)
    assert (answer.status_code, mail.outbox) == (code, [])
    assert problem in text_of(answer)
    assert form["email"].splitlines()[0] in answer.content.decode()
    assert everything_stored() == before


def test_when_no_mail_can_be_sent_the_link_is_handed_over(
    browser: Client, account: AccountInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(self: Any, messages: Any) -> int:
        raise ConnectionRefusedError("nobody answers")

    monkeypatch.setattr(EmailBackend, "send_messages", fails)
    answer = browser.post(url(account, "invite"), {"email": "bo@example.com", "role": "sales"})
    assert answer.status_code == 200
    assert "could not be sent" in text_of(answer)
    link = re.search(r"http://testserver(/accounts/invitation/[^\"]+)", answer.content.decode())
    assert link is not None
    assert Client().get(link[1]).status_code == 200


def test_the_name_of_the_account_is_not_a_header_of_the_mail(
    browser: Client, account: AccountInfo
) -> None:
    browser.post(
        reverse("settings:account", args=[account.id]),
        {"name": "Acme %(who)s\r\nBcc: x@y.example", "language": "en", "time_zone": "UTC"},
    )
    browser.post(url(account, "invite"), {"email": "bo@example.com", "role": "sales"})
    (sent,) = mail.outbox
    assert sent.subject == "Invitation to Acme %(who)s Bcc: x@y.example"
    assert sent.recipients() == ["bo@example.com"]


def test_changes_of_people_are_read_in_the_history(browser: Client, account: AccountInfo) -> None:
    person = make.user(account, "sales")
    save(browser, account, person, role="analyst", **{"right-contacts.edit": "own"})
    listed = browser.get(reverse("history:list", args=[account.id]), {"kind": "member_changed"})
    first = re.search(r'href="(/app/\d+/history/\d+/)"', listed.content.decode())
    assert first is not None
    said = text_of(browser.get(first[1]))
    assert "Role Sales → Analyst" in said
    assert "Create and edit contacts: as the role → own contacts" in said

"""The plan dialog through its door: what it says, what it asks, what it refuses (B3–B7)."""

import json
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from marketable import clock
from marketable.accounts.models import Account, User
from marketable.accounts.queries import AccountInfo
from marketable.bulk_actions import running
from marketable.bulk_actions import services as bulk_services
from marketable.history.sources import Source
from marketable.marketing_status import queries as status_queries
from marketable.marketing_status.rules import Status
from marketable.marketing_status.services import start_marketing
from tests import make
from tests.make import JAN_20
from tests.web.guarding import Answer, signed_in
from tests.web.guarding import text_of as text

pytestmark = pytest.mark.django_db

TODAY = JAN_20.date()


@pytest.fixture(autouse=True)
def in_january(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: JAN_20)


@pytest.fixture
def browser(owner: User) -> Client:
    client = Client()
    client.force_login(owner)
    return client


def ask(browser: Client, account: AccountInfo, action: str = "start", **fields: object) -> Answer:
    """Ask for a plan as the page's form does."""
    posted = {"action": action, **fields}
    return browser.post(reverse("contacts:plan", args=[account.id]), posted)


def plan_of(answer: Answer) -> str:
    """Return the address that confirms the plan shown."""
    return str(answer.context["confirm_url"])


def usage(account: AccountInfo) -> int:
    return status_queries.usage(account.id, TODAY).usage


def test_the_plan_says_what_will_happen_before_it_does(
    browser: Client, account: AccountInfo
) -> None:  # B3, T10
    chosen = make.contacts(account, 3)
    chosen.append(make.contact(account, status=Status.MARKETING))
    chosen.append(make.contact(account, status=Status.LEAVING))
    chosen.append(make.contact(account, email=None))
    answer = ask(browser, account, chosen=",".join(map(str, chosen)))
    said = text(answer)
    assert "Set 4 contacts as marketing contacts" in said
    assert "6 contacts selected" in said
    assert "1 of which kept" in said
    assert "1 is a marketing contact already" in said
    assert "1 cannot receive mail: no e-mail address" in said
    assert "Marketing contacts 2 5" in said
    assert "Contact tier 2,000 2,000" in said
    assert "no price set" in said
    assert "no way back before 1 Feb 2027 (Europe/Warsaw)" in said
    assert "Confirm: set 4 contacts" in said
    assert usage(account) == 2


def test_typing_the_number_and_confirming_sets_them(
    browser: Client, account: AccountInfo
) -> None:  # B4, B7
    chosen = make.contacts(account, 3)
    answer = ask(browser, account, id=chosen)
    done = browser.post(plan_of(answer), {"count": "3"}, headers={"HX-Request": "true"})
    assert done.status_code == 200
    said = text(done)
    assert "3 contacts are marketing contacts now." in said
    assert "See them" in said
    assert "Take back on 1 Feb" in said
    assert usage(account) == 3
    assert set(json.loads(done.headers["HX-Trigger"])) >= {"usage-changed", "plan-done"}


def test_without_a_script_confirming_leads_to_the_job(
    browser: Client, account: AccountInfo
) -> None:
    answer = ask(browser, account, id=make.contacts(account, 2))
    assert "<html" in answer.content.decode()
    done = browser.post(plan_of(answer), {"count": "2"}, follow=True)
    assert "2 set as marketing contacts" in text(done)


@pytest.mark.parametrize("typed", ["12,48", "1e3", "-5", "42.0", "", "４", "two", "3 3", "03"])
def test_a_wrong_number_saves_nothing_and_is_asked_for_again(
    browser: Client, account: AccountInfo, typed: str
) -> None:  # J1
    answer = ask(browser, account, id=make.contacts(account, 3))
    again = browser.post(plan_of(answer), {"count": typed})
    assert again.status_code == 400
    assert "Type the number 3" in text(again)
    assert usage(account) == 0
    done = browser.post(plan_of(again), {"count": "3"}, follow=True)
    assert done.status_code == 200
    assert usage(account) == 3


@pytest.mark.parametrize("typed", ["3", " 3 ", "３"])
def test_the_number_is_understood_as_people_write_it(
    browser: Client, account: AccountInfo, typed: str
) -> None:  # B4
    answer = ask(browser, account, id=make.contacts(account, 3))
    browser.post(plan_of(answer), {"count": typed})
    assert usage(account) == 3


def test_nobody_to_change_means_nothing_to_confirm(
    browser: Client, account: AccountInfo
) -> None:  # B4, J2
    chosen = make.contacts(account, 2, status=Status.MARKETING)
    for fields in ({"id": chosen}, {"chosen": ""}):
        answer = ask(browser, account, **fields)
        assert "No contact would become a marketing contact" in text(answer)
        assert 'name="count"' not in answer.content.decode()
        refused = browser.post(plan_of(answer), {"count": "0"})
        assert refused.status_code == 409
    assert usage(account) == 2


def test_a_set_that_changed_meanwhile_is_shown_again_with_both_numbers(
    browser: Client, account: AccountInfo
) -> None:  # B5, J3
    make.contacts(account, 3)
    answer = ask(browser, account, everyone="1")
    make.contact(account)
    again = browser.post(plan_of(answer), {"count": "3"}, headers={"HX-Request": "true"})
    assert "It was 3, is now 4." in text(again)
    assert usage(account) == 0
    done = browser.post(plan_of(again), {"count": "4"}, headers={"HX-Request": "true"})
    assert "4 contacts are marketing contacts now." in text(done)
    assert usage(account) == 4


def test_a_second_press_answers_the_first_result(
    browser: Client, account: AccountInfo
) -> None:  # B5, J3
    answer = ask(browser, account, id=make.contacts(account, 2))
    first = browser.post(plan_of(answer), {"count": "2"})
    ledger = make.ledger(account)
    second = browser.post(plan_of(answer), {"count": "2"})
    assert (first.status_code, first.headers["Location"]) == (302, second.headers["Location"])
    assert make.ledger(account) == ledger


def test_a_plan_is_good_for_one_hour(
    browser: Client, account: AccountInfo, monkeypatch: pytest.MonkeyPatch
) -> None:  # B5
    answer = ask(browser, account, id=make.contacts(account, 2))
    later = JAN_20.replace(hour=13, minute=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    again = browser.post(plan_of(answer), {"count": "2"})
    assert "older than an hour" in text(again)
    assert usage(account) == 0
    browser.post(plan_of(again), {"count": "2"})
    assert usage(account) == 2


def test_those_without_an_address_are_set_only_when_asked(
    browser: Client, account: AccountInfo
) -> None:  # S19
    silent = make.contact(account, email=None)
    answer = ask(browser, account, id=[silent])
    assert "Set them anyway" in text(answer)
    assert 'name="count"' not in answer.content.decode()
    anyway = ask(browser, account, id=[silent], include_unreachable="1")
    assert "Confirm: set 1 contact" in text(anyway)
    browser.post(plan_of(anyway), {"count": "1"})
    assert usage(account) == 1


def test_all_but_one_leaves_that_one_alone(browser: Client, account: AccountInfo) -> None:  # B2
    chosen = make.contacts(account, 3)
    answer = ask(browser, account, everyone="1", **{"except": str(chosen[1])})
    assert "Confirm: set 2 contacts" in text(answer)
    browser.post(plan_of(answer), {"count": "2"})
    assert status_queries.status_of(account.id, chosen[1], TODAY) is Status.NON_MARKETING
    assert usage(account) == 2


def test_a_full_ceiling_blocks_with_its_numbers(db: None) -> None:  # O3, A4
    account = make.account(at_limit="ceiling", ceiling=2)
    browser = signed_in(User.objects.get(email="anna@example.com"))
    answer = ask(browser, account, id=make.contacts(account, 3))
    said = text(answer)
    assert "3 more do not fit under the ceiling of 2, with 0 places taken" in said
    assert 'name="count"' not in answer.content.decode()
    refused = browser.post(plan_of(answer), {"count": "3"})
    assert refused.status_code == 409
    assert usage(account) == 0


def test_a_ceiling_that_filled_up_meanwhile_refuses_on_confirm(anna_email: str) -> None:  # O3
    account = make.account(at_limit="ceiling", ceiling=2)
    anna = User.objects.get(email=anna_email)
    browser = signed_in(anna)
    answer = ask(browser, account, id=make.contacts(account, 2))
    start_marketing(account.id, make.ids(make.contact(account)), by=make.source(anna), now=JAN_20)
    refused = browser.post(plan_of(answer), {"count": "2"})
    assert refused.status_code == 409
    assert "do not fit" in text(refused)
    assert usage(account) == 1


@pytest.fixture
def anna_email(db: None) -> str:
    return "anna@example.com"


def test_staging_tells_usage_on_the_update_date(
    browser: Client, account: AccountInfo
) -> None:  # S5, B3
    chosen = make.contacts(account, 3, status=Status.MARKETING)
    answer = ask(browser, account, "stop", id=chosen[:2])
    said = text(answer)
    assert "Set 2 contacts as non-marketing on 1 Feb 2027" in said
    assert "Now On 1 Feb 2027" in said
    assert "Marketing contacts 3 1" in said
    assert "Confirm: stage 2 contacts" in said
    browser.post(plan_of(answer), {"count": "2"})
    assert usage(account) == 3
    assert status_queries.status_of(account.id, chosen[0], TODAY) is Status.LEAVING


def test_keeping_withdraws_the_staging(browser: Client, account: AccountInfo) -> None:  # S6
    chosen = make.contacts(account, 2, status=Status.LEAVING)
    answer = ask(browser, account, "keep", id=chosen)
    assert "Confirm: keep 2 contacts" in text(answer)
    browser.post(plan_of(answer), {"count": "2"})
    assert status_queries.status_of(account.id, chosen[0], TODAY) is Status.MARKETING


def test_a_larger_one_goes_to_jobs(
    browser: Client, account: AccountInfo, monkeypatch: pytest.MonkeyPatch
) -> None:  # B6
    monkeypatch.setattr(bulk_services, "REQUEST_LIMIT", 1)
    monkeypatch.setattr(bulk_services, "enqueue", lambda job, **ids: None)
    answer = ask(browser, account, id=make.contacts(account, 2))
    done = browser.post(plan_of(answer), {"count": "2"}, headers={"HX-Request": "true"})
    assert "2 contacts are being changed" in text(done)
    assert "See the progress" in text(done)


def test_the_toast_of_a_larger_one_tells_when_it_has_ended(
    browser: Client, account: AccountInfo, monkeypatch: pytest.MonkeyPatch
) -> None:  # B6
    monkeypatch.setattr(bulk_services, "REQUEST_LIMIT", 1)
    monkeypatch.setattr(bulk_services, "enqueue", lambda job, **ids: None)
    answer = ask(browser, account, id=make.contacts(account, 2))
    done = browser.post(plan_of(answer), {"count": "2"}, headers={"HX-Request": "true"})
    toast = done.context["toast"]
    assert toast["follow_url"] in done.content.decode()
    waiting = browser.get(toast["follow_url"])
    assert waiting.status_code == 204
    assert set(json.loads(waiting.headers["HX-Trigger"])) == {"usage-changed"}
    while running.run_next_batch(account.id, int(toast["key"]), now=JAN_20):
        pass
    ended = browser.get(toast["follow_url"])
    assert "2 contacts are marketing contacts now." in text(ended)
    assert "Take back on 1 Feb" in text(ended)
    assert toast["follow_url"] not in ended.content.decode()
    assert set(json.loads(ended.headers["HX-Trigger"])) == {"usage-changed", "contacts-changed"}


def test_the_number_and_the_words_follow_the_readers_language(
    account: AccountInfo, owner: User
) -> None:  # Y1, Y2
    owner.language = "pl"
    owner.save()
    make.contacts(account, 2)
    answer = ask(signed_in(owner), account, everyone="1")
    assert answer.headers["Content-Language"] == "pl"


# Refusals


def test_without_the_right_it_is_refused(account: AccountInfo) -> None:  # P4
    contact_id = make.contact(account)
    for role in ("sales", "analyst"):
        browser = signed_in(make.user(account, role))
        answer = ask(browser, account, id=[contact_id])
        assert answer.status_code == 403
        forged = browser.post(
            reverse("contacts:confirm", args=[account.id, uuid4()]), {"count": "1"}
        )
        assert forged.status_code == 403
    assert usage(account) == 0


def test_without_the_accounts_access_it_is_refused(
    browser: Client, account: AccountInfo
) -> None:  # E4
    contact_id = make.contact(account)
    Account.objects.filter(id=account.id).update(has_marketing_contacts=False)
    assert ask(browser, account, id=[contact_id]).status_code == 403


def test_an_account_of_others_is_not_there(
    browser: Client, account: AccountInfo, other_account: AccountInfo
) -> None:
    theirs = make.contact(other_account)
    assert ask(browser, other_account, id=[theirs]).status_code == 404
    assert usage(other_account) == 0


def test_contacts_of_another_account_are_no_contacts_here(
    browser: Client, account: AccountInfo, other_account: AccountInfo
) -> None:  # J4, V16
    theirs = make.contact(other_account)
    mine = make.contact(account)
    answer = ask(browser, account, id=[theirs, mine])
    said = text(answer)
    assert "Set 1 contact as a marketing contact" in said
    assert "1 is deleted, or not a contact of this account" in said
    browser.post(plan_of(answer), {"count": "1"})
    assert usage(other_account) == 0


@pytest.mark.parametrize("field", ["job", "import"])
def test_a_job_or_import_of_another_account_selects_nobody(
    browser: Client, account: AccountInfo, other_account: AccountInfo, field: str
) -> None:
    theirs = User.objects.get(email="owner@other.example")
    done = signed_in(theirs).post(
        plan_of(ask(signed_in(theirs), other_account, id=make.contacts(other_account, 2))),
        {"count": "2"},
    )
    number = done.headers["Location"].rsplit("/", 1)[-1]
    make.contacts(account, 2)
    answer = ask(browser, account, everyone="1", **{field: number})
    assert "No contact would become" in text(answer)


def test_a_forged_plan_is_not_there(
    browser: Client, account: AccountInfo, other_account: AccountInfo
) -> None:
    invented = browser.post(reverse("contacts:confirm", args=[account.id, uuid4()]), {"count": "1"})
    assert invented.status_code == 404
    theirs = User.objects.get(email="owner@other.example")
    plan = ask(signed_in(theirs), other_account, id=[make.contact(other_account)])
    moved = plan_of(plan).replace(f"/{other_account.id}/", f"/{account.id}/", 1)
    assert browser.post(moved, {"count": "1"}).status_code == 404
    assert browser.post(moved, {"count": "x"}).status_code == 404
    assert usage(other_account) == 0


def test_a_colleagues_plan_is_not_mine_to_confirm(browser: Client, account: AccountInfo) -> None:
    answer = ask(browser, account, id=[make.contact(account)])
    colleague = signed_in(make.user(account, "marketer"))
    for typed in ("1", "x"):
        assert colleague.post(plan_of(answer), {"count": typed}).status_code == 404
    assert usage(account) == 0


def test_an_expired_session_is_asked_to_sign_in(account: AccountInfo, browser: Client) -> None:
    answer = ask(browser, account, id=[make.contact(account)])
    browser.logout()
    refused = browser.post(plan_of(answer), {"count": "1"})
    assert refused.status_code == 302
    assert reverse("account_login") in refused.headers["Location"]
    assert usage(account) == 0


def test_a_form_of_another_site_is_refused(account: AccountInfo, owner: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(owner)
    assert ask(browser, account, id=[make.contact(account)]).status_code == 403


def test_contacts_outside_the_reach_are_counted_and_left_alone(account: AccountInfo) -> None:  # P6
    seller = make.user(account, "sales")
    membership = seller.membership_set.get()
    membership.granted = ["marketing_contacts.access"]
    membership.save()
    mine = make.contact(account, hubspot_owner_id=str(seller.pk))
    make.contacts(account, 2)
    browser = signed_in(seller)
    answer = ask(browser, account, everyone="1")
    said = text(answer)
    assert "Set 1 contact as a marketing contact" in said
    assert "2 are outside your rights" in said
    browser.post(plan_of(answer), {"count": "1"})
    assert usage(account) == 1
    assert status_queries.status_of(account.id, mine, TODAY) is Status.MARKETING


def test_unknown_actions_are_refused(browser: Client, account: AccountInfo, anna: Source) -> None:
    contact_id = make.contact(account)
    for action in ("", "update_date", "archive", "erase", "START"):
        assert ask(browser, account, action, id=[contact_id]).status_code == 400
    assert browser.get(reverse("contacts:plan", args=[account.id])).status_code == 405


def test_archived_contacts_cannot_be_started(
    browser: Client, account: AccountInfo
) -> None:  # S10, J15
    contact_id = make.contact(account)
    from marketable import sql

    sql.execute(
        "UPDATE contact SET archived_at = %(at)s WHERE account_id = %(a)s AND id = %(id)s",
        {"at": JAN_20, "a": account.id, "id": contact_id},
    )
    for fields in (
        {"id": [contact_id], "status": "archived"},
        {"everyone": "1", "status": "archived"},
    ):
        answer = ask(browser, account, **fields)
        if answer.status_code == 200:
            browser.post(plan_of(answer), {"count": "1"})
    assert usage(account) == 0

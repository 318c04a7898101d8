"""The frame around every page: its header, the way past the navigation, pages of refusals."""

from datetime import timedelta

import pytest
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse
from django.utils import translation

from marketable import clock
from marketable.accounts.models import User
from marketable.accounts.queries import AccountInfo
from marketable.marketing_status.rules import Status
from tests import make
from tests.make import JAN_20
from tests.web.guarding import text_of as text

pytestmark = pytest.mark.django_db

PAGES = (
    "contacts:list",
    "contacts:create",
    "imports:list",
    "jobs:list",
    "history:list",
    "usage:show",
    "properties:list",
    "people:list",
    "settings:account",
    "settings:profile",
)


@pytest.fixture(autouse=True)
def in_january(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: JAN_20)


@pytest.fixture
def browser(owner: User) -> Client:
    client = Client()
    client.force_login(owner)
    return client


@pytest.mark.parametrize("name", PAGES)
def test_every_page_says_the_usage_and_the_next_update_date(
    browser: Client, account: AccountInfo, name: str
) -> None:
    make.contacts(account, 3, status=Status.MARKETING)
    make.contacts(account, 1, status=Status.LEAVING)
    page = browser.get(reverse(name, args=[account.id]))
    assert "4 of 2,000 next update 1 Feb" in text(page)
    assert page.content.decode().index("skip-link") < page.content.decode().index("<nav")


def test_the_header_speaks_of_today_though_the_job_is_late(
    browser: Client, account: AccountInfo, monkeypatch: pytest.MonkeyPatch
) -> None:  # S1, U6
    make.contacts(account, 2, status=Status.MARKETING)
    make.contacts(account, 3, status=Status.LEAVING)
    badge = reverse("usage:badge", args=[account.id])
    assert "5 of 2,000 next update 1 Feb" in text(browser.get(badge))
    monkeypatch.setattr(clock, "now", lambda: JAN_20 + timedelta(days=20))
    assert "2 of 2,000 next update 1 Mar" in text(browser.get(badge))


def test_the_navigation_stays_folded(browser: Client, account: AccountInfo) -> None:
    page = reverse("history:list", args=[account.id])
    assert "data-nav" not in browser.get(page).content.decode()
    browser.cookies["nav"] = "icons"
    assert 'data-nav="icons"' in browser.get(page).content.decode()
    browser.cookies["nav"] = '"><script>'
    assert "<script>" not in browser.get(page).content.decode()


def test_what_is_not_there_says_so(browser: Client, account: AccountInfo) -> None:
    answer = browser.get(reverse("records:show", args=[account.id, 999_999]))
    assert answer.status_code == 404
    assert "There is no such contact." in text(answer)
    assert "was not done" not in text(answer)
    assert "There is nothing at this address." in text(browser.get("/no/such/page"))


def test_a_refused_plan_is_said_in_the_dialog_with_a_way_to_close_it(
    browser: Client, account: AccountInfo
) -> None:
    answer = browser.post(
        reverse("contacts:plan", args=[account.id]),
        {"action": "no_such"},
        headers={"HX-Request": "true", "HX-Target": "plan-dialog"},
    )
    assert answer.status_code == 400
    assert 'id="plan-title"' in answer.content.decode()
    assert "data-close-plan" in answer.content.decode()
    assert "<html" not in answer.content.decode()


@pytest.mark.parametrize("language", ["en", "pl"])
def test_the_page_of_a_broken_server_needs_nothing(language: str) -> None:
    with translation.override(language):
        page = render_to_string("500.html")
    assert "web/css/tokens.css" in page
    assert "{" not in page


def test_a_stranger_finds_the_way_to_an_owner(owner: User) -> None:
    person = make.user(make.account(), "marketer", email="alone@example.com")
    person.membership_set.all().delete()
    client = Client()
    client.force_login(person)
    assert "Ask an Owner to invite you." in text(client.get("/"))

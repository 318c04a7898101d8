"""The ledger for people: what is listed, how it is narrowed, and what one change tells."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from marketable import clock
from marketable.accounts.models import User
from marketable.accounts.queries import AccountInfo
from marketable.bulk_actions.rules import ActionKind
from marketable.contacts.services.archive import archive_contacts
from marketable.history import queries
from marketable.history.kinds import Kind
from marketable.history.sources import Source, SourceType
from marketable.marketing_status.services import apply_update_date, start_marketing, stop_marketing
from marketable.segments.saved_views.rules import Sharing
from marketable.web.history.asked import asked_for
from marketable.web.records.shown import NOTE_ACTIONS
from tests import make
from tests.make import FEB_2, JAN_20
from tests.web.guarding import signed_in, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def in_february(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: FEB_2)


@pytest.fixture
def browser(owner: User) -> Client:
    return signed_in(owner)


@pytest.fixture
def year(account: AccountInfo, anna: Source) -> list[int]:
    """Three contacts, started by a form, staged, gone on the update date; one was deleted."""
    made = make.contacts(account, 3)
    form = anna.through(SourceType.FORM, "7", "Newsletter")
    start_marketing(account.id, make.ids(*made), by=form, now=JAN_20)
    stop_marketing(account.id, make.ids(*made[:2]), by=anna, now=JAN_20)
    archive_contacts(account.id, make.ids(made[2]), by=anna, now=JAN_20)
    apply_update_date(account.id, now=FEB_2)
    return made


def url(account: AccountInfo) -> str:
    return reverse("history:list", args=[account.id])


def listed(browser: Client, account: AccountInfo, **query: str) -> list[str]:
    page = browser.get(url(account), query)
    assert page.status_code == 200
    return [row.kind for row, *_rest in page.context["changes"]]


def test_every_change_is_listed_newest_first(
    browser: Client, account: AccountInfo, year: list[int]
) -> None:
    assert listed(browser, account)[:4] == [
        "update_date",
        "contact_archived",
        "status_staged",
        "status_started",
    ]


def test_the_list_is_narrowed_by_kind_and_tool(
    browser: Client, account: AccountInfo, year: list[int]
) -> None:
    assert listed(browser, account, kind="status_started") == ["status_started"]
    assert listed(browser, account, source="FORM") == ["status_started"]
    assert listed(browser, account, source="FORM", kind="update_date") == []
    assert set(listed(browser, account, kind="nonsense", source="<b>")) >= {"update_date"}


def test_each_kind_has_a_name_and_every_change_a_page(
    browser: Client, account: AccountInfo, year: list[int]
) -> None:
    page = browser.get(url(account))
    offered = dict(page.context["kinds"])
    assert set(offered) == {kind.value for kind in Kind}
    for row, *_rest in page.context["changes"]:
        one = browser.get(reverse("history:change", args=[account.id, row.id]))
        assert one.status_code == 200
        assert offered[row.kind] in text_of(one)


CODES = (
    *[{"action": kind.value} for kind in ActionKind],
    *[{"action": code} for code in NOTE_ACTIONS],
    *[{"sharing": one.value} for one in Sharing],
    *[{"what": [code]} for code in ("created", "name", "sharing", "people", "state", "deleted")],
)


@pytest.mark.parametrize("body", CODES, ids=str)
def test_what_was_asked_for_is_said_in_words(body: dict[str, Any]) -> None:
    with translation.override("pl"):
        ((label, text),) = asked_for(body)
    assert label not in body
    assert text not in {str(code) for value in body.values() for code in (value, *value)}


def test_a_change_tells_who_by_what_when_and_how_many(
    browser: Client, account: AccountInfo, year: list[int]
) -> None:  # L1
    changes = {row.kind: row for row in queries.changes(account.id)}

    def said(kind: str) -> str:
        url = reverse("history:change", args=[account.id, changes[kind].id])
        return text_of(browser.get(url))

    started = said("status_started")
    for part in ("Form: Newsletter", "anna@example.com", "Contacts 3", "20 Jan 2027", "+3"):
        assert part in started
    left = said("update_date")
    for part in ("Takes effect on 1 Feb 2027", "Contacts 3", "Update date"):
        assert part in left
    assert "\u22123" in left or "-3" in left


def test_a_deleted_contact_is_found_from_its_deletion(
    browser: Client, account: AccountInfo, year: list[int]
) -> None:
    (row,) = queries.changes(account.id, kind="contact_archived")
    page = browser.get(reverse("history:change", args=[account.id, row.id])).content.decode()
    assert reverse("records:show", args=[account.id, year[2]]) in page


def test_a_long_ledger_is_read_page_by_page(
    browser: Client, account: AccountInfo, anna: Source
) -> None:
    for number in range(60):
        make.contact(account, email=f"c{number}@example.com")
    first = browser.get(url(account))
    ids = [row.id for row, *_rest in first.context["changes"]]
    older = str(first.context["older_than"])
    rest = browser.get(url(account), {"before": older})
    more = [row.id for row, *_rest in rest.context["changes"]]
    assert len(ids) == 50
    assert max(more) < min(ids)
    assert [*ids, *more] == [row.id for row in queries.changes(account.id, limit=1_000)]


def test_an_empty_list_says_whether_nothing_is_there_or_nothing_matches(
    browser: Client, account: AccountInfo
) -> None:
    assert "No change matches" in text_of(browser.get(url(account), {"kind": "update_date"}))

"""Every page in Polish says nothing in English, and writes numbers and dates as Polish does."""

import re
from collections.abc import Iterator
from typing import Any
from zoneinfo import available_timezones

import pytest
from django.test import Client
from django.urls import reverse

from marketable import clock
from marketable.properties.defaults import BY_NAME
from marketable.properties.rules import Option, PropertyDef
from ops import texts
from tests.languages.reading import read
from tests.make import JAN_20, PASSWORD
from tests.web.guarding import World, doors, signed_in, world

pytestmark = pytest.mark.django_db

SIGN = "qxvz"
WORD = re.compile(r"[^\W\d_]{3,}")
#: Names of the product, its plans, languages and encodings; and what the tests' data says.
NAMES = {"marketable", "Professional", "English", "Polski", "UTF"} | {
    *("Zoe", "Kowalski", "email", "firstname"),
}


@pytest.fixture(autouse=True)
def in_january(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: JAN_20)


@pytest.fixture
def full(db: None) -> World:
    return world("Acme", owner_email=f"anna.{SIGN}@example.com", sign=SIGN)


def same_in_both() -> set[str]:
    """Return the texts and labels whose translation is the text itself."""
    labels: list[PropertyDef | Option] = [*BY_NAME.values()]
    for definition in BY_NAME.values():
        labels.extend(definition.options)
    return {str(one.id) for one in texts.read("pl") if one.id and one.string == one.id} | {
        one.label for one in labels if one.label == one.label_pl
    }


def in_language(client: Client, language: str, url: str, posted: dict[str, Any] | None) -> Any:
    client.post(reverse("language"), {"language": language})
    return client.get(url) if posted is None else client.post(url, posted)


def left_in_english(english: str, polish: str) -> Iterator[str]:
    """Yield what both pages say alike, apart from data and names."""
    alike = set(read(english)) & set(read(polish))
    fine = same_in_both() | available_timezones()
    for text in sorted(alike):
        if text.strip("():") in fine:
            continue
        words = [word for word in WORD.findall(text) if word not in NAMES]
        if words and SIGN not in text and "@" not in text:
            yield text


@pytest.mark.parametrize(("door", "parameters"), sorted(doors()))
def test_a_page_in_polish_says_nothing_in_english(
    full: World, door: str, parameters: tuple[str, ...]
) -> None:
    client, url = signed_in(full.owner), full.url(door, parameters)
    english = in_language(client, "en", url, None)
    polish = in_language(client, "pl", url, None)
    assert english.status_code == polish.status_code
    if polish.headers["Content-Type"].startswith("text/html") and not polish.streaming:
        assert list(left_in_english(english.content.decode(), polish.content.decode())) == []


FORMS = [
    ("contacts:plan", (), {"action": action, "everyone": "1"})
    for action in ("start", "stop", "keep")
] + [
    ("contacts:delete", (), {"everyone": "1"}),
    ("contacts:plan", (), {"action": "start", "chosen": ""}),
    ("contacts:confirm", ("plan_id",), {"count": "7"}),
    ("contacts:create", (), {"email": f"not an address {SIGN}"}),
    ("people:invite", (), {"email": "nobody", "role": "sales"}),
    ("properties:new", (), {"label": "", "name": "1", "type": "string/text"}),
    ("settings:limit", (), {"at_limit": "ceiling", "ceiling": "-5"}),
    ("settings:account", (), {"name": "", "language": "pl", "time_zone": "Nowhere"}),
]


@pytest.mark.parametrize(("door", "parameters", "posted"), FORMS)
def test_the_answer_to_a_form_in_polish_says_nothing_in_english(
    full: World, door: str, parameters: tuple[str, ...], posted: dict[str, Any]
) -> None:
    client, url = signed_in(full.owner), full.url(door, ("account_id", *parameters))
    english = in_language(client, "en", url, posted)
    polish = in_language(client, "pl", url, posted)
    assert english.status_code == polish.status_code
    assert english.status_code in {200, 400, 404, 409}
    assert list(left_in_english(english.content.decode(), polish.content.decode())) == []


SIGN_IN_PAGES = ["account_login", "account_reset_password", "account_reset_password_done"]
OWN_PAGES = [
    *("account_change_password", "account_set_password", "account_logout"),
    *("account_reauthenticate", "mfa_index", "mfa_activate_totp"),
]


@pytest.mark.parametrize("door", SIGN_IN_PAGES)
def test_the_way_in_says_nothing_in_english(db: None, door: str) -> None:
    english = Client().get(reverse(door), headers={"Accept-Language": "en"})
    polish = Client().get(reverse(door), headers={"Accept-Language": "pl"})
    assert english.status_code == polish.status_code == 200
    assert list(left_in_english(english.content.decode(), polish.content.decode())) == []


@pytest.mark.parametrize("door", OWN_PAGES)
def test_ones_own_pages_say_nothing_in_english(full: World, door: str) -> None:
    client = Client()
    client.post(reverse("account_login"), {"login": full.owner.email, "password": PASSWORD})
    english = in_language(client, "en", reverse(door), None)
    polish = in_language(client, "pl", reverse(door), None)
    assert english.status_code == polish.status_code
    assert english.status_code in {200, 302}
    assert list(left_in_english(english.content.decode(), polish.content.decode())) == []


def test_a_wrong_password_is_told_in_polish(full: World) -> None:
    posted = {"login": full.owner.email, "password": "wrong"}
    url = reverse("account_login")
    english = Client().post(url, posted, headers={"Accept-Language": "en"})
    polish = Client().post(url, posted, headers={"Accept-Language": "pl"})
    assert list(left_in_english(english.content.decode(), polish.content.decode())) == []


@pytest.mark.parametrize("path", ["/nothing/here", "/accounts/invitation/unknown"])
def test_what_is_not_there_is_told_in_polish(db: None, path: str) -> None:
    english = Client().get(path, headers={"Accept-Language": "en"})
    polish = Client().get(path, headers={"Accept-Language": "pl"})
    assert english.status_code == polish.status_code == 404
    assert list(left_in_english(english.content.decode(), polish.content.decode())) == []


def test_a_page_that_broke_says_so_in_polish(full: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*given: object) -> None:
        raise RuntimeError

    client = Client(raise_request_exception=False)
    client.force_login(full.owner)
    url = full.url("usage:show", ("account_id",))
    client.post(reverse("language"), {"language": "pl"})
    monkeypatch.setattr("marketable.billing.queries.calendar", broken)
    answer = client.get(url)
    assert answer.status_code == 500
    page = answer.content.decode()
    assert '<html lang="pl">' in page
    assert "Coś się zepsuło" in page


@pytest.mark.parametrize("language", ["en", "pl"])
def test_the_accounts_zone_is_named_beside_the_update_date(full: World, language: str) -> None:
    """Y2: every page tells the next update date, and with it whose midnight is meant."""
    client = signed_in(full.owner)
    for door in ("contacts:list", "jobs:list", "usage:show", "settings:account"):
        page = in_language(client, language, full.url(door, ("account_id",)), None)
        told = " ".join(read(page.content.decode()))
        assert {"en": "next update 1 Feb", "pl": "aktualizacja 1 lut"}[language] in told
        assert told.index("(Europe/Warsaw)") > told.index("1 ")

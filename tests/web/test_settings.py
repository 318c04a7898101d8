"""Settings of the account and of oneself: name, zone, language, what happens at the limit."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from marketable import clock, sql
from marketable.accounts import queries
from marketable.accounts.models import User
from marketable.accounts.queries import AccountInfo
from marketable.billing import queries as billing
from marketable.marketing_status.rules import Status
from tests import make
from tests.make import JAN_20
from tests.web.guarding import JAN, everything_stored, signed_in, text_of

pytestmark = pytest.mark.django_db

USUAL = {"name": "Acme", "language": "en", "time_zone": "Europe/Warsaw"}


@pytest.fixture(autouse=True)
def in_january(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: JAN_20)


@pytest.fixture
def browser(owner: User) -> Client:
    return signed_in(owner)


def url(account: AccountInfo, name: str) -> str:
    return reverse(f"settings:{name}", args=[account.id])


def save(browser: Client, account: AccountInfo, **form: str) -> Any:
    return browser.post(url(account, "account"), {**USUAL, **form})


def told(account: AccountInfo) -> list[str]:
    found = sql.rows(
        "SELECT body->>'setting' FROM change WHERE account_id = %(id)s "
        "AND kind = 'setting_changed' ORDER BY id",
        {"id": account.id},
    )
    return [str(row[0]) for row in found]


# The account


def test_name_language_and_zone_are_saved_together(browser: Client, account: AccountInfo) -> None:
    save(browser, account, name=" Acme  Two ", language="pl", time_zone="America/New_York")
    now = queries.account(account.id)
    assert (now.name, now.language, now.time_zone) == ("Acme Two", "pl", "America/New_York")
    assert told(account) == ["account", "time_zone"]
    save(browser, account, name="Acme Two", language="pl", time_zone="America/New_York")
    assert told(account) == ["account", "time_zone"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "x" * 201},
        {"name": "nul\0"},
        {"language": "xx"},
        {"language": ""},
        {"time_zone": "Mars/Olympus"},
        {"time_zone": ""},
        {"time_zone": "../../etc/passwd"},
        {"time_zone": "europe/warsaw; --"},
    ],
)
def test_one_wrong_setting_saves_none(
    browser: Client, account: AccountInfo, wrong: dict[str, str]
) -> None:  # J13
    before = everything_stored()
    right = {"name": "Other name", "language": "pl", "time_zone": "Europe/Berlin"}
    answer = save(browser, account, **{**right, **wrong})
    assert answer.status_code == 400
    assert everything_stored() == before
    if "name" not in wrong:
        assert 'value="Other name"' in answer.content.decode()  # what was typed is kept
    if "time_zone" not in wrong:
        assert "<option selected>Europe/Berlin" in answer.content.decode()


@pytest.mark.parametrize(
    ("moment", "zone", "status"),
    [
        (datetime(2027, 1, 31, 22, 30, tzinfo=UTC), "Europe/London", 302),  # both before
        (datetime(2027, 1, 31, 23, 30, tzinfo=UTC), "Europe/London", 409),  # 1 Feb there, 31 Jan
        (datetime(2027, 2, 1, 0, 0, tzinfo=UTC), "Europe/London", 302),  # both after
        (datetime(2027, 1, 31, 12, 0, tzinfo=UTC), "Pacific/Kiritimati", 409),
        (datetime(2027, 2, 1, 9, 0, tzinfo=UTC), "Pacific/Pago_Pago", 409),
    ],
)
def test_a_zone_is_not_changed_while_the_two_disagree_on_an_update_date(
    browser: Client,
    account: AccountInfo,
    monkeypatch: pytest.MonkeyPatch,
    moment: datetime,
    zone: str,
    status: int,
) -> None:  # U8
    monkeypatch.setattr(clock, "now", lambda: moment)
    answer = save(browser, account, name="Renamed", time_zone=zone)
    assert answer.status_code == status
    if status == 409:
        assert "The change will work from" in text_of(answer)
        assert queries.account(account.id).name == "Acme"  # nothing of the form was saved
    else:
        assert queries.account(account.id).time_zone == zone


def test_whoever_may_not_change_settings_sees_them_disabled_with_the_reason(
    account: AccountInfo,
) -> None:  # P4
    page = signed_in(make.user(account, "analyst")).get(url(account, "account"))
    assert page.content.decode().count("<fieldset disabled>") == 3
    for right in ("Account settings", "Billing, tiers and limits", "Erase contacts for good"):
        assert f"“{right}”" in text_of(page)


# The limit (T4)


def limit(browser: Client, account: AccountInfo, **form: str) -> Any:
    return browser.post(url(account, "limit"), form)


@pytest.mark.parametrize(
    ("typed", "ceiling"),
    [
        ("", None),
        ("0", 0),
        ("1500", 1500),
        ("1,500", 1500),
        ("1 500", 1500),
        ("2.000.000", 2000000),
    ],
)
def test_the_policy_and_the_ceiling_are_chosen(
    browser: Client, account: AccountInfo, typed: str, ceiling: int | None
) -> None:
    assert limit(browser, account, at_limit="ceiling", ceiling=typed).status_code == 302
    info = billing.subscription(account.id, JAN)
    assert (info.at_limit, info.own_ceiling) == ("ceiling", ceiling)
    assert told(account) == ["at_limit"]
    limit(browser, account, at_limit="automatic", ceiling="")
    assert billing.subscription(account.id, JAN).at_limit == "automatic"


@pytest.mark.parametrize(
    ("at_limit", "ceiling"),
    [
        *(
            ("ceiling", one)
            for one in ("-1", "1.5", "1e3", "abc", "12,48", "9" * 12, "nul\0", "٤٢")
        ),
        *((one, "10") for one in ("", "approval", "never", "AUTOMATIC")),
    ],
)
def test_a_limit_that_is_none_is_refused_and_kept_in_the_field(
    browser: Client, account: AccountInfo, at_limit: str, ceiling: str
) -> None:  # J14
    before = everything_stored()
    answer = limit(browser, account, at_limit=at_limit, ceiling=ceiling)
    assert answer.status_code == 400
    assert everything_stored() == before
    if "\0" not in ceiling:
        assert f'value="{ceiling}"' in answer.content.decode()


def test_a_ceiling_under_the_usage_only_blocks_what_comes(
    browser: Client, account: AccountInfo
) -> None:  # O3
    make.contacts(account, 3, status=Status.MARKETING)
    assert limit(browser, account, at_limit="ceiling", ceiling="2").status_code == 302
    page = reverse("usage:show", args=[account.id])
    assert browser.get(page).status_code == 200


def test_the_limit_is_set_by_billing_and_by_nobody_else(account: AccountInfo) -> None:  # T4
    for role, status in (("billing", 302), ("marketing_manager", 403), ("marketer", 403)):
        browser = signed_in(make.user(account, role))
        assert limit(browser, account, at_limit="ceiling", ceiling="5000").status_code == status


# Oneself


def test_the_persons_own_language_goes_before_the_accounts(
    browser: Client, account: AccountInfo, owner: User
) -> None:  # Y1
    page = reverse("contacts:list", args=[account.id])
    save(browser, account, language="pl")
    assert browser.get(page)["Content-Language"] == "pl"
    form = {"name": "Anna", "language": "en", "theme": "dark", "density": "compact"}
    browser.post(url(account, "profile"), form)
    answer = browser.get(page)
    assert answer["Content-Language"] == "en"
    assert 'data-theme="dark" data-density="compact"' in answer.content.decode()
    browser.post(url(account, "profile"), {**form, "language": ""})
    assert browser.get(page)["Content-Language"] == "pl"


@pytest.mark.parametrize(
    "wrong",
    [
        {"language": "xx"},
        {"theme": "pink"},
        {"density": ""},
        {"name": "x" * 201},
        {"name": "nul\0"},
    ],
)
def test_a_profile_that_cannot_be_is_refused(
    browser: Client, account: AccountInfo, wrong: dict[str, str]
) -> None:
    before = everything_stored()
    form = {"name": "Anna", "language": "pl", "theme": "", "density": "normal"}
    answer = browser.post(url(account, "profile"), {**form, **wrong})
    assert answer.status_code == 400
    assert everything_stored() == before


def test_nobody_makes_themselves_more_than_they_are(account: AccountInfo) -> None:  # P9
    person = make.user(account, "analyst")
    form = {"name": "A", "language": "", "theme": "", "density": "normal"}
    more = {"role": "owner", "is_installation_admin": "1", "is_active": "1", "email": "x@y.example"}
    signed_in(person).post(url(account, "profile"), {**form, **more})
    fresh = User.objects.get(pk=person.pk)
    assert (fresh.is_installation_admin, fresh.email) == (False, person.email)
    assert queries.member(account.id, person.pk).rights.role == "analyst"

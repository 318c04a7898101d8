"""Signing in and out, the second factor, forgotten passwords, sessions and their cookies."""

import re
from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import (
    format_hotp_value,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.contrib.sessions.models import Session
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from marketable import clock
from marketable.accounts import services
from marketable.accounts.models import Membership, User
from marketable.accounts.queries import AccountInfo
from marketable.accounts.services import make_sign_in_link
from marketable.history.sources import Source
from tests import make
from tests.make import PASSWORD
from tests.web.guarding import signed_in, text_of

pytestmark = pytest.mark.django_db

LOGIN = "/accounts/login/"


@pytest.fixture(autouse=True)
def fresh_limits(db: None) -> None:
    cache.clear()


def sign_in(client: Client, email: str, password: str = PASSWORD, **more: str) -> Any:
    return client.post(LOGIN, {"login": email, "password": password, **more})


def is_in(client: Client, account: AccountInfo) -> bool:
    return client.get(reverse("contacts:list", args=[account.id])).status_code == 200


def token_in(client: Client, url: str) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', client.get(url).content.decode())
    assert found is not None
    return found[1]


# In and out


def test_address_and_password_lead_to_the_contacts(account: AccountInfo, owner: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    token = token_in(browser, LOGIN)
    answer = sign_in(browser, "ANNA@example.com", csrfmiddlewaretoken=token)
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert is_in(browser, account)


def test_one_gets_back_to_the_page_one_asked_for_and_never_out_of_the_product(
    account: AccountInfo, owner: User
) -> None:
    page = reverse("usage:show", args=[account.id])
    asked = Client().get(page)
    assert asked["Location"] == f"{LOGIN}?next={page}"
    assert sign_in(Client(), owner.email, next=page)["Location"] == page
    for outside in ("https://evil.example/", "//evil.example", "javascript:alert(1)"):
        assert sign_in(Client(), owner.email, next=outside)["Location"] == "/"


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("anna@example.com", "wrong password"),
        ("nobody@example.com", PASSWORD),
        ("", ""),
        ("anna@example.com' OR 1=1 --", PASSWORD),
        ("nul\0@example.com", "nul\0"),
        ("x" * 100_000, "y" * 100_000),
    ],
)
def test_a_wrong_pair_lets_nobody_in_and_says_the_same(
    account: AccountInfo, email: str, password: str
) -> None:
    browser = Client()
    answer = sign_in(browser, email, password)
    assert answer.status_code == 200
    assert not is_in(browser, account)
    assert PASSWORD not in answer.content.decode()


def test_known_and_unknown_addresses_are_answered_alike(account: AccountInfo) -> None:
    def said(email: str) -> str:
        return text_of(sign_in(Client(), email, "wrong password")).replace(email, "")

    assert said("anna@example.com") == said("nobody@example.com")


def test_guessing_is_stopped_for_the_address_and_only_slows_others(
    account: AccountInfo, owner: User
) -> None:
    other = make.user(account, "marketer")
    for _ in range(5):
        sign_in(Client(), owner.email, "wrong password")
    browser = Client()
    assert "too many" in text_of(sign_in(browser, owner.email)).lower()
    assert not is_in(browser, account)
    assert sign_in(Client(), other.email).status_code == 302


def test_too_many_from_one_place_get_a_page_that_says_so(account: AccountInfo) -> None:
    answers = [sign_in(Client(), f"{n}@example.com", "wrong password") for n in range(61)]
    assert answers[-1].status_code == 429
    assert "Wait a few minutes" in text_of(answers[-1])


def test_signing_out_ends_the_session_for_good(account: AccountInfo, owner: User) -> None:
    browser = Client()
    sign_in(browser, owner.email)
    stolen = browser.cookies["sessionid"].value
    assert browser.get("/accounts/logout/").status_code == 200  # a link alone signs nobody out
    assert is_in(browser, account)
    assert browser.post("/accounts/logout/")["Location"] == LOGIN
    assert not is_in(browser, account)
    thief = Client()
    thief.cookies["sessionid"] = stolen
    assert not is_in(thief, account)


def test_nobody_signs_up_by_themselves(account: AccountInfo) -> None:
    form = {"email": "new@example.com", "password1": PASSWORD, "password2": PASSWORD}
    for answer in (Client().get("/accounts/signup/"), Client().post("/accounts/signup/", form)):
        assert "invitation" in text_of(answer)
    assert not User.objects.filter(email="new@example.com").exists()


@pytest.mark.parametrize(
    "path", ["email/", "confirm-email/", "confirm-email/key/", "login/code/confirm/"]
)
def test_the_invited_address_is_not_changed_by_its_person(
    account: AccountInfo, owner: User, path: str
) -> None:
    browser = signed_in(owner)
    form = {"email": "victim@example.com", "action_add": "1"}
    for answer in (browser.get(f"/accounts/{path}"), browser.post(f"/accounts/{path}", form)):
        assert answer.status_code == 404
    owner.refresh_from_db()
    assert owner.email == "anna@example.com"


def test_every_page_of_signing_in_has_our_look(account: AccountInfo, owner: User) -> None:
    browser = signed_in(owner)
    outside = [
        "login",
        "signup",
        "password/reset",
        "password/reset/done",
        "password/reset/key/done",
    ]
    outside += ["password/reset/key/1-wrong", "inactive"]
    inside = ["password/change", "logout", "2fa", "reauthenticate", "2fa/totp/activate"]
    for client, names in ((Client(), outside), (browser, inside)):
        for name in names:
            answer = client.get(f"/accounts/{name}/", follow=True)
            page = answer.content.decode()
            assert answer.status_code == 200, name
            assert 'class="plain__brand"' in page, name
            assert "example.com" not in page.replace(owner.email, ""), name
            assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]
            assert not re.search(r"<script>|style=|onclick=", page), name


# Forgotten passwords


def test_a_forgotten_password_is_chosen_anew_by_the_mails_link_once(
    account: AccountInfo, owner: User
) -> None:
    old = signed_in(owner)
    answer = Client().post("/accounts/password/reset/", {"email": owner.email}, follow=True)
    assert "Check your mail" in text_of(answer)
    (sent,) = mail.outbox
    assert sent.subject == "New password for marketable"
    found = re.search(r"http://testserver(/\S+)", str(sent.body))
    assert found is not None
    browser = Client()
    form = browser.get(found[1], follow=True)
    where = form.redirect_chain[-1][0]
    new = "quite another password"
    done = browser.post(where, {"password1": new, "password2": new}, follow=True)
    assert "The new password is saved" in text_of(done)
    assert not is_in(old, account)  # whoever was in is out
    assert not is_in(browser, account)
    assert sign_in(browser, owner.email, new).status_code == 302
    again = Client().get(found[1], follow=True)
    assert "used already" in text_of(again)


def test_an_unknown_address_gets_no_mail_and_the_same_answer(account: AccountInfo) -> None:
    answer = Client().post(
        "/accounts/password/reset/", {"email": "nobody@example.com"}, follow=True
    )
    assert "Check your mail" in text_of(answer)
    assert mail.outbox == []


def test_the_link_in_a_mail_names_this_server_whatever_the_request_says(
    account: AccountInfo, owner: User, settings: Any
) -> None:
    settings.ALLOWED_HOSTS = ["testserver"]
    form = {"email": owner.email}
    answer = Client(headers={"host": "evil.example"}).post("/accounts/password/reset/", form)
    assert answer.status_code == 400
    assert mail.outbox == []
    settings.BASE_URL = "https://contacts.example"
    Client().post("/accounts/password/reset/", form)
    assert "https://contacts.example/accounts/password/reset/key/" in str(mail.outbox[0].body)


@pytest.mark.parametrize("host", ["evil.example", "testserver.evil.example", "a b", "x" * 5000])
def test_a_page_under_another_name_is_not_answered(
    account: AccountInfo, settings: Any, host: str
) -> None:
    settings.ALLOWED_HOSTS = ["testserver"]
    answer = Client(headers={"host": host}).get(LOGIN)
    assert answer.status_code == 400
    assert "MARKETABLE_BASE_URL" in text_of(answer)


# The second factor


def code_of(secret: str, *, steps: int = 0) -> str:
    counter = next(iter(yield_hotp_counters_from_time())) + steps
    return str(format_hotp_value(hotp_value(secret, counter)))


def with_second_factor(owner: User) -> tuple[Client, str]:
    """Turn the second factor on, as a person does it; return the browser and the app's secret."""
    browser = Client()
    sign_in(browser, owner.email)
    browser.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    form = browser.get("/accounts/2fa/totp/activate/")
    secret = form.context["form"].secret
    assert secret in form.content.decode()
    wrong = browser.post("/accounts/2fa/totp/activate/", {"code": "000000"})
    assert "Incorrect code" in text_of(wrong)
    browser.post("/accounts/2fa/totp/activate/", {"code": code_of(secret)})
    assert "a code of your app" in text_of(browser.get("/accounts/2fa/"))
    cache.clear()  # a code is taken once, and the tests are faster than the app
    return browser, secret


def test_a_password_alone_does_not_open_a_sign_in_with_a_second_factor(
    account: AccountInfo, owner: User
) -> None:
    _browser, secret = with_second_factor(owner)
    fresh = Client()
    answer = sign_in(fresh, owner.email)
    assert answer["Location"] == reverse("mfa_authenticate")
    assert not is_in(fresh, account)
    for wrong in ("000000", "", "abc", "1" * 5_000, "nul\0"):
        assert fresh.post(reverse("mfa_authenticate"), {"code": wrong}).status_code == 200
        assert not is_in(fresh, account)
    cache.clear()
    fresh.post(reverse("mfa_authenticate"), {"code": code_of(secret)})
    assert is_in(fresh, account)


def test_a_code_is_taken_once(account: AccountInfo, owner: User) -> None:
    _browser, secret = with_second_factor(owner)
    code = code_of(secret)
    for expected in (True, False):
        fresh = Client()
        sign_in(fresh, owner.email)
        fresh.post(reverse("mfa_authenticate"), {"code": code})
        assert is_in(fresh, account) is expected


def test_codes_cannot_be_tried_for_ever(account: AccountInfo, owner: User) -> None:
    _browser, secret = with_second_factor(owner)
    fresh = Client()
    sign_in(fresh, owner.email)
    for _ in range(6):
        fresh.post(reverse("mfa_authenticate"), {"code": "000000"})
    fresh.post(reverse("mfa_authenticate"), {"code": code_of(secret)})
    assert not is_in(fresh, account)


def test_each_recovery_code_works_once(account: AccountInfo, owner: User) -> None:
    browser, _secret = with_second_factor(owner)
    codes = re.findall(
        r"<li>(\d{8})</li>", browser.get("/accounts/2fa/recovery-codes/").content.decode()
    )
    assert len(codes) == 10
    for expected in (True, False):
        fresh = Client()
        sign_in(fresh, owner.email)
        fresh.post(reverse("mfa_authenticate"), {"code": codes[0]})
        assert is_in(fresh, account) is expected
    browser.post("/accounts/2fa/recovery-codes/generate/")
    page = browser.get("/accounts/2fa/recovery-codes/").content.decode()
    assert not any(code in page for code in codes)


def test_the_second_factor_is_turned_off_again(account: AccountInfo, owner: User) -> None:
    browser, _secret = with_second_factor(owner)
    browser.post("/accounts/2fa/totp/deactivate/")
    assert "the password alone" in text_of(browser.get("/accounts/2fa/"))
    fresh = Client()
    sign_in(fresh, owner.email)
    assert is_in(fresh, account)


def test_changing_how_one_signs_in_asks_for_the_password_again(
    account: AccountInfo, owner: User
) -> None:
    browser = signed_in(owner)  # signed in, but no password was given of late
    answer = browser.get("/accounts/2fa/totp/activate/")
    assert answer["Location"].startswith(reverse("account_reauthenticate"))
    page = browser.get(answer["Location"])
    assert "Is it you" in text_of(page)
    browser.post(reverse("account_reauthenticate"), {"password": "wrong"})
    assert browser.get("/accounts/2fa/totp/activate/").status_code == 302
    browser.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    assert browser.get("/accounts/2fa/totp/activate/").status_code == 200


# Sessions


def test_an_expired_session_is_led_to_the_sign_in_page(account: AccountInfo, owner: User) -> None:
    browser = signed_in(owner)
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    answer = browser.get(reverse("contacts:list", args=[account.id]))
    assert answer["Location"].startswith(LOGIN)


def test_a_form_sent_after_the_session_ended_leads_back_to_its_page(
    account: AccountInfo, owner: User
) -> None:
    page = reverse("contacts:list", args=[account.id])
    sent = reverse("contacts:plan", args=[account.id])
    answer = Client().post(
        sent, {"action": "start"}, headers={"referer": f"http://testserver{page}"}
    )
    assert answer["Location"] == f"{LOGIN}?next=http%3A//testserver{page}"
    away = Client().post(sent, {}, headers={"referer": "https://evil.example/"})
    assert away["Location"] == f"{LOGIN}?next=/"
    part = Client().post(
        sent,
        {},
        headers={"hx-request": "true", "hx-current-url": f"http://testserver{page}"},
    )
    assert part["HX-Redirect"] == f"{LOGIN}?next={page}"  # the whole page goes, not a part of it


@pytest.mark.parametrize("forged", ["x" * 32, "../../etc/passwd", "' OR '1'='1", "", "é" * 20])
def test_a_forged_session_is_nobody(account: AccountInfo, owner: User, forged: str) -> None:
    signed_in(owner)
    browser = Client()
    browser.cookies["sessionid"] = forged
    assert not is_in(browser, account)


def test_a_session_whose_content_was_tampered_with_is_nobody(
    account: AccountInfo, owner: User
) -> None:
    browser = signed_in(owner)
    row = Session.objects.get()
    row.session_data = row.session_data[:-3] + "abc"
    row.save()
    assert not is_in(browser, account)


def test_a_session_of_somebody_switched_off_is_nobody(account: AccountInfo, owner: User) -> None:
    browser = signed_in(owner)
    User.objects.filter(pk=owner.pk).update(is_active=False)
    assert not is_in(browser, account)
    assert "switched off" in text_of(browser.get("/accounts/inactive/"))
    fresh = Client()
    sign_in(fresh, owner.email)
    assert not is_in(fresh, account)


def test_a_removed_member_loses_the_account_with_the_next_request(
    account: AccountInfo, anna: Source
) -> None:  # P8
    person = make.user(account, "marketer")
    browser = signed_in(person)
    assert is_in(browser, account)
    services.remove_member(account.id, person.pk, by=anna, now=clock.now())
    assert browser.get(reverse("contacts:list", args=[account.id])).status_code == 404
    assert "You belong to no account yet" in text_of(browser.get("/"))


def test_another_role_works_from_the_next_request_in_both_directions(
    account: AccountInfo, anna: Source
) -> None:  # P8
    person = make.user(account, "marketer")
    browser = signed_in(person)
    page = reverse("properties:new", args=[account.id])
    for role, status in (("marketer", 403), ("marketing_manager", 200), ("billing", 403)):
        services.change_member(
            account.id, person.pk, role=role, team="", choices={}, by=anna, now=clock.now()
        )
        assert browser.get(page).status_code == status


def test_the_session_is_new_after_signing_in(account: AccountInfo, owner: User) -> None:
    browser = Client()
    browser.cookies["sessionid"] = "a" * 32  # fixed by somebody else beforehand
    sign_in(browser, owner.email)
    assert browser.cookies["sessionid"].value != "a" * 32


def test_cookies_are_closed_to_scripts_and_other_sites(account: AccountInfo, owner: User) -> None:
    browser = Client()
    browser.get(LOGIN)
    sign_in(browser, owner.email)
    for name in ("sessionid", "csrftoken"):
        cookie = browser.cookies[name]
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"
    assert browser.cookies["sessionid"]["max-age"] == 14 * 24 * 3600


def test_over_tls_cookies_stay_there(account: AccountInfo, owner: User, settings: Any) -> None:
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = settings.HTTPS = True
    browser = Client()
    browser.get(LOGIN, secure=True)
    browser.post(LOGIN, {"login": owner.email, "password": PASSWORD}, secure=True)
    browser.post("/language", {"language": "pl"}, secure=True)
    for name in ("sessionid", "csrftoken", settings.LANGUAGE_COOKIE_NAME):
        assert browser.cookies[name]["secure"]


# The way in from this machine


def test_the_one_time_link_signs_in_from_this_machine_once(
    account: AccountInfo, owner: User
) -> None:
    link = reverse("sign_in_link", args=[make_sign_in_link(owner.pk, now=clock.now())])
    elsewhere = Client(REMOTE_ADDR="203.0.113.5")
    through_a_proxy = Client(headers={"x-forwarded-for": "127.0.0.1"})
    for stranger in (elsewhere, through_a_proxy):
        assert stranger.get(link).status_code == 404
        assert not is_in(stranger, account)
    browser = Client()
    assert browser.head(link).status_code == 200  # a look ahead does not use it up
    assert browser.get(link)["Location"] == "/"
    assert is_in(browser, account)
    assert Client().get(link).status_code == 404


@pytest.mark.parametrize("token", ["x", "nul%00", "%ED%A0%80", "x" * 5000, "'; DROP TABLE person"])
def test_a_link_nobody_made_opens_nothing(account: AccountInfo, token: str) -> None:
    for place in ("link", "invitation"):
        assert Client().get(f"/accounts/{place}/{token}").status_code == 404


# Invitations


def invite(account: AccountInfo, owner: User, email: str, role: str = "sales") -> str:
    """Invite as people do, and return the path in the mail."""
    browser = signed_in(owner)
    page = browser.post(reverse("people:invite", args=[account.id]), {"email": email, "role": role})
    assert page.status_code == 200
    found = re.search(r"http://testserver(/\S+)", str(mail.outbox[-1].body))
    assert found is not None
    assert f"http://testserver{found[1]}" in page.content.decode()
    return found[1]


def test_an_invited_person_is_in_at_once(account: AccountInfo, owner: User) -> None:
    path = invite(account, owner, "bo@example.com")
    assert mail.outbox[-1].to == ["bo@example.com"]
    browser = Client()
    page = text_of(browser.get(path))
    assert "Join Acme" in page
    assert "bo@example.com" in page
    answer = browser.post(path, {"name": "Bo Berg", "password": PASSWORD}, follow=True)
    assert "You belong to Acme now" in text_of(answer)
    assert is_in(browser, account)
    assert Client().get(path).status_code == 404
    assert Client().post(path, {"name": "X", "password": PASSWORD}).status_code == 404


@pytest.mark.parametrize(
    "wrong", [{"name": ""}, {"name": "<script>\0"}, {"password": "short"}, {"name": "x" * 500}]
)
def test_what_cannot_be_is_said_and_what_was_typed_is_kept(
    account: AccountInfo, owner: User, wrong: dict[str, str]
) -> None:
    path = invite(account, owner, "bo@example.com")
    form = {"name": "Bo <b>Berg</b>", "password": PASSWORD, **wrong}
    answer = Client().post(path, form)
    assert answer.status_code == 400
    page = answer.content.decode()
    assert "<b>Berg</b>" not in page
    if "name" not in wrong:
        assert "Bo &lt;b&gt;Berg&lt;/b&gt;" in page
    assert PASSWORD not in page
    assert Client().get(path).status_code == 200


def test_somebody_with_a_sign_in_signs_in_and_joins(
    account: AccountInfo, other_account: AccountInfo, owner: User
) -> None:
    eve = User.objects.get(email="owner@other.example")
    path = invite(account, owner, eve.email, "analyst")
    browser = Client()
    assert "You have a sign-in already" in text_of(browser.get(path))
    assert browser.post(path, {"password": "a new password"})["Location"] == f"{LOGIN}?next={path}"
    sign_in(browser, eve.email, next=path)
    assert not is_in(browser, account)
    browser.post(path)
    assert is_in(browser, account)
    assert is_in(browser, other_account)


def test_somebody_elses_invitation_is_not_accepted_by_who_is_signed_in(
    account: AccountInfo, other_account: AccountInfo, owner: User
) -> None:
    path = invite(account, owner, "bo@example.com")
    eve = signed_in(User.objects.get(email="owner@other.example"))
    assert "You are signed in as owner@other.example" in text_of(eve.get(path))
    answer = eve.post(path, {"name": "Eve", "password": PASSWORD})
    assert answer.status_code == 409
    assert Membership.objects.filter(account_id=account.id).count() == 1
    assert not User.objects.filter(email="bo@example.com").exists()


# Languages


@pytest.mark.parametrize("language", ["pl", "en"])
def test_the_browsers_language_is_spoken_before_the_sign_in(
    account: AccountInfo, language: str
) -> None:  # Y1
    answer = Client(headers={"accept-language": language}).get(LOGIN)
    assert answer["Content-Language"] == language
    assert ("Hasło" in text_of(answer)) is (language == "pl")


def test_a_language_nobody_speaks_is_not_remembered(account: AccountInfo, owner: User) -> None:
    browser = signed_in(owner)
    for wrong in ("xx", "", "pl\0", "../en"):
        assert (
            browser.post("/language", {"language": wrong, "next": "//evil.example"})["Location"]
            == "/"
        )
    owner.refresh_from_db()
    assert owner.language == ""

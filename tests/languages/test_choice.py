"""Which language a page speaks: the person's own, else the account's, else the browser's, else
English (Y1)."""

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils.translation import gettext as _

from marketable.accounts import services as accounts
from marketable.accounts.models import Membership, User
from marketable.accounts.queries import AccountInfo
from marketable.jobs.owners import tell_owners
from tests import make
from tests.make import PASSWORD

pytestmark = pytest.mark.django_db

POLISH_BROWSER = "pl-PL,pl;q=0.9,en;q=0.5"
FRENCH_BROWSER = "fr-FR,fr;q=0.9"
SIGN_IN = "/accounts/login/"


def language_of(client: Client, url: str, *, browser: str = "", status: int = 200) -> str:
    """Return the page's language: as it is declared, told in the header, and spoken."""
    answer = client.get(url, headers={"Accept-Language": browser} if browser else None)
    assert answer.status_code == status
    page = answer.content.decode()
    declared = page.split('<html lang="', 1)[1].split('"', 1)[0]
    assert answer.headers["Content-Language"] == declared
    assert ("Przejdź do treści" in page, "Skip to content" in page) == (
        declared == "pl",
        declared == "en",
    )
    return declared


@pytest.fixture
def polish_account(db: None) -> AccountInfo:
    return make.account(name="Polska", owner_email="ola@example.com", language="pl")


def person_of(account: AccountInfo, language: str = "") -> User:
    person = make.user(account)
    if language:
        accounts.choose_language(person.pk, language)
    return person


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def contacts(account: AccountInfo) -> str:
    return reverse("contacts:list", args=[account.id])


def test_the_persons_own_choice_comes_first(account: AccountInfo) -> None:
    client = signed_in(person_of(account, language="pl"))
    assert language_of(client, contacts(account), browser="en") == "pl"


def test_english_chosen_in_a_polish_account_stays_english(polish_account: AccountInfo) -> None:
    client = signed_in(person_of(polish_account, language="en"))
    assert language_of(client, contacts(polish_account), browser=POLISH_BROWSER) == "en"


def test_without_a_choice_the_account_speaks_its_own(
    account: AccountInfo, polish_account: AccountInfo
) -> None:
    assert (
        language_of(signed_in(person_of(account)), contacts(account), browser=POLISH_BROWSER)
        == "en"
    )
    client = signed_in(person_of(polish_account))
    assert language_of(client, contacts(polish_account), browser="en") == "pl"


def test_each_account_of_a_person_speaks_its_own(
    account: AccountInfo, polish_account: AccountInfo
) -> None:
    person = person_of(account)
    Membership.objects.create(
        account_id=polish_account.id, user=person, role="sales", joined_at=make.JAN_10
    )
    client = signed_in(person)
    assert language_of(client, contacts(account)) == "en"
    assert language_of(client, contacts(polish_account)) == "pl"


def test_pages_beside_the_accounts_speak_as_the_first_account(polish_account: AccountInfo) -> None:
    client = signed_in(person_of(polish_account))
    assert language_of(client, reverse("account_change_password")) == "pl"
    assert language_of(client, "/nothing/here", status=404) == "pl"


def test_a_refusal_speaks_the_same_language(
    account: AccountInfo, polish_account: AccountInfo
) -> None:
    client = signed_in(person_of(polish_account))
    assert language_of(client, contacts(account), status=404, browser="pl") == "pl"
    people = reverse("people:person", args=[polish_account.id, 1])
    assert language_of(client, people, status=403) == "pl"
    assert "Osoby i role" in client.get(people).content.decode()


def test_before_the_sign_in_the_browser_decides() -> None:
    assert language_of(Client(), SIGN_IN, browser=POLISH_BROWSER) == "pl"


def test_a_browser_of_another_language_gets_english() -> None:
    assert language_of(Client(), SIGN_IN, browser=FRENCH_BROWSER) == "en"
    assert language_of(Client(), SIGN_IN) == "en"


def test_a_choice_before_the_sign_in_is_remembered_by_the_browser() -> None:
    client = Client()
    answer = client.post(reverse("language"), {"language": "pl", "next": SIGN_IN})
    assert answer.headers["Location"] == SIGN_IN
    assert language_of(client, SIGN_IN, browser="en") == "pl"


def test_a_choice_before_the_sign_in_becomes_the_persons_own(account: AccountInfo) -> None:
    person, client = person_of(account), Client()
    client.post(reverse("language"), {"language": "pl"})
    client.post(SIGN_IN, {"login": person.email, "password": PASSWORD})
    assert language_of(client, contacts(account), browser="en") == "pl"
    assert User.objects.get(pk=person.pk).language == "pl"


def test_signing_in_leaves_an_earlier_choice_alone(account: AccountInfo) -> None:
    person, client = person_of(account, language="en"), Client()
    client.post(reverse("language"), {"language": "pl"})
    client.post(SIGN_IN, {"login": person.email, "password": PASSWORD})
    assert language_of(client, contacts(account)) == "en"


def test_every_page_of_a_signed_in_person_can_switch(account: AccountInfo) -> None:
    person = person_of(account)
    client = signed_in(person)
    here = contacts(account) + "?q=anna"
    answer = client.post(reverse("language"), {"language": "pl", "next": here})
    assert answer.headers["Location"] == here
    assert language_of(client, here) == "pl"
    assert User.objects.get(pk=person.pk).language == "pl"


def test_a_person_can_go_back_to_the_accounts_language(account: AccountInfo) -> None:
    person = person_of(account)
    client = signed_in(person)
    client.post(reverse("language"), {"language": "pl"})
    profile = reverse("settings:profile", args=[account.id])
    client.post(profile, {"name": "Anna", "language": "", "theme": "", "density": "normal"})
    assert language_of(client, profile) == "en"
    client.logout()
    client.post(SIGN_IN, {"login": person.email, "password": PASSWORD})
    assert language_of(client, profile) == "en"


def test_an_unknown_language_changes_nothing(account: AccountInfo) -> None:
    person = person_of(account, language="pl")
    client = signed_in(person)
    client.post(reverse("language"), {"language": "xx"})
    assert language_of(client, contacts(account)) == "pl"


def test_switching_leads_nowhere_else() -> None:
    for elsewhere in ("https://elsewhere.example/", "//elsewhere.example", "javascript:alert(1)"):
        answer = Client().post(reverse("language"), {"language": "pl", "next": elsewhere})
        assert answer.headers["Location"] == "/"


def test_an_invitation_is_written_in_the_accounts_language(polish_account: AccountInfo) -> None:
    owner = User.objects.get(email="ola@example.com")
    accounts.choose_language(owner.pk, "en")
    client = signed_in(owner)
    url = reverse("people:invite", args=[polish_account.id])
    client.post(url, {"email": "new@example.com", "role": "sales"})
    assert mail.outbox[0].subject == "Zaproszenie do konta Polska"
    assert "Link działa jeden raz." in mail.outbox[0].body


def test_an_invitation_to_a_known_person_is_written_in_theirs(
    account: AccountInfo, polish_account: AccountInfo
) -> None:
    known = person_of(account, language="en")
    client = signed_in(User.objects.get(email="ola@example.com"))
    url = reverse("people:invite", args=[polish_account.id])
    client.post(url, {"email": known.email, "role": "sales"})
    assert mail.outbox[0].subject == "Invitation to Polska"


def test_a_lost_password_is_answered_in_the_persons_language(account: AccountInfo) -> None:
    person = person_of(account, language="pl")
    Client().post(reverse("account_reset_password"), {"email": person.email})
    assert "hasł" in mail.outbox[0].subject.lower()


def test_every_owner_is_written_to_in_their_own_language(polish_account: AccountInfo) -> None:
    english = make.user(polish_account, "owner")
    accounts.choose_language(english.pk, "en")
    make.user(polish_account, "marketer")
    tell_owners(polish_account.id, lambda: (_("Saved."), _("Nothing has been changed yet.")))
    assert {(one.to[0], one.subject) for one in mail.outbox} == {
        ("ola@example.com", "Zapisano."),
        (english.email, "Saved."),
    }


def test_what_was_saved_is_said_in_the_language_that_was_chosen(account: AccountInfo) -> None:
    client = signed_in(User.objects.get(email="anna@example.com"))
    profile = reverse("settings:profile", args=[account.id])
    chosen = {"name": "Anna", "language": "pl", "theme": "", "density": "normal"}
    assert "Zapisano." in client.post(profile, chosen, follow=True).content.decode()
    chosen["language"] = ""
    assert "Saved." in client.post(profile, chosen, follow=True).content.decode()
    settings = reverse("settings:account", args=[account.id])
    of_account = {"name": "Acme", "language": "pl", "time_zone": "Europe/Warsaw"}
    assert "Zapisano." in client.post(settings, of_account, follow=True).content.decode()

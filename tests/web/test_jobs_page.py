"""The jobs page through its door: progress, outcomes, cancel, taking back, the file (B6, B7)."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from marketable import clock
from marketable.accounts.models import User
from marketable.accounts.queries import EVERYTHING, AccountInfo
from marketable.bulk_actions import running, services
from marketable.bulk_actions.queries import BulkActionView
from marketable.history.sources import Source
from marketable.marketing_status import queries as status_queries
from marketable.marketing_status.rules import Event, Status
from marketable.marketing_status.services import stop_marketing
from marketable.segments.selection import Selection
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
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let two contacts be many, and nothing run by itself."""
    monkeypatch.setattr(services, "REQUEST_LIMIT", 1)
    monkeypatch.setattr(services, "BATCH_SIZE", 2)
    monkeypatch.setattr(services, "enqueue", lambda job, **ids: None)


@pytest.fixture
def browser(owner: User) -> Client:
    return signed_in(owner)


def begin(
    account: AccountInfo, by: Source, event: Event = Event.START, **selection: object
) -> BulkActionView:
    shown = services.preview(
        account.id,
        event,
        Selection(**selection),  # type: ignore[arg-type]
        by=by,
        reach=EVERYTHING,
        now=JAN_20,
    )
    return services.confirm(
        account.id, shown.id, shown.plan.changing, by=by, reach=EVERYTHING, now=JAN_20
    )


def job_page(browser: Client, account: AccountInfo, job: BulkActionView) -> Answer:
    return browser.get(reverse("jobs:job", args=[account.id, job.id]))


def test_a_finished_job_says_every_outcome(
    browser: Client, account: AccountInfo, anna: Source
) -> None:  # B7
    make.contacts(account, 2)
    make.contact(account, status=Status.LEAVING)
    make.contact(account, status=Status.MARKETING)
    make.contact(account, email=None)
    said = text(job_page(browser, account, begin(account, anna)))
    assert "Set 3 contacts as marketing contacts" in said
    assert "2 set as marketing contacts" in said
    assert "1 kept" in said
    assert "1 was so already" in said
    assert "1 cannot receive mail: no e-mail address" in said
    assert "Take back on 1 Feb" in said


def test_a_job_leads_to_exactly_its_contacts(
    browser: Client, account: AccountInfo, anna: Source
) -> None:  # B7
    chosen = make.contacts(account, 2)
    make.contacts(account, 3)
    job = begin(account, anna, ids=tuple(chosen))
    link = f"{reverse('contacts:list', args=[account.id])}?job={job.id}"
    assert link in job_page(browser, account, job).content.decode()
    shown = browser.get(link)
    assert sorted(int(row.key) for row in shown.context["page"].rows) == sorted(chosen)


def test_progress_is_asked_for_while_it_runs_and_not_after(
    small_batches: None, browser: Client, account: AccountInfo, anna: Source
) -> None:  # B6
    make.contacts(account, 4)
    job = begin(account, anna)
    address = reverse("jobs:progress", args=[account.id, job.id])
    first = browser.get(address)
    assert "0 of 4" in text(first)
    assert "every 1s" in first.content.decode()
    assert "usage-changed" in first.headers["HX-Trigger"]
    running.run_next_batch(account.id, job.id, now=JAN_20)
    assert "2 of 4" in text(browser.get(address))
    while running.run_next_batch(account.id, job.id, now=JAN_20):
        pass
    done = browser.get(address)
    assert "4 of 4" in text(done)
    assert "every 1s" not in done.content.decode()


def test_cancelling_stops_the_rest_and_keeps_what_is_done(
    small_batches: None, browser: Client, account: AccountInfo, anna: Source
) -> None:  # B6
    make.contacts(account, 4)
    job = begin(account, anna)
    running.run_next_batch(account.id, job.id, now=JAN_20)
    answer = browser.post(reverse("jobs:cancel", args=[account.id, job.id]), follow=True)
    said = text(answer)
    assert "Cancelled; what was done stays" in said
    assert "2 not done" in said
    assert status_queries.usage(account.id, TODAY).usage == 2


def test_taking_a_start_back_stages_for_the_update_date(
    browser: Client, account: AccountInfo, anna: Source
) -> None:  # S15
    chosen = make.contacts(account, 2)
    job = begin(account, anna)
    answer = browser.post(reverse("jobs:take_back", args=[account.id, job.id]), follow=True)
    assert "2 staged as non-marketing" in text(answer)
    assert status_queries.status_of(account.id, chosen[0], TODAY) is Status.LEAVING
    assert status_queries.usage(account.id, TODAY).usage == 2
    assert "Take back on" not in text(job_page(browser, account, job))
    again = browser.post(reverse("jobs:take_back", args=[account.id, job.id]))
    assert again.status_code == 409


def test_what_was_touched_since_is_left_alone(
    browser: Client, account: AccountInfo, anna: Source
) -> None:  # S15
    chosen = make.contacts(account, 2)
    job = begin(account, anna)
    stop_marketing(account.id, make.ids(chosen[0]), by=anna, now=JAN_20)
    answer = browser.post(reverse("jobs:take_back", args=[account.id, job.id]), follow=True)
    assert "1 staged as non-marketing" in text(answer)
    assert "1 left alone: somebody changed it since" in text(answer)


def test_after_the_update_date_a_stop_cannot_be_taken_back(
    browser: Client, account: AccountInfo, anna: Source, monkeypatch: pytest.MonkeyPatch
) -> None:  # S16
    make.contacts(account, 1, status=Status.MARKETING)
    job = begin(account, anna, Event.STOP)
    assert "Keep them as marketing contacts" in text(job_page(browser, account, job))
    monkeypatch.setattr(clock, "now", lambda: make.FEB_2)
    assert "Keep them as marketing contacts" not in text(job_page(browser, account, job))


def test_jobs_are_listed_for_thirty_days(
    browser: Client, account: AccountInfo, anna: Source, monkeypatch: pytest.MonkeyPatch
) -> None:  # B7
    address = reverse("jobs:list", args=[account.id])
    assert "No job in the last 30 days." in text(browser.get(address))
    make.contacts(account, 2)
    begin(account, anna)
    assert "Set 2 contacts as marketing contacts" in text(browser.get(address))
    monkeypatch.setattr(clock, "now", lambda: JAN_20 + timedelta(days=31))
    assert "No job in the last 30 days." in text(browser.get(address))


def test_the_list_follows_jobs_that_run_and_leads_to_each(
    small_batches: None, browser: Client, account: AccountInfo, anna: Source
) -> None:  # B6
    make.contacts(account, 2)
    job = begin(account, anna)
    address = reverse("jobs:list", args=[account.id])
    listed = browser.get(address).content.decode()
    assert f'href="{reverse("jobs:job", args=[account.id, job.id])}"' in listed
    assert "every 1s" in listed
    again = browser.get(address, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in again
    assert 'id="jobs"' in again
    while running.run_next_batch(account.id, job.id, now=JAN_20):
        pass
    assert "every 1s" not in browser.get(address).content.decode()


def test_those_left_out_are_a_file_with_the_reason(
    browser: Client, account: AccountInfo, anna: Source
) -> None:  # B7, J19
    make.contacts(account, 1)
    bounced = make.contact(
        account, email="+plus@example.com", hs_email_hard_bounce_reason_enum="UNKNOWN_USER"
    )
    silent = make.contact(account, email=None)
    job = begin(account, anna)
    answer = browser.get(reverse("jobs:refused", args=[account.id, job.id]))
    lines = answer.getvalue().decode().splitlines()
    assert lines == [
        "contact,email,reason",
        f"{bounced},'+plus@example.com,HARD_BOUNCED",
        f"{silent},,NO_ADDRESS",
    ]
    assert "attachment" in answer.headers["Content-Disposition"]


# Refusals


def every_door(account: AccountInfo, job_id: int) -> list[tuple[Callable[..., Answer], str]]:
    args = [account.id, job_id]
    get, post = Client.get, Client.post
    return [
        (get, reverse("jobs:job", args=args)),
        (get, reverse("jobs:progress", args=args)),
        (get, reverse("jobs:refused", args=args)),
        (post, reverse("jobs:cancel", args=args)),
        (post, reverse("jobs:take_back", args=args)),
    ]


def test_jobs_of_another_account_are_not_there(
    browser: Client, account: AccountInfo, other_account: AccountInfo
) -> None:
    make.contacts(other_account, 2)
    theirs = begin(other_account, make.source(User.objects.get(email="owner@other.example")))
    for ask, address in every_door(account, theirs.id):
        assert ask(browser, address).status_code == 404, address
    for ask, address in every_door(other_account, theirs.id):
        assert ask(browser, address).status_code == 404, address
    assert browser.get(reverse("jobs:list", args=[other_account.id])).status_code == 404


def test_stopping_and_taking_back_need_the_right(account: AccountInfo, anna: Source) -> None:  # P3
    make.contacts(account, 2)
    job = begin(account, anna)
    analyst = signed_in(make.user(account, "analyst"))
    for name in ("cancel", "take_back"):
        assert analyst.post(reverse(f"jobs:{name}", args=[account.id, job.id])).status_code == 403
    assert "Take back on" not in text(job_page(analyst, account, job))
    assert status_queries.usage(account.id, TODAY).leaving == 0


def test_somebody_elses_job_outside_ones_reach_is_left_alone(
    account: AccountInfo, anna: Source
) -> None:  # P6
    make.contact(account)
    make.contact(account, email=None)
    job = begin(account, anna)
    seller = make.user(account, "sales")
    membership = seller.membership_set.get()
    membership.granted = ["marketing_contacts.access"]
    membership.save()
    browser = signed_in(seller)
    take_back = reverse("jobs:take_back", args=[account.id, job.id])
    assert browser.post(take_back).status_code == 403
    assert browser.get(reverse("jobs:refused", args=[account.id, job.id])).status_code == 403
    assert status_queries.usage(account.id, TODAY).leaving == 0


def test_billing_people_see_no_jobs(account: AccountInfo) -> None:
    browser = signed_in(make.user(account, "billing"))
    assert browser.get(reverse("jobs:list", args=[account.id])).status_code == 403


def test_looking_changes_nothing(browser: Client, account: AccountInfo, anna: Source) -> None:
    make.contacts(account, 1)
    job = begin(account, anna)
    for name in ("cancel", "take_back"):
        assert browser.get(reverse(f"jobs:{name}", args=[account.id, job.id])).status_code == 405

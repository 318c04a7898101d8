"""The toast of a confirmed action: at once when it is done, first with the way to its progress
when it runs on the server, and again when that has ended (B6)."""

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET
from django_htmx.http import trigger_client_event

from marketable.accounts.rules import Right
from marketable.billing import queries as billing
from marketable.bulk_actions import queries as bulk_queries
from marketable.bulk_actions.queries import BulkActionView
from marketable.web.access import AccountRequest, account_page
from marketable.web.contacts import plans, works
from marketable.web.jobs import door

NO_CONTENT = 204


def answer(request: AccountRequest, done: BulkActionView) -> HttpResponse:
    """Answer a confirmed plan: close the dialog, show the toast, let the page look again."""
    response = render(request, "contacts/_done.html", {"toast": _toast(request, done)})
    trigger_client_event(response, "plan-done", {})
    return _look_again(response)


@require_GET
@account_page(Right.CONTACTS_VIEW)
def follow(request: AccountRequest, account_id: int, job_id: int) -> HttpResponse:
    """Answer a toast that waits for its job: nothing new while it runs, but the header's usage;
    the outcome when it has ended."""
    job = bulk_queries.bulk_action(account_id, job_id)
    if not job.is_finished:
        return trigger_client_event(HttpResponse(status=NO_CONTENT), "usage-changed", {})
    return _look_again(render(request, "contacts/_toast.html", {"toast": _toast(request, job)}))


def _toast(request: AccountRequest, job: BulkActionView) -> dict[str, object]:
    account_id = request.account.id
    next_date = billing.calendar(account_id).next_update_date(request.today)
    return {
        "key": str(job.id),
        "reverts_key": str(job.reverts_id or ""),
        "text": works.done_text(job) if job.is_finished else plans.running_text(job.total),
        "is_finished": job.is_finished,
        "job_url": reverse("jobs:job", args=[account_id, job.id]),
        "follow_url": reverse("contacts:follow", args=[account_id, job.id]),
        "see_url": reverse("contacts:list", args=[account_id]) + f"?job={job.id}",
        "take_back_url": reverse("jobs:take_back", args=[account_id, job.id]),
        "take_back_label": works.take_back_label(job.kind, next_date),
        "may_take_back": door.may_take_back(request, job),
        "has_changed": job.changed > 0,
    }


def _look_again(response: HttpResponse) -> HttpResponse:
    trigger_client_event(response, "contacts-changed", {})
    return trigger_client_event(response, "usage-changed", {})

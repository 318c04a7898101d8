"""Jobs: bulk actions and imports of the last 30 days, with progress, outcomes and a way back."""

import csv
from collections.abc import Iterator

from django.http import HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import trigger_client_event

from marketable.accounts.rules import Right, Scope
from marketable.billing import queries as billing
from marketable.bulk_actions import queries as bulk_queries
from marketable.bulk_actions import running
from marketable.bulk_actions import services as bulk_actions
from marketable.contacts.rules import csv_safe
from marketable.errors import NotAllowed
from marketable.history.sources import SourceType
from marketable.transfers import queries as imports
from marketable.web.access import AccountRequest, account_page, require
from marketable.web.contacts import done, works
from marketable.web.contacts.works import Names
from marketable.web.imports.door import lacks_import
from marketable.web.imports.shown import ImportShown
from marketable.web.imports.shown import show as show_import
from marketable.web.jobs import door, shown

#: How many jobs the list shows at once.
LISTED = 100


@require_GET
@account_page(Right.CONTACTS_VIEW)
def job_list(request: AccountRequest, account_id: int) -> HttpResponse:
    found = bulk_queries.bulk_actions(
        account_id, since=request.now - bulk_actions.KEPT_FOR, limit=LISTED
    )
    taken_back = bulk_queries.taken_back(account_id, [job.id for job in found])
    names = works.names_of(account_id, [job.work for job in found])
    jobs: list[shown.JobShown | ImportShown] = [
        _shown(request, job, names, is_taken_back=job.id in taken_back) for job in found
    ]
    jobs += _imports(request)
    jobs.sort(key=lambda job: job.created_at, reverse=True)
    page = {
        "jobs": jobs[:LISTED],
        "account": request.account,
        "is_any_running": any(job.is_running for job in jobs),
    }
    return render(request, "jobs/_list.html" if request.htmx else "jobs/list.html", page)


def _imports(request: AccountRequest) -> list[ImportShown]:
    """Return imports that have begun to run, as jobs among others."""
    found = imports.import_runs(
        request.account.id, since=request.now - bulk_actions.KEPT_FOR, limit=LISTED
    )
    may_open = not lacks_import(request)
    return [
        show_import(request.account.id, view, now=request.now, may_open=may_open)
        for view in found
        if view.started_at is not None
    ]


@require_GET
@account_page(Right.CONTACTS_VIEW)
def job(request: AccountRequest, account_id: int, job_id: int) -> HttpResponse:
    return render(request, "jobs/job.html", _page(request, job_id))


@require_GET
@account_page(Right.CONTACTS_VIEW)
def progress(request: AccountRequest, account_id: int, job_id: int) -> HttpResponse:
    """Answer the moving part of a job; a page asks for it every second while the job runs."""
    page = _page(request, job_id)
    response = render(request, "jobs/_progress.html", page)
    return trigger_client_event(response, "usage-changed", {})


@require_POST
@account_page(Right.CONTACTS_VIEW)
def cancel(request: AccountRequest, account_id: int, job_id: int) -> HttpResponse:
    _touch(request, job_id)
    running.cancel(account_id, job_id, now=request.now)
    return _to_job(request, job_id)


@require_POST
@account_page(Right.CONTACTS_VIEW)
def take_back(request: AccountRequest, account_id: int, job_id: int) -> HttpResponse:
    """Take a job back as the rules allow (S15, S16); the answer is the job that does it, or its
    toast where a toast asked."""
    _touch(request, job_id)
    taking = bulk_actions.take_back(
        account_id, job_id, by=request.by(SourceType.UNDO), now=request.now
    )
    return done.answer(request, taking) if request.htmx else _to_job(request, taking.id)


@require_GET
@account_page(Right.CONTACTS_VIEW)
def refused(request: AccountRequest, account_id: int, job_id: int) -> StreamingHttpResponse:
    """Answer those that could not be done as a file, with the reason (B7)."""
    _own(request, job_id)
    found = bulk_queries.refused_contacts(account_id, job_id)
    return StreamingHttpResponse(
        _csv(found),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="job-{job_id}-left-out.csv"'},
    )


class _Line:
    """A file of one line, for the writer of `csv` to write into."""

    def write(self, text: str) -> str:
        return text


def _csv(found: Iterator[tuple[int, str, str]]) -> Iterator[str]:
    writer = csv.writer(_Line())
    yield writer.writerow(["contact", "email", "reason"])
    for contact_id, email, reason in found:
        yield writer.writerow([str(contact_id), csv_safe(email), reason])


def _page(request: AccountRequest, job_id: int) -> dict[str, object]:
    found = bulk_queries.bulk_action(request.account.id, job_id)
    is_taken_back = bool(bulk_queries.taken_back(request.account.id, [job_id]))
    may_touch = door.may_take_back(request, found) and _is_within_reach(request, found)
    return {
        "job": _shown(
            request,
            found,
            works.names_of(request.account.id, [found.work]),
            is_taken_back=is_taken_back,
        ),
        "account": request.account,
        "may_touch": may_touch,
        "may_read_refused": _is_within_reach(request, found),
    }


def _shown(
    request: AccountRequest,
    job: bulk_queries.BulkActionView,
    names: Names,
    *,
    is_taken_back: bool,
) -> shown.JobShown:
    return shown.show(
        request.account.id,
        job,
        names,
        now=request.now,
        today=request.today,
        next_update_date=billing.calendar(request.account.id).next_update_date(request.today),
        is_taken_back=is_taken_back,
    )


def _is_within_reach(request: AccountRequest, job: bulk_queries.BulkActionView) -> bool:
    """Tell whether all contacts of a job are in the person's reach: it was theirs, or they reach
    everybody (P6)."""
    is_theirs = job.by.actor_type == "user" and job.by.actor_id == str(request.user.pk)
    return is_theirs or request.reach_edit.scope is Scope.ALL


def _own(request: AccountRequest, job_id: int) -> None:
    if not _is_within_reach(request, bulk_queries.bulk_action(request.account.id, job_id)):
        raise NotAllowed(
            _("This job is somebody else's and holds contacts outside your rights."),
            right=Right.CONTACTS_EDIT.value,
        )


def _touch(request: AccountRequest, job_id: int) -> None:
    """Refuse whoever may not do what the job does."""
    _own(request, job_id)
    require(request, door.right_for(bulk_queries.bulk_action(request.account.id, job_id)))


def _to_job(request: AccountRequest, job_id: int) -> HttpResponse:
    return HttpResponseRedirect(reverse("jobs:job", args=[request.account.id, job_id]))

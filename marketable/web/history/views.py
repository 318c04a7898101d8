"""The ledger for people: who changed what, by which tool, why and when."""

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from marketable.accounts.rules import Right
from marketable.contacts import queries as contacts
from marketable.history import queries
from marketable.history.kinds import Kind
from marketable.history.sources import SourceType
from marketable.history.wording import SOURCES, source_name
from marketable.segments.selection import Selection, conditions_of
from marketable.web.access import AccountRequest, account_page
from marketable.web.history.asked import asked_for
from marketable.web.wording import KINDS, kind_name

PAGE = 50
SAMPLE = 50


@require_GET
@account_page(Right.CONTACTS_VIEW)
def changes(request: AccountRequest, account_id: int) -> HttpResponse:
    """List changes, newest first, of a kind and by a tool if asked for."""
    kind = request.GET.get("kind", "")
    kind = kind if kind in KINDS else ""
    source = request.GET.get("source", "")
    source = source if source in SOURCES else ""
    before = request.GET.get("before", "")
    found = queries.changes(
        account_id,
        kind=kind,
        source_type=source,
        before_id=int(before) if before.isdecimal() and len(before) < 19 else None,
        limit=PAGE + 1,
    )
    return render(
        request,
        "history/list.html",
        {
            "changes": [(row, kind_name(row.kind), tool_of(row)) for row in found[:PAGE]],
            "older_than": found[PAGE - 1].id if len(found) > PAGE else None,
            "kinds": sorted(((one.value, str(KINDS[one])) for one in Kind), key=lambda k: k[1]),
            "sources": sorted(
                ((one.value, str(SOURCES[one])) for one in SourceType), key=lambda s: s[1]
            ),
            "kind": kind,
            "source": source,
        },
    )


@require_GET
@account_page(Right.CONTACTS_VIEW)
def change(request: AccountRequest, account_id: int, change_id: int) -> HttpResponse:
    """Show one change with a sample of the contacts it altered, inside the person's reach."""
    row = queries.change(account_id, change_id)
    page = contacts.page(
        account_id,
        conditions_of(
            account_id,
            Selection(change_id=change_id, archived=row.kind == Kind.CONTACT_ARCHIVED.value),
            reach=request.reach_view,
            today=request.today,
        ),
        today=request.today,
        limit=SAMPLE,
    )
    job_url = ""
    if row.bulk_action_id is not None:
        job_url = reverse("jobs:job", args=[account_id, row.bulk_action_id])
    return render(
        request,
        "history/change.html",
        {
            "change": row,
            "asked": asked_for(row.body),
            "kind": kind_name(row.kind),
            "tool": tool_of(row),
            "rows": page.rows,
            "has_more": bool(page.next_key),
            "job_url": job_url,
        },
    )


def tool_of(row: queries.ChangeRow) -> str:
    name = source_name(row.source_type)
    return f"{name}: {row.source_label}" if row.source_label else name

"""Merging two records of one person, value by value, and taking that back."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from marketable.accounts.rules import Right
from marketable.contacts import queries as contacts
from marketable.contacts.errors import ContactUnknown, PlanStale
from marketable.contacts.queries import ContactRow
from marketable.contacts.services import duplicates
from marketable.contacts.services.merge import merge_contacts, plan_merge
from marketable.contacts.services.unmerge import PARTED_FOR, plan_unmerge, unmerge_contact
from marketable.history.sources import SourceType
from marketable.marketing_status.rules import COUNTS_TOWARD_TIER
from marketable.properties import queries as properties
from marketable.properties.labels import label_of
from marketable.segments.selection import Selection, conditions_of
from marketable.web.access import AccountRequest, account_page
from marketable.web.records import shown
from marketable.web.records.beside import reason_in_words
from marketable.web.records.timeline import number_in


@require_http_methods(["GET", "POST"])
@account_page(Right.CONTACTS_MERGE)
def merge(request: AccountRequest, account_id: int, contact_id: int) -> HttpResponse:
    """Find the other record of the same person, let the person choose, join them (S12)."""
    row = contacts.contact(account_id, contact_id, reach=request.reach_edit, today=request.today)
    given = request.POST if request.method == "POST" else request.GET
    if request.method == "GET" and not given.get("other"):
        return _search(request, row)
    other_id = number_in(given.get("other", ""))
    if other_id is None:
        raise ContactUnknown
    if request.method == "GET":
        return _side_by_side(request, contact_id, other_id)
    choices = {
        name.removeprefix("from-"): value == "theirs"
        for name, value in request.POST.items()
        if name.startswith("from-")
    }
    try:
        merge_contacts(
            account_id,
            contact_id,
            other_id,
            choices=choices,
            as_seen=request.POST.get("seen", ""),
            reach=request.reach_edit,
            by=request.by(SourceType.MERGE),
            now=request.now,
        )
    except PlanStale as refusal:
        return _side_by_side(
            request, contact_id, other_id, problem=refusal.message, choices=choices
        )
    messages.success(
        request,
        _("Merged. It can be taken back for %(days)s days, on the page of contact %(number)s.")
        % {"days": PARTED_FOR.days, "number": other_id},
    )
    return _page_of(request, contact_id)


def _page_of(request: AccountRequest, contact_id: int) -> HttpResponse:
    return HttpResponseRedirect(reverse("records:show", args=[request.account.id, contact_id]))


def _search(request: AccountRequest, row: ContactRow) -> HttpResponse:
    account_id = request.account.id
    search = request.GET.get("q", "").strip()[:200]
    found: tuple[ContactRow, ...] = ()
    alike: list[tuple[ContactRow, str]] = []
    if search:
        found = contacts.page(
            account_id,
            conditions_of(account_id, Selection(), reach=request.reach_edit, today=request.today),
            today=request.today,
            search=search,
            limit=20,
        ).rows
    else:
        suggested = duplicates.suggestions(account_id, row, reach=request.reach_edit)
        rows = contacts.rows_of(
            account_id,
            [one.contact_id for one in suggested],
            reach=request.reach_edit,
            today=request.today,
        )
        alike = [
            (rows[one.contact_id], reason_in_words(one.reason))
            for one in suggested
            if one.contact_id in rows
        ]
    return render(
        request,
        "records/merge.html",
        {
            "row": row,
            "search": search,
            "found": [(one, "") for one in found if one.id != row.id] or alike,
        },
    )


def _side_by_side(
    request: AccountRequest,
    contact_id: int,
    other_id: int,
    *,
    problem: str = "",
    choices: dict[str, bool] | None = None,
) -> HttpResponse:
    plan = plan_merge(
        request.account.id, contact_id, other_id, reach=request.reach_edit, now=request.now
    )
    definitions = properties.definitions(request.account.id, with_archived=True)
    chosen = choices or {}
    fields = []
    for one in plan.differences:
        definition = definitions.get(one.name)
        fields.append(
            {
                "name": one.name,
                "label": label_of(definition) if definition else one.name,
                "mine": shown.in_account(request, one.name, one.mine),
                "theirs": shown.in_account(request, one.name, one.theirs),
                "is_free": one.is_free,
                "takes_theirs": chosen.get(one.name, one.takes_theirs)
                if one.is_free
                else one.takes_theirs,
            }
        )
    return render(
        request,
        "records/merge_plan.html",
        {
            "plan": plan,
            "fields": fields,
            "problem": problem,
            "both_count": {plan.survivor.status, plan.other.status} <= COUNTS_TOWARD_TIER,
            "other_addresses": contacts.addresses(request.account.id, other_id),
            "days": PARTED_FOR.days,
        },
        status=409 if problem else 200,
    )


@require_http_methods(["GET", "POST"])
@account_page(Right.CONTACTS_MERGE)
def unmerge(request: AccountRequest, account_id: int, contact_id: int) -> HttpResponse:
    """Say what parting a merged contact would do, then do it (S13)."""
    if request.method == "GET":
        return _parting(request, contact_id)
    try:
        done = unmerge_contact(
            account_id,
            contact_id,
            as_seen=request.POST.get("seen", ""),
            reach=request.reach_edit,
            by=request.by(SourceType.UNDO),
            now=request.now,
        )
    except PlanStale as refusal:
        return _parting(request, contact_id, problem=refusal.message)
    messages.success(request, _("The merge is taken back; both contacts are there again."))
    kept = len(done.stays) + len(done.values_lost)
    if kept:
        messages.info(
            request,
            ngettext(
                "%(n)s value stayed as it was changed since.",
                "%(n)s values stayed as they were changed since.",
                kept,
            )
            % {"n": kept},
        )
    return _page_of(request, contact_id)


def _parting(request: AccountRequest, contact_id: int, problem: str = "") -> HttpResponse:
    plan = plan_unmerge(request.account.id, contact_id, reach=request.reach_edit, now=request.now)
    return render(
        request,
        "records/unmerge.html",
        {
            "plan": plan,
            "problem": problem,
            "back": _labelled(request, list(plan.back), plan.survivor, dict(plan.back)),
            "stays": _labelled(request, list(plan.stays), plan.survivor, {}),
            "until": plan.merged_at + PARTED_FOR,
        },
        status=409 if problem else 200,
    )


def _labelled(
    request: AccountRequest, names: list[str], row: ContactRow, back: dict[str, Any]
) -> list[tuple[str, str, str]]:
    """Return (label, present, afterwards) of values of the survivor."""
    changed = {name: (contacts.value_of(row, name), back.get(name)) for name in names}
    return shown.differences(request, changed)

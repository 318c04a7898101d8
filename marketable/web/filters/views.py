"""The filter builder: its page, what it offers, whom a filter takes, and applying it."""

from dataclasses import replace

from django.http import HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import push_url, reswap, retarget

from marketable.accounts.rules import Right
from marketable.segments import counting, kept_filters
from marketable.segments.errors import FilterRefused
from marketable.segments.offering import offered
from marketable.web.access import AccountRequest, account_page
from marketable.web.contacts.opened import open_table
from marketable.web.contacts.table import Table, plain, tidy_filter
from marketable.web.filters import shown
from marketable.web.filters.chip import problems_of

LONGEST_EDITOR = 40


@require_GET
@account_page(Right.CONTACTS_VIEW)
def edit(request: AccountRequest, account_id: int) -> HttpResponse:
    """Answer the builder for the table's filter: a page, or by htmx what opens above the table."""
    return _edit_page(request, open_table(request, request.GET).table)


def _edit_page(
    request: AccountRequest, table: Table, refusal: FilterRefused | None = None
) -> HttpResponse:
    state = [one for one in table.first_page().parameters() if one[0] != "filter"]
    page = {
        "builder": shown.builder(request, table.filter, state=state, refusal=refusal),
        "apply_url": reverse("filters:apply", args=[request.account.id]),
        "back_url": reverse("contacts:list", args=[request.account.id])
        + table.first_page().address(),
    }
    template = "filters/_panel.html" if request.htmx else "filters/edit.html"
    response = render(request, template, page, status=400 if refusal else 200)
    if refusal is not None and request.htmx:
        return push_url(reswap(retarget(response, "#filter-panel"), "innerHTML"), False)
    return response


@require_POST
@account_page(Right.CONTACTS_VIEW)
def apply(request: AccountRequest, account_id: int) -> HttpResponse:
    """Lead to the table with the filter. One that cannot be used is not applied: it comes back
    with what is wrong with it."""
    table = open_table(request, request.POST).table.first_page()
    problems = problems_of(request, table.filter)
    if problems:
        return _edit_page(request, table, FilterRefused(problems[0].path, problems[0].text))
    kept_filters.keep(account_id, table.filter)
    return HttpResponseRedirect(reverse("contacts:list", args=[account_id]) + table.address())


@require_GET
@account_page(Right.CONTACTS_VIEW)
def fields(request: AccountRequest, account_id: int) -> JsonResponse:
    """Answer what the builder offers."""
    return JsonResponse(shown.catalogue(account_id))


@require_GET
@account_page(Right.CONTACTS_VIEW)
def choices(request: AccountRequest, account_id: int) -> JsonResponse:
    """Answer the values that a field can be compared with; none where they are not chosen."""
    name = request.GET.get("field", "")
    for field in offered(account_id):
        if field.name == name and field.choices is not None:
            return JsonResponse({"choices": field.choices()})
    return JsonResponse({"choices": []})


@require_POST
@account_page(Right.CONTACTS_VIEW)
def look(request: AccountRequest, account_id: int) -> HttpResponse:
    """Answer whom a filter takes that is being written, with five of them."""
    table = replace(
        open_table(request, request.POST).table.first_page(),
        filter=tidy_filter(request.POST.get("filter", "")),
    )
    editor = f"{request.user.pk} {plain(request.POST.get('editor', ''))[:LONGEST_EDITOR]}"
    found = None
    if not problems_of(request, table.filter):
        found = counting.look(
            account_id,
            table.selection,
            reach=request.reach_view,
            today=request.today,
            editor=editor,
            is_exact=request.POST.get("exact") == "1",
        )
    page = {
        "taken": shown.taken(request, table, found),
        "look_url": reverse("filters:look", args=[account_id]),
    }
    return render(request, "filters/_taken.html", page)

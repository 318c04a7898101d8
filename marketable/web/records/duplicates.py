"""The page of contacts that may be one person: looked at in pairs, merged or found to be two."""

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from marketable.accounts.rules import Right
from marketable.contacts import queries as contacts
from marketable.contacts.errors import NoSuchPair
from marketable.contacts.services import duplicates
from marketable.history.sources import SourceType
from marketable.queue import Job, enqueue
from marketable.web.access import AccountRequest, account_page
from marketable.web.records.beside import reason_in_words
from marketable.web.records.timeline import number_in

PAGE = 30


@require_GET
@account_page(Right.CONTACTS_MERGE)
def listing(request: AccountRequest, account_id: int) -> HttpResponse:
    """List the pairs, the newest contacts first; or those that were found to be two."""
    dismissed = request.GET.get("show") == "dismissed"
    second, _comma, first = request.GET.get("after", "").partition(",")
    edge = number_in(second), number_in(first)
    found = duplicates.pairs(
        account_id,
        reach=request.reach_edit,
        dismissed=dismissed,
        after=(edge[0], edge[1]) if edge[0] is not None and edge[1] is not None else None,
        limit=PAGE + 1,
    )
    rows = contacts.rows_of(
        account_id,
        [one for pair in found for one in (pair.first_id, pair.second_id)],
        reach=request.reach_edit,
        today=request.today,
    )
    last = found[PAGE - 1] if len(found) > PAGE else None
    return render(
        request,
        "records/duplicates.html",
        {
            "pairs": [
                (rows[pair.first_id], rows[pair.second_id], reason_in_words(pair.reason))
                for pair in found[:PAGE]
                if {pair.first_id, pair.second_id} <= rows.keys()
            ],
            "dismissed": dismissed,
            "next": f"{last.second_id},{last.first_id}" if last else "",
            "is_further": edge[0] is not None,
        },
    )


@require_POST
@account_page(Right.CONTACTS_MERGE, Right.CONTACTS_EDIT)
def dismiss(request: AccountRequest, account_id: int) -> HttpResponse:
    """Remember that two contacts are two persons, or suggest them again."""
    one, two = (number_in(request.POST.get(name, "")) for name in ("one", "two"))
    if one is None or two is None:
        raise NoSuchPair
    if request.POST.get("again"):
        duplicates.suggest_again(account_id, one, two, reach=request.reach_edit)
        messages.success(request, _("They are suggested again."))
    else:
        duplicates.dismiss(
            account_id,
            one,
            two,
            reach=request.reach_edit,
            by=request.by(SourceType.RECORD),
            now=request.now,
        )
        messages.success(request, _("Remembered: these are two people."))
    back = number_in(request.POST.get("back", ""))
    if back in (one, two) and back is not None:
        return HttpResponseRedirect(reverse("records:show", args=[account_id, back]))
    return HttpResponseRedirect(reverse("duplicates:list", args=[account_id]))


@require_POST
@account_page(Right.CONTACTS_MERGE)
def look(request: AccountRequest, account_id: int) -> HttpResponse:
    """Compare all contacts now, in the background, instead of at night."""
    enqueue(Job.FIND_DUPLICATES, account_id=account_id)
    messages.info(request, _("The contacts are being compared. Open this page again in a moment."))
    return HttpResponseRedirect(reverse("duplicates:list", args=[account_id]))

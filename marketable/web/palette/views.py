"""The command palette: its content when it is first opened, and the contacts that are searched."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from marketable.web.access import AccountRequest, account_page
from marketable.web.contacts.table import LONGEST_SEARCH, numbers, plain
from marketable.web.palette import items


@require_GET
@account_page()
def offered(request: AccountRequest, account_id: int) -> HttpResponse:
    """Answer everything that can be gone to or done, and the contacts opened lately."""
    lately = numbers(request.GET.get("recent", "").split(","))[: items.MOST_CONTACTS]
    return _answer(request, [*items.recent(request, lately), *items.standing(request)])


@require_GET
@account_page()
def search(request: AccountRequest, account_id: int) -> HttpResponse:
    """Answer the contacts that have what is typed."""
    typed = plain(request.GET.get("q", ""))[:LONGEST_SEARCH]
    return _answer(request, items.found(request, typed) if typed else [])


def _answer(request: AccountRequest, offered: list[items.Item]) -> HttpResponse:
    return render(request, "palette/_items.html", {"items": offered})

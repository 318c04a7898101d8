"""Imports."""

from django.http import HttpResponse
from django.shortcuts import render

from marketable.web.access import AccountRequest, account_page


@account_page()
def listing(request: AccountRequest, account_id: int) -> HttpResponse:
    return render(request, "imports/list.html")

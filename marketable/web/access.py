"""The door of every page of an account: who asks, for which account, and what they may do."""

from collections.abc import Callable
from datetime import date, datetime
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import translation
from django_htmx.middleware import HtmxDetails

from marketable import clock
from marketable.accounts import queries as accounts
from marketable.accounts.errors import AccountUnknown, RightMissing
from marketable.accounts.models import User
from marketable.accounts.queries import AccountInfo, Reach
from marketable.accounts.rules import Right, Rights
from marketable.billing.rules import today_in
from marketable.history.sources import Source, SourceType

P = ParamSpec("P")


class AccountRequest(HttpRequest):
    """A request of a signed-in person for a page of an account they belong to.

    reach_view, reach_edit  whose contacts the person may see and change (P1, P6)
    now, today              the moment of the request, and its day in the account's time zone
    """

    user: User
    htmx: HtmxDetails
    account: AccountInfo
    rights: Rights
    reach_view: Reach
    reach_edit: Reach
    now: datetime
    today: date

    by: Callable[..., Source]


def account_page(
    right: Right | None = None,
) -> Callable[
    [Callable[Concatenate[AccountRequest, int, P], HttpResponseBase]],
    Callable[..., HttpResponseBase],
]:
    """Make a view the page of an account, for people who belong to it and have `right`.

    Everybody else gets what tells them nothing: a way to sign in, 404 for an account they do not
    belong to, 403 naming the right they lack (P4).
    """

    def decorate(
        view: Callable[Concatenate[AccountRequest, int, P], HttpResponseBase],
    ) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        @login_required
        def door(request: Any, account_id: int, *args: P.args, **kwargs: P.kwargs) -> Any:
            enter(request, account_id)
            if right is not None and not request.rights.may(right):
                raise RightMissing(right, accounts.who_may(account_id, Right.USERS_MANAGE))
            return view(request, account_id, *args, **kwargs)

        return door

    return decorate


def enter(request: Any, account_id: int) -> None:
    """Put the account and the person's rights on the request; raise AccountUnknown for strangers."""
    rights = accounts.rights(account_id, request.user.pk)
    if rights is None:
        raise AccountUnknown
    request.account = accounts.account(account_id)
    request.rights = rights
    request.reach_view = accounts.reach(account_id, request.user.pk, Right.CONTACTS_VIEW)
    request.reach_edit = accounts.reach(account_id, request.user.pk, Right.CONTACTS_EDIT)
    request.now = clock.now()
    request.today = today_in(request.account.zone, request.now)
    if not request.user.language:  # Y1: the person's own choice, else the account's
        translation.activate(request.account.language)
        request.LANGUAGE_CODE = request.account.language
    user = request.user

    def by(tool: SourceType, tool_id: str = "", tool_label: str = "") -> Source:
        return Source("user", str(user.pk), str(user), tool, tool_id, tool_label)

    request.by = by


def home(request: HttpRequest) -> HttpResponse:
    """Lead to the person's first account, or say that they belong to none."""
    from django.shortcuts import redirect, render

    if not request.user.is_authenticated:
        return redirect("account_login")
    mine = accounts.accounts_of(int(request.user.pk))
    if mine:
        return redirect("contacts:list", mine[0].id)
    return render(request, "web/no_account.html", status=200)

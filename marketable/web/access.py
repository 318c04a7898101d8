"""The door of every page of an account: who asks, for which account, and what they may do."""

from collections.abc import Callable
from datetime import date, datetime
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from marketable import clock
from marketable.accounts import queries as accounts
from marketable.accounts.errors import AccountUnknown, RightMissing
from marketable.accounts.queries import AccountInfo, Person, Reach
from marketable.accounts.rules import Right, Rights
from marketable.billing.rules import today_in
from marketable.errors import NotFound
from marketable.history.sources import Source, SourceType

P = ParamSpec("P")

#: What a bigint of PostgreSQL can hold; a larger number in an address is nobody's.
LARGEST_ID = 2**63 - 1


class AccountRequest(HttpRequest):
    """A request of a signed-in person for a page of an account they belong to.

    reach_view, reach_edit  whose contacts the person may see and change (P1, P6)
    now, today              the moment of the request, and its day in the account's time zone
    """

    user: Person  # type: ignore[assignment]
    htmx: HtmxDetails
    account: AccountInfo
    rights: Rights
    reach_view: Reach
    reach_edit: Reach
    now: datetime
    today: date

    by: Callable[..., Source]


def account_page(
    *rights: Right,
) -> Callable[
    [Callable[Concatenate[AccountRequest, int, P], HttpResponseBase]],
    Callable[..., HttpResponseBase],
]:
    """Make a view the page of an account, for people who belong to it and have the rights.

    Everybody else gets what tells them nothing: a way to sign in, 404 for an account they do not
    belong to, 403 naming the right they lack (P4).
    """

    def decorate(
        view: Callable[Concatenate[AccountRequest, int, P], HttpResponseBase],
    ) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def door(request: Any, account_id: int, *args: P.args, **kwargs: P.kwargs) -> Any:
            if not request.user.is_authenticated:
                return to_sign_in(request)
            if not all(map(_can_be_there, (account_id, *args, *kwargs.values()))):
                raise NotFound(_("There is nothing at this address."))
            enter(request, account_id)
            for right in rights:
                require(request, right)
            return view(request, account_id, *args, **kwargs)

        return door

    return decorate


def _can_be_there(part: object) -> bool:
    """Tell whether something in an address can be a row's number or name at all."""
    if isinstance(part, int):
        return part <= LARGEST_ID
    return not isinstance(part, str) or part.isprintable()


def require(request: AccountRequest, right: Right) -> None:
    """Raise RightMissing, naming who can grant it, unless the person has the right (P4)."""
    if not request.rights.may(right):
        raise RightMissing(right, accounts.who_may(request.account.id, Right.USERS_MANAGE))


def to_sign_in(request: HttpRequest) -> HttpResponse:
    """Lead to the sign-in page and, from there, back to the page that was open.

    A form that was sent after its session had ended leads back to the page it was on: its own
    address may take no GET. Nothing of it is kept or done.
    """
    htmx = getattr(request, "htmx", None)
    back = request.get_full_path()
    if htmx:
        back = htmx.current_url_abs_path or "/"
    elif request.method not in {"GET", "HEAD"}:
        came_from = request.headers.get("Referer", "")
        is_ours = url_has_allowed_host_and_scheme(came_from, allowed_hosts={request.get_host()})
        back = came_from if is_ours and came_from else "/"
    answer = redirect_to_login(back, login_url="account_login")
    return HttpResponseClientRedirect(answer.url) if htmx else answer


def enter(request: Any, account_id: int) -> None:
    """Put the account and the person's rights on the request.

    Raises AccountUnknown for whoever does not belong to it.
    """
    rights = accounts.rights(account_id, request.user.pk)
    if rights is None:
        raise AccountUnknown
    request.account = accounts.account(account_id)
    request.rights = rights
    request.reach_view, request.reach_edit = (
        accounts.reach_under(account_id, request.user.pk, rights, right)
        for right in (Right.CONTACTS_VIEW, Right.CONTACTS_EDIT)
    )
    request.now = clock.now()
    request.today = today_in(request.account.zone, request.now)
    user = request.user

    def by(tool: SourceType, tool_id: str = "", tool_label: str = "") -> Source:
        return Source("user", str(user.pk), str(user), tool, tool_id, tool_label)

    request.by = by


def home(request: HttpRequest) -> HttpResponse:
    """Lead to the person's first account, or say that they belong to none."""
    if not request.user.is_authenticated:
        return redirect("account_login")
    mine = accounts.accounts_of(int(request.user.pk))
    if mine:
        return redirect("contacts:list", mine[0].id)
    return render(request, "web/no_account.html", status=200)

"""Settings of the account, what happens at its limit, and one's own profile."""

from zoneinfo import available_timezones

from django.conf import settings as django_settings
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from marketable.accounts import services as accounts
from marketable.accounts.errors import RightMissing
from marketable.accounts.rules import Right
from marketable.billing import queries as billing
from marketable.billing import services as billing_services
from marketable.billing.errors import BadLimit
from marketable.billing.rules import renewal_date_after
from marketable.bulk_actions.rules import parse_count
from marketable.errors import Refused
from marketable.history.sources import SourceType
from marketable.web.access import AccountRequest, account_page
from marketable.web.wording import needs_right


@require_http_methods(["GET", "POST"])
@account_page()
def account(request: AccountRequest, account_id: int) -> HttpResponse:
    """Show the account's settings; change name, language and time zone (U8)."""
    if request.method == "GET":
        return _page(request)
    if not request.rights.may(Right.SETTINGS_MANAGE):
        raise RightMissing(Right.SETTINGS_MANAGE)
    by = request.by(SourceType.ACCOUNT)
    try:
        billing_services.change_time_zone(
            account_id, request.POST.get("time_zone", ""), by=by, now=request.now
        )
        accounts.rename_account(
            account_id,
            name=request.POST.get("name", ""),
            language=request.POST.get("language", ""),
            by=by,
            now=request.now,
        )
    except Refused as refusal:
        return _page(request, problem=refusal)
    messages.success(request, _("Saved."))
    return HttpResponseRedirect(reverse("settings:account", args=[account_id]))


@require_POST
@account_page(Right.BILLING_MANAGE)
def limit(request: AccountRequest, account_id: int) -> HttpResponse:
    """Choose what happens when a start would exceed the tier (T4)."""
    typed = request.POST.get("ceiling", "").strip()
    ceiling = parse_count(typed) if typed else None
    try:
        if typed and ceiling is None:
            raise BadLimit
        billing_services.set_limit_policy(
            account_id,
            at_limit=request.POST.get("at_limit", ""),
            ceiling=ceiling,
            by=request.by(SourceType.ACCOUNT),
            now=request.now,
        )
    except Refused as refusal:
        return _page(request, limit_problem=refusal, typed=typed)
    messages.success(request, _("Saved."))
    return HttpResponseRedirect(reverse("settings:account", args=[account_id]))


def _page(
    request: AccountRequest,
    *,
    problem: Refused | None = None,
    limit_problem: Refused | None = None,
    typed: str | None = None,
) -> HttpResponse:
    account_id = request.account.id
    calendar = billing.calendar(account_id)
    contract = calendar.contract_on(request.today)
    return render(
        request,
        "settings/account.html",
        {
            "problem": problem,
            "limit_problem": limit_problem,
            "typed": typed,
            "zones": sorted(available_timezones()),
            "languages": [("en", "English"), ("pl", "Polski")],
            "info": billing.subscription(account_id, request.today),
            "contract": contract,
            "next_update": calendar.next_update_date(request.today),
            "renewal": renewal_date_after(contract, request.today),
            "pending": [one for one in calendar.contracts if one.starts_on > request.today],
            "may_settings": request.rights.may(Right.SETTINGS_MANAGE),
            "may_billing": request.rights.may(Right.BILLING_MANAGE),
            "needs_settings": needs_right(Right.SETTINGS_MANAGE.value),
            "needs_billing": needs_right(Right.BILLING_MANAGE.value),
        },
        status=400 if problem or limit_problem else 200,
    )


@require_http_methods(["GET", "POST"])
@account_page()
def profile(request: AccountRequest, account_id: int) -> HttpResponse:
    """Change how the product looks to oneself."""
    problem: Refused | None = None
    if request.method == "POST":
        try:
            accounts.change_profile(
                request.user.pk,
                name=request.POST.get("name", ""),
                language=request.POST.get("language", ""),
                theme=request.POST.get("theme", ""),
                density=request.POST.get("density", ""),
            )
        except Refused as refusal:
            problem = refusal
        else:
            answer = HttpResponseRedirect(reverse("settings:profile", args=[account_id]))
            if request.POST.get("language"):
                answer.set_cookie(
                    django_settings.LANGUAGE_COOKIE_NAME,
                    request.POST["language"],
                    max_age=365 * 24 * 3600,
                    samesite="Lax",
                )
            messages.success(request, _("Saved."))
            return answer
    return render(
        request, "settings/profile.html", {"problem": problem}, status=400 if problem else 200
    )

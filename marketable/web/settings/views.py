"""Settings of the account, what happens at its limit, and one's own profile."""

from zoneinfo import available_timezones

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from marketable.accounts import services as accounts
from marketable.accounts.rules import Right
from marketable.billing import queries as billing
from marketable.billing import services as billing_services
from marketable.billing.errors import BadLimit
from marketable.billing.rules import renewal_date_after
from marketable.bulk_actions.rules import parse_count
from marketable.contacts.services.erase import lift_block
from marketable.errors import Refused
from marketable.history.sources import SourceType
from marketable.web.access import AccountRequest, account_page, require
from marketable.web.middleware import http_status
from marketable.web.sign_in import remember_language
from marketable.web.wording import needs_right


@require_http_methods(["GET", "POST"])
@account_page()
def account(request: AccountRequest, account_id: int) -> HttpResponse:
    """Show the account's settings; change name, language and time zone (U8)."""
    if request.method == "GET":
        return _page(request)
    require(request, Right.SETTINGS_MANAGE)
    try:
        billing_services.change_account_settings(
            account_id,
            name=request.POST.get("name", ""),
            language=request.POST.get("language", ""),
            time_zone=request.POST.get("time_zone", ""),
            by=request.by(SourceType.ACCOUNT),
            now=request.now,
        )
    except Refused as refusal:
        return _page(request, problem=refusal)
    _say_saved(request, request.user.language or request.POST["language"])
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


@require_POST
@account_page(Right.CONTACTS_ERASE)
def unblock(request: AccountRequest, account_id: int) -> HttpResponse:
    """Let an erased person's address in again (S14)."""
    address = request.POST.get("address", "")
    by = request.by(SourceType.ACCOUNT)
    try:
        lift_block(account_id, address, by=by, now=request.now)
    except Refused as refusal:
        return _page(request, block_problem=refusal, address=address)
    messages.success(
        request, _("The address is accepted again. Whoever has it becomes a new contact.")
    )
    return HttpResponseRedirect(reverse("settings:account", args=[account_id]))


def _page(
    request: AccountRequest,
    *,
    problem: Refused | None = None,
    limit_problem: Refused | None = None,
    typed: str | None = None,
    block_problem: Refused | None = None,
    address: str = "",
) -> HttpResponse:
    account_id = request.account.id
    calendar = billing.calendar(account_id)
    contract = calendar.contract_on(request.today)
    info = billing.subscription(account_id, request.today)
    refusal = problem or limit_problem or block_problem
    posted = request.POST
    return render(
        request,
        "settings/account.html",
        {
            "problem": problem,
            "limit_problem": limit_problem,
            "block_problem": block_problem,
            "address": address,
            "may_erase": request.rights.may(Right.CONTACTS_ERASE),
            "needs_erase": needs_right(Right.CONTACTS_ERASE.value),
            "problem_field": refusal.facts.get("field", "") if refusal else "",
            "name": posted.get("name", "") if problem else request.account.name,
            "language": posted.get("language", "") if problem else request.account.language,
            "zone": posted.get("time_zone", "") if problem else request.account.time_zone,
            "at_limit": posted.get("at_limit", "") if limit_problem else info.at_limit,
            "typed": typed,
            "zones": sorted(available_timezones()),
            "languages": [("en", "English"), ("pl", "Polski")],
            "info": info,
            "contract": contract,
            "next_update": calendar.next_update_date(request.today),
            "renewal": renewal_date_after(contract, request.today),
            "pending": [one for one in calendar.contracts if one.starts_on > request.today],
            "may_settings": request.rights.may(Right.SETTINGS_MANAGE),
            "may_billing": request.rights.may(Right.BILLING_MANAGE),
            "needs_settings": needs_right(Right.SETTINGS_MANAGE.value),
            "needs_billing": needs_right(Right.BILLING_MANAGE.value),
        },
        status=http_status(refusal) if refusal else 200,
    )


def _say_saved(request: AccountRequest, language: str) -> None:
    """Say so on the next page, in the language that it will speak."""
    with translation.override(language):
        messages.success(request, _("Saved."))


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
                remember_language(answer, request.POST["language"])
            else:
                answer.delete_cookie(settings.LANGUAGE_COOKIE_NAME)
            _say_saved(request, request.POST.get("language") or request.account.language)
            return answer
    chosen = request.POST if problem else None
    return render(
        request,
        "settings/profile.html",
        {
            "problem": problem,
            "name": chosen.get("name", "") if chosen is not None else request.user.name,
        },
        status=http_status(problem) if problem else 200,
    )

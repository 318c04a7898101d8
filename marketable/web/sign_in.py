"""How people get in: by invitation, or from this machine by the link that `serve --demo` prints."""

import ipaddress
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.signals import user_logged_in
from django.contrib.auth.views import redirect_to_login
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from marketable import clock
from marketable.accounts import queries, services
from marketable.accounts.errors import BadField, LinkUnusable, SignInFirst
from marketable.errors import NotFound

MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"


class InvitedOnly(DefaultAccountAdapter):  # type: ignore[misc]
    """Nobody signs up by themselves; invitations make the person."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_reset_password_from_key_url(self, key: str) -> str:
        """Return where the mail's link leads; `key` is the person's number and a secret."""
        number, _dash, secret = key.partition("-")
        path = reverse("account_reset_password_from_key", args=[number, secret])
        return link_for(self.request, path)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Write to a person in their own language, whoever's browser asked for it (Y1)."""
        with translation.override(queries.language_to(email) or translation.get_language()):
            super().send_mail(template_prefix, email, context)


def link_for(request: HttpRequest, path: str) -> str:
    """Return the whole address of a page, for a mail."""
    if settings.BASE_URL:
        return str(settings.BASE_URL).rstrip("/") + path
    return request.build_absolute_uri(path)


def not_offered(request: HttpRequest, what: str) -> HttpResponse:
    """Answer what django-allauth could do and the product does not: the address that somebody was
    invited by stays theirs, and no mail signs anybody in."""
    raise NotFound(_("There is nothing at this address."))


def is_from_this_machine(request: HttpRequest) -> bool:
    """Tell whether the request came from loopback, and not through a proxy that stands there."""
    if any(name in request.META for name in ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED")):
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


@never_cache
@require_http_methods(["GET", "HEAD"])
def use_link(request: HttpRequest, token: str) -> HttpResponse:
    """Sign in the person of a one-time link, from this machine only."""
    if request.method == "HEAD":  # a look ahead must not use the link up
        return HttpResponse()
    if not is_from_this_machine(request):
        raise LinkUnusable
    user = services.use_sign_in_link(token, now=clock.now())
    login(request, user, backend=MODEL_BACKEND)
    return redirect("home")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def accept_invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Join an account: with name and password when new, signed in as oneself when known."""
    shown = queries.invitation(token, clock.now())
    person = request.user if request.user.is_authenticated else None
    is_somebody_else = person is not None and person.email != shown.email
    if request.method != "POST" or is_somebody_else:
        status = 409 if request.method == "POST" else 200
        return _invitation_page(request, shown, is_somebody_else=is_somebody_else, status=status)
    try:
        user = services.accept_invitation(
            token,
            name=request.POST.get("name", ""),
            password=request.POST.get("password", ""),
            signed_in_as=person.pk if person else None,
            now=clock.now(),
        )
    except SignInFirst:
        return redirect_to_login(request.get_full_path(), login_url="account_login")
    except BadField as problem:
        return _invitation_page(request, shown, problem=problem, status=400)
    if person is None:
        login(request, user, backend=MODEL_BACKEND)
    messages.success(request, _("You belong to %(account)s now.") % {"account": shown.account_name})
    return redirect("home")


def _invitation_page(
    request: HttpRequest,
    shown: queries.InvitationShown,
    *,
    is_somebody_else: bool = False,
    problem: BadField | None = None,
    status: int = 200,
) -> HttpResponse:
    return render(
        request,
        "sign_in/invitation.html",
        {
            "invitation": shown,
            "is_somebody_else": is_somebody_else,
            "problem": problem,
            "name": request.POST.get("name", ""),
        },
        status=status,
    )


@receiver(user_logged_in)
def keep_chosen_language(request: HttpRequest, user: Any, **others: Any) -> None:
    """Make a language that was chosen before the sign-in the person's own, if they have none."""
    chosen = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME)
    if not user.language and chosen in dict(settings.LANGUAGES):
        services.choose_language(user.pk, chosen)
        user.language = chosen


@require_POST
def choose_language(request: HttpRequest) -> HttpResponse:
    """Remember a language: with the person when signed in, in a cookie before."""
    language = request.POST.get("language", "")
    back = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(
        back, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        back = "/"
    answer = redirect(back)
    if language in dict(settings.LANGUAGES):
        if request.user.is_authenticated:
            services.choose_language(request.user.pk, language)
        remember_language(answer, language)
    return answer


def remember_language(answer: HttpResponse, language: str) -> None:
    """Let the browser remember a language, for the pages before the next sign-in."""
    answer.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        max_age=365 * 24 * 3600,
        samesite="Lax",
        secure=settings.HTTPS,
        httponly=True,
    )

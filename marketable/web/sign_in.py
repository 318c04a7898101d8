"""How people get in: by invitation, or from this machine by the link that `serve --demo` prints."""

import ipaddress

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from marketable import clock
from marketable.accounts import services
from marketable.accounts.errors import BadField, LinkUnusable
from marketable.accounts.models import User

MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"


class InvitedOnly(DefaultAccountAdapter):  # type: ignore[misc]
    """Nobody signs up by themselves; invitations make the person."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False


def is_from_this_machine(request: HttpRequest) -> bool:
    """Tell whether the request came from loopback, and not through a proxy that stands there."""
    if "HTTP_X_FORWARDED_FOR" in request.META or "HTTP_FORWARDED" in request.META:
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


@never_cache
@require_http_methods(["GET", "HEAD"])
def use_link(request: HttpRequest, token: str) -> HttpResponse:
    """Sign in the person of a one-time link, from this machine only."""
    if not is_from_this_machine(request):
        raise LinkUnusable
    user = services.use_sign_in_link(token, now=clock.now())
    login(request, user, backend=MODEL_BACKEND)
    return redirect("home")


@never_cache
@require_http_methods(["GET", "POST"])
def accept_invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Join an account: name and password for somebody new, a sign-in for somebody known."""
    row = services.invitation(token, now=clock.now())
    known = User.objects.filter(email=row.email).exclude(password__startswith="!").exists()
    problem = None
    if request.method == "POST":
        try:
            user_id = services.accept_invitation(
                token,
                name=request.POST.get("name", ""),
                password=request.POST.get("password", ""),
                now=clock.now(),
            )
        except BadField as error:
            problem = error
        else:
            if known:  # the link alone must not open somebody's other accounts
                return redirect("account_login")
            login(request, User.objects.get(pk=user_id), backend=MODEL_BACKEND)
            return redirect("home")
    return render(
        request,
        "sign_in/invitation.html",
        {
            "email": row.email,
            "account_name": row.account.name,
            "is_known": known,
            "problem": problem,
            "name": request.POST.get("name", ""),
        },
        status=400 if problem else 200,
    )


@require_POST
def choose_language(request: HttpRequest) -> HttpResponse:
    """Remember a language: with the person when signed in, in a cookie before."""
    language = request.POST.get("language", "")
    back = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}):
        back = "/"
    answer = redirect(back)
    if language in dict(settings.LANGUAGES):
        if isinstance(request.user, User):
            User.objects.filter(pk=request.user.pk).update(language=language)
        answer.set_cookie(
            settings.LANGUAGE_COOKIE_NAME, language, max_age=365 * 24 * 3600, samesite="Lax"
        )
    return answer

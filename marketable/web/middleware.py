"""What happens around every page: security headers, language, refusals."""

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import render
from django.utils import translation
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext as _

from marketable.accounts import queries as accounts
from marketable.errors import Conflict, Invalid, NotAllowed, NotFound, Refused

Answer = Callable[[HttpRequest], HttpResponse]

#: Kind of refusal → HTTP status; the first kind that fits decides.
HTTP_STATUS: dict[type[Refused], int] = {
    NotFound: 404,
    NotAllowed: 403,
    Conflict: 409,
    Invalid: 400,
    Refused: 400,
}


def http_status(refusal: Refused) -> int:
    """Return the HTTP status that answers `refusal`."""
    return next(status for kind, status in HTTP_STATUS.items() if isinstance(refusal, kind))


class ContentSecurityPolicy:
    """Only our own scripts and styles run, and none that is written into a page."""

    POLICY = (
        "default-src 'self'; img-src 'self' data:; style-src 'self'; script-src 'self'; "
        "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )

    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.answer(request)
        response.headers.setdefault("Content-Security-Policy", self.POLICY)
        return response


class Utf8Forms:
    """Forms are UTF-8; one that says otherwise is no form of ours, and could hold what no text
    can. Django itself takes care of other kinds of form."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    def __call__(self, request: HttpRequest) -> HttpResponse:
        charset = (request.content_params or {}).get("charset", "utf-8")
        if charset.lower() not in {"utf-8", "utf8"}:
            return HttpResponseBadRequest(_("Forms are taken in UTF-8 only."))
        return self.answer(request)


class ChosenLanguage:
    """The person's own language, else their account's; for others what LocaleMiddleware found:
    chosen in this browser, else the browser's, else English (Y1)."""

    ACCOUNT_PAGE = re.compile(r"/app/([0-9]{1,18})/")

    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = request.user
        if user.is_authenticated:
            chosen = user.language or self._of_account(request, user.pk)
            if chosen:
                translation.activate(chosen)
                request.LANGUAGE_CODE = chosen
        response = self.answer(request)
        response.headers["Content-Language"] = translation.get_language() or "en"
        return response

    def _of_account(self, request: HttpRequest, user_id: int) -> str:
        page = self.ACCOUNT_PAGE.match(request.path_info)
        return accounts.language_for(user_id, int(page[1]) if page else None)


class RefusalPages:
    """A refusal of any area becomes a page, or a fragment for htmx, that says what and why."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.answer(request)
        # A page shows what one person may see; after signing out nobody finds it in a cache.
        if not response.has_header("Cache-Control"):
            patch_cache_control(response, private=True, no_cache=True)
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, Refused):
            return None
        template = "web/_refused.html" if getattr(request, "htmx", False) else "web/refused.html"
        page = {"refusal": error, "is_missing": isinstance(error, NotFound)}
        return render(request, template, page, status=http_status(error))

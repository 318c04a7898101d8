"""What happens around every page: security headers, language, refusals."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.cache import patch_cache_control

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


class ChosenLanguage:
    """The person's own language before the browser's (Y1)."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = request.user
        chosen = user.language if user.is_authenticated else ""
        if chosen in dict(settings.LANGUAGES):
            translation.activate(chosen)
            request.LANGUAGE_CODE = chosen
        response = self.answer(request)
        response.headers["Content-Language"] = translation.get_language() or "en"
        return response


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
        return render(request, template, {"refusal": error}, status=http_status(error))

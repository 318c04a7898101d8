"""The answer that a server is there, which needs neither the pages nor a session."""

from collections.abc import Callable

from django.db import connection
from django.http import HttpRequest, HttpResponse

PATH = "/healthz"


class Health:
    """Answers /healthz before anything else: when the process serves and its database answers."""

    def __init__(self, answer: Callable[[HttpRequest], HttpResponse]) -> None:
        self.answer = answer

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info != PATH:
            return self.answer(request)
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return HttpResponse("ok\n", content_type="text/plain")

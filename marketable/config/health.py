"""The answer that a server is there, which needs neither the pages nor a session."""

import logging
from collections.abc import Callable

from django.db import Error, connection
from django.http import HttpRequest, HttpResponse

PATH = "/healthz"
logger = logging.getLogger(__name__)


class Health:
    """Answers /healthz before anything else: when the process serves and its database answers.

    503 while the database does not; the server's log says why.
    """

    def __init__(self, answer: Callable[[HttpRequest], HttpResponse]) -> None:
        self.answer = answer

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info != PATH:
            return self.answer(request)
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
        except Error as error:
            logger.warning("The database does not answer: %s", error)
            return HttpResponse("no database\n", content_type="text/plain", status=503)
        return HttpResponse("ok\n", content_type="text/plain")

"""Addresses: pages under /app, sign-in under /accounts, health at /healthz."""

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import include, path


def healthz(request: HttpRequest) -> HttpResponse:
    """Answer when the process serves and its database answers."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return HttpResponse("ok\n", content_type="text/plain")


urlpatterns = [
    path("healthz", healthz),
    path("", include("marketable.web.urls")),
    path("accounts/", include("allauth.urls")),
]

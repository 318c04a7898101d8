"""Addresses: pages under /app, sign-in under /accounts, health at /healthz."""

from django.http import HttpRequest, HttpResponse
from django.urls import include, path


def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


urlpatterns = [
    path("healthz", healthz),
    path("accounts/", include("allauth.urls")),
]

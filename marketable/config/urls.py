"""Addresses: pages under /app, sign-in under /accounts; /healthz is answered by `health`."""

from django.urls import include, path

urlpatterns = [
    path("", include("marketable.web.urls")),
    path("accounts/", include("allauth.urls")),
]

"""Addresses of usage and limits."""

from django.urls import path

from marketable.web.usage import views

app_name = "usage"
urlpatterns = [
    path("", views.show, name="show"),
    path("badge", views.badge, name="badge"),
]

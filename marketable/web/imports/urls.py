"""Addresses of the import wizard."""

from django.urls import path

from marketable.web.imports import views

app_name = "imports"
urlpatterns = [path("", views.listing, name="list")]

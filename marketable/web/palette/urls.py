"""Addresses of the command palette, under `/app/<account>/palette/`."""

from django.urls import path

from marketable.web.palette import views

app_name = "palette"
urlpatterns = [
    path("", views.offered, name="offered"),
    path("search", views.search, name="search"),
]

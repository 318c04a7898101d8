"""Addresses of the ledger's pages."""

from django.urls import path

from marketable.web.history import views

app_name = "history"
urlpatterns = [
    path("", views.changes, name="list"),
    path("<int:change_id>/", views.change, name="change"),
]

"""Addresses of settings: the account's and one's own."""

from django.urls import path

from marketable.web.settings import views

app_name = "settings"
urlpatterns = [
    path("account", views.account, name="account"),
    path("limit", views.limit, name="limit"),
    path("unblock", views.unblock, name="unblock"),
    path("profile", views.profile, name="profile"),
]

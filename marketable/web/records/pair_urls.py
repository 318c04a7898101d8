"""Addresses of the page of duplicates, under `/app/<account>/duplicates/`."""

from django.urls import path

from marketable.web.records import pairs

app_name = "duplicates"
urlpatterns = [
    path("", pairs.listing, name="list"),
    path("dismiss", pairs.dismiss, name="dismiss"),
    path("look", pairs.look, name="look"),
]

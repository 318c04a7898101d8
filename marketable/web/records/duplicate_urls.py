"""Addresses of the page of duplicates, under `/app/<account>/duplicates/`."""

from django.urls import path

from marketable.web.records import duplicates

app_name = "duplicates"
urlpatterns = [
    path("", duplicates.listing, name="list"),
    path("dismiss", duplicates.dismiss, name="dismiss"),
    path("look", duplicates.look, name="look"),
]

"""Addresses of property definitions."""

from django.urls import path

from marketable.web.properties import views

app_name = "properties"
urlpatterns = [
    path("", views.listing, name="list"),
    path("new", views.new, name="new"),
    path("<str:name>/", views.edit, name="edit"),
    path("<str:name>/index", views.index, name="index"),
    path("<str:name>/archive", views.archive, name="archive"),
]

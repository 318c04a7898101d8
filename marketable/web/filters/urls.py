"""Addresses of the filter builder, under `/app/<account>/contacts/filters/`."""

from django.urls import path

from marketable.web.filters import views

app_name = "filters"
urlpatterns = [
    path("edit", views.edit, name="edit"),
    path("apply", views.apply, name="apply"),
    path("fields", views.fields, name="fields"),
    path("choices", views.choices, name="choices"),
    path("look", views.look, name="look"),
]

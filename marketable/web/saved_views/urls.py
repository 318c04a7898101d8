"""Addresses of saved views."""

from django.urls import path

from marketable.web.saved_views import views

app_name = "saved_views"
urlpatterns = [
    path("", views.listing, name="list"),
    path("new", views.new, name="new"),
    path("default", views.default, name="default"),
    path("<int:view_id>/", views.settings, name="settings"),
    path("<int:view_id>/save", views.save, name="save"),
    path("<int:view_id>/copy", views.copy, name="copy"),
    path("<int:view_id>/delete", views.delete, name="delete"),
    path("<int:view_id>/restore", views.restore, name="restore"),
]

"""Addresses of one contact's page."""

from django.urls import path

from marketable.web.records import views

app_name = "records"
urlpatterns = [
    path("<int:contact_id>/", views.show, name="show"),
    path("<int:contact_id>/edit", views.edit, name="edit"),
    path("<int:contact_id>/status", views.status, name="status"),
    path("<int:contact_id>/archive", views.archive, name="archive"),
    path("<int:contact_id>/restore", views.restore, name="restore"),
    path("<int:contact_id>/erase", views.erase, name="erase"),
    path("<int:contact_id>/merge", views.merge, name="merge"),
]

"""Addresses of one contact's page."""

from django.urls import path

from marketable.web.records import beside, merging, timeline, views

app_name = "records"
urlpatterns = [
    path("<int:contact_id>/", views.show, name="show"),
    path("<int:contact_id>/edit", views.edit, name="edit"),
    path("<int:contact_id>/status", views.status, name="status"),
    path("<int:contact_id>/archive", views.archive, name="archive"),
    path("<int:contact_id>/restore", views.restore, name="restore"),
    path("<int:contact_id>/erase", views.erase, name="erase"),
    path("<int:contact_id>/merge", merging.merge, name="merge"),
    path("<int:contact_id>/unmerge", merging.unmerge, name="unmerge"),
    path("<int:contact_id>/properties/<str:name>", timeline.of_property, name="property"),
    path("<int:contact_id>/notes", beside.write_note, name="write_note"),
    path("<int:contact_id>/notes/<int:note_id>", beside.change_note, name="change_note"),
    path("<int:contact_id>/notes/<int:note_id>/delete", beside.delete_note, name="delete_note"),
    path("<int:contact_id>/notes/<int:note_id>/restore", beside.restore_note, name="restore_note"),
    path("<int:contact_id>/segments", beside.move_in_list, name="segments"),
]

"""Addresses of segments, under `/app/<account>/segments/`."""

from django.urls import path

from marketable.web.segments import fixed, views

app_name = "segments"
urlpatterns = [
    path("", views.listing, name="list"),
    path("new", views.new, name="new"),
    path("not-found.csv", fixed.not_found, name="not_found"),
    path("<int:segment_id>/", views.show, name="show"),
    path("<int:segment_id>/state", views.state, name="state"),
    path("<int:segment_id>/people", views.people, name="people"),
    path("<int:segment_id>/filter", views.change_filter, name="filter"),
    path("<int:segment_id>/rename", views.rename, name="rename"),
    path("<int:segment_id>/copy", views.copy, name="copy"),
    path("<int:segment_id>/delete", views.delete, name="delete"),
    path("<int:segment_id>/restore", views.restore, name="restore"),
    path("<int:segment_id>/rebuild", views.rebuild, name="rebuild"),
    path("<int:segment_id>/add", fixed.add, name="add"),
    path("<int:segment_id>/remove", fixed.remove, name="remove"),
    path("<int:segment_id>/clear", fixed.clear, name="clear"),
    path("<int:segment_id>/undo/<int:change_id>", fixed.undo, name="undo"),
]

"""Addresses of the imports and of the wizard's five steps, under `/app/<account>/imports/`."""

from django.urls import path

from marketable.web.imports import bad_rows, views

app_name = "imports"
urlpatterns = [
    path("", views.listing, name="list"),
    path("new", views.new, name="new"),
    path("<int:import_id>/", views.go_on, name="open"),
    path("<int:import_id>/file", views.file, name="file"),
    path("<int:import_id>/mapping", views.mapping, name="mapping"),
    path("<int:import_id>/read-as", views.read_as, name="read_as"),
    path("<int:import_id>/property", views.property_form, name="property"),
    path("<int:import_id>/property/create", views.create_property, name="create_property"),
    path("<int:import_id>/check", views.check, name="check"),
    path("<int:import_id>/bad-rows", bad_rows.bad_rows, name="bad_rows"),
    path("<int:import_id>/rows/mend", bad_rows.mend, name="mend"),
    path("<int:import_id>/rows/leave-out", bad_rows.leave_out, name="leave_out"),
    path("<int:import_id>/rows/put-back", bad_rows.put_back, name="put_back"),
    path("<int:import_id>/options", views.options, name="options"),
    path("<int:import_id>/start", views.start, name="start"),
    path("<int:import_id>/run", views.run, name="run"),
    path("<int:import_id>/cancel", views.cancel, name="cancel"),
    path("<int:import_id>/failures.csv", views.failures, name="failures"),
    path("<int:import_id>/undo", views.undo, name="undo"),
]

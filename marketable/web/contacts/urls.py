"""Addresses of the contacts page, under `/app/<account>/contacts/`."""

from django.urls import path

from marketable.web.contacts import bulk, cells, done, views

app_name = "contacts"
urlpatterns = [
    path("", views.contact_list, name="list"),
    path("count", views.count, name="count"),
    path("columns", views.choose_columns, name="columns"),
    path("new", views.create, name="create"),
    path("export", views.export, name="export"),
    path("plan", views.plan, name="plan"),
    path("plan/<uuid:plan_id>/confirm", views.confirm, name="confirm"),
    path("ask", bulk.ask, name="ask"),
    path("works", bulk.plan, name="plan_work"),
    path("works/<uuid:work_id>/confirm", bulk.confirm, name="confirm_work"),
    path("jobs/<int:job_id>/toast", done.follow, name="follow"),
    path("<int:contact_id>/cells/<str:name>", cells.save, name="cell"),
    path("<int:contact_id>/cells/undo/<int:edit_id>", cells.undo, name="cell_undo"),
    path("delete", bulk.delete, name="delete"),
]

"""Addresses of the jobs page, under `/app/<account>/jobs/`."""

from django.urls import path

from marketable.web.jobs import views

app_name = "jobs"
urlpatterns = [
    path("", views.job_list, name="list"),
    path("<int:job_id>", views.job, name="job"),
    path("<int:job_id>/progress", views.progress, name="progress"),
    path("<int:job_id>/cancel", views.cancel, name="cancel"),
    path("<int:job_id>/take-back", views.take_back, name="take_back"),
    path("<int:job_id>/refused.csv", views.refused, name="refused"),
]

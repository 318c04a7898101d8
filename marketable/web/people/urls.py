"""Addresses of people and their rights."""

from django.urls import path

from marketable.web.people import views

app_name = "people"
urlpatterns = [
    path("", views.listing, name="list"),
    path("invite", views.invite, name="invite"),
    path("invitations/<int:invitation_id>/withdraw", views.withdraw, name="withdraw"),
    path("<int:user_id>/", views.person, name="person"),
    path("<int:user_id>/remove", views.remove, name="remove"),
]

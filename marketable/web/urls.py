"""Addresses of the pages, one folder each."""

from django.conf import settings
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from marketable.web import access, sign_in

app_patterns = [
    path("contacts/filters/", include("marketable.web.filters.urls")),
    path("contacts/", include("marketable.web.contacts.urls")),
    path("contacts/", include("marketable.web.records.urls")),
    path("segments/", include("marketable.web.segments.urls")),
    path("views/", include("marketable.web.saved_views.urls")),
    path("duplicates/", include("marketable.web.records.duplicate_urls")),
    path("imports/", include("marketable.web.imports.urls")),
    path("jobs/", include("marketable.web.jobs.urls")),
    path("history/", include("marketable.web.history.urls")),
    path("palette/", include("marketable.web.palette.urls")),
    path("usage/", include("marketable.web.usage.urls")),
    path("properties/", include("marketable.web.properties.urls")),
    path("people/", include("marketable.web.people.urls")),
    path("settings/", include("marketable.web.settings.urls")),
]

urlpatterns = [
    path("", access.home, name="home"),
    # Browsers ask for it unasked, as on the way back in their history.
    path("favicon.ico", RedirectView.as_view(url=f"{settings.STATIC_URL}web/icon.svg")),
    path("app/<int:account_id>/", include(app_patterns)),
    path("accounts/link/<str:token>", sign_in.use_link, name="sign_in_link"),
    path("accounts/invitation/<str:token>", sign_in.accept_invitation, name="invitation"),
    # django-allauth's own addresses follow; these of them are not part of the product.
    re_path("^accounts/(email|confirm-email|login/code)/", sign_in.not_offered),
    path("language", sign_in.choose_language, name="language"),
]

"""Links to pages, for people who get them from the command line."""

from django.conf import settings
from django.urls import reverse

LOCAL = "http://127.0.0.1:8000"


def invitation_link(token: str, *, base_url: str | None = None) -> str:
    """Return the page on which the invited person chooses a password."""
    return _link(reverse("invitation", args=[token]), base_url)


def sign_in_link(token: str, *, base_url: str | None = None) -> str:
    """Return the one-time way in from this machine."""
    return _link(reverse("sign_in_link", args=[token]), base_url)


def _link(path: str, base_url: str | None) -> str:
    return (base_url or settings.BASE_URL or LOCAL).rstrip("/") + path

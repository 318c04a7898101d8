"""How people get in: by invitation only."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class InvitedOnly(DefaultAccountAdapter):  # type: ignore[misc]
    """Nobody signs up by themselves; invitations make the person."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

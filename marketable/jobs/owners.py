"""Mail to an account's Owners, to each in their own language (Y1)."""

from collections.abc import Callable

from django.core.mail import send_mail
from django.utils import translation

from marketable.accounts import queries as accounts
from marketable.accounts.rules import OWNER


def tell_owners(account_id: int, worded: Callable[[], tuple[str, str]]) -> None:
    """Send every Owner of the account what `worded` returns in their language: subject and text."""
    for one in accounts.members(account_id):
        if one.rights.role == OWNER:
            with translation.override(accounts.language_to(one.email, account_id)):
                subject, text = worded()
            send_mail(subject, text, None, [one.email])

"""What the frame around every page shows."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from marketable.accounts import queries as accounts
from marketable.accounts.queries import AccountInfo
from marketable.accounts.rules import Right
from marketable.billing import queries as billing
from marketable.billing.errors import NoContract
from marketable.marketing_status import queries as status
from marketable.web.palette.keys import Keys, keys_of


@dataclass(frozen=True, slots=True)
class Meter:
    """Usage beside the tier: the number that every page shows."""

    usage: int
    tier: int
    next_update: date | None

    @property
    def percent(self) -> int:
        return min(100, self.usage * 100 // self.tier) if self.tier else 0

    @property
    def is_near(self) -> bool:
        return bool(self.tier) and self.usage * 100 >= 90 * self.tier


@dataclass(frozen=True, slots=True)
class Link:
    label: str
    url: str
    icon: str
    is_current: bool


class Frame:
    """Read by base.html; what it does not show is not looked up."""

    def __init__(self, request: Any) -> None:
        self.request = request

    @cached_property
    def account(self) -> AccountInfo | None:
        return getattr(self.request, "account", None)

    @cached_property
    def accounts(self) -> list[AccountInfo]:
        return accounts.accounts_of(self.request.user.pk)

    @cached_property
    def meter(self) -> Meter | None:
        account = self.account
        if account is None or not account.has_marketing_contacts:
            return None
        today = self.request.today
        try:
            next_update = billing.calendar(account.id).next_update_date(today)
        except NoContract:
            next_update = None
        taken = status.places_taken(account.id, today)
        return Meter(taken, billing.subscription(account.id, today).tier, next_update)

    @cached_property
    def sections(self) -> list[tuple[str, list[Link]]]:
        """Return the navigation: (heading, links)."""
        return [
            (
                _("Contacts"),
                [
                    self._link(_("Contacts"), "contacts:list", "users"),
                    self._link(_("Segments"), "segments:list", "rectangle-group"),
                    self._link(_("Duplicates"), "duplicates:list", "document-duplicate"),
                    self._link(_("Imports"), "imports:list", "arrow-up-tray"),
                ],
            ),
            (
                _("Account & billing"),
                [self._link(_("Usage & limits"), "usage:show", "chart-bar")],
            ),
            (
                _("Reports"),
                [
                    self._link(_("History"), "history:list", "clock"),
                    self._link(_("Jobs"), "jobs:list", "queue-list"),
                ],
            ),
            (
                _("Settings"),
                [
                    self._link(_("Properties"), "properties:list", "tag"),
                    self._link(_("People"), "people:list", "user-group"),
                    self._link(_("Account"), "settings:account", "cog-6-tooth"),
                ],
            ),
        ]

    def _link(self, label: str, name: str, icon: str) -> Link:
        assert self.account is not None
        url = reverse(name, args=[self.account.id])
        return Link(label, url, icon, self.request.path.startswith(url))

    @property
    def keys(self) -> tuple[Keys, ...]:
        """Return the keys of the page (shown by `?`)."""
        match = self.request.resolver_match
        return keys_of(match.view_name if match else "")

    def may(self, right: Right) -> bool:
        return bool(self.request.rights.may(right))


def frame(request: HttpRequest) -> dict[str, Any]:
    """Return the variables of the frame."""
    return {"frame": Frame(request), "account": getattr(request, "account", None)}

"""What the command palette offers: actions, pages, views, segments, accounts, and contacts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _

from marketable.accounts.rules import Right
from marketable.contacts import queries as contacts
from marketable.contacts.queries import ContactRow
from marketable.segments import queries as segments
from marketable.segments.saved_views import queries as saved_views
from marketable.segments.saved_views.rules import Viewer
from marketable.segments.selection import Selection, conditions_of
from marketable.web.access import AccountRequest
from marketable.web.contacts import page as contacts_page
from marketable.web.contacts.table import Table
from marketable.web.context import Frame

#: So many contacts are offered; who wants more goes to the contacts page.
MOST_CONTACTS = 8


@dataclass(frozen=True, slots=True)
class Item:
    """Something to go to, or to do.

    group   what it is one of, as said beside it
    action  the bulk action that it is; the page with the ticks does it
    reason  why it cannot be done, whatever is ticked (P4)
    """

    label: str
    group: str
    url: str = ""
    hint: str = ""
    action: str = ""
    reason: str = ""


def standing(request: AccountRequest) -> list[Item]:
    """Return everything that does not depend on what is typed, in the order of the empty list."""
    return [
        *_actions(request),
        *_new(request),
        *_pages(request),
        *_views(request),
        *_segments(request),
        *_accounts(request),
    ]


def _actions(request: AccountRequest) -> Iterator[Item]:
    if request.rights.may(Right.CONTACTS_VIEW):
        group = _("Ticked contacts")
        for action in contacts_page.actions(request, Table()):
            yield Item(action.label, group, action=action.code, reason=action.reason)


def _new(request: AccountRequest) -> Iterator[Item]:
    group = _("Do")
    for action in contacts_page.head_actions(request):
        yield Item(action.label, group, url=action.url, reason=action.reason)


def _pages(request: AccountRequest) -> Iterator[Item]:
    group = _("Go to")
    for heading, links in Frame(request).sections:
        for link in links:
            yield Item(link.label, group, url=link.url, hint=heading)
    yield Item(
        _("Profile"),
        group,
        url=reverse("settings:profile", args=[request.account.id]),
        hint=str(request.user),
    )


def _views(request: AccountRequest) -> Iterator[Item]:
    if request.rights.may(Right.CONTACTS_VIEW):
        contact_list = reverse("contacts:list", args=[request.account.id])
        for view in saved_views.views(request.account.id, Viewer(int(request.user.pk))).seen:
            yield Item(view.name, _("View"), url=f"{contact_list}?view={view.id}")


def _segments(request: AccountRequest) -> Iterator[Item]:
    if request.rights.may(Right.CONTACTS_VIEW):
        named = segments.names(request.account.id).items()
        for segment_id, name in sorted(named, key=lambda one: one[1].casefold()):
            url = reverse("segments:show", args=[request.account.id, segment_id])
            yield Item(name, _("Segment"), url=url)


def _accounts(request: AccountRequest) -> Iterator[Item]:
    group = _("Change to account")
    for account in Frame(request).accounts:
        if account.id != request.account.id:
            yield Item(account.name, group, url=reverse("contacts:list", args=[account.id]))


def found(request: AccountRequest, search: str) -> list[Item]:
    """Return contacts with every word of a search, newest first."""
    return _contacts(request, _rows(request, Selection(), search), _("Contact"))


def recent(request: AccountRequest, contact_ids: Sequence[int]) -> list[Item]:
    """Return those of the contacts that are still there and in the person's reach, in order."""
    rows = {row.id: row for row in _rows(request, Selection(ids=tuple(contact_ids)))}
    there = [rows[one] for one in contact_ids if one in rows]
    return _contacts(request, there, _("Opened lately"))


def _rows(
    request: AccountRequest, selection: Selection, search: str = ""
) -> tuple[ContactRow, ...]:
    if not request.rights.may(Right.CONTACTS_VIEW):
        return ()
    matching = conditions_of(
        request.account.id, selection, reach=request.reach_view, today=request.today
    )
    return contacts.page(
        request.account.id, matching, today=request.today, search=search, limit=MOST_CONTACTS
    ).rows


def _contacts(request: AccountRequest, rows: Sequence[ContactRow], group: str) -> list[Item]:
    return [
        Item(
            row.name,
            group,
            url=reverse("records:show", args=[request.account.id, row.id]),
            hint=row.email if row.email and row.email != row.name else "",
        )
        for row in rows
    ]

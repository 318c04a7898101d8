"""The bar of saved views above the contacts table, ready to be shown."""

from dataclasses import dataclass, replace

from django.urls import reverse
from django.utils.translation import gettext as _

from marketable.segments.saved_views.queries import SavedView
from marketable.segments.saved_views.rules import Sharing
from marketable.web.access import AccountRequest
from marketable.web.contacts.opened import Opened
from marketable.web.contacts.table import ALL, Table, arranged, read


@dataclass(frozen=True, slots=True)
class Tab:
    """A view as a tab and a line of the menu. `key` is its number, or all."""

    key: str
    label: str
    url: str
    is_current: bool
    note: str


@dataclass(frozen=True, slots=True)
class ViewBar:
    """What can be opened, and what can be done with the view that is open.

    state        what would be saved, as fields of a form
    save_url     empty where the open view is somebody else's, or all contacts
    notice       the address names a view that this person does not see
    attention    what is wrong with the filter that is shown
    link_url     an address that shows the same to a colleague
    """

    account_key: str
    tabs: tuple[Tab, ...]
    current: Tab
    is_changed: bool
    state: tuple[tuple[str, str], ...]
    version: str
    save_url: str
    new_url: str
    suggested: str
    reset_url: str
    settings_url: str
    copy_url: str
    is_mine: bool
    default_url: str
    is_default: bool
    list_url: str
    link_url: str
    notice: str
    attention: str


def show(request: AccountRequest, opened: Opened, attention: str) -> ViewBar:
    account_id = request.account.id
    contacts_url = reverse("contacts:list", args=[account_id])
    view = opened.view
    table = opened.table.first_page()
    tabs = (
        Tab(ALL, _("All contacts"), f"{contacts_url}?view={ALL}", view is None, ""),
        *(
            Tab(
                str(one.id),
                one.name,
                f"{contacts_url}?view={one.id}",
                view is not None and one.id == view.id,
                _note(request, one),
            )
            for one in opened.views.seen
        ),
    )

    def of_view(name: str) -> str:
        return reverse(f"saved_views:{name}", args=[account_id, view.id]) if view else ""

    may_save = view is not None and view.may_change
    return ViewBar(
        account_key=str(account_id),
        tabs=tabs,
        current=next(one for one in tabs if one.is_current),
        is_changed=opened.is_changed,
        state=tuple(table.kept().items()),
        version=str(view.version) if view else "",
        save_url=of_view("save") if may_save else "",
        new_url=reverse("saved_views:new", args=[account_id]),
        suggested=view.name if view is not None and not may_save else "",
        reset_url=contacts_url + _unchanged(opened).address(),
        settings_url=of_view("settings"),
        copy_url=of_view("copy"),
        is_mine=view is not None and view.owner_id == request.user.pk,
        default_url=reverse("saved_views:default", args=[account_id]),
        is_default=view.is_default if view else opened.views.default is None,
        list_url=reverse("saved_views:list", args=[account_id]),
        link_url=contacts_url + _for_a_colleague(table, view).address(),
        notice=_unknown() if opened.is_unknown else "",
        attention=attention,
    )


def _note(request: AccountRequest, view: SavedView) -> str:
    """Return what a tab says besides its name, about a view that others see too."""
    if view.owner_id != request.user.pk:
        return _("shared with you")
    if view.sharing is Sharing.PRIVATE:
        return ""
    return _("shared")


def _unchanged(opened: Opened) -> Table:
    """Return the open view as it was saved."""
    table = opened.table
    if opened.view is not None:
        return read(dict(table.saved), view=table.view, saved=dict(table.saved))
    names, widths = arranged(opened.own)
    return Table(view=ALL, columns=names, widths=widths)


def _for_a_colleague(table: Table, view: SavedView | None) -> Table:
    """Return the table whose address shows the same to others: of a private view, and of all
    contacts, which everybody arranges for themselves, the whole state."""
    if view is None or view.sharing is Sharing.PRIVATE:
        return replace(table.without_view(), view="" if table.kept() else ALL)
    return table


def _unknown() -> str:
    return _(
        "There is no such view, or it is not shared with you. What else the link says is shown "
        "here, on all contacts."
    )

"""Which view the contacts page has open, and the table that it makes of the address."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from marketable.accounts.rules import Right
from marketable.segments import kept_filters
from marketable.segments.errors import KeptFilterGone
from marketable.segments.saved_views import queries as saved_views
from marketable.segments.saved_views.queries import SavedView, Views
from marketable.segments.saved_views.rules import Viewer
from marketable.web.access import AccountRequest
from marketable.web.contacts.table import ALL, Table, arranged, number_of, read


@dataclass(frozen=True, slots=True)
class Opened:
    """A table with the views around it.

    own         the arrangement of all contacts that the person has chosen
    is_unknown  the address names a view that is not there for this person: the rest of the
                address is shown, on all contacts
    """

    table: Table
    views: Views
    own: str
    is_unknown: bool

    @property
    def view(self) -> SavedView | None:
        return self.views.opened

    @property
    def is_changed(self) -> bool:
        """Tell whether the table differs from the view that is open."""
        return self.table.kept() != self.unchanged

    @property
    def unchanged(self) -> dict[str, str]:
        if self.views.opened is not None:
            return dict(self.table.saved)
        return {"columns": self.own} if self.own else {}


def viewer_of(request: AccountRequest) -> Viewer:
    return Viewer(int(request.user.pk), request.rights.may(Right.PROPERTIES_EDIT))


def open_table(request: AccountRequest, query: Mapping[str, str]) -> Opened:
    """Return the table that an address asks for. One that asks for nothing is the person's own
    default view; all contacts otherwise, with the columns that the person has chosen for them."""
    asked = query.get("view", "")
    found = saved_views.views(
        request.account.id,
        viewer_of(request),
        opened=number_of(asked),
        by_default=not any(query.values()),
    )
    own = ",".join(request.user.table_columns.get(str(request.account.id), []))
    view = found.opened
    if view is not None:
        table = read(query, view=str(view.id), saved=view.state)
    else:
        is_named = asked == ALL or found.default is not None
        table = read(query, view=ALL if is_named else "")
        if "columns" not in query:
            names, widths = arranged(own)
            table = replace(table, columns=names, widths=widths)
    if not request.account.has_marketing_contacts:
        table = replace(table, status=None)  # E4
    table = _with_long_filter(request.account.id, table)
    return Opened(table, found, own, is_unknown=asked not in ("", ALL) and view is None)


def _with_long_filter(account_id: int, table: Table) -> Table:
    """Return the table with the filter that its address names by a key. One that a view holds can
    be linked to from now on."""
    if kept_filters.is_key(table.filter):
        try:
            return replace(table, filter=kept_filters.kept(account_id, table.filter))
        except KeptFilterGone:
            return table  # the page says so
    if "filter" in dict(table.saved):
        kept_filters.keep(account_id, table.filter)
    return table

"""What happened to a contact: its timeline as asked for, and the history of one property."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_http_methods

from marketable.accounts.rules import Right
from marketable.contacts import queries as contacts
from marketable.contacts.services.edit import edit_contact
from marketable.errors import Invalid, NotFound
from marketable.history import queries as history
from marketable.history.kinds import Kind
from marketable.history.queries import Sought
from marketable.history.sources import SourceType
from marketable.history.wording import SOURCES
from marketable.properties import queries as properties
from marketable.properties.labels import label_of
from marketable.properties.rules import as_text
from marketable.web.access import AccountRequest, account_page, require
from marketable.web.records import shown

PAGE = 30
#: What a timeline can be narrowed to: name in the address → label, kinds, tools.
SORTS_OF_EVENT = {
    "status": (
        pgettext_lazy("timeline", "Status"),
        (
            Kind.STATUS_STARTED,
            Kind.STATUS_STAGED,
            Kind.STATUS_KEPT,
            Kind.PLACE_MOVED,
            Kind.UPDATE_DATE,
        ),
    ),
    "values": (gettext_lazy("Properties"), (Kind.CONTACT_CREATED, Kind.CONTACT_CHANGED)),
    "notes": (gettext_lazy("Notes"), (Kind.CONTACT_NOTED,)),
    "lists": (gettext_lazy("Memberships"), (Kind.SEGMENT_CHANGED,)),
    "merges": (gettext_lazy("Merges"), (Kind.CONTACT_MERGED, Kind.CONTACT_UNMERGED)),
    "bin": (
        gettext_lazy("Deletion"),
        (Kind.CONTACT_ARCHIVED, Kind.CONTACT_RESTORED, Kind.CONTACT_ERASED),
    ),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A timeline as its address asks for it, and what the form shows of that."""

    chosen: tuple[str, ...]
    tool: str
    first: str
    last: str
    sought: Sought
    before_id: int | None

    @property
    def is_narrowed(self) -> bool:
        return bool(self.chosen or self.tool or self.first or self.last)

    @property
    def query(self) -> str:
        """The address's parameters without the place in the timeline."""
        pairs = [("kind", one) for one in self.chosen]
        pairs += [(name, value) for name, value in self._named() if value]
        return urlencode(pairs)

    def _named(self) -> tuple[tuple[str, str], ...]:
        return (("tool", self.tool), ("from", self.first), ("to", self.last))


def asked(request: AccountRequest) -> Asked:
    """Read what part of a timeline is wanted; what cannot be understood is left out."""
    chosen = tuple(one for one in SORTS_OF_EVENT if one in request.GET.getlist("kind"))
    tool = request.GET.get("tool", "")
    tool = tool if tool in SOURCES else ""
    first, last = (_day(request.GET.get(name, "")) for name in ("from", "to"))
    return Asked(
        chosen,
        tool,
        first.isoformat() if first else "",
        last.isoformat() if last else "",
        Sought(
            kinds=tuple(kind.value for one in chosen for kind in SORTS_OF_EVENT[one][1]),
            tools=(tool,) if tool else (),
            since=_begins(request, first) if first else None,
            until=_begins(request, last + timedelta(days=1)) if last else None,
        ),
        number_in(request.GET.get("before", "")),
    )


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if date(1, 1, 2) < found < date(9999, 12, 30) else None


def _begins(request: AccountRequest, day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=request.account.zone)


def number_in(text: str) -> int | None:
    """Return the number of a change in an address, None for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


def context(request: AccountRequest, contact_id: int) -> dict[str, object]:
    """Return what the timeline's template needs."""
    wanted = asked(request)
    found = history.timeline(
        request.account.id, contact_id, wanted.sought, before_id=wanted.before_id, limit=PAGE
    )
    tools = sorted(((one.value, str(label)) for one, label in SOURCES.items()), key=lambda t: t[1])
    return {
        "asked": wanted,
        "happened": shown.happened(request, list(found.events)),
        "older_than": found.older_than,
        "sorts_of_event": [(name, label) for name, (label, _k) in SORTS_OF_EVENT.items()],
        "tools": tools,
    }


@require_http_methods(["GET", "POST"])
@account_page(Right.CONTACTS_VIEW)
def of_property(
    request: AccountRequest, account_id: int, contact_id: int, name: str
) -> HttpResponse:
    """Show who gave a property which value, when, and by which tool; write one of them again."""
    definition = properties.definitions(account_id, with_archived=True).get(name)
    if definition is None:
        raise NotFound(_("There is no property “%(name)s”.") % {"name": name[:100]})
    if request.method == "POST":
        require(request, Right.CONTACTS_EDIT)
        return _write_again(request, contact_id, name)
    row = contacts.contact(account_id, contact_id, reach=request.reach_view, today=request.today)
    found = history.timeline(
        account_id,
        contact_id,
        Sought(name=name),
        before_id=number_in(request.GET.get("before", "")),
        limit=PAGE,
    )
    present = contacts.value_of(row, name)
    return render(
        request,
        "records/property.html",
        {
            "row": row,
            "name": name,
            "label": label_of(definition),
            "present": shown.in_account(request, name, present),
            "entries": shown.values_given(request, name, list(found.events), present),
            "older_than": found.older_than,
            "may_write": row.archived_at is None
            and not definition.is_read_only
            and not definition.is_archived
            and shown.may_edit(request, contact_id),
        },
    )


def _write_again(request: AccountRequest, contact_id: int, name: str) -> HttpResponse:
    """Give the property the value that a change gave it, as an ordinary edit."""
    change_id = number_in(request.POST.get("change", ""))
    if change_id is None:
        raise Invalid(_("There is no such value."), field="change")
    contacts.contact(request.account.id, contact_id, reach=request.reach_edit, today=request.today)
    found = history.timeline(
        request.account.id, contact_id, Sought(name=name), before_id=change_id + 1, limit=1
    ).events
    values = found[0].after.get("properties", {}) if found else {}
    if not found or found[0].change.id != change_id or name not in values:
        raise Invalid(_("There is no such value."), field="change")
    done = edit_contact(
        request.account.id,
        contact_id,
        {name: as_text(values[name])},
        version=None,
        reach=request.reach_edit,
        by=request.by(SourceType.RECORD),
        now=request.now,
    )
    if done.change_id is None:
        messages.info(request, _("Nothing was different, so nothing was saved."))
    else:
        messages.success(request, _("The earlier value is back."))
    return HttpResponseRedirect(
        reverse("records:property", args=[request.account.id, contact_id, name])
    )

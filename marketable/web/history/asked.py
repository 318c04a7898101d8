"""What a change was asked to do, as lines that people read."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from marketable.bulk_actions.rules import ActionKind
from marketable.formats import number
from marketable.marketing_status.rules import Event
from marketable.segments.saved_views.rules import Sharing
from marketable.web.wording import CHOICES, RIGHTS, ROLES, STATUSES

#: Key in the ledger → its name; what is not here is shown under its key.
LABELS = {
    "action": gettext_lazy("Action"),
    "after": gettext_lazy("After"),
    "archived": gettext_lazy("In the recycle bin"),
    "base_price_cents": gettext_lazy("Price of the plan, in cents"),
    "batch": gettext_lazy("Batch"),
    "before": gettext_lazy("Before"),
    "bulk_action_id": gettext_lazy("Job"),
    "cause": gettext_lazy("Caused by change"),
    "change_id": gettext_lazy("Contacts of change"),
    "ceiling": gettext_lazy("Ceiling"),
    "created": gettext_lazy("Created"),
    "currency": gettext_lazy("Currency"),
    "emails": gettext_lazy("Addresses"),
    "except_ids": gettext_lazy("Except contacts"),
    "from": gettext_lazy("From"),
    "group": gettext_lazy("Group"),
    "ids": gettext_lazy("Contacts"),
    "import_id": gettext_lazy("Import"),
    "indexed": gettext_lazy("Indexed"),
    "invitation": gettext_lazy("Invitation"),
    "lacks_room": gettext_lazy("No room under the ceiling"),
    "language": gettext_lazy("Language"),
    "lifted": gettext_lazy("Lifted"),
    "merged": gettext_lazy("Merged contact"),
    "name": gettext_lazy("Name"),
    "note": gettext_lazy("Note"),
    "parted": gettext_lazy("Contact that was parted"),
    "plan": gettext_lazy("Plan"),
    "property": gettext_lazy("Property"),
    "rights": gettext_lazy("Single rights"),
    "role": gettext_lazy("Role"),
    "search": gettext_lazy("Search"),
    "segment_id": gettext_lazy("Segment"),
    "selection": gettext_lazy("Chosen"),
    "setting": gettext_lazy("Setting"),
    "starts_on": gettext_lazy("Starts on"),
    "stays": gettext_lazy("Kept, as changed since"),
    "status": gettext_lazy("Status"),
    "step_price_cents": gettext_lazy("Price of a step, in cents"),
    "survivor": gettext_lazy("Kept contact"),
    "team": gettext_lazy("Team"),
    "term": gettext_lazy("Term"),
    "time_zone": gettext_lazy("Time zone"),
    "to": gettext_lazy("To"),
    "type": gettext_lazy("Type"),
    "sharing": gettext_lazy("Who sees it"),
    "usage": gettext_lazy("Marketing contacts"),
    "user": gettext_lazy("Person"),
    "view": gettext_lazy("Saved view"),
    "what": gettext_lazy("What changed"),
    "withdrawn": gettext_lazy("Withdrawn"),
    "years": gettext_lazy("Years"),
    **RIGHTS,
}

#: Values of the ledger that have a name of their own.
VALUES = {
    Event.START.value: gettext_lazy("Set as marketing contacts"),
    Event.STOP.value: gettext_lazy("Set as non-marketing at the next update"),
    Event.KEEP.value: gettext_lazy("Keep as marketing"),
    ActionKind.EDIT.value: gettext_lazy("Edit a property"),
    ActionKind.ARCHIVE.value: gettext_lazy("Delete"),
    ActionKind.RESTORE.value: gettext_lazy("Restore"),
    "automatic": gettext_lazy("upgrade by itself"),
    "ceiling": gettext_lazy("never pass the ceiling"),
    "at_limit": gettext_lazy("What happens at the limit"),
    "prices": gettext_lazy("Prices"),
    "time_zone": gettext_lazy("Time zone"),
    "account": gettext_lazy("Account"),
    "add": gettext_lazy("put into the segment"),
    "remove": gettext_lazy("taken out of the segment"),
    "created": gettext_lazy("made"),
    "renamed": gettext_lazy("renamed"),
    "filter_changed": gettext_lazy("given another filter"),
    "deleted": gettext_lazy("deleted"),
    "restored": gettext_lazy("brought back"),
    "written": gettext_lazy("Note written"),
    "changed": gettext_lazy("Note changed"),
    "blocked_address": gettext_lazy("Blocked address"),
    **{status.value: text for status, text in STATUSES.items()},
    **ROLES,
    **CHOICES,
}

#: Values that have another name under their key.
UNDER = {
    "sharing": {
        Sharing.PRIVATE.value: gettext_lazy("its owner"),
        Sharing.PEOPLE.value: gettext_lazy("people chosen by name"),
        Sharing.ACCOUNT.value: gettext_lazy("everybody in the account"),
    },
    "what": {
        "name": gettext_lazy("Name"),
        "people": gettext_lazy("People"),
        "sharing": gettext_lazy("Who sees it"),
        "state": gettext_lazy("What it shows"),
    },
}

#: A list is read up to here.
LISTED = 10
#: Numbers of rows: written without grouping, as everywhere.
NUMBERS = frozenset(
    {"cause", "user", "survivor", "merged", "parted", "note", "invitation", "batch"}
    | {"change_id", "import_id", "segment_id", "view"}
)


def asked_for(body: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return (label, text) for everything that the body of a change says."""
    return [(_label(key), _text(value, key)) for key, value in body.items() if value is not None]


def _label(key: str) -> str:
    return str(LABELS.get(key, key))


def _text(value: Any, key: str = "") -> str:
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, int):
        return str(value) if key in NUMBERS else number(value)
    if isinstance(value, Mapping):
        if set(value) == {"before", "after"}:
            return f"{_text(value['before'])} → {_text(value['after'])}"
        if not value:
            return _("all contacts")
        return "; ".join(f"{_label(name)}: {_text(part, name)}" for name, part in value.items())
    if isinstance(value, list):
        shown = ", ".join(_named(one, key) if key == "what" else str(one) for one in value[:LISTED])
        return shown if len(value) <= LISTED else f"{shown} … ({number(len(value))})"
    return _named(value, key)


def _named(value: str, key: str) -> str:
    names = UNDER.get(key, {})
    return str(names[value] if value in names else VALUES.get(value, value))

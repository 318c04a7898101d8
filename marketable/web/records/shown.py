"""A contact's record, ready to be shown: properties by group, status card, timeline."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from marketable.accounts import queries as accounts
from marketable.accounts.rules import Right
from marketable.contacts import queries as contacts
from marketable.contacts.errors import ContactUnknown
from marketable.contacts.queries import ContactRow
from marketable.formats import day
from marketable.history.queries import ChangeRow, Event
from marketable.history.sources import SourceType
from marketable.marketing_status.rules import Status
from marketable.properties import queries as properties
from marketable.properties.labels import in_language, label_of
from marketable.properties.rules import PropertyDef, PropertyType, as_text
from marketable.segments import queries as segments
from marketable.web.access import AccountRequest
from marketable.web.wording import STATUSES, kind_name, source_name


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    label: str
    value: str
    text: str
    kind: str  # text, textarea, number, date, select, several, yes_no, shown
    options: tuple[tuple[str, str], ...] = ()
    chosen: tuple[str, ...] = ()
    problem: str = ""
    is_read_only: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    label: str
    fields: tuple[Field, ...]

    @property
    def says_something(self) -> bool:
        return any(field.text for field in self.fields)


@dataclass(frozen=True, slots=True)
class Happened:
    """One entry of a timeline.

    tool_url   the import or the job behind it, if there is one
    others     how many other contacts the same change altered
    note       what a note that was written says now
    effective_on  the update date that it is about
    """

    title: str
    at: datetime
    who: str
    tool: str
    tool_url: str
    change_url: str
    values: tuple[tuple[str, str, str], ...]  # label, before, after
    reason: str
    others: int
    note: str
    effective_on: date | None
    contact_url: str
    contact_id: int | None


@dataclass(frozen=True, slots=True)
class Given:
    """A value that a property was given: what it was, what it became, by whom.

    is_present  it has this value now
    """

    change_id: int
    change_url: str
    at: datetime
    who: str
    tool: str
    tool_url: str
    before: str
    after: str
    is_known: bool
    is_present: bool


def options_of(definition: PropertyDef, owners: Mapping[int, str]) -> tuple[tuple[str, str], ...]:
    if definition.name == "hubspot_owner_id":
        return tuple((str(user_id), name) for user_id, name in owners.items())
    return tuple((one.value, label_of(one)) for one in definition.options if not one.is_hidden)


def kind_of(definition: PropertyDef) -> str:
    if definition.is_multiple:
        return "several"
    if definition.type is PropertyType.ENUMERATION:
        return "select"
    if definition.type is PropertyType.BOOL:
        return "yes_no"
    if definition.type is PropertyType.NUMBER:
        return "number"
    if definition.type is PropertyType.DATE:
        return "date"
    return "textarea" if definition.field_type == "textarea" else "text"


def groups(
    request: AccountRequest,
    row: ContactRow,
    *,
    given: Mapping[str, str] | None = None,
    problems: Mapping[str, str] | None = None,
) -> list[Group]:
    """Return the record's properties by group, without those the status card shows."""
    definitions = properties.definitions(request.account.id)
    owners = accounts.owners_by_id(request.account.id)
    found = []
    for name, label, label_pl in properties.groups(request.account.id):
        if name == "marketinginformation":
            continue
        fields = tuple(
            _field(one, row, owners, given or {}, problems or {})
            for one in definitions.values()
            if one.group == name and not _is_elsewhere(one)
        )
        if fields:
            found.append(Group(name, in_language(label, label_pl), fields))
    return found


def _is_elsewhere(definition: PropertyDef) -> bool:
    return definition.name in {
        "hs_object_id",
        "createdate",
        "lastmodifieddate",
        "hs_additional_emails",
    }


def _field(
    definition: PropertyDef,
    row: ContactRow,
    owners: Mapping[int, str],
    given: Mapping[str, str],
    problems: Mapping[str, str],
) -> Field:
    stored = row.email if definition.name == "email" else row.properties.get(definition.name)
    value = given.get(definition.name, as_text(stored))
    options = options_of(definition, owners)
    if options:
        options = (*options, *_kept(definition, as_text(stored), dict(options)))
    labels = dict(options)
    chosen = tuple(part for part in value.split(";") if part) if definition.is_multiple else ()
    return Field(
        name=definition.name,
        label=label_of(definition),
        value=value,
        text=in_words(definition, as_text(stored), labels),
        kind=kind_of(definition),
        options=options,
        chosen=chosen,
        problem=problems.get(definition.name, ""),
        is_read_only=definition.is_read_only,
    )


def _kept(definition: PropertyDef, text: str, offered: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return what the contact has and nobody is offered any more, a hidden option or a person who
    left: without it, saving anything else would clear it."""
    held = text.split(";") if definition.is_multiple else [text]
    labels = {one.value: label_of(one) for one in definition.options}
    return [(value, labels.get(value, value)) for value in held if value and value not in offered]


def in_words(definition: PropertyDef, text: str, labels: Mapping[str, str]) -> str:
    """Return a stored value as people read it: labels of options, days by locale (Y2)."""
    if definition.is_multiple:
        return ", ".join(labels.get(part, part) for part in text.split(";") if part)
    if labels:
        return labels.get(text, text)
    if not text:
        return ""
    if definition.type is PropertyType.BOOL:
        return _("Yes") if text == "true" else _("No")
    if definition.type is PropertyType.DATE:
        return day(date.fromisoformat(text))
    return text


def happened(request: AccountRequest, events: list[Event]) -> list[Happened]:
    """Return a timeline in words, newest first (H4)."""
    account_id = request.account.id
    definitions = properties.definitions(account_id, with_archived=True)
    owners = accounts.owners_by_id(account_id)
    notes = contacts.note_texts(
        account_id, [event.after["note"] for event in events if "note" in event.after]
    )
    names = segments.names(account_id) if any(_lists(event) for event in events) else {}
    return [
        Happened(
            title=_title(event),
            at=event.change.at,
            who=event.change.actor_label,
            tool=_tool(event.change),
            tool_url=_tool_url(account_id, event.change),
            change_url=reverse("history:change", args=[account_id, event.change.id]),
            values=(*_values(event, definitions, owners), *_in_lists(event, names)),
            reason=event.change.reason,
            others=max(event.change.contact_count - 1, 0),
            note=notes.get(event.after.get("note", 0), ""),
            effective_on=event.change.effective_on,
            contact_id=(other := _other_contact(event)),
            contact_url=reverse("records:show", args=[account_id, other]) if other else "",
        )
        for event in events
    ]


def values_given(
    request: AccountRequest, name: str, events: list[Event], present: Any
) -> list[Given]:
    """Return the history of one property, newest first, with its source."""
    found = []
    is_newest = True
    for event in events:
        before, after = (told.get("properties", {}) for told in (event.before, event.after))
        if name not in after:
            continue
        value = after[name]
        found.append(
            Given(
                change_id=event.change.id,
                change_url=reverse("history:change", args=[request.account.id, event.change.id]),
                at=event.change.at,
                who=event.change.actor_label,
                tool=_tool(event.change),
                tool_url=_tool_url(request.account.id, event.change),
                before=in_account(request, name, before.get(name)),
                after=in_account(request, name, value),
                is_known=value is not None,
                is_present=is_newest and value == present,
            )
        )
        is_newest = False
    return found


def in_account(request: AccountRequest, name: str, value: Any) -> str:
    """Return a value as people of the account read it."""
    definitions = properties.definitions(request.account.id, with_archived=True)
    owners = accounts.owners_by_id(request.account.id)
    [(_label, _before, after)] = _in_words({name: (None, value)}, definitions, owners)
    return after


def may_edit(request: AccountRequest, contact_id: int) -> bool:
    """Tell whether the person may change this contact (P6)."""
    if not request.rights.may(Right.CONTACTS_EDIT):
        return False
    try:
        contacts.contact(
            request.account.id, contact_id, reach=request.reach_edit, today=request.today
        )
    except ContactUnknown:
        return False
    return True


NOTE_ACTIONS = {
    "written": gettext_lazy("Note written"),
    "changed": gettext_lazy("Note changed"),
    "deleted": gettext_lazy("Note deleted"),
    "restored": gettext_lazy("Note brought back"),
}


def _title(event: Event) -> str:
    action = event.after.get("note_action", "")
    return str(NOTE_ACTIONS[action]) if action in NOTE_ACTIONS else kind_name(event.change.kind)


def _lists(event: Event) -> list[tuple[int, bool]]:
    """Return (segment, whether the contact is in it now) of an event."""
    return [
        (int(key.removeprefix("segment:")), bool(value))
        for key, value in event.after.items()
        if key.startswith("segment:")
    ]


def _in_lists(event: Event, names: Mapping[int, str]) -> list[tuple[str, str, str]]:
    return [
        (names.get(number, f"#{number}"), "", _("added") if is_in else _("removed"))
        for number, is_in in _lists(event)
    ]


def _other_contact(event: Event) -> int | None:
    """Return the other contact of a merge, or of one that was taken back."""
    told = {**event.before, **event.after}
    for key in ("merged", "merged_into", "unmerged"):
        if told.get(key):
            return int(told[key])
    return None


def _tool(change: ChangeRow) -> str:
    name = source_name(change.source_type)
    return f"{name}: {change.source_label}" if change.source_label else name


def _tool_url(account_id: int, change: ChangeRow) -> str:
    if change.source_type == SourceType.IMPORT and change.source_id.isdecimal():
        return reverse("imports:open", args=[account_id, int(change.source_id)])
    if change.bulk_action_id is not None:
        return reverse("jobs:job", args=[account_id, change.bulk_action_id])
    return ""


def _values(
    event: Event, definitions: Mapping[str, PropertyDef], owners: Mapping[int, str]
) -> list[tuple[str, str, str]]:
    found = []
    if "status" in event.after:
        found.append((_("Status"), _status(event.before), _status(event.after)))
    if event.before.get("erased") or (
        event.after.get("erased") and event.change.kind != "contact_erased"
    ):
        found.append((_("Values"), "", _("erased for good")))
    after = event.after.get("properties", {})
    before = event.before.get("properties", {})
    changed = {name: (before.get(name), value) for name, value in after.items()}
    return [*found, *_in_words(changed, definitions, owners)]


def differences(
    request: AccountRequest, changed: Mapping[str, tuple[Any, Any]]
) -> list[tuple[str, str, str]]:
    """Return (label, before, after) of values that differ: {name: (before, after)}."""
    definitions = properties.definitions(request.account.id, with_archived=True)
    return _in_words(changed, definitions, accounts.owners_by_id(request.account.id))


def _in_words(
    changed: Mapping[str, tuple[Any, Any]],
    definitions: Mapping[str, PropertyDef],
    owners: Mapping[int, str],
) -> list[tuple[str, str, str]]:
    found = []
    for name, (before, after) in changed.items():
        was, now = as_text(before), as_text(after)
        definition = definitions.get(name)
        if definition is None:
            found.append((name, was, now))
            continue
        labels = dict(options_of(definition, owners))
        found.append(
            (
                label_of(definition),
                in_words(definition, was, labels),
                in_words(definition, now, labels),
            )
        )
    return found


def _status(told: Mapping[str, Any]) -> str:
    if not told.get("status"):
        return ""
    text = str(STATUSES[Status(told["status"])])
    if told.get("leaving_on"):
        text += (
            " (" + _("until %(date)s") % {"date": day(date.fromisoformat(told["leaving_on"]))} + ")"
        )
    return text

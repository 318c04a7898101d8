"""A contact's record, ready to be shown: properties by group, status card, timeline."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from marketable.accounts import queries as accounts
from marketable.contacts.queries import ContactRow
from marketable.formats import day
from marketable.history.queries import Event
from marketable.marketing_status.rules import Status
from marketable.properties import queries as properties
from marketable.properties.labels import in_language, label_of
from marketable.properties.rules import PropertyDef, PropertyType, as_text
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
    """One entry of a timeline."""

    title: str
    at: datetime
    who: str
    tool: str
    change_url: str
    values: tuple[tuple[str, str, str], ...]  # label, before, after
    reason: str


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
    definitions = properties.definitions(request.account.id, with_archived=True)
    owners = accounts.owners_by_id(request.account.id)
    return [
        Happened(
            title=kind_name(event.change.kind),
            at=event.change.at,
            who=event.change.actor_label,
            tool=_tool(event),
            change_url=reverse("history:change", args=[request.account.id, event.change.id]),
            values=tuple(_values(event, definitions, owners)),
            reason=event.change.reason,
        )
        for event in events
    ]


def _tool(event: Event) -> str:
    name = source_name(event.change.source_type)
    if event.change.source_label:
        return f"{name}: {event.change.source_label}"
    return name


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

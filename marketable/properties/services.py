"""Defining an account's own properties and groups."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from django.utils.translation import gettext as _

from marketable import sql
from marketable.accounts.services import take_turns
from marketable.history.kinds import Kind
from marketable.history.services import record
from marketable.history.sources import Source
from marketable.properties import queries, rules
from marketable.properties.defaults import BY_NAME
from marketable.properties.errors import BadDefinition, NameTaken, PropertyUnknown
from marketable.properties.indexing import stop_indexing
from marketable.properties.models import PropertyRow
from marketable.properties.rules import InvalidDefinition, Option, PropertyDef


@sql.retried
def create_property(
    account_id: int, definition: PropertyDef, *, by: Source, now: datetime
) -> PropertyDef:
    """Define a property.

    Raises BadDefinition naming the field, or NameTaken.
    """
    _check(definition)
    take_turns(account_id)  # the last unique one, or one name, is not given to two
    if definition.group not in {name for name, _label, _pl in queries.groups(account_id)}:
        raise BadDefinition(_("There is no such group."), field="group")
    if definition.is_unique:
        _check_room_for_unique(account_id)
    taken = PropertyRow.objects.filter(account_id=account_id, name=definition.name).exists()
    if definition.name in BY_NAME or taken:
        raise NameTaken(definition.name)
    PropertyRow.objects.create(
        account_id=account_id,
        name=definition.name,
        label=definition.label.strip(),
        type=definition.type.value,
        field_type=definition.field_type,
        group_name=definition.group,
        description=definition.description,
        options=_options(definition.options),
        is_unique=definition.is_unique,
        created_at=now,
        updated_at=now,
    )
    record(
        account_id,
        Kind.PROPERTY_CHANGED,
        by=by,
        at=now,
        body={"property": definition.name, "created": True, "type": definition.type.value},
    )
    return definition


@sql.retried
def change_property(
    account_id: int,
    name: str,
    *,
    label: str,
    description: str,
    group: str,
    options: Sequence[Option],
    by: Source,
    now: datetime,
) -> PropertyDef:
    """Change how a property reads. Name, type and uniqueness stay; an option that contacts have
    can be hidden or renamed, and not taken away."""
    row = _own(account_id, name)
    before = queries.of_row(row)
    after = replace(
        before,
        label=label.strip(),
        description=description,
        group=group,
        options=tuple(options),
    )
    _check(after)
    if group not in {known for known, _label, _pl in queries.groups(account_id)}:
        raise BadDefinition(_("There is no such group."), field="group")
    gone = {one.value for one in before.options} - {one.value for one in options}
    for value in sorted(gone):
        if _is_used(account_id, name, value):
            raise BadDefinition(
                _("Contacts have the option “%(value)s”: hide it instead.") % {"value": value},
                field="options",
            )
    if before == after:
        return after
    row.label, row.description, row.group_name = after.label, after.description, after.group
    row.options = _options(after.options)
    row.updated_at = now
    row.save(update_fields=["label", "description", "group_name", "options", "updated_at"])
    record(
        account_id,
        Kind.PROPERTY_CHANGED,
        by=by,
        at=now,
        body={"property": name, "before": _told(before), "after": _told(after)},
    )
    return after


@sql.retried
def archive_property(account_id: int, name: str, *, by: Source, now: datetime) -> None:
    """Take a property out of use; its values stay and come back when it is restored. Its
    index goes."""
    row = _own(account_id, name)
    if row.archived_at is None:
        row.archived_at = now
        row.save(update_fields=["archived_at"])
        stop_indexing(account_id, name, by=by, now=now)
        body = {"property": name, "archived": True}
        record(account_id, Kind.PROPERTY_CHANGED, by=by, at=now, body=body)


@sql.retried
def restore_property(account_id: int, name: str, *, by: Source, now: datetime) -> None:
    """Take a property into use again, with the values that contacts kept.

    Raises BadDefinition when it is unique and there are as many unique ones as there may be.
    """
    take_turns(account_id)
    row = _own(account_id, name)
    if row.archived_at is not None:
        if row.is_unique:
            _check_room_for_unique(account_id)
        row.archived_at = None
        row.save(update_fields=["archived_at"])
        body = {"property": name, "archived": False}
        record(account_id, Kind.PROPERTY_CHANGED, by=by, at=now, body=body)


def _check_room_for_unique(account_id: int) -> None:
    unique = PropertyRow.objects.filter(account_id=account_id, is_unique=True, archived_at=None)
    if unique.count() >= rules.MOST_UNIQUE:
        raise BadDefinition(
            _("At most %(most)s properties can be unique.") % {"most": rules.MOST_UNIQUE},
            field="is_unique",
        )


def _check(definition: PropertyDef) -> None:
    try:
        rules.check_definition(definition)
    except InvalidDefinition as error:
        raise BadDefinition(_(str(error)), field=error.field) from error


def _own(account_id: int, name: str) -> PropertyRow:
    row = PropertyRow.objects.select_for_update().filter(account_id=account_id, name=name).first()
    if row is None:
        raise PropertyUnknown(name)
    return row


def _is_used(account_id: int, name: str, value: str) -> bool:
    found = sql.row(
        "SELECT EXISTS (SELECT FROM contact WHERE account_id = %(account_id)s "
        "AND (properties->>%(name)s = %(value)s "
        "OR properties @> jsonb_build_object(%(name)s::text, jsonb_build_array(%(value)s::text))))",
        {"account_id": account_id, "name": name, "value": value},
    )
    assert found is not None
    return bool(found[0])


def _options(options: Sequence[Option]) -> list[dict[str, object]]:
    return [{"value": one.value, "label": one.label, "is_hidden": one.is_hidden} for one in options]


def _told(definition: PropertyDef) -> dict[str, object]:
    told: dict[str, object] = json.loads(
        json.dumps(
            {
                "label": definition.label,
                "group": definition.group,
                "options": _options(definition.options),
            }
        )
    )
    return told

"""Reading property definitions: the default ones and the account's own."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from marketable import sql
from marketable.properties.defaults import BY_NAME, DEFAULT_GROUPS
from marketable.properties.models import PropertyGroup, PropertyIndex, PropertyRow
from marketable.properties.rules import (
    IndexState,
    Option,
    PropertyDef,
    PropertyType,
    build_percent,
)


@dataclass(frozen=True, slots=True)
class IndexView:
    """How far the index of a property is.

    percent  of a build under way
    problem  PostgreSQL's code of the error that a build failed with
    """

    name: str
    state: IndexState
    percent: int
    problem: str
    asked_at: datetime


def definitions(account_id: int, *, with_archived: bool = False) -> dict[str, PropertyDef]:
    """Return every property of the account's contacts by name, default ones first.

    Every page reads them, and an account may have hundreds: they are not made by way of models.
    """
    found = sql.rows(
        "SELECT name, label, type, field_type, group_name, description, options::text, is_unique, "
        "archived_at IS NOT NULL FROM property WHERE account_id = %(account_id)s "
        "AND (archived_at IS NULL OR %(with_archived)s) ORDER BY display_order, name",
        {"account_id": account_id, "with_archived": with_archived},
    )
    return {**BY_NAME, **{row[0]: _definition(*row) for row in found}}


def of_row(row: PropertyRow) -> PropertyDef:
    return _definition(
        row.name,
        row.label,
        row.type,
        row.field_type,
        row.group_name,
        row.description,
        json.dumps(row.options),
        row.is_unique,
        row.archived_at is not None,
    )


def _definition(
    name: str,
    label: str,
    kind: str,
    field_type: str,
    group: str,
    description: str,
    options: str,
    is_unique: bool,
    is_archived: bool,
) -> PropertyDef:
    return PropertyDef(
        name=name,
        label=label,
        type=TYPES[kind],
        field_type=field_type,
        group=group,
        description=description,
        options=() if options == "[]" else tuple(map(_option, orjson.loads(options))),
        is_unique=is_unique,
        is_archived=is_archived,
    )


TYPES = {kind.value: kind for kind in PropertyType}


def _option(stored: Mapping[str, Any]) -> Option:
    return Option(stored["value"], stored["label"], bool(stored.get("is_hidden")))


def groups(account_id: int) -> list[tuple[str, str, str]]:
    """Return (name, label, Polish label or empty) of the groups, default ones first."""
    found = PropertyGroup.objects.filter(account_id=account_id).order_by("display_order", "name")
    return [*DEFAULT_GROUPS, *((row.name, row.label, "") for row in found)]


def indexed(account_id: int) -> frozenset[str]:
    """Return the names of the properties whose index is ready to serve."""
    found = PropertyIndex.objects.filter(account_id=account_id, state=IndexState.READY)
    return frozenset(found.values_list("name", flat=True))


def indexes(account_id: int) -> dict[str, IndexView]:
    """Return how far the indexes of the account's properties are, by name; those that are not
    marked indexed have none."""
    rows = list(PropertyIndex.objects.filter(account_id=account_id).order_by("asked_at", "name"))
    percents = _percents() if any(row.state == IndexState.BUILDING for row in rows) else {}
    return {
        row.name: IndexView(
            row.name,
            IndexState(row.state),
            percents.get(application_name(row.id), 0),
            row.problem,
            row.asked_at,
        )
        for row in rows
    }


def application_name(property_index_id: int) -> str:
    """Return the name under which the server knows the connection that settles an index."""
    return f"marketable index {property_index_id}"


def _percents() -> Mapping[str, int]:
    found = sql.rows(
        "SELECT activity.application_name, build.phase, "
        "greatest(build.blocks_done, build.tuples_done), "
        "greatest(build.blocks_total, build.tuples_total) "
        "FROM pg_stat_progress_create_index AS build "
        "JOIN pg_stat_activity AS activity ON activity.pid = build.pid "
        "WHERE build.datname = current_database()"
    )
    return {name: build_percent(phase, done, total) for name, phase, done, total in found}

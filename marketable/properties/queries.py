"""Reading property definitions: the default ones and the account's own."""

from marketable.properties.defaults import BY_NAME, DEFAULT_GROUPS
from marketable.properties.models import PropertyGroup, PropertyRow
from marketable.properties.rules import Option, PropertyDef, PropertyType


def definitions(account_id: int, *, with_archived: bool = False) -> dict[str, PropertyDef]:
    """Return every property of the account's contacts by name, default ones first."""
    found = PropertyRow.objects.filter(account_id=account_id).order_by("display_order", "name")
    if not with_archived:
        found = found.filter(archived_at=None)
    return {**BY_NAME, **{row.name: of_row(row) for row in found}}


def of_row(row: PropertyRow) -> PropertyDef:
    return PropertyDef(
        name=row.name,
        label=row.label,
        type=PropertyType(row.type),
        field_type=row.field_type,
        group=row.group_name,
        description=row.description,
        options=tuple(
            Option(one["value"], one["label"], bool(one.get("is_hidden"))) for one in row.options
        ),
        is_unique=row.is_unique,
        is_archived=row.archived_at is not None,
    )


def groups(account_id: int) -> list[tuple[str, str, str]]:
    """Return (name, label, Polish label or empty) of the groups, default ones first."""
    found = PropertyGroup.objects.filter(account_id=account_id).order_by("display_order", "name")
    return [*DEFAULT_GROUPS, *((row.name, row.label, "") for row in found)]

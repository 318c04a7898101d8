"""Editing one property of many contacts at once: what is meant, who would change, doing it, and
putting back what nobody has touched since. One statement each, whatever the number."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext_noop as _

from marketable import sql
from marketable.contacts import rules
from marketable.contacts.services import values as kept
from marketable.contacts.services.upsert import rewrite_words
from marketable.errors import Invalid
from marketable.history import services as history
from marketable.history.kinds import Kind
from marketable.history.sources import Source
from marketable.properties import queries as properties
from marketable.properties.defaults import SEARCHED
from marketable.properties.errors import BadValues, PropertyUnknown
from marketable.properties.labels import label_of
from marketable.properties.rules import InvalidValue, JsonValue, PropertyDef, parse
from marketable.sql import SubQuery

STAGE = "lifecyclestage"


class How(StrEnum):
    """What is done to the property."""

    SET = "set"
    CLEAR = "clear"
    ADD = "add"  # options of several, beside those a contact has
    REMOVE = "remove"


class CannotEditMany(Invalid):
    """The property is one that many contacts cannot be given at once."""

    code = "cannot_edit_many"

    def __init__(self, text: str, label: str) -> None:
        super().__init__(text, {"label": label}, field="property")


@dataclass(frozen=True, slots=True)
class Edit:
    """An edit of one property; `value` is as the property stores it, None where it is cleared."""

    name: str
    how: How
    value: JsonValue | None = None


@dataclass(frozen=True, slots=True)
class ManyEdited:
    changed: int
    change_id: int | None


@dataclass(frozen=True, slots=True)
class Meaning:
    """An edit as SQL on a contact `c`: the value it is given, whether that is another than it has,
    and whether a rule is against it."""

    wanted: str
    differs: str
    forbidden: str = "FALSE"
    params: Mapping[str, Any] = field(default_factory=dict)


def edit_of(
    account_id: int,
    name: str,
    how: How,
    raw: object,
    *,
    zone: tzinfo,
    date_order: str = "ymd",
    decimal_comma: bool = False,
) -> Edit:
    """Return the edit that a person means.

    raw  the value as it was typed, or a list of options; the rest is as in `properties.rules.parse`

    Raises PropertyUnknown, CannotEditMany naming a read-only or unique property, or BadValues.
    """
    definition = _editable(account_id, name)
    if how in {How.ADD, How.REMOVE} and not definition.is_multiple:
        raise CannotEditMany(_("“%(label)s” holds one value: set it."), label_of(definition))
    if how is How.CLEAR:
        return Edit(name, how)
    try:
        value = parse(
            definition,
            raw,
            date_order=date_order,
            by_label=True,
            decimal_comma=decimal_comma,
            zone=zone,
        )
    except InvalidValue as error:
        problem = (error.code, kept.told(definition, error))
        raise BadValues({definition.name: problem}) from error
    if value is None:
        raise CannotEditMany(
            _("Give “%(label)s” a value, or choose to clear it."), label_of(definition)
        )
    kept.check_owner(account_id, {name: value})
    return Edit(name, how, value)


def _editable(account_id: int, name: str) -> PropertyDef:
    definition = properties.definitions(account_id).get(name)
    if definition is None:
        raise PropertyUnknown(name)
    if definition.is_read_only:
        raise CannotEditMany(
            _("“%(label)s” is read only; its value cannot be set."), label_of(definition)
        )
    if definition.is_unique or name == "email":
        raise CannotEditMany(
            _("“%(label)s” is unique: no two contacts can have the same value."),
            label_of(definition),
        )
    return definition


def meaning_of(account_id: int, edit: Edit) -> Meaning:
    """Return an edit as SQL.

    Raises what `edit_of` raises, for an edit that is not possible (any more): the property is out
    of use, the option gone, the owner no longer in the account.
    """
    definition = _editable(account_id, edit.name)
    has = "c.properties->%(name)s"
    params: dict[str, Any] = {"name": edit.name}
    if edit.how is How.CLEAR:
        return Meaning("NULL::jsonb", f"{has} IS NOT NULL", params=params)
    kept.check_owner(account_id, {edit.name: edit.value})
    if edit.how is How.SET:
        return _set(has, edit, params)
    params["options"] = list(edit.value) if isinstance(edit.value, list) else [edit.value]
    params["order"] = [option.value for option in definition.options]
    held = f"SELECT jsonb_array_elements_text({has}) AS option"
    in_order = "ORDER BY array_position(%(order)s::text[], option), option"
    if edit.how is How.ADD:
        return Meaning(
            f"(SELECT jsonb_agg(option {in_order}) FROM "
            f"({held} UNION SELECT unnest(%(options)s::text[])) AS held)",
            f"({has} ?& %(options)s::text[]) IS NOT TRUE",
            params=params,
        )
    return Meaning(
        f"(SELECT jsonb_agg(option {in_order}) FROM ({held}) AS held "
        "WHERE option <> ALL(%(options)s::text[]))",
        f"({has} ?| %(options)s::text[]) IS TRUE",
        params=params,
    )


def _set(has: str, edit: Edit, params: dict[str, Any]) -> Meaning:
    params["value"] = json.dumps(edit.value)
    forbidden = "FALSE"
    if edit.name == STAGE and edit.value in rules.LIFECYCLE:
        params["later"] = list(rules.LIFECYCLE[rules.LIFECYCLE.index(str(edit.value)) + 1 :])
        forbidden = "coalesce(c.properties->>%(name)s = ANY(%(later)s::text[]), FALSE)"
    return Meaning(
        "%(value)s::jsonb", f"{has} IS DISTINCT FROM %(value)s::jsonb", forbidden, params
    )


@sql.retried
def edit_many(
    account_id: int,
    chosen: SubQuery,
    edit: Edit,
    *,
    by: Source,
    now: datetime,
    bulk_action_id: int | None = None,
    body: Mapping[str, Any] | None = None,
) -> ManyEdited:
    """Give the chosen live contacts a value of one property, with the search words that follow."""
    meaning = meaning_of(account_id, edit)
    statement = sql.compose(
        sql.load("contacts", "edit_many"),
        wanted=meaning.wanted,
        joined="",
        belongs=chosen.belongs,
        differs=f"{meaning.differs} AND NOT {meaning.forbidden}",
    )
    params = {**chosen.params, **meaning.params}
    return _write(
        account_id, edit.name, statement, params, by, now, bulk_action_id=bulk_action_id, body=body
    )


def touched_since(what: str) -> str:
    """Return the test whether somebody touched a contact `c` after what `edited` did to it, and did
    not take that back. `what` is a test on a ledger row's `after`, with which it is about this."""
    return sql.compose(sql.load("contacts", "touched_since"), what=what)


def untouched() -> str:
    """Return the test that a property still is what `edited` made of it, by nobody else."""
    still = (
        "c.properties->%(name)s "
        "IS NOT DISTINCT FROM nullif(edited.after->'properties'->%(name)s, 'null')"
    )
    touched = touched_since("after->'properties' ? %(name)s")
    return f"{still} AND NOT {touched}"


def edited_by() -> str:
    """Return the join of a contact `c` with what the bulk action `sel_edited_by` did to it."""
    return sql.load("contacts", "edited_by")


@sql.retried
def put_back(
    account_id: int,
    chosen: SubQuery,
    name: str,
    edited_by_id: int,
    *,
    by: Source,
    now: datetime,
    bulk_action_id: int | None = None,
    reverts_id: int | None = None,
    body: Mapping[str, Any] | None = None,
) -> ManyEdited:
    """Give the chosen contacts the value back that a bulk action took from them, each its own,
    where nobody has touched it since."""
    statement = sql.compose(
        sql.load("contacts", "edit_many"),
        wanted="nullif(edited.before->'properties'->%(name)s, 'null')",
        joined=edited_by(),
        belongs=chosen.belongs,
        differs=untouched(),
    )
    params = {**chosen.params, "name": name, "sel_edited_by": edited_by_id}
    return _write(
        account_id,
        name,
        statement,
        params,
        by,
        now,
        bulk_action_id=bulk_action_id,
        reverts_id=reverts_id,
        body=body,
    )


def _write(
    account_id: int,
    name: str,
    statement: str,
    params: Mapping[str, Any],
    by: Source,
    now: datetime,
    *,
    bulk_action_id: int | None,
    reverts_id: int | None = None,
    body: Mapping[str, Any] | None,
) -> ManyEdited:
    change_id = history.open_change(
        account_id,
        Kind.CONTACT_CHANGED,
        by=by,
        at=now,
        body=body,
        bulk_action_id=bulk_action_id,
        reverts_id=reverts_id,
    )
    contact_ids = _altered(
        statement, {**params, "account_id": account_id, "now": now, "change_id": change_id}
    )
    if not contact_ids:
        history.drop_change(account_id, change_id)
        return ManyEdited(0, None)
    _find_by_new_words(account_id, name, contact_ids)
    history.close_change(account_id, change_id, contact_count=len(contact_ids))
    return ManyEdited(len(contact_ids), change_id)


def _altered(statement: str, params: Mapping[str, Any]) -> list[int]:
    """Return the contacts that the statement altered. Those that were overtaken while it read are
    looked at again, as they are by then; who is changed all the time is left to the others."""
    contact_ids: list[int] = []
    for _attempt in range(sql.ATTEMPTS):
        found = sql.row(statement, params)
        assert found is not None
        read, altered, ids = found
        contact_ids += ids or []
        if read == altered:
            break
    return contact_ids


def _find_by_new_words(account_id: int, name: str, contact_ids: Sequence[int]) -> None:
    if name in SEARCHED:
        rewrite_words(account_id, contact_ids)

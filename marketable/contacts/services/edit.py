"""Editing properties. The status has its own services: an edit never touches it (R4)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from marketable import sql
from marketable.accounts import queries as accounts
from marketable.accounts.queries import Reach
from marketable.billing import rules as billing_rules
from marketable.contacts import queries, rules
from marketable.contacts.errors import (
    AddressBlocked,
    Archived,
    ChangedSince,
    EditUnknown,
    StaleEdit,
)
from marketable.contacts.queries import ContactRow
from marketable.contacts.services import values as kept
from marketable.history import services as history
from marketable.history.kinds import Kind
from marketable.history.sources import Source, SourceType
from marketable.properties import queries as properties
from marketable.properties.defaults import SEARCHED
from marketable.properties.errors import BadValues
from marketable.properties.rules import PropertyDef


@dataclass(frozen=True, slots=True)
class ContactEdited:
    """`change_id` is None when nothing differed, and nothing was written then."""

    contact_id: int
    version: int
    changed: tuple[str, ...]
    change_id: int | None


@sql.retried
def edit_contact(
    account_id: int,
    contact_id: int,
    values: Mapping[str, object],
    *,
    version: int | None,
    reach: Reach,
    by: Source,
    now: datetime,
) -> ContactEdited:
    """Change the given values of a contact, and no others.

    version  the one the person saw; None to write whatever it is now

    Raises ContactUnknown, Archived, StaleEdit, BadValues, EmailTaken or UniqueTaken, and saves
    nothing then.
    """
    row = _held(account_id, contact_id, reach=reach, now=now)
    if version is not None and version != row.version:
        raise _stale(account_id, contact_id, missed=row.version - version)
    definitions = properties.definitions(account_id)
    given = kept.typed(values, definitions)
    before = {
        name: row.properties.get(name)
        for name, value in given.properties.items()
        if row.properties.get(name) != value
    }
    after: dict[str, Any] = {name: given.properties[name] for name in before}
    _check_stage(before, after)
    email = given.email if given.has_email else row.email
    if email != row.email:
        before["email"], after["email"] = row.email, email
    return _write(account_id, row, before, after, definitions, by=by, now=now)


@sql.retried
def undo_edit(
    account_id: int, contact_id: int, change_id: int, *, reach: Reach, by: Source, now: datetime
) -> ContactEdited:
    """Put back what an edit of the person's own changed, unless a value changed since: then
    nothing is put back.

    Raises ContactUnknown, Archived, EditUnknown, ChangedSince, EmailTaken or UniqueTaken.
    """
    row = _held(account_id, contact_id, reach=reach, now=now)
    found = sql.row(
        "SELECT altered.before, altered.after FROM contact_change AS altered JOIN change "
        "ON change.account_id = altered.account_id AND change.id = altered.change_id "
        "WHERE altered.account_id = %(account_id)s AND altered.contact_id = %(contact_id)s "
        "AND altered.change_id = %(change_id)s AND change.kind = %(kind)s "
        "AND change.actor_type = %(actor_type)s AND change.actor_id = %(actor_id)s",
        {
            "account_id": account_id,
            "contact_id": contact_id,
            "change_id": change_id,
            "kind": Kind.CONTACT_CHANGED.value,
            "actor_type": by.actor_type,
            "actor_id": by.actor_id,
        },
    )
    if found is None:
        raise EditUnknown
    was, became = (json.loads(one).get("properties", {}) for one in found)
    present = {name: row.email if name == "email" else row.properties.get(name) for name in became}
    if present != became or _touched_since(account_id, contact_id, change_id, list(became)):
        raise ChangedSince
    return _write(
        account_id,
        row,
        became,
        was,
        properties.definitions(account_id, with_archived=True),
        by=by.through(SourceType.UNDO, str(change_id)),
        now=now,
        reverts_id=change_id,
    )


def _held(account_id: int, contact_id: int, *, reach: Reach, now: datetime) -> ContactRow:
    """Return a live contact, which nobody else changes until the transaction ends."""
    today = billing_rules.today_in(accounts.account(account_id).zone, now)
    sql.rows(
        "SELECT id FROM contact WHERE account_id = %(account_id)s AND id = %(id)s "
        "FOR NO KEY UPDATE",
        {"account_id": account_id, "id": contact_id},
    )
    row = queries.contact(account_id, contact_id, reach=reach, today=today)
    if row.archived_at is not None:
        raise Archived
    return row


def _touched_since(account_id: int, contact_id: int, change_id: int, names: list[str]) -> bool:
    found = sql.row(
        "SELECT EXISTS (SELECT FROM contact_change WHERE account_id = %(account_id)s "
        "AND contact_id = %(contact_id)s AND change_id > %(change_id)s "
        "AND after->'properties' ?| %(names)s)",
        {
            "account_id": account_id,
            "contact_id": contact_id,
            "change_id": change_id,
            "names": names,
        },
    )
    assert found is not None
    return bool(found[0])


def _write(
    account_id: int,
    row: ContactRow,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    definitions: Mapping[str, PropertyDef],
    *,
    by: Source,
    now: datetime,
    reverts_id: int | None = None,
) -> ContactEdited:
    """Write the values that differ, with everything that is kept beside them and the ledger."""
    if not after:
        return ContactEdited(row.id, row.version, (), None)
    others = {name: value for name, value in after.items() if name != "email"}
    kept.check_owner(account_id, others)
    email = after.get("email", row.email)
    stored = {**row.properties, **others}
    stored = {name: value for name, value in stored.items() if value is not None}
    if "email" in after:
        _move_address(account_id, row.id, row.email, email)
    kept.take_unique_values(account_id, row.id, others, definitions)
    sql.execute(
        "UPDATE contact SET email = %(email)s, name_key = %(name_key)s, "
        "properties = %(properties)s, version = version + 1, updated_at = %(now)s "
        "WHERE account_id = %(account_id)s AND id = %(id)s",
        {
            "account_id": account_id,
            "id": row.id,
            "email": email,
            "name_key": rules.name_key(stored.get("firstname"), stored.get("lastname"), email),
            "properties": json.dumps(stored),
            "now": now,
        },
    )
    if SEARCHED & after.keys():
        addresses = queries.addresses(account_id, row.id)
        kept.write_words(account_id, row.id, kept.words_of(email, stored, addresses))
    change_id = history.open_change(
        account_id, Kind.CONTACT_CHANGED, by=by, at=now, reverts_id=reverts_id
    )
    kept.write_ledger_row(
        account_id, row.id, change_id, {"properties": before}, {"properties": after}
    )
    history.close_change(account_id, change_id, contact_count=1)
    return ContactEdited(row.id, row.version + 1, tuple(sorted(after)), change_id)


def _check_stage(before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    if "lifecyclestage" in after and not rules.lifecycle_allows(
        before["lifecyclestage"], after["lifecyclestage"]
    ):
        text = _("A lifecycle stage is not set backwards: clear it first.")
        raise BadValues({"lifecyclestage": ("INVALID_OPTION", text)})


def _move_address(account_id: int, contact_id: int, old: str | None, new: str | None) -> None:
    if new is not None and kept.is_blocked(account_id, new):
        raise AddressBlocked
    if old is not None:
        sql.execute(
            "DELETE FROM contact_address WHERE account_id = %(account_id)s "
            "AND contact_id = %(contact_id)s AND address = %(address)s",
            {"account_id": account_id, "contact_id": contact_id, "address": old},
        )
    if new is not None:
        kept.take_address(account_id, contact_id, new)


def _stale(account_id: int, contact_id: int, *, missed: int) -> StaleEdit:
    """Return the refusal with what the changes that were missed did, taken together."""
    found = sql.rows(
        "SELECT change.actor_label, change.at, altered.before, altered.after "
        "FROM contact_change AS altered JOIN change "
        "ON change.account_id = altered.account_id AND change.id = altered.change_id "
        "WHERE altered.account_id = %(account_id)s AND altered.contact_id = %(contact_id)s "
        "AND altered.after ?| '{properties,archived,merged}' "
        "ORDER BY altered.change_id DESC LIMIT %(missed)s",
        {"account_id": account_id, "contact_id": contact_id, "missed": max(missed, 1)},
    )
    seen: dict[str, Any] = {}
    present: dict[str, Any] = {}
    for _who, _when, before, after in reversed(found):
        was, now = (json.loads(one).get("properties", {}) for one in (before, after))
        for name, value in now.items():
            seen.setdefault(name, was.get(name))
            present[name] = value
    who, when = found[0][:2] if found else ("", None)
    return StaleEdit(
        who=who or _("Somebody"),
        when=when.astimezone(accounts.account(account_id).zone) if when else None,
        changed={
            name: (seen[name], value) for name, value in present.items() if value != seen[name]
        },
    )

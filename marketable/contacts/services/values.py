"""Values as a door gives them, made typed; and what is kept beside them: address, words, keys."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as noop

from marketable import formats, sql
from marketable.accounts import queries as accounts
from marketable.contacts import rules
from marketable.contacts.errors import EmailTaken, InvalidEmail, UniqueTaken
from marketable.properties.errors import BadValues
from marketable.properties.labels import label_of
from marketable.properties.rules import InvalidValue, PropertyDef, as_text, parse

OWNER = "hubspot_owner_id"


@dataclass(frozen=True, slots=True)
class Typed:
    """`email` and `properties` hold what was given; None clears a value."""

    has_email: bool
    email: str | None
    properties: dict[str, Any]


def typed(values: Mapping[str, object], definitions: Mapping[str, PropertyDef]) -> Typed:
    """Return the typed values.

    Raises BadValues naming every value that cannot be, unknown and read-only ones included (J5).
    """
    problems: dict[str, tuple[str, str]] = {}
    properties: dict[str, Any] = {}
    email: str | None = None
    for name, raw in values.items():
        definition = definitions.get(name)
        if definition is None:
            problems[name] = (
                "PROPERTY_DOESNT_EXIST",
                _("There is no property “%(name)s”.") % {"name": name[:100]},
            )
            continue
        try:
            if name == "email":
                email = rules.normalise_email(str(raw)) if raw and str(raw).strip() else None
            else:
                properties[name] = parse(definition, raw, by_label=False)
        except InvalidEmail as error:
            problems[name] = (error.code, error.message)
        except InvalidValue as error:
            problems[name] = (error.code, told(definition, error))
    if problems:
        raise BadValues(problems)
    return Typed("email" in values, email, properties)


def check_owner(account_id: int, properties: Mapping[str, Any]) -> None:
    """Raise BadValues if a contact would be given to somebody who is not in the account (V16)."""
    owner = properties.get(OWNER)
    if owner is not None and not accounts.is_member(account_id, int(owner)):
        text = _("This person is not in the account.")
        raise BadValues({OWNER: ("INVALID_OWNER_ID", text)})


def wording(definition: PropertyDef, error: InvalidValue) -> tuple[str, dict[str, Any]]:
    """Return why a property cannot hold a value, in English, and the values to put into it."""
    texts = {
        "READ_ONLY_VALUE": noop("“%(label)s” is read only; its value cannot be set."),
        "INVALID_OPTION": noop("“%(label)s”: this is not one of the options."),
        "INVALID_OWNER_ID": noop("“%(label)s”: this is not the number of a person."),
        "INVALID_LONG": noop("“%(label)s”: this is not a number."),
        "NUMBER_OUT_OF_RANGE": noop("“%(label)s”: this number is too large."),
        "INVALID_DATE": noop("“%(label)s”: this is not a date."),
        "INVALID_BOOLEAN": noop("“%(label)s”: answer yes or no."),
        "VALUE_TOO_LONG": noop("“%(label)s”: at most %(limit)s characters can be stored."),
        "INVALID_TEXT": noop("“%(label)s”: some characters cannot be stored."),
    }
    return texts[error.code], {"label": label_of(definition), "limit": error.limit}


def told(definition: PropertyDef, error: InvalidValue) -> str:
    text, values = wording(definition, error)
    return _(text) % {**values, "limit": formats.number(error.limit)}


def words_of(email: str | None, properties: Mapping[str, Any], others: list[str]) -> list[str]:
    """Return the search words of a contact; `others` are its secondary addresses."""
    return rules.search_words(
        email=email,
        firstname=properties.get("firstname"),
        lastname=properties.get("lastname"),
        phone=properties.get("phone"),
        mobilephone=properties.get("mobilephone"),
        company=properties.get("company"),
        other=[*others, properties.get("fax") or ""],
    )


def write_words(account_id: int, contact_id: int, words: list[str]) -> None:
    sql.execute(
        "INSERT INTO contact_search (account_id, contact_id, words) "
        "VALUES (%(account_id)s, %(contact_id)s, array_to_tsvector(%(words)s::text[])) "
        "ON CONFLICT (account_id, contact_id) DO UPDATE SET words = excluded.words",
        {
            "account_id": account_id,
            "contact_id": contact_id,
            "words": [f"{account_id}:{word}" for word in words],
        },
    )


def take_address(
    account_id: int, contact_id: int, address: str, *, is_primary: bool = True
) -> None:
    """Make the contact the live owner of an address, as its primary one or a further one.

    Raises EmailTaken naming the present owner (S18).
    """
    params = {
        "account_id": account_id,
        "contact_id": contact_id,
        "address": address,
        "is_primary": is_primary,
    }
    made = sql.rows(
        "INSERT INTO contact_address (account_id, address, contact_id, is_primary, is_live) "
        "VALUES (%(account_id)s, %(address)s, %(contact_id)s, %(is_primary)s, true) "
        "ON CONFLICT DO NOTHING RETURNING contact_id",
        params,
    )
    if made:
        return
    own = sql.execute(
        "UPDATE contact_address SET is_primary = %(is_primary)s WHERE account_id = %(account_id)s "
        "AND address = %(address)s AND contact_id = %(contact_id)s AND is_live",
        params,
    )
    if not own:
        found = sql.row(
            "SELECT contact_id FROM contact_address WHERE account_id = %(account_id)s "
            "AND address = %(address)s AND is_live",
            params,
        )
        raise EmailTaken(email=address, contact_id=int(found[0]) if found else 0)


def take_unique_values(
    account_id: int,
    contact_id: int,
    properties: Mapping[str, Any],
    definitions: Mapping[str, PropertyDef],
) -> None:
    """Make the contact the holder of its values of unique properties, and of no older ones.

    properties  the values that change; None frees one

    Raises UniqueTaken.
    """
    for name, value in properties.items():
        if not definitions[name].is_unique:
            continue
        params = {
            "account_id": account_id,
            "contact_id": contact_id,
            "name": name,
            "value": as_text(value).casefold(),
        }
        sql.execute(
            "DELETE FROM unique_value WHERE account_id = %(account_id)s AND name = %(name)s "
            "AND contact_id = %(contact_id)s",
            params,
        )
        if value is None:
            continue
        made = sql.rows(
            "INSERT INTO unique_value (account_id, name, value, contact_id) "
            "VALUES (%(account_id)s, %(name)s, %(value)s, %(contact_id)s) "
            "ON CONFLICT DO NOTHING RETURNING contact_id",
            params,
        )
        if not made:
            found = sql.row(
                "SELECT contact_id FROM unique_value WHERE account_id = %(account_id)s "
                "AND name = %(name)s AND value = %(value)s",
                params,
            )
            raise UniqueTaken(name=name, contact_id=int(found[0]) if found else 0)


def write_ledger_row(
    account_id: int,
    contact_id: int,
    change_id: int,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
) -> None:
    sql.execute(
        "INSERT INTO contact_change (account_id, contact_id, change_id, before, after) "
        "VALUES (%(account_id)s, %(contact_id)s, %(change_id)s, %(before)s, %(after)s)",
        {
            "account_id": account_id,
            "contact_id": contact_id,
            "change_id": change_id,
            "before": json.dumps(before),
            "after": json.dumps(after),
        },
    )


def address_hash(account_id: int, address: str) -> str:
    """Return the keyed hash by which an erased person's address is known again (S14)."""
    return salted_hmac(
        "marketable.blocked", f"{account_id}:{address}", algorithm="sha256"
    ).hexdigest()


def is_blocked(account_id: int, address: str) -> bool:
    found = sql.row(
        "SELECT EXISTS (SELECT FROM blocked_address WHERE account_id = %(account_id)s "
        "AND address_hash = %(hash)s)",
        {"account_id": account_id, "hash": address_hash(account_id, address)},
    )
    assert found is not None
    return bool(found[0])

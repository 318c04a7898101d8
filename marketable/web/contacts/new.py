"""The form that creates a contact by hand (R3): its fields, what was given, what was wrong."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _

from marketable.accounts import queries as accounts
from marketable.accounts.rules import Right, Scope
from marketable.contacts import queries as contacts
from marketable.contacts.errors import (
    AddressBlocked,
    ContactUnknown,
    EmailTaken,
    NothingGiven,
    UniqueTaken,
)
from marketable.errors import Refused
from marketable.properties import queries as properties
from marketable.properties.errors import BadValues
from marketable.properties.labels import label_of
from marketable.web.access import AccountRequest
from marketable.web.contacts.columns import OWNER

#: What is asked of a new contact, in order; everything else is on the record.
ASKED = (
    "email",
    "firstname",
    "lastname",
    "phone",
    "company",
    "jobtitle",
    "city",
    "country",
    "lifecyclestage",
)
INPUT_TYPES = {"email": "email", "phone": "tel"}


@dataclass(frozen=True, slots=True)
class Field:
    """A field with what was typed into it. `other_url` leads to the contact that is in the way."""

    name: str
    label: str
    kind: str
    value: str
    options: tuple[tuple[str, str], ...] = ()
    problem: str = ""
    other_url: str = ""
    other_name: str = ""


def fields(
    request: AccountRequest, given: Mapping[str, str], refusal: Refused | None = None
) -> list[Field]:
    """Return the fields, each with what was wrong with it."""
    definitions = properties.definitions(request.account.id)
    problems = _problems(refusal)
    other_url, other_name = _other(request, refusal)
    found = []
    for name in ASKED:
        definition = definitions[name]
        options = tuple(
            (option.value, label_of(option))
            for option in definition.options
            if not option.is_hidden
        )
        is_other_here = name in problems and bool(other_url)
        found.append(
            Field(
                name=name,
                label=label_of(definition),
                kind="select" if options else INPUT_TYPES.get(name, "text"),
                value=given.get(name, ""),
                options=options,
                problem=problems.get(name, ""),
                other_url=other_url if is_other_here else "",
                other_name=other_name if is_other_here else "",
            )
        )
    if request.rights.scope(Right.CONTACTS_EDIT) is Scope.ALL:
        owners = accounts.owners_by_id(request.account.id)
        found.append(
            Field(
                name=OWNER,
                label=label_of(definitions[OWNER]),
                kind="select",
                value=given.get(OWNER, ""),
                options=tuple((str(user_id), name) for user_id, name in owners.items()),
                problem=problems.get(OWNER, ""),
            )
        )
    return found


def read(request: AccountRequest, posted: QueryDict) -> dict[str, str]:
    """Return the values given. People who edit their own contacts only make contacts of their
    own: one that they could not open again would be lost to them (P1)."""
    names = (*ASKED, OWNER)
    typed = {name: str(posted.get(name, "")).strip() for name in names}
    given = {name: text for name, text in typed.items() if text}
    if request.rights.scope(Right.CONTACTS_EDIT) is not Scope.ALL:
        given[OWNER] = str(request.user.pk)
    elif given.get(OWNER) and given[OWNER] not in {
        str(user_id) for user_id in accounts.owners_by_id(request.account.id)
    }:
        raise BadValues({OWNER: ("INVALID_OPTION", _("This person is not in the account."))})
    return given


def _problems(refusal: Refused | None) -> dict[str, str]:
    """Return what to say beside which field."""
    if isinstance(refusal, BadValues):
        return {name: text for name, (_code, text) in refusal.problems.items()}
    if isinstance(refusal, EmailTaken):
        return {"email": _("Another contact has this address already.")}
    if isinstance(refusal, NothingGiven | AddressBlocked | UniqueTaken):
        return {str(refusal.facts["field"]): refusal.message}
    return {}


def _other(request: AccountRequest, refusal: Refused | None) -> tuple[str, str]:
    """Return the address and name of the contact in the way, if the person may see it."""
    if not isinstance(refusal, EmailTaken | UniqueTaken):
        return "", ""
    contact_id = int(refusal.facts["contact_id"])
    try:
        there = contacts.contact(
            request.account.id, contact_id, reach=request.reach_view, today=request.today
        )
    except ContactUnknown:
        return "", ""
    return reverse("records:show", args=[request.account.id, contact_id]), there.name

"""Making accounts, inviting people, and changing what they may do."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext_noop as _

from marketable import sql
from marketable.accounts import queries
from marketable.accounts.errors import (
    AccountUnknown,
    AlreadyMember,
    BadField,
    BadRole,
    LastOwner,
    LinkUnusable,
    MemberUnknown,
    SignInFirst,
)
from marketable.accounts.models import Account, Invitation, Membership, SignInLink, User
from marketable.accounts.queries import rights_of
from marketable.accounts.rules import OWNER, ROLES, Right, Rights, choices_of, is_keeper
from marketable.history.kinds import Kind
from marketable.history.services import record
from marketable.history.sources import Source, SourceType

INVITATION_LIFE = timedelta(days=14)
SIGN_IN_LINK_LIFE = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class AccountCreated:
    account_id: int
    user_id: int


@dataclass(frozen=True, slots=True)
class Invited:
    """`token` goes into the link, and is kept nowhere."""

    invitation_id: int
    token: str


@sql.retried
def create_account(
    name: str, *, owner_email: str, time_zone: str, language: str, by: Source, now: datetime
) -> AccountCreated:
    """Make an account and its Owner; a person who exists already becomes the Owner."""
    email = _email(owner_email)
    if language not in dict(settings.LANGUAGES):
        raise BadField(_("There is no such language."), field="language")
    account = Account.objects.create(
        name=_name(name), time_zone=time_zone, language=language, created_at=now
    )
    # Two commands may make the same person's first two accounts at once.
    user, _is_new = User.objects.get_or_create(
        email=email, defaults={"password": make_password(None)}
    )
    Membership.objects.create(account=account, user=user, role=OWNER, joined_at=now)
    record(
        account.id,
        Kind.MEMBER_CHANGED,
        by=by,
        at=now,
        body={"user": user.pk, "role": {"before": None, "after": OWNER}},
    )
    return AccountCreated(account.id, user.pk)


def take_turns(account_id: int) -> None:
    """Let transactions that look at many rows before they write one take turns in an account: the
    last Owner, the last unique property. Contacts and status are locked elsewhere, row by row."""
    found = sql.rows(
        "SELECT id FROM account WHERE id = %(account_id)s FOR NO KEY UPDATE",
        {"account_id": account_id},
    )
    if not found:
        raise AccountUnknown


@sql.retried
def set_password(user_id: int, password: str) -> None:
    """Give a person a password.

    Raises BadField when it is too short or too common.
    """
    user = User.objects.get(pk=user_id)
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise BadField(" ".join(error.messages), field="password") from error
    user.set_password(password)
    user.save(update_fields=["password"])


@sql.retried
def invite(account_id: int, email: str, role: str, *, by: Source, now: datetime) -> Invited:
    """Invite somebody by address. An earlier invitation of the same address is replaced."""
    address = _email(email)
    if role not in ROLES:
        raise BadRole(role)
    take_turns(account_id)
    found = Membership.objects.filter(account_id=account_id, user__email=address)
    member = found.select_related("user").first()
    if member is not None and member.user.has_usable_password():
        raise AlreadyMember  # without a password the link is the way in
    Invitation.objects.filter(account_id=account_id, email=address, accepted_at=None).delete()
    token = secrets.token_urlsafe(32)
    row = Invitation.objects.create(
        account_id=account_id,
        email=address,
        role=role,
        token_hash=queries.token_hash(token),
        invited_by_id=int(by.actor_id) if by.actor_type == "user" else None,
        created_at=now,
        expires_at=now + INVITATION_LIFE,
    )
    record(
        account_id,
        Kind.MEMBER_CHANGED,
        by=by,
        at=now,
        body={"invitation": row.id, "role": role},
    )
    return Invited(row.id, token)


@sql.retried
def withdraw_invitation(account_id: int, invitation_id: int, *, by: Source, now: datetime) -> None:
    """Make an invitation's link worthless. Safe to repeat."""
    gone, _detail = Invitation.objects.filter(
        account_id=account_id, id=invitation_id, accepted_at=None
    ).delete()
    if gone:
        record(
            account_id,
            Kind.MEMBER_CHANGED,
            by=by,
            at=now,
            body={"invitation": invitation_id, "withdrawn": True},
        )


@sql.retried
def accept_invitation(
    token: str, *, name: str, password: str, signed_in_as: int | None, now: datetime
) -> User:
    """Join the account; make the person, or join as the person of that address.

    name, password  of somebody new; a person who exists keeps their own
    signed_in_as    a person who exists must be signed in: the link alone gives no way into
                    somebody's other accounts, nor takes them anywhere

    Raises LinkUnusable, SignInFirst, or BadField for a bad name or password.
    """
    row = (
        Invitation.objects.select_for_update()
        .filter(token_hash=queries.token_hash(token), accepted_at=None, expires_at__gt=now)
        .first()
    )
    if row is None:
        raise LinkUnusable
    # Two accounts may invite the same new person, who accepts both at once.
    found, _is_new = User.objects.get_or_create(
        email=row.email, defaults={"password": make_password(None)}
    )
    user = User.objects.select_for_update().get(pk=found.pk)
    if queries.is_known(row, user):
        if user.pk != signed_in_as:
            raise SignInFirst(row.email)
    else:
        user.name = _name(name)
        user.save(update_fields=["name"])
        set_password(user.pk, password)
        user.refresh_from_db()
    row.accepted_at = now
    row.save(update_fields=["accepted_at"])
    _made, is_new = Membership.objects.get_or_create(
        account_id=row.account_id, user=user, defaults={"role": row.role, "joined_at": now}
    )
    if is_new:
        record(
            row.account_id,
            Kind.MEMBER_CHANGED,
            by=_source_of(user),
            at=now,
            body={"user": user.pk, "role": {"before": None, "after": row.role}},
        )
    return user


@sql.retried
def change_member(
    account_id: int,
    user_id: int,
    *,
    role: str,
    team: str,
    choices: Mapping[Right, str],
    by: Source,
    now: datetime,
) -> None:
    """Change what a member may do: all of it, or nothing (P1, P2). Works from the next request
    (P8).

    team     people of one team see each other's contacts where their rights say so; may be empty
    choices  single rights granted or withdrawn, each one of `rules.choices_of`; what is not named
             stays as it is

    Raises MemberUnknown, BadRole, BadField or LastOwner.
    """
    if role not in ROLES:
        raise BadRole(role)
    take_turns(account_id)
    row = _member(account_id, user_id)
    before = rights_of(row)
    after = replace(before, role=role)
    for right, choice in choices.items():
        if choice not in choices_of(right):
            raise BadField(_("There is no such choice."), field=right.value)
        after = after.with_choice(right, choice)
    if is_keeper(before) and not is_keeper(after):
        _keep_an_owner(account_id, user_id)
    body = _told_of_member(before, after)
    new_team = _text(team, 100, "team")
    if new_team != row.team:
        body["team"] = {"before": row.team, "after": new_team}
    if not body:
        return
    row.role, row.team = role, new_team
    row.granted, row.withdrawn = sorted(after.granted), sorted(after.withdrawn)
    row.save(update_fields=["role", "team", "granted", "withdrawn"])
    record(account_id, Kind.MEMBER_CHANGED, by=by, at=now, body={"user": user_id, **body})


def _told_of_member(before: Rights, after: Rights) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if before.role != after.role:
        told["role"] = {"before": before.role, "after": after.role}
    rights = {
        right.value: {"before": before.choice(right), "after": after.choice(right)}
        for right in Right
        if before.choice(right) != after.choice(right)
    }
    if rights:
        told["rights"] = rights
    return told


@sql.retried
def remove_member(account_id: int, user_id: int, *, by: Source, now: datetime) -> None:
    """Take a person out of the account; their sessions lose it with the next request.

    Raises MemberUnknown or LastOwner (P8).
    """
    take_turns(account_id)
    row = _member(account_id, user_id)
    if is_keeper(rights_of(row)):
        _keep_an_owner(account_id, user_id)
    row.delete()
    record(
        account_id,
        Kind.MEMBER_CHANGED,
        by=by,
        at=now,
        body={"user": user_id, "role": {"before": row.role, "after": None}},
    )


@sql.retried
def rename_account(account_id: int, *, name: str, language: str, by: Source, now: datetime) -> None:
    """Change the account's name and language."""
    if language not in dict(settings.LANGUAGES):
        raise BadField(_("There is no such language."), field="language")
    row = Account.objects.select_for_update().get(id=account_id)
    before = {"name": row.name, "language": row.language}
    after = {"name": _name(name), "language": language}
    if before == after:
        return
    row.name, row.language = after["name"], after["language"]
    row.save(update_fields=["name", "language"])
    record(
        account_id,
        Kind.SETTING_CHANGED,
        by=by,
        at=now,
        body={"setting": "account", "before": before, "after": after},
    )


def change_profile(user_id: int, *, name: str, language: str, theme: str, density: str) -> None:
    """Change how the product looks to one person. No contact, status or right is touched."""
    if language and language not in dict(settings.LANGUAGES):
        raise BadField(_("There is no such language."), field="language")
    if theme not in {"", "light", "dark"}:
        raise BadField(_("There is no such theme."), field="theme")
    if density not in {"compact", "normal", "roomy"}:
        raise BadField(_("There is no such density."), field="density")
    User.objects.filter(pk=user_id).update(
        name=_text(name, 200, "name"), language=language, theme=theme, density=density
    )


def choose_language(user_id: int, language: str) -> None:
    """Remember the language of a person's own choice (Y1)."""
    if language not in dict(settings.LANGUAGES):
        raise BadField(_("There is no such language."), field="language")
    User.objects.filter(pk=user_id).update(language=language)


def choose_columns(user_id: int, account_id: int, columns: list[str]) -> None:
    """Remember which columns a person wants in an account's contacts table."""
    user = User.objects.get(pk=user_id)
    user.table_columns = {**user.table_columns, str(account_id): columns}
    user.save(update_fields=["table_columns"])


def make_sign_in_link(user_id: int, *, now: datetime) -> str:
    """Return the token of a one-time link, for the person who started the server."""
    token = secrets.token_urlsafe(32)
    SignInLink.objects.create(
        user_id=user_id, token_hash=queries.token_hash(token), expires_at=now + SIGN_IN_LINK_LIFE
    )
    return token


@sql.retried
def use_sign_in_link(token: str, *, now: datetime) -> User:
    """Return the person of a link, which is worthless from then on.

    Raises LinkUnusable when it was used or has expired.
    """
    found = SignInLink.objects.select_for_update(of=("self",)).filter(
        token_hash=queries.token_hash(token), used_at=None, expires_at__gt=now, user__is_active=True
    )
    row = found.select_related("user").first()
    if row is None:
        raise LinkUnusable
    row.used_at = now
    row.save(update_fields=["used_at"])
    return row.user


def _member(account_id: int, user_id: int) -> Membership:
    row = (
        Membership.objects.select_for_update()
        .filter(account_id=account_id, user_id=user_id)
        .first()
    )
    if row is None:
        raise MemberUnknown
    return row


def _keep_an_owner(account_id: int, leaving_user_id: int) -> None:
    """Raise LastOwner unless another Owner can still give rights (P8). Whoever asks has taken
    their turn, so that two Owners cannot demote each other at once."""
    others = Membership.objects.filter(account_id=account_id, user__is_active=True).exclude(
        user_id=leaving_user_id
    )
    if not any(is_keeper(rights_of(row)) for row in others):
        raise LastOwner


def _source_of(user: User) -> Source:
    return Source("user", str(user.pk), str(user), SourceType.ACCOUNT)


def _text(text: str, longest: int, field: str) -> str:
    """Return the text on one line, without blanks around it.

    Raises BadField when it is too long, or holds what cannot be stored or seen.
    """
    plain = " ".join(text.split())
    if len(plain) > longest:
        raise BadField(_("At most %(most)s characters."), {"most": longest}, field=field)
    if not plain.isprintable():
        raise BadField(_("Some characters cannot be stored."), field=field)
    return plain


def _name(text: str) -> str:
    name = _text(text, 200, "name")
    if not name:
        raise BadField(_("Give a name of at most 200 characters."), field="name")
    return name


def _email(text: str) -> str:
    address = text.strip().lower()
    try:
        validate_email(address)
    except ValidationError as error:
        raise BadField(_("This is not an e-mail address."), field="email") from error
    return address

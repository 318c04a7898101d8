"""Making accounts, inviting people, and changing what they may do."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from marketable import sql
from marketable.accounts.errors import (
    AccountUnknown,
    AlreadyMember,
    BadField,
    BadRole,
    LastOwner,
    LinkUnusable,
    MemberUnknown,
)
from marketable.accounts.models import Account, Invitation, Membership, SignInLink, User
from marketable.accounts.rules import OWNER, ROLES, Right
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
        token_hash=_hash(token),
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


def invitation(token: str, *, now: datetime) -> Invitation:
    """Return the open invitation behind a link.

    Raises LinkUnusable when it was accepted, withdrawn, or has expired.
    """
    row = Invitation.objects.filter(
        token_hash=_hash(token), accepted_at=None, expires_at__gt=now
    ).first()
    if row is None:
        raise LinkUnusable
    return row


@sql.retried
def accept_invitation(token: str, *, name: str, password: str, now: datetime) -> int:
    """Join the account; make the person, or join as the person of that address.

    Returns the person's id. A person who exists keeps name and password, and must sign in: the
    link alone gives no way into somebody's other accounts.
    """
    row = invitation(token, now=now)
    taken = Invitation.objects.filter(pk=row.pk, accepted_at=None).update(accepted_at=now)
    if not taken:
        raise LinkUnusable
    user = User.objects.filter(email=row.email).first()
    if user is None or not user.has_usable_password():
        user = user or User.objects.create_user(row.email)
        user.name = _name(name)
        user.save(update_fields=["name"])
        set_password(user.pk, password)
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
    return int(user.pk)


@sql.retried
def change_role(account_id: int, user_id: int, role: str, *, by: Source, now: datetime) -> None:
    """Give a member another role; single rights granted or withdrawn stay (P8: works at once)."""
    if role not in ROLES:
        raise BadRole(role)
    row = _member(account_id, user_id)
    if row.role == role:
        return
    if row.role == OWNER:
        _keep_an_owner(account_id, user_id)
    before, row.role = row.role, role
    row.save(update_fields=["role"])
    record(
        account_id,
        Kind.MEMBER_CHANGED,
        by=by,
        at=now,
        body={"user": user_id, "role": {"before": before, "after": role}},
    )


@sql.retried
def set_right(
    account_id: int,
    user_id: int,
    right: Right,
    has_it: bool | None,
    *,
    by: Source,
    now: datetime,
) -> None:
    """Grant (True) or withdraw (False) a single right, or leave it to the role (None) (P1, P2)."""
    row = _member(account_id, user_id)
    if right is Right.USERS_MANAGE and has_it is False and row.role == OWNER:
        _keep_an_owner(account_id, user_id)
    granted, withdrawn = set(row.granted) - {right.value}, set(row.withdrawn) - {right.value}
    if has_it is True:
        granted.add(right.value)
    elif has_it is False:
        withdrawn.add(right.value)
    if (granted, withdrawn) == (set(row.granted), set(row.withdrawn)):
        return
    row.granted, row.withdrawn = sorted(granted), sorted(withdrawn)
    row.save(update_fields=["granted", "withdrawn"])
    record(
        account_id,
        Kind.MEMBER_CHANGED,
        by=by,
        at=now,
        body={"user": user_id, "right": right.value, "has_it": has_it},
    )


@sql.retried
def set_team(account_id: int, user_id: int, team: str, *, by: Source, now: datetime) -> None:
    """Put a member into a team, by its name; empty for none."""
    row = _member(account_id, user_id)
    name = team.strip()[:100]
    if row.team == name:
        return
    row.team = name
    row.save(update_fields=["team"])
    record(account_id, Kind.MEMBER_CHANGED, by=by, at=now, body={"user": user_id, "team": True})


@sql.retried
def remove_member(account_id: int, user_id: int, *, by: Source, now: datetime) -> None:
    """Take a person out of the account; their sessions lose it with the next request."""
    row = _member(account_id, user_id)
    if row.role == OWNER:
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
        name=name.strip()[:200], language=language, theme=theme, density=density
    )


def choose_columns(user_id: int, account_id: int, columns: list[str]) -> None:
    """Remember which columns a person wants in an account's contacts table."""
    user = User.objects.get(pk=user_id)
    user.table_columns = {**user.table_columns, str(account_id): columns}
    user.save(update_fields=["table_columns"])


def make_sign_in_link(user_id: int, *, now: datetime) -> str:
    """Return the token of a one-time link, for the person who started the server."""
    token = secrets.token_urlsafe(32)
    SignInLink.objects.create(
        user_id=user_id, token_hash=_hash(token), expires_at=now + SIGN_IN_LINK_LIFE
    )
    return token


@sql.retried
def use_sign_in_link(token: str, *, now: datetime) -> User:
    """Return the person of a link, which is worthless from then on.

    Raises LinkUnusable when it was used or has expired.
    """
    found = SignInLink.objects.filter(
        token_hash=_hash(token), used_at=None, expires_at__gt=now, user__is_active=True
    )
    row = found.select_related("user").first()
    if row is None or not found.update(used_at=now):
        raise LinkUnusable
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
    """Raise LastOwner if nobody else is one. The rows are locked: two demotions take turns."""
    owners = Membership.objects.select_for_update().filter(
        account_id=account_id, role=OWNER, user__is_active=True
    )
    if all(row.user_id == leaving_user_id for row in owners.order_by("id")):
        raise LastOwner


def _source_of(user: User) -> Source:
    return Source("user", str(user.pk), str(user), SourceType.ACCOUNT)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _name(text: str) -> str:
    name = " ".join(text.split())
    if not name or len(name) > 200:
        raise BadField(_("Give a name of at most 200 characters."), field="name")
    return name


def _email(text: str) -> str:
    address = text.strip().lower()
    try:
        validate_email(address)
    except ValidationError as error:
        raise BadField(_("This is not an e-mail address."), field="email") from error
    return address

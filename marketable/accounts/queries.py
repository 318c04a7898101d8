"""Reading accounts, members and their rights."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from marketable.accounts.errors import AccountUnknown, LinkUnusable, MemberUnknown
from marketable.accounts.models import Account, Invitation, Membership, User
from marketable.accounts.rules import ROLES, Right, Rights, Scope


@dataclass(frozen=True, slots=True)
class AccountInfo:
    id: int
    name: str
    time_zone: str
    language: str
    has_marketing_contacts: bool
    is_demo: bool

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


class Person(Protocol):
    """Somebody who is signed in, as doors see them."""

    @property
    def pk(self) -> int: ...
    @property
    def email(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def language(self) -> str: ...
    @property
    def table_columns(self) -> dict[str, list[str]]: ...


@dataclass(frozen=True, slots=True)
class Member:
    user_id: int
    name: str
    email: str
    rights: Rights
    team: str
    joined_at: datetime


@dataclass(frozen=True, slots=True)
class OpenInvitation:
    id: int
    email: str
    role: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Reach:
    """Which contacts a person may see or edit: all, or those owned by the people named (P6)."""

    scope: Scope
    owner_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class InvitationShown:
    """An invitation that can be accepted now. `is_known`: its person signs in to accept it."""

    email: str
    account_name: str
    is_known: bool


EVERYTHING = Reach(Scope.ALL)


def account(account_id: int) -> AccountInfo:
    row = Account.objects.filter(id=account_id).first()
    if row is None:
        raise AccountUnknown
    return _info(row)


def accounts_of(user_id: int) -> list[AccountInfo]:
    """Return the accounts that a person belongs to, by name."""
    found = Account.objects.filter(membership__user_id=user_id).order_by("name", "id")
    return [_info(row) for row in found]


def language_for(user_id: int, account_id: int | None) -> str:
    """Return the language of the account, or of the person's first one; empty for a stranger."""
    found = Account.objects.filter(membership__user_id=user_id)
    if account_id is not None:
        found = found.filter(id=account_id)
    return found.order_by("name", "id").values_list("language", flat=True).first() or ""


def language_to(address: str, account_id: int | None = None) -> str:
    """Return the language in which to write to an address: its person's own choice, else that of
    the account; empty when neither is known (Y1)."""
    person = User.objects.filter(email=address).first()
    if person is not None and person.language:
        return person.language
    if account_id is not None:
        return account(account_id).language
    return language_for(person.pk, None) if person is not None else ""


def all_accounts() -> list[AccountInfo]:
    return [_info(row) for row in Account.objects.order_by("id")]


def rights(account_id: int, user_id: int) -> Rights | None:
    """Return what a person may do in an account; None for those who do not belong to it."""
    row = Membership.objects.filter(
        account_id=account_id, user_id=user_id, user__is_active=True
    ).first()
    return rights_of(row) if row else None


def members(account_id: int) -> list[Member]:
    """Return the people of an account, Owners first, then by name."""
    found = Membership.objects.filter(account_id=account_id).select_related("user")
    people = [_member(row) for row in found]
    return sorted(people, key=lambda one: (ROLES.index(one.rights.role), one.name or one.email))


def is_member(account_id: int, user_id: int) -> bool:
    return Membership.objects.filter(account_id=account_id, user_id=user_id).exists()


def member(account_id: int, user_id: int) -> Member:
    """Return one person of an account.

    Raises MemberUnknown, also for people of other accounts.
    """
    found = Membership.objects.filter(account_id=account_id, user_id=user_id)
    row = found.select_related("user").first()
    if row is None:
        raise MemberUnknown
    return _member(row)


def invitations(account_id: int, now: datetime) -> list[OpenInvitation]:
    """Return invitations that can still be accepted, newest first."""
    found = Invitation.objects.filter(
        account_id=account_id, accepted_at=None, expires_at__gt=now
    ).order_by("-created_at")
    return [
        OpenInvitation(row.id, row.email, row.role, row.created_at, row.expires_at) for row in found
    ]


def invitation(token: str, now: datetime) -> InvitationShown:
    """Return the open invitation behind a link.

    Raises LinkUnusable when it was accepted, withdrawn, or has expired.
    """
    found = Invitation.objects.filter(
        token_hash=token_hash(token), accepted_at=None, expires_at__gt=now
    )
    row = found.select_related("account").first()
    if row is None:
        raise LinkUnusable
    user = User.objects.filter(email=row.email).first()
    return InvitationShown(row.email, row.account.name, is_known(row, user))


def is_known(row: Invitation, user: User | None) -> bool:
    """Tell whether the person of an invitation must sign in to accept it.

    Somebody without a password chooses it by the link. But whoever invites sees the link too, so
    it opens nothing of a person who has another account already; the operator's own links do.
    """
    if user is None:
        return False
    if user.has_usable_password():
        return True
    if row.invited_by_id is None:
        return False
    return Membership.objects.filter(user=user).exclude(account_id=row.account_id).exists()


def token_hash(token: str) -> str:
    """Return what is kept of a link's token."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def who_may(account_id: int, right: Right) -> list[str]:
    """Return the names of people who have a right, such as that of granting others."""
    return [one.name or one.email for one in members(account_id) if one.rights.may(right)]


def reach(account_id: int, user_id: int, right: Right) -> Reach:
    """Return which contacts a scoped right lets a person reach."""
    return reach_under(account_id, user_id, rights(account_id, user_id), right)


def reach_under(account_id: int, user_id: int, found: Rights | None, right: Right) -> Reach:
    """Return what `reach` does for a person whose rights are known already."""
    scope = found.scope(right) if found else Scope.NONE
    if scope is Scope.OWN:
        return Reach(scope, (user_id,))
    if scope is Scope.TEAM:
        return Reach(scope, _team(account_id, user_id))
    return Reach(scope)


def _team(account_id: int, user_id: int) -> tuple[int, ...]:
    own = Membership.objects.get(account_id=account_id, user_id=user_id)
    if not own.team:
        return (user_id,)
    found = Membership.objects.filter(account_id=account_id, team=own.team)
    return tuple(sorted(found.values_list("user_id", flat=True)))


def owners_by_id(account_id: int) -> dict[int, str]:
    """Return {user id: name} of the people that contacts can be assigned to."""
    found = User.objects.filter(membership__account_id=account_id)
    return {user.pk: user.name or user.email for user in found}


def _member(row: Membership) -> Member:
    return Member(
        row.user_id, row.user.name, row.user.email, rights_of(row), row.team, row.joined_at
    )


def rights_of(row: Membership) -> Rights:
    return Rights(row.role, frozenset(row.granted), frozenset(row.withdrawn))


def _info(row: Account) -> AccountInfo:
    return AccountInfo(
        row.id,
        row.name,
        row.time_zone,
        row.language,
        row.has_marketing_contacts,
        row.is_demo,
    )

"""Two people act on the same members at the same moment, on two real connections."""

from typing import Any

import pytest

from marketable.accounts import queries
from marketable.accounts.errors import LastOwner, LinkUnusable
from marketable.accounts.models import User
from marketable.accounts.queries import AccountInfo
from marketable.accounts.rules import Right
from marketable.accounts.services import (
    accept_invitation,
    change_member,
    invite,
    make_sign_in_link,
    remove_member,
    use_sign_in_link,
)
from marketable.history.sources import Source
from tests import make
from tests.concurrency import meet
from tests.make import JAN_20, PASSWORD

pytestmark = pytest.mark.usefixtures("committing")


@pytest.fixture
def account(committing: None) -> AccountInfo:
    return make.account()


@pytest.fixture
def anna(account: AccountInfo) -> Source:
    return make.source(User.objects.get(email="anna@example.com"))


def demote(account: AccountInfo, user_id: int, by: Source) -> None:
    change_member(account.id, user_id, role="marketer", team="", choices={}, by=by, now=JAN_20)


def withdraw(account: AccountInfo, user_id: int, by: Source) -> None:
    change_member(
        account.id,
        user_id,
        role="owner",
        team="",
        choices={Right.USERS_MANAGE: "no"},
        by=by,
        now=JAN_20,
    )


def remove(account: AccountInfo, user_id: int, by: Source) -> None:
    remove_member(account.id, user_id, by=by, now=JAN_20)


@pytest.mark.parametrize("first", [demote, withdraw, remove])
@pytest.mark.parametrize("second", [demote, withdraw, remove])
def test_two_owners_do_not_take_each_other_away(
    account: AccountInfo, anna: Source, first: Any, second: Any
) -> None:  # P8
    other = make.user(account, "owner")
    own = int(anna.actor_id)
    _, later = meet(
        lambda: first(account, own, anna),
        lambda: second(account, other.pk, make.source(other)),
    )
    assert later.was_made_to_wait
    assert isinstance(later.error, LastOwner)
    assert queries.who_may(account.id, Right.USERS_MANAGE) == [other.email]


def test_an_invitation_is_accepted_twice_at_once(account: AccountInfo, anna: Source) -> None:
    token = invite(account.id, "bo@example.com", "sales", by=anna, now=JAN_20).token

    def accept() -> Any:
        return accept_invitation(token, name="Bo", password=PASSWORD, signed_in_as=None, now=JAN_20)

    _, later = meet(accept, accept)
    assert isinstance(later.error, LinkUnusable)
    assert len(queries.members(account.id)) == 2


def test_somebody_new_accepts_the_invitations_of_two_accounts_at_once(
    account: AccountInfo, anna: Source
) -> None:
    second = make.account(name="Second", owner_email="cai@example.com")
    cai = make.source(User.objects.get(email="cai@example.com"))
    tokens = [
        invite(one.id, "bo@example.com", "sales", by=by, now=JAN_20).token
        for one, by in ((account, anna), (second, cai))
    ]

    def accept(token: str) -> Any:
        return accept_invitation(token, name="Bo", password=PASSWORD, signed_in_as=None, now=JAN_20)

    first, later = meet(lambda: accept(tokens[0]), lambda: accept(tokens[1]))
    assert later.error is not None  # known by now: signs in, then accepts
    accepted = accept_invitation(tokens[1], name="", password="", signed_in_as=first.pk, now=JAN_20)
    assert accepted.pk == first.pk
    assert User.objects.filter(email="bo@example.com").count() == 1


def test_the_one_time_link_is_used_twice_at_once(account: AccountInfo, anna: Source) -> None:
    token = make_sign_in_link(int(anna.actor_id), now=JAN_20)

    def use() -> Any:
        return use_sign_in_link(token, now=JAN_20)

    _, later = meet(use, use)
    assert isinstance(later.error, LinkUnusable)

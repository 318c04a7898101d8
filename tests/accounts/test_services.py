"""Inviting people, what they may do, and that an account always keeps an Owner."""

from datetime import timedelta
from typing import Any

import pytest

from marketable import sql
from marketable.accounts import queries
from marketable.accounts.errors import (
    AlreadyMember,
    BadField,
    BadRole,
    LastOwner,
    LinkUnusable,
    MemberUnknown,
    SignInFirst,
)
from marketable.accounts.models import Membership, User
from marketable.accounts.queries import AccountInfo
from marketable.accounts.rules import ROLES, Right, Rights, Scope, choices_of
from marketable.accounts.services import (
    INVITATION_LIFE,
    SIGN_IN_LINK_LIFE,
    accept_invitation,
    change_member,
    change_profile,
    invite,
    make_sign_in_link,
    remove_member,
    rename_account,
    use_sign_in_link,
    withdraw_invitation,
)
from marketable.history.sources import Source, SourceType, system
from tests import make
from tests.make import JAN_20, PASSWORD

pytestmark = pytest.mark.django_db


def told(account: AccountInfo) -> list[tuple[str, dict[str, Any]]]:
    """What the ledger says of people and settings since the account was made."""
    found = sql.columns(
        "SELECT kind, body::text AS body FROM change WHERE account_id = %(id)s "
        "AND kind IN ('member_changed', 'setting_changed') AND at = %(at)s ORDER BY id",
        {"id": account.id, "at": JAN_20},
    )
    import json

    return [(row["kind"], json.loads(row["body"])) for row in found]


def change(account: AccountInfo, user: User, by: Source, **what: Any) -> None:
    member = queries.member(account.id, user.pk)
    given = {"role": member.rights.role, "team": member.team, "choices": {}, **what}
    change_member(account.id, user.pk, by=by, now=JAN_20, **given)


def accept(token: str, **given: Any) -> User:
    usual = {"name": "Bo Berg", "password": PASSWORD, "signed_in_as": None, "now": JAN_20}
    return accept_invitation(token, **{**usual, **given})


# Invitations


def test_somebody_new_joins_by_the_link_with_a_name_and_a_password(
    account: AccountInfo, anna: Source
) -> None:
    invited = invite(account.id, " Bo@Example.com ", "sales", by=anna, now=JAN_20)
    assert not queries.invitation(invited.token, JAN_20).is_known
    bo = accept(invited.token)
    assert (bo.email, bo.name, bo.check_password(PASSWORD)) == ("bo@example.com", "Bo Berg", True)
    assert queries.member(account.id, bo.pk).rights == Rights("sales")
    assert queries.invitations(account.id, JAN_20) == []
    assert told(account) == [
        ("member_changed", {"invitation": invited.invitation_id, "role": "sales"}),
        ("member_changed", {"user": bo.pk, "role": {"before": None, "after": "sales"}}),
    ]


def test_somebody_known_joins_signed_in_and_keeps_name_and_password(
    account: AccountInfo, other_account: AccountInfo, anna: Source
) -> None:
    eve = User.objects.get(email="owner@other.example")
    invited = invite(account.id, eve.email, "analyst", by=anna, now=JAN_20)
    assert queries.invitation(invited.token, JAN_20).is_known
    for stranger in (None, int(anna.actor_id)):
        with pytest.raises(SignInFirst):
            accept(invited.token, signed_in_as=stranger)
    with pytest.raises(MemberUnknown):
        queries.member(account.id, eve.pk)
    accept(invited.token, signed_in_as=eve.pk, name="Another", password="another password")
    eve.refresh_from_db()
    assert (eve.name, eve.check_password(PASSWORD)) == ("", True)
    assert queries.member(account.id, eve.pk).rights == Rights("analyst")


def test_whoever_invites_gets_no_way_into_the_persons_other_accounts(
    account: AccountInfo, anna: Source
) -> None:
    """The link is shown to the inviter; an Owner made by a command may have no password yet."""
    victim = User.objects.create_user("victim@example.com")
    elsewhere = make.account(name="Elsewhere", owner_email="someone@else.example")
    Membership.objects.create(account_id=elsewhere.id, user=victim, role="owner", joined_at=JAN_20)
    invited = invite(account.id, victim.email, "marketer", by=anna, now=JAN_20)
    with pytest.raises(SignInFirst):
        accept(invited.token)
    victim.refresh_from_db()
    assert not victim.has_usable_password()


def test_the_operators_link_is_the_way_in_for_an_owner_without_a_password(
    account: AccountInfo,
) -> None:
    owner = User.objects.create_user("fresh@example.com")
    for made in (account, make.account(name="Second", owner_email="someone@else.example")):
        Membership.objects.create(account_id=made.id, user=owner, role="owner", joined_at=JAN_20)
    by = system(SourceType.COMMAND)
    invited = invite(account.id, owner.email, "owner", by=by, now=JAN_20)
    assert accept(invited.token).pk == owner.pk
    owner.refresh_from_db()
    assert owner.check_password(PASSWORD)


def test_a_link_works_once(account: AccountInfo, anna: Source) -> None:
    invited = invite(account.id, "bo@example.com", "sales", by=anna, now=JAN_20)
    accept(invited.token)
    with pytest.raises(LinkUnusable):
        accept(invited.token)
    with pytest.raises(LinkUnusable):
        queries.invitation(invited.token, JAN_20)


@pytest.mark.parametrize("late", [0, 1])
def test_a_link_expires(account: AccountInfo, anna: Source, late: int) -> None:
    invited = invite(account.id, "bo@example.com", "sales", by=anna, now=JAN_20)
    then = JAN_20 + INVITATION_LIFE - timedelta(seconds=1 - late)
    if late:
        with pytest.raises(LinkUnusable):
            accept(invited.token, now=then)
    else:
        accept(invited.token, now=then)


def test_a_withdrawn_link_is_worthless_and_withdrawing_twice_is_told_once(
    account: AccountInfo, anna: Source
) -> None:
    invited = invite(account.id, "bo@example.com", "sales", by=anna, now=JAN_20)
    for _ in range(2):
        withdraw_invitation(account.id, invited.invitation_id, by=anna, now=JAN_20)
    with pytest.raises(LinkUnusable):
        accept(invited.token)
    assert [body.get("withdrawn") for _kind, body in told(account)] == [None, True]


def test_another_accounts_invitation_is_not_withdrawn(
    account: AccountInfo, other_account: AccountInfo, anna: Source
) -> None:  # V16
    invited = invite(other_account.id, "bo@example.com", "sales", by=anna, now=JAN_20)
    withdraw_invitation(account.id, invited.invitation_id, by=anna, now=JAN_20)
    assert queries.invitation(invited.token, JAN_20).account_name == "Other Ltd"


def test_a_second_invitation_replaces_the_first(account: AccountInfo, anna: Source) -> None:
    first = invite(account.id, "bo@example.com", "sales", by=anna, now=JAN_20)
    second = invite(account.id, "BO@example.com", "analyst", by=anna, now=JAN_20)
    with pytest.raises(LinkUnusable):
        accept(first.token)
    assert queries.member(account.id, accept(second.token).pk).rights.role == "analyst"


def test_members_are_not_invited_again(account: AccountInfo, anna: Source, owner: User) -> None:
    with pytest.raises(AlreadyMember):
        invite(account.id, owner.email, "sales", by=anna, now=JAN_20)


@pytest.mark.parametrize("email", ["", "bo", "bo@", "bo@example.com\0", "a@b.com, c@d.com"])
def test_an_invitation_needs_an_address(account: AccountInfo, anna: Source, email: str) -> None:
    with pytest.raises(BadField) as refusal:
        invite(account.id, email, "sales", by=anna, now=JAN_20)
    assert refusal.value.facts["field"] == "email"


@pytest.mark.parametrize("password", ["", "short", "password123", "bo@example.com"])
def test_a_weak_password_is_refused_and_the_link_still_works(
    account: AccountInfo, anna: Source, password: str
) -> None:
    invited = invite(account.id, "bo@example.com", "sales", by=anna, now=JAN_20)
    with pytest.raises(BadField) as refusal:
        accept(invited.token, password=password)
    assert refusal.value.facts["field"] == "password"
    assert not User.objects.filter(email="bo@example.com").exists()
    accept(invited.token)


def test_only_the_hash_of_a_link_is_stored(account: AccountInfo, anna: Source) -> None:
    invited = invite(account.id, "bo@example.com", "sales", by=anna, now=JAN_20)
    stored = str(sql.columns("SELECT * FROM invitation")) + str(sql.columns("SELECT * FROM change"))
    assert invited.token not in stored


# The way in from this machine


def test_the_one_time_link_works_once_and_not_for_long(account: AccountInfo, owner: User) -> None:
    token = make_sign_in_link(owner.pk, now=JAN_20)
    assert use_sign_in_link(token, now=JAN_20).pk == owner.pk
    with pytest.raises(LinkUnusable):
        use_sign_in_link(token, now=JAN_20)
    late = make_sign_in_link(owner.pk, now=JAN_20)
    with pytest.raises(LinkUnusable):
        use_sign_in_link(late, now=JAN_20 + SIGN_IN_LINK_LIFE)


# Roles and rights


@pytest.mark.parametrize("right", list(Right))
def test_every_choice_for_a_right_does_what_it_says(
    account: AccountInfo, anna: Source, right: Right
) -> None:  # P1
    """For every role: what was chosen for the person goes before what the role gives."""
    for role in ROLES:
        person = make.user(account, role)
        for choice in choices_of(right):
            change(account, person, anna, choices={right: choice})
            found = queries.member(account.id, person.pk).rights
            assert found.choice(right) == choice
            if choice == "role":
                assert found == Rights(role)
            elif choice in set(Scope):
                assert found.scope(right) is Scope(choice)
                assert found.may(right) is (choice != "none")
            else:
                assert found.may(right) is (choice == "yes")
            others = set(Right) - {right}
            assert all(found.may(one) == Rights(role).may(one) for one in others)


def test_marketing_contacts_access_is_switched_for_one_person(
    account: AccountInfo, anna: Source
) -> None:  # P2
    sales, marketer = make.user(account, "sales"), make.user(account, "marketer")
    change(account, sales, anna, choices={Right.MARKETING_ACCESS: "yes"})
    change(account, marketer, anna, choices={Right.MARKETING_ACCESS: "no"})
    assert queries.member(account.id, sales.pk).rights.may(Right.MARKETING_ACCESS)
    assert not queries.member(account.id, marketer.pk).rights.may(Right.MARKETING_ACCESS)
    assert told(account) == [
        (
            "member_changed",
            {
                "user": sales.pk,
                "rights": {"marketing_contacts.access": {"before": "role", "after": "yes"}},
            },
        ),
        (
            "member_changed",
            {
                "user": marketer.pk,
                "rights": {"marketing_contacts.access": {"before": "role", "after": "no"}},
            },
        ),
    ]


def test_all_that_is_chosen_for_a_member_is_one_change(account: AccountInfo, anna: Source) -> None:
    person = make.user(account, "marketer")
    choices = {Right.CONTACTS_EDIT: "team", Right.CONTACTS_EXPORT: "yes"}
    change(account, person, anna, role="sales", team=" North  West ", choices=choices)
    member = queries.member(account.id, person.pk)
    assert (member.rights.role, member.team) == ("sales", "North West")
    assert member.rights.scope(Right.CONTACTS_EDIT) is Scope.TEAM
    (only,) = told(account)
    assert only[1] == {
        "user": person.pk,
        "role": {"before": "marketer", "after": "sales"},
        "team": {"before": "", "after": "North West"},
        "rights": {
            "contacts.edit": {"before": "role", "after": "team"},
            "contacts.export": {"before": "role", "after": "yes"},
        },
    }
    change(account, person, anna)  # nothing differs
    assert len(told(account)) == 1  # L3


@pytest.mark.parametrize(
    ("what", "refusal"),
    [
        ({"role": "emperor"}, BadRole),
        ({"role": ""}, BadRole),
        ({"team": "x" * 101}, BadField),
        ({"team": "nul\0"}, BadField),
        ({"choices": {Right.MARKETING_ACCESS: "perhaps"}}, BadField),
        ({"choices": {Right.MARKETING_ACCESS: "own"}}, BadField),
        ({"choices": {Right.CONTACTS_EDIT: "yes"}}, BadField),
    ],
)
def test_what_cannot_be_chosen_changes_nothing(
    account: AccountInfo, anna: Source, what: dict[str, Any], refusal: type[Exception]
) -> None:
    person = make.user(account, "marketer")
    usual = {"role": "sales", "team": "North", "choices": {Right.CONTACTS_EXPORT: "yes"}}
    with pytest.raises(refusal):
        change(account, person, anna, **{**usual, **what})
    assert queries.member(account.id, person.pk).rights == Rights("marketer")
    assert told(account) == []


def test_people_of_another_account_are_not_changed_or_removed(
    account: AccountInfo, other_account: AccountInfo, anna: Source
) -> None:  # V16
    eve = User.objects.get(email="owner@other.example")
    with pytest.raises(MemberUnknown):
        change_member(account.id, eve.pk, role="sales", team="", choices={}, by=anna, now=JAN_20)
    with pytest.raises(MemberUnknown):
        remove_member(account.id, eve.pk, by=anna, now=JAN_20)
    assert queries.member(other_account.id, eve.pk).rights == Rights("owner")


def demote(account: AccountInfo, user: User, by: Source) -> None:
    change(account, user, by, role="marketer")


def take_the_right(account: AccountInfo, user: User, by: Source) -> None:
    change(account, user, by, choices={Right.USERS_MANAGE: "no"})


def remove(account: AccountInfo, user: User, by: Source) -> None:
    remove_member(account.id, user.pk, by=by, now=JAN_20)


@pytest.mark.parametrize("lose", [demote, take_the_right, remove])
def test_the_last_owner_stays(account: AccountInfo, anna: Source, owner: User, lose: Any) -> None:
    """P8; an Owner who cannot give rights is none for this, nor is one who cannot sign in."""
    powerless, inactive = make.user(account, "owner"), make.user(account, "owner")
    take_the_right(account, powerless, anna)
    User.objects.filter(pk=inactive.pk).update(is_active=False)
    with pytest.raises(LastOwner):
        lose(account, owner, anna)
    assert queries.member(account.id, owner.pk).rights == Rights("owner")
    make.user(account, "owner")
    lose(account, owner, anna)
    own = [one for one in queries.members(account.id) if one.user_id == owner.pk]
    assert not own or not own[0].rights.may(Right.USERS_MANAGE)


def test_a_removed_member_is_told_of_in_the_ledger(account: AccountInfo, anna: Source) -> None:
    person = make.user(account, "sales")
    remove_member(account.id, person.pk, by=anna, now=JAN_20)
    assert queries.rights(account.id, person.pk) is None
    assert told(account) == [
        ("member_changed", {"user": person.pk, "role": {"before": "sales", "after": None}})
    ]


def test_own_and_team_reach_follow_the_team(account: AccountInfo, anna: Source) -> None:  # P1
    one, other, outsider = (make.user(account, "sales") for _ in range(3))
    for person in (one, other):
        change(account, person, anna, team="North")
    reach = queries.reach(account.id, one.pk, Right.CONTACTS_VIEW)
    assert (reach.scope, set(reach.owner_ids)) == (Scope.TEAM, {one.pk, other.pk})
    alone = queries.reach(account.id, outsider.pk, Right.CONTACTS_VIEW)
    assert alone.owner_ids == (outsider.pk,)
    own = queries.reach(account.id, one.pk, Right.CONTACTS_EDIT)
    assert (own.scope, own.owner_ids) == (Scope.OWN, (one.pk,))


# Settings


def test_renaming_is_told_with_before_and_after(account: AccountInfo, anna: Source) -> None:
    for _ in range(2):
        rename_account(account.id, name=" New  name ", language="pl", by=anna, now=JAN_20)
    after = {"name": "New name", "language": "pl"}
    before = {"name": "Acme", "language": "en"}
    assert told(account) == [
        ("setting_changed", {"setting": "account", "before": before, "after": after})
    ]


@pytest.mark.parametrize("name", ["", "  ", "x" * 201, "nul\0", "lone \ud800"])
def test_a_name_that_cannot_be_stored_is_refused(
    account: AccountInfo, anna: Source, name: str
) -> None:
    with pytest.raises(BadField) as refusal:
        rename_account(account.id, name=name, language="en", by=anna, now=JAN_20)
    assert refusal.value.facts["field"] == "name"


@pytest.mark.parametrize(
    "wrong",
    [{"language": "xx"}, {"theme": "pink"}, {"density": "huge"}, {"name": "x" * 201}],
)
def test_a_profile_takes_only_what_there_is(owner: User, wrong: dict[str, str]) -> None:
    usual = {"name": "Anna", "language": "pl", "theme": "dark", "density": "roomy"}
    with pytest.raises(BadField):
        change_profile(owner.pk, **{**usual, **wrong})
    change_profile(owner.pk, **usual)
    owner.refresh_from_db()
    assert (owner.name, owner.language, owner.theme) == ("Anna", "pl", "dark")

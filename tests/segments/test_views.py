"""Saved views: who sees, changes and copies them, and what they keep."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from marketable import sql
from marketable.accounts.models import User
from marketable.accounts.queries import AccountInfo
from marketable.contacts.services.erase import erase_contacts
from marketable.segments.errors import SegmentUsed
from marketable.segments.saved_views import errors, queries
from marketable.segments.saved_views.rules import LONGEST_NAME, MOST_VIEWS, Sharing, Viewer
from marketable.segments.services import segments, views
from tests import make
from tests.make import JAN_20

pytestmark = pytest.mark.django_db

STATE = {"q": "anna", "status": "marketing", "sort": "-city", "columns": "email:300,city"}


@pytest.fixture
def account(db: None) -> AccountInfo:
    return make.account()


@pytest.fixture
def anna(account: AccountInfo) -> User:
    return User.objects.get(email="anna@example.com")


@pytest.fixture
def jan(account: AccountInfo) -> User:
    return make.user(account, "marketer", "jan@example.com")


def viewer(user: User, *, is_editor: bool = False) -> Viewer:
    return Viewer(user.pk, is_editor)


def saved(account: AccountInfo, user: User, name: str = "Poland", **more: Any) -> int:
    state = more.pop("state", STATE)
    given: dict[str, Any] = {"viewer": viewer(user), "by": make.source(user), "now": JAN_20, **more}
    return views.save_as_new(account.id, name, state, **given)


def names(account: AccountInfo, user: User) -> list[str]:
    return [one.name for one in queries.views(account.id, viewer(user)).seen]


def changes(account: AccountInfo) -> list[dict[str, Any]]:
    found = sql.rows(
        "SELECT body::text FROM change WHERE account_id = %(id)s AND kind = 'view_changed' "
        "ORDER BY id",
        {"id": account.id},
    )
    return [json.loads(row[0]) for row in found]


def test_a_view_keeps_what_the_table_shows(account: AccountInfo, anna: User) -> None:
    view_id = saved(account, anna)
    opened = queries.views(account.id, viewer(anna), opened=view_id).opened
    assert opened is not None
    assert (opened.name, opened.state, opened.version) == ("Poland", STATE, 1)


def test_a_private_view_is_its_owners_alone(account: AccountInfo, anna: User, jan: User) -> None:
    view_id = saved(account, anna)
    assert names(account, jan) == []
    assert queries.views(account.id, viewer(jan, is_editor=True), opened=view_id).opened is None
    with pytest.raises(errors.ViewUnknown):
        views.copy(account.id, view_id, viewer=viewer(jan), by=make.source(jan), now=JAN_20)
    assert changes(account) == []


def test_a_view_is_shared_with_those_named_or_with_everybody(
    account: AccountInfo, anna: User, jan: User
) -> None:
    ewa = make.user(account, "sales")
    saved(account, anna, "For Jan", sharing=Sharing.PEOPLE, people=[jan.pk])
    saved(account, anna, "For all", sharing=Sharing.ACCOUNT)
    assert names(account, jan) == ["For all", "For Jan"]
    assert names(account, ewa) == ["For all"]
    assert [one["sharing"] for one in changes(account)] == ["people", "account"]


def test_a_view_is_shared_with_people_of_its_account_only(account: AccountInfo, anna: User) -> None:
    other = make.account("Other", owner_email="else@example.com")
    stranger = User.objects.get(email="else@example.com")
    for people in ([], [stranger.pk], [10**15], [anna.pk]):
        with pytest.raises(errors.SharedWithStrangers):
            saved(account, anna, sharing=Sharing.PEOPLE, people=people)
    assert names(account, anna) == names(other, stranger) == []


def test_another_accounts_view_is_unknown(account: AccountInfo, anna: User) -> None:
    other = make.account("Other", owner_email="else@example.com")
    theirs = saved(other, User.objects.get(email="else@example.com"), sharing=Sharing.ACCOUNT)
    asked: dict[str, Any] = {
        "viewer": viewer(anna, is_editor=True),
        "by": make.source(anna),
        "now": JAN_20,
    }
    assert queries.views(account.id, viewer(anna), opened=theirs).opened is None
    attempts: tuple[Callable[[], object], ...] = (
        lambda: views.copy(account.id, theirs, **asked),
        lambda: views.save(account.id, theirs, {}, version=1, **asked),
        lambda: views.delete(account.id, theirs, **asked),
        lambda: views.restore(account.id, theirs, **asked),
        lambda: views.make_default(account.id, theirs, viewer=viewer(anna)),
    )
    for refused in attempts:
        with pytest.raises(errors.ViewUnknown):
            refused()


def test_somebody_elses_view_is_copied_not_overwritten(
    account: AccountInfo, anna: User, jan: User
) -> None:
    view_id = saved(account, anna, sharing=Sharing.ACCOUNT)
    asked: dict[str, Any] = {"viewer": viewer(jan), "by": make.source(jan), "now": JAN_20}
    attempts: tuple[Callable[[], object], ...] = (
        lambda: views.save(account.id, view_id, {"q": "x"}, version=1, **asked),
        lambda: views.delete(account.id, view_id, **asked),
        lambda: views.change(
            account.id, view_id, name="Mine", sharing=Sharing.ACCOUNT, version=1, **asked
        ),
    )
    for refused in attempts:
        with pytest.raises(errors.ViewNotYours):
            refused()
    copied = queries.view(account.id, views.copy(account.id, view_id, **asked), viewer(jan))
    assert (copied.owner_id, copied.sharing, copied.state) == (jan.pk, Sharing.PRIVATE, STATE)
    assert queries.view(account.id, view_id, viewer(anna)).state == STATE


def test_an_editor_changes_what_is_shared_and_cannot_take_it_away_from_all(
    account: AccountInfo, anna: User, jan: User
) -> None:  # P1
    view_id = saved(account, anna, sharing=Sharing.ACCOUNT)
    editor = viewer(jan, is_editor=True)
    asked: dict[str, Any] = {"viewer": editor, "by": make.source(jan), "now": JAN_20}
    views.save(account.id, view_id, {"q": "ewa"}, version=1, **asked)
    assert queries.view(account.id, view_id, viewer(anna)).state == {"q": "ewa"}
    with pytest.raises(errors.ViewNotYours):
        views.change(
            account.id, view_id, name="Poland", sharing=Sharing.PRIVATE, version=2, **asked
        )


def test_of_two_people_who_save_one_view_the_second_is_told(
    account: AccountInfo, anna: User, jan: User
) -> None:
    view_id = saved(account, anna, sharing=Sharing.ACCOUNT)
    first: dict[str, Any] = {"viewer": viewer(anna), "by": make.source(anna), "now": JAN_20}
    second: dict[str, Any] = {
        "viewer": viewer(jan, is_editor=True),
        "by": make.source(jan),
        "now": JAN_20,
    }
    views.save(account.id, view_id, {"q": "anna"}, version=1, **first)
    with pytest.raises(errors.ViewChangedMeanwhile, match="“Poland” was changed meanwhile"):
        views.save(account.id, view_id, {"q": "jan"}, version=1, **second)
    assert queries.view(account.id, view_id, viewer(jan)).state == {"q": "anna"}
    views.save(account.id, view_id, {"q": "jan"}, version=2, **second)
    assert queries.view(account.id, view_id, viewer(jan)).state == {"q": "jan"}


def test_what_others_see_is_written_down_when_it_changes(account: AccountInfo, anna: User) -> None:
    view_id = saved(account, anna)
    asked: dict[str, Any] = {"viewer": viewer(anna), "by": make.source(anna), "now": JAN_20}
    views.change(account.id, view_id, name="Łódź", sharing=Sharing.ACCOUNT, version=1, **asked)
    views.save(account.id, view_id, {}, version=2, **asked)
    views.change(account.id, view_id, name="Łódź", sharing=Sharing.ACCOUNT, version=3, **asked)
    views.change(account.id, view_id, name="Łódź", sharing=Sharing.PRIVATE, version=3, **asked)
    views.delete(account.id, view_id, **asked)
    assert [one["what"] for one in changes(account)] == [
        ["name", "sharing"],
        ["state"],
        ["sharing"],
    ]


@pytest.mark.parametrize("name", ["", "   ", "\0", "x" * (LONGEST_NAME + 1)])
def test_a_name_has_one_to_a_hundred_characters(
    account: AccountInfo, anna: User, name: str
) -> None:
    with pytest.raises(errors.BadViewName):
        saved(account, anna, name)


def test_a_name_is_one_of_its_owners_once(account: AccountInfo, anna: User, jan: User) -> None:
    saved(account, anna, "Zażółć gęślą jaźń")
    with pytest.raises(errors.ViewNameTaken):
        saved(account, anna, " ZAŻÓŁĆ  gęślą jaźń")
    saved(account, jan, "Zażółć gęślą jaźń")
    saved(account, anna, "ź" * LONGEST_NAME)


@pytest.mark.parametrize(
    "state",
    [
        {"after": "key"},
        {"q": "x" * 20_001},
        {"filter": "{"},
        {"filter": '{"and": 3}'},
        {"sort": "a\0b"},
    ],
)
def test_only_a_state_of_the_table_is_kept(
    account: AccountInfo, anna: User, state: dict[str, str]
) -> None:
    with pytest.raises(errors.BadViewState):
        saved(account, anna, state=state)


def test_a_person_has_no_more_than_two_hundred_views(account: AccountInfo, anna: User) -> None:
    for number in range(MOST_VIEWS):
        saved(account, anna, f"View {number}")
    with pytest.raises(errors.TooManyViews):
        saved(account, anna, "One more")


def test_the_statement_is_one_however_many_views_there_are(
    account: AccountInfo, anna: User, django_assert_num_queries: Any
) -> None:
    for number in range(30):
        saved(account, anna, f"View {number}")
    with django_assert_num_queries(1):
        found = queries.views(account.id, viewer(anna))
    assert len(found.seen) == 30
    assert connection.vendor == "postgresql"


def test_each_person_opens_with_a_view_of_their_choice(
    account: AccountInfo, anna: User, jan: User
) -> None:
    view_id = saved(account, anna, sharing=Sharing.ACCOUNT)
    views.make_default(account.id, view_id, viewer=viewer(jan))
    opened = queries.views(account.id, viewer(jan), by_default=True).opened
    assert opened is not None and opened.id == view_id
    assert queries.views(account.id, viewer(anna), by_default=True).opened is None
    views.make_default(account.id, None, viewer=viewer(jan))
    assert queries.views(account.id, viewer(jan), by_default=True).opened is None


def test_a_default_that_is_gone_is_all_contacts(
    account: AccountInfo, anna: User, jan: User
) -> None:
    view_id = saved(account, anna, sharing=Sharing.ACCOUNT)
    views.make_default(account.id, view_id, viewer=viewer(jan))
    views.delete(account.id, view_id, viewer=viewer(anna), by=make.source(anna), now=JAN_20)
    found = queries.views(account.id, viewer(jan), by_default=True)
    assert (found.opened, found.default, found.seen) == (None, None, ())


def test_a_deleted_view_comes_back_within_thirty_days(account: AccountInfo, anna: User) -> None:
    view_id = saved(account, anna)
    asked: dict[str, Any] = {"viewer": viewer(anna), "by": make.source(anna)}
    views.delete(account.id, view_id, **asked, now=JAN_20)
    assert names(account, anna) == []
    assert [one.id for one in queries.deleted_views(account.id, viewer(anna), JAN_20)] == [view_id]
    views.restore(account.id, view_id, **asked, now=JAN_20 + timedelta(days=29))
    assert queries.view(account.id, view_id, viewer(anna)).state == STATE
    views.delete(account.id, view_id, **asked, now=JAN_20)
    late = JAN_20 + timedelta(days=30)
    assert queries.deleted_views(account.id, viewer(anna), late) == []
    with pytest.raises(errors.ViewGone):
        views.restore(account.id, view_id, **asked, now=late)
    views.remove_long_deleted(late)
    with pytest.raises(errors.ViewUnknown):
        views.restore(account.id, view_id, **asked, now=JAN_20)


def test_a_view_whose_name_was_given_away_comes_back_with_a_number(
    account: AccountInfo, anna: User
) -> None:
    view_id = saved(account, anna)
    asked: dict[str, Any] = {"viewer": viewer(anna), "by": make.source(anna), "now": JAN_20}
    views.delete(account.id, view_id, **asked)
    saved(account, anna)
    assert views.restore(account.id, view_id, **asked) == "Poland 2"


def test_a_segment_in_a_view_cannot_be_deleted(account: AccountInfo, anna: User) -> None:
    by = make.source(anna)
    shown = segments.create_fixed(account.id, "Shown", by=by, now=JAN_20).id
    asked = segments.create_fixed(account.id, "Asked for", by=by, now=JAN_20).id
    view_id = saved(
        account,
        anna,
        "Both",
        sharing=Sharing.ACCOUNT,
        state={"segment": str(shown), "filter": json.dumps({"and": [{"not_in_segment": asked}]})},
    )
    for segment_id in (shown, asked):
        with pytest.raises(SegmentUsed):
            segments.delete(account.id, segment_id, by=by, now=JAN_20)
    views.delete(account.id, view_id, viewer=viewer(anna), by=by, now=JAN_20)
    segments.delete(account.id, shown, by=by, now=JAN_20)


def test_a_private_view_that_uses_a_segment_is_told_by_its_number_alone(
    account: AccountInfo, anna: User
) -> None:
    by = make.source(anna)
    segment_id = segments.create_fixed(account.id, "Fair", by=by, now=JAN_20).id
    view_id = saved(account, anna, "Secret", state={"segment": str(segment_id)})
    with pytest.raises(SegmentUsed, match=f"used by “view {view_id}”"):
        segments.delete(account.id, segment_id, by=by, now=JAN_20)


def test_an_erased_persons_address_leaves_searches_and_filters(
    account: AccountInfo, anna: User
) -> None:  # S14
    gone = make.contact(account, email="gone@example.com")
    wanted = {"and": [{"property": "email", "operator": "is", "value": "Gone@Example.com"}]}
    view_id = saved(account, anna, state={"q": "gone@example.com", "filter": json.dumps(wanted)})
    erase_contacts(account.id, make.ids(gone), by=make.source(anna), now=JAN_20)
    state = queries.view(account.id, view_id, viewer(anna)).state
    assert state is not None
    assert "gone" not in json.dumps(state).casefold()
    assert json.loads(state["filter"])["and"][0]["value"] == state["q"] == "(erased)"

"""Two people at one saved view at the same moment, on two real connections."""

import pytest

from marketable.accounts.models import User
from marketable.accounts.queries import AccountInfo
from marketable.segments.saved_views import queries
from marketable.segments.saved_views.errors import ViewChangedMeanwhile, ViewNameTaken
from marketable.segments.saved_views.rules import Sharing, Viewer
from marketable.segments.services import views
from tests import make
from tests.concurrency import meet
from tests.make import JAN_20

pytestmark = pytest.mark.usefixtures("committing")


@pytest.fixture
def account(committing: None) -> AccountInfo:
    return make.account()


@pytest.fixture
def anna(account: AccountInfo) -> User:
    return User.objects.get(email="anna@example.com")


def save_as_new(account: AccountInfo, user: User) -> int:
    return views.save_as_new(
        account.id,
        "Poland",
        {"sort": "city"},
        sharing=Sharing.ACCOUNT,
        viewer=Viewer(user.pk),
        by=make.source(user),
        now=JAN_20,
    )


def save(account: AccountInfo, view_id: int, user: User, sort: str) -> None:
    views.save(
        account.id,
        view_id,
        {"sort": sort},
        version=1,
        viewer=Viewer(user.pk, is_editor=True),
        by=make.source(user),
        now=JAN_20,
    )


def test_of_two_who_save_at_once_one_is_told(account: AccountInfo, anna: User) -> None:
    view_id = save_as_new(account, anna)
    jan = make.user(account, "marketing_manager")
    _first, later = meet(
        lambda: save(account, view_id, anna, "email"), lambda: save(account, view_id, jan, "name")
    )
    assert later.was_made_to_wait
    assert isinstance(later.error, ViewChangedMeanwhile)
    kept = queries.view(account.id, view_id, Viewer(anna.pk))
    assert (kept.version, kept.state) == (2, {"sort": "email"})


def test_one_name_is_not_given_to_two_views(account: AccountInfo, anna: User) -> None:
    _first, later = meet(lambda: save_as_new(account, anna), lambda: save_as_new(account, anna))
    assert isinstance(later.error, ViewNameTaken)
    assert queries.names_of(account.id, anna.pk) == ["Poland"]

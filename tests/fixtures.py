"""The accounts and people that most tests start from."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from marketable.accounts.models import User
from marketable.accounts.queries import AccountInfo
from marketable.history.sources import Source
from tests import make


@pytest.fixture(autouse=True)
def no_language_is_left() -> Iterator[None]:
    """A request of a test leaves its language to the thread; the next test shall not find it."""
    yield
    translation.deactivate()


@pytest.fixture
def account(db: None) -> AccountInfo:
    """A Professional account in Warsaw with a monthly contract from 1 January 2026."""
    return make.account()


@pytest.fixture
def other_account(db: None) -> AccountInfo:
    return make.account(name="Other Ltd", owner_email="owner@other.example")


@pytest.fixture
def owner(account: AccountInfo) -> User:
    return User.objects.get(email="anna@example.com")


@pytest.fixture
def anna(owner: User) -> Source:
    return make.source(owner)


@pytest.fixture
def count_statements() -> Callable[[int], AbstractContextManager[None]]:
    @contextmanager
    def counting(exactly: int) -> Iterator[None]:
        with CaptureQueriesContext(connection) as captured:
            yield
        texts = [query["sql"][:200] for query in captured.captured_queries]
        assert len(texts) == exactly, "\n".join(texts)

    return counting

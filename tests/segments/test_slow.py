"""Which conditions of a filter read everybody, and what would help."""

from typing import Any

import pytest

from marketable.accounts.queries import AccountInfo
from marketable.history.sources import SourceType, system
from marketable.properties.indexing import index_property
from marketable.properties.models import PropertyIndex
from marketable.properties.rules import IndexState
from marketable.segments import slow
from marketable.segments.rules import from_json
from marketable.segments.slow import SlowPart, slow_parts
from tests import make
from tests.make import JAN_20

pytestmark = pytest.mark.django_db


@pytest.fixture
def large(account: AccountInfo, monkeypatch: pytest.MonkeyPatch) -> AccountInfo:
    """An account whose contacts take long to read, with one indexed property."""
    monkeypatch.setattr(slow, "SLOW_FROM", 1)
    make.contact(account)
    for name in ("city", "hs_legal_basis"):
        index_property(account.id, name, by=system(SourceType.ACCOUNT), now=JAN_20)
    PropertyIndex.objects.update(state=IndexState.READY)
    return account


def _is(name: str, value: Any = "x", operator: str = "is") -> dict[str, Any]:
    return {"property": name, "operator": operator, "value": value}


CITY, ZIP, COMPANY = _is("city"), _is("zip"), _is("company")
UNKNOWN = {"property": "zip", "operator": "is_unknown"}
KNOWN = {"property": "zip", "operator": "is_known"}


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"and": []}, []),
        ({"or": []}, []),
        ({"and": [CITY]}, []),
        ({"and": [{"counts": True}]}, []),
        ({"and": [_is("email")]}, []),
        ({"and": [_is("email", operator="contains")]}, [("and[0]", "email", False)]),
        ({"and": [ZIP]}, [("and[0]", "zip", True)]),
        ({"and": [UNKNOWN]}, [("and[0]", "zip", True)]),
        ({"and": [KNOWN]}, [("and[0]", "zip", False)]),
        ({"and": [_is("city", operator="is_not")]}, [("and[0]", "city", False)]),
        ({"and": [_is("city", operator="contains")]}, [("and[0]", "city", False)]),
        ({"and": [_is("hs_legal_basis", ["Not applicable"], "has_all_of")]}, []),
        ({"and": [_is("createdate", 3, "in_last_days")]}, [("and[0]", "createdate", False)]),
        # One quick part makes all of an *and* quick, every part of an *or* has to be.
        ({"and": [ZIP, CITY]}, []),
        ({"and": [ZIP, {"counts": True}]}, [("and[0]", "zip", True)]),
        ({"and": [ZIP, {"segment": 1}]}, []),
        ({"and": [CITY, _is("hs_marketable_status", "true")]}, []),
        ({"or": [ZIP, CITY]}, [("or[0]", "zip", True)]),
        ({"or": [CITY, {"and": [CITY, ZIP]}]}, []),
        (
            {"and": [ZIP, {"or": [COMPANY, CITY]}]},
            [("and[0]", "zip", True), ("and[1].or[0]", "company", True)],
        ),
        ({"and": [_is("no_such")]}, []),
        ({"and": [_is("zip", operator="no_such")]}, [("and[0]", "zip", False)]),
        ({"and": [{"property": ["zip"]}, {"weather": "fine"}]}, []),
    ],
)
def test_slow_conditions_are_named_with_what_helps(
    large: AccountInfo, written: Any, expected: list[tuple[str, str, bool]]
) -> None:
    assert slow_parts(large.id, from_json(written)) == tuple(SlowPart(*one) for one in expected)


def test_a_small_account_has_no_slow_filter(account: AccountInfo) -> None:
    make.contact(account)
    assert slow_parts(account.id, from_json(ZIP)) == ()


def test_an_index_that_is_not_ready_does_not_help_yet(large: AccountInfo) -> None:
    PropertyIndex.objects.update(state=IndexState.BUILDING)
    assert slow_parts(large.id, from_json(CITY)) == (SlowPart("and[0]", "city", True),)

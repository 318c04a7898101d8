"""Everybody of an account is judged without a look at each; the answer is that of the look."""

from dataclasses import replace
from datetime import date
from itertools import product
from typing import Any

import pytest

from marketable import sql
from marketable.accounts.queries import EVERYTHING, AccountInfo
from marketable.contacts.services.archive import archive_contacts
from marketable.history.sources import Source
from marketable.marketing_status import queries
from marketable.marketing_status.rules import Event, Status
from marketable.segments.selection import Selection, compile_selection
from tests import make
from tests.make import FEB_2, JAN_20

pytestmark = pytest.mark.django_db


@pytest.fixture
def crowd(account: AccountInfo, anna: Source) -> None:
    """Every status with and without an address, refused or not, live and deleted, some of each."""
    deleted = []
    for place, (status, email, bounced, is_deleted) in enumerate(
        product(Status, ["", None], [False, True], [False, True])
    ):
        values: dict[str, Any] = {"hs_email_hard_bounce_reason_enum": "SPAM"} if bounced else {}
        for _ in range(1 + place % 3):
            contact_id = make.contact(account, email=email, status=status, **values)
            deleted += [contact_id] if is_deleted else []
    archive_contacts(account.id, make.ids(*deleted), by=anna, now=JAN_20)


@pytest.mark.usefixtures("crowd")
@pytest.mark.parametrize("event", [Event.START, Event.STOP, Event.KEEP])
@pytest.mark.parametrize("include_unreachable", [False, True])
@pytest.mark.parametrize("today", [JAN_20.date(), FEB_2.date()])
def test_everybody_is_judged_as_one_by_one(
    account: AccountInfo, event: Event, include_unreachable: bool, today: date
) -> None:
    make.contact(make.account("Other"))  # whom nobody asked about
    everybody = compile_selection(account.id, Selection(), reach=EVERYTHING, today=JAN_20.date())
    assert everybody.is_everybody
    each = replace(everybody, is_everybody=False)
    counts = [
        queries.verdict_counts(
            account.id,
            event,
            chosen,
            today=today,
            include_unreachable=include_unreachable,
        )
        for chosen in (everybody, each)
    ]
    assert counts[0] == counts[1]
    assert len(counts[0]) >= 2 or today == FEB_2.date()


@pytest.mark.usefixtures("crowd")
@pytest.mark.parametrize("event", [Event.STOP, Event.KEEP])
@pytest.mark.parametrize("status", list(Status))
def test_those_of_a_status_are_judged_by_their_places_alone(
    account: AccountInfo, event: Event, status: Status
) -> None:
    other = make.account("Other")
    make.contact(other, status=status)
    today = JAN_20.date()
    chosen = compile_selection(account.id, Selection(status=status), reach=EVERYTHING, today=today)
    assert bool(chosen.of_places) == (status is not Status.NON_MARKETING)
    found = [
        sorted(
            sql.rows(
                queries.judge(event, one),
                {
                    **one.params,
                    "account_id": account.id,
                    "today": today,
                    "include_unreachable": False,
                },
            )
        )
        for one in (chosen, replace(chosen, of_places=""))
    ]
    assert found[0] == found[1]
    assert found[0]


def test_what_else_is_asked_needs_the_contacts(account: AccountInfo) -> None:
    for more in (
        Selection(status=Status.LEAVING, search="anna"),
        Selection(status=Status.LEAVING, except_ids=(1,)),
        Selection(status=Status.LEAVING, archived=True),
        Selection(),
    ):
        chosen = compile_selection(account.id, more, reach=EVERYTHING, today=JAN_20.date())
        assert chosen.of_places == ""

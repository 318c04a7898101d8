"""The usage page and its chart: figures, tiers in steps, update dates, what leaves next."""

import itertools
import re
from datetime import date, datetime, timedelta
from html import unescape
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.urls import reverse

from marketable import clock
from marketable.accounts.models import User
from marketable.accounts.queries import AccountInfo
from marketable.billing.queries import TierMove
from marketable.contacts.services.archive import archive_contacts
from marketable.history.sources import Source
from marketable.marketing_status.rules import Status
from marketable.sql import SubQuery
from marketable.web.usage.chart import NARROW, draw
from marketable.web.usage.views import tiers_by_day
from tests import make
from tests.make import JAN_20
from tests.web.guarding import Answer

NEW_YEAR = date(2027, 1, 1)
WARSAW = ZoneInfo("Europe/Warsaw")


@pytest.fixture(autouse=True)
def in_january(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: JAN_20)


def usage_page(account: AccountInfo, user: User) -> str:
    client = Client()
    client.force_login(user)
    answer: Answer = client.get(reverse("usage:show", args=[account.id]))
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", answer.content.decode())))


def days(*values: int) -> list[tuple[date, int]]:
    return [(NEW_YEAR + timedelta(days=n), value) for n, value in enumerate(values)]


def move(day: date, from_tier: int, to_tier: int) -> TierMove:
    at = datetime(day.year, day.month, day.day, 12, tzinfo=WARSAW)
    return TierMove(at, from_tier, to_tier, 0, None)


# The chart


def test_the_tier_stands_above_the_days_in_steps() -> None:
    chart = draw(
        days(*range(100)),
        tiers=[(NEW_YEAR, 50), (NEW_YEAR + timedelta(days=50), 100)],
        ticks=[],
    )
    low, high = chart.tier_line.split()[:2], chart.tier_line.split()[2:]
    assert low[1].split(",")[0] == high[0].split(",")[0]
    assert float(low[0].split(",")[1]) > float(high[0].split(",")[1])
    assert [(step.tier, step.is_labelled) for step in chart.steps] == [(50, True)]
    assert (chart.tier, chart.last) == (100, 99)


def test_usage_above_the_tier_stays_inside_the_drawing() -> None:
    chart = draw(days(10, 500), tiers=[(NEW_YEAR, 100)], ticks=[])
    assert all(float(point.split(",")[1]) >= 0 for point in chart.line.split())
    assert float(chart.last_y) < float(chart.tier_label_y)


def test_an_account_of_one_day_has_a_chart() -> None:
    chart = draw(days(0), tiers=[(NEW_YEAR, 1000)], ticks=[NEW_YEAR])
    assert len(chart.line.split()) == 1
    assert len(chart.ticks) == 1


@pytest.mark.parametrize("size", [(860, 240), NARROW])
def test_labels_of_update_dates_do_not_touch(size: tuple[int, int]) -> None:
    dates = [NEW_YEAR + timedelta(days=30 * n) for n in range(12)]
    chart = draw(days(*range(360)), tiers=[(NEW_YEAR, 400)], ticks=dates, size=size)
    assert len(chart.ticks) == 12
    labelled = [float(tick.x) for tick in chart.ticks if tick.is_labelled]
    assert labelled
    assert all(b - a >= 62 for a, b in itertools.pairwise(labelled))


def test_tiers_are_told_from_the_first_day_shown() -> None:
    moves = [
        move(date(2027, 3, 1), 7000, 12000),
        move(date(2027, 2, 1), 2000, 7000),
    ]
    of_march = (date(2027, 3, 1), 12000)
    assert tiers_by_day(moves, 12000, first=NEW_YEAR, zone=WARSAW) == [
        (NEW_YEAR, 2000),
        (date(2027, 2, 1), 7000),
        of_march,
    ]
    later = date(2027, 2, 10)
    assert tiers_by_day(moves, 12000, first=later, zone=WARSAW) == [(later, 7000), of_march]
    assert tiers_by_day([], 2000, first=NEW_YEAR, zone=WARSAW) == [(NEW_YEAR, 2000)]


# The page


@pytest.mark.django_db
def test_the_page_says_what_the_next_update_date_changes(
    account: AccountInfo, owner: User
) -> None:  # T10, M7
    make.contacts(account, 3, status=Status.MARKETING)
    make.contacts(account, 2, status=Status.LEAVING)
    make.contacts(account, 4)
    said = usage_page(account, owner)
    assert "Marketing contacts now 5" in said
    assert "Next update date 1 Feb Europe/Warsaw" in said
    assert "Staged, will stop counting 2" in said
    assert "Will then count 3" in said
    assert "9 contacts are stored" in said
    assert "Tier can come down on" in said


@pytest.mark.django_db
def test_places_held_by_deleted_contacts_are_named(
    account: AccountInfo, owner: User, anna: Source
) -> None:  # S10
    make.contact(account, status=Status.LEAVING)
    gone = make.contact(account, status=Status.MARKETING)
    archive_contacts(
        account.id,
        SubQuery("SELECT %(sel_id)s::bigint AS id", {"sel_id": gone}),
        by=anna,
        now=JAN_20,
    )
    said = usage_page(account, owner)
    assert "Staged, will stop counting 2" in said
    assert "1 of them is deleted and holds its place." in said


@pytest.mark.django_db
def test_an_account_without_marketing_contacts_yet_says_so(
    account: AccountInfo, owner: User
) -> None:
    said = usage_page(account, owner)
    assert "No contact is a marketing contact yet." in said
    assert "The tier has not moved." in said


def test_a_number_without_a_tier_is_drawn_to_its_own_height() -> None:
    chart = draw(days(5, 10), ticks=[])
    assert chart.tier is None
    assert (chart.tier_line, chart.steps) == ("", ())
    assert chart.last_y == "30.0"

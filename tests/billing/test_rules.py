"""The calendar, tiers, prices and features, without a database."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from importlib import import_module
from itertools import pairwise
from math import floor
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketable.billing.errors import NoContract
from marketable.billing.rules import (
    FEATURES,
    SHIPPED_PLANS,
    Calendar,
    Contract,
    Plan,
    Term,
    begins_at,
    is_renewal,
    is_tier,
    is_update_date,
    next_update_date,
    period_start,
    plan_has,
    price_cents,
    prorated_charge,
    renewal_date_after,
    tier_needed,
    today_in,
    update_dates,
    zone_change_allowed_from,
    zones_disagree,
)

WARSAW = ZoneInfo("Europe/Warsaw")
DAY = timedelta(days=1)


def monthly(year: int, month: int, day: int, ends_on: date | None = None) -> Contract:
    return Contract(date(year, month, day), Term.MONTHLY, ends_on=ends_on)


def yearly(year: int, month: int, day: int, ends_on: date | None = None) -> Contract:
    return Contract(date(year, month, day), Term.YEARLY, ends_on=ends_on)


def three_years(year: int, month: int, day: int) -> Contract:
    return Contract(date(year, month, day), Term.MULTI_YEAR, years=3)


def following(contract: Contract, after: date, how_many: int) -> list[date]:
    found = []
    for _ in range(how_many):
        after = next_update_date(contract, after)
        found.append(after)
    return found


days = st.dates(date(2000, 1, 1), date(2120, 12, 31))
contracts = st.builds(
    Contract,
    starts_on=days,
    term=st.sampled_from(Term),
    years=st.integers(2, 5),
    ends_on=st.none(),
)


# U10


@pytest.mark.parametrize(
    ("contract", "today", "expected"),
    [
        (monthly(2026, 4, 15), date(2026, 4, 20), [date(2026, 5, 15)]),
        (monthly(2026, 4, 15), date(2026, 5, 15), [date(2026, 6, 15)]),
        (
            monthly(2026, 1, 31),
            date(2026, 1, 31),
            [date(2026, 2, 28), date(2026, 3, 31), date(2026, 4, 30), date(2026, 5, 31)],
        ),
        (
            monthly(2028, 1, 30),
            date(2028, 1, 30),
            [date(2028, 2, 29), date(2028, 3, 30), date(2028, 4, 30)],
        ),
        (monthly(2028, 2, 29), date(2028, 2, 29), [date(2028, 3, 29)]),
        (
            monthly(2028, 2, 29),
            date(2028, 12, 29),
            [date(2029, 1, 29), date(2029, 2, 28), date(2029, 3, 29)],
        ),
        (yearly(2026, 10, 19), date(2026, 10, 19), [date(2026, 11, 1)]),
        (yearly(2026, 10, 19), date(2027, 10, 5), [date(2027, 10, 19), date(2027, 11, 1)]),
        (three_years(2026, 6, 10), date(2027, 6, 2), [date(2027, 7, 1)]),
        (three_years(2026, 6, 10), date(2029, 6, 2), [date(2029, 6, 10), date(2029, 7, 1)]),
        (yearly(2026, 1, 15), date(2026, 11, 30), [date(2026, 12, 1)]),
        (yearly(2026, 1, 15), date(2026, 12, 1), [date(2027, 1, 1)]),
    ],
)
def test_the_next_update_dates_are_those_of_the_rule(
    contract: Contract, today: date, expected: list[date]
) -> None:
    assert following(contract, today, len(expected)) == expected


def test_renewals_of_29_february_fall_on_28_february_in_common_years() -> None:  # U2, U10
    renewals = [
        day for day in update_dates(yearly(2028, 2, 29), date(2028, 2, 29), date(2032, 2, 29))
        if day.day != 1
    ]  # fmt: skip
    assert renewals == [
        date(2029, 2, 28), date(2030, 2, 28), date(2031, 2, 28), date(2032, 2, 29),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("day", "zone", "expected"),
    [
        (date(2026, 12, 1), "Europe/Warsaw", datetime(2026, 11, 30, 23, tzinfo=UTC)),
        (date(2026, 4, 1), "Europe/Warsaw", datetime(2026, 3, 31, 22, tzinfo=UTC)),
        (date(2026, 4, 24), "Africa/Cairo", datetime(2026, 4, 23, 22, tzinfo=UTC)),
    ],
)
def test_an_update_date_begins_at_local_midnight(day: date, zone: str, expected: datetime) -> None:
    assert begins_at(day, ZoneInfo(zone)) == expected  # U3, U10


def test_staged_a_second_before_the_date_leaves_on_it_and_at_midnight_a_month_later() -> None:
    contract = yearly(2026, 1, 15)
    midnight = datetime(2026, 11, 30, 23, tzinfo=UTC)  # U10: 1 Dec in Warsaw
    before, at = midnight - timedelta(seconds=1), midnight
    assert next_update_date(contract, today_in(WARSAW, before)) == date(2026, 12, 1)
    assert next_update_date(contract, today_in(WARSAW, at)) == date(2027, 1, 1)


def test_a_send_after_a_missed_date_already_sees_it_begun() -> None:  # U6, U10
    assert today_in(WARSAW, datetime(2026, 12, 2, 9, tzinfo=UTC)) >= date(2026, 12, 1)


# The calendar of one contract


@given(contracts, days)
def test_the_next_update_date_is_always_later_and_none_lies_between(
    contract: Contract, today: date
) -> None:  # V17, U4
    found = next_update_date(contract, today)
    assert found > today
    assert is_update_date(contract, found)
    day = max(today, contract.starts_on) + DAY
    while day < found:
        assert not is_update_date(contract, day)
        day += DAY


@given(contracts, days)
def test_periods_are_at_most_a_month_and_join_without_gaps(contract: Contract, today: date) -> None:
    start = period_start(contract, today)
    end = next_update_date(contract, today)
    if today >= contract.starts_on:
        assert start <= today < end
        assert end - start <= timedelta(days=31)
        assert next_update_date(contract, start) == end
    else:
        assert start == contract.starts_on < end


@given(contracts, days)
def test_dates_rise_strictly_and_are_the_update_dates_of_the_time(
    contract: Contract, after: date
) -> None:
    until = after + timedelta(days=500)
    found = list(update_dates(contract, after, until))
    assert found == sorted(set(found))
    every_day = (after + n * DAY for n in range(1, 501))
    assert found == [day for day in every_day if is_update_date(contract, day)]


@given(contracts)
def test_the_first_day_is_no_update_date(contract: Contract) -> None:  # U2
    assert not is_update_date(contract, contract.starts_on)
    assert not is_renewal(contract, contract.starts_on)
    assert period_start(contract, contract.starts_on) == contract.starts_on


@given(contracts, days)
def test_a_renewal_is_an_update_date_and_the_first_one_later(
    contract: Contract, today: date
) -> None:  # T7
    found = renewal_date_after(contract, today)
    assert found > today
    assert is_renewal(contract, found)
    assert is_update_date(contract, found)
    earlier = update_dates(contract, max(today, contract.starts_on), found - DAY)
    assert not any(is_renewal(contract, day) for day in earlier)


def test_a_short_month_does_not_move_the_anchor() -> None:  # U2
    found = list(update_dates(monthly(2027, 8, 31), date(2027, 8, 31), date(2028, 8, 31)))
    assert [day.day for day in found] == [30, 31, 30, 31, 31, 29, 31, 30, 31, 30, 31, 31]


def test_a_tier_comes_down_at_renewals_only() -> None:  # T7
    assert renewal_date_after(monthly(2026, 1, 31), date(2026, 2, 28)) == date(2026, 3, 31)
    assert renewal_date_after(yearly(2026, 10, 19), date(2027, 10, 19)) == date(2028, 10, 19)
    assert renewal_date_after(three_years(2026, 6, 10), date(2026, 6, 10)) == date(2029, 6, 10)
    assert renewal_date_after(three_years(2026, 6, 10), date(2029, 6, 10)) == date(2032, 6, 10)
    ending = monthly(2026, 1, 31, ends_on=date(2026, 3, 10))
    assert renewal_date_after(ending, date(2026, 3, 1)) == date(2026, 3, 11)


def test_a_yearly_contract_renews_every_year_whatever_its_length_says() -> None:
    contract = Contract(date(2026, 1, 15), Term.YEARLY, years=3)
    assert renewal_date_after(contract, date(2026, 1, 15)) == date(2027, 1, 15)


def test_the_day_after_a_contract_ends_is_its_last_update_date() -> None:  # U7, E7
    contract = yearly(2026, 1, 15, ends_on=date(2026, 3, 20))
    assert following(contract, date(2026, 2, 10), 2) == [date(2026, 3, 1), date(2026, 3, 21)]
    assert list(update_dates(contract, date(2026, 1, 15), date(2030, 1, 1))) == [
        date(2026, 2, 1), date(2026, 3, 1), date(2026, 3, 21),
    ]  # fmt: skip
    assert is_update_date(contract, date(2026, 3, 21))
    assert not is_update_date(contract, date(2026, 4, 1))
    assert not is_renewal(contract, date(2027, 1, 15))


def test_a_contract_that_is_over_has_no_dates() -> None:  # V17
    contract = monthly(2026, 1, 15, ends_on=date(2026, 3, 20))
    today = date(2026, 3, 21)
    for ask in (next_update_date, period_start, renewal_date_after):
        with pytest.raises(NoContract):
            ask(contract, today)
    assert list(update_dates(contract, today, date(2027, 1, 1))) == []


# Several contracts


def test_a_changed_contract_begins_at_the_old_ones_next_date() -> None:  # U7
    calendar = Calendar((monthly(2026, 4, 15), yearly(2026, 6, 15)))
    assert calendar.next_update_date(date(2026, 5, 20)) == date(2026, 6, 15)
    assert calendar.next_update_date(date(2026, 6, 14)) == date(2026, 6, 15)
    assert calendar.next_update_date(date(2026, 6, 15)) == date(2026, 7, 1)
    assert calendar.period_start(date(2026, 6, 14)) == date(2026, 5, 15)
    assert calendar.period_start(date(2026, 6, 20)) == date(2026, 6, 15)
    assert list(calendar.update_dates(date(2026, 4, 15), date(2026, 8, 1))) == [
        date(2026, 5, 15), date(2026, 6, 15), date(2026, 7, 1), date(2026, 8, 1),
    ]  # fmt: skip
    assert calendar.contract_on(date(2026, 6, 14)).term is Term.MONTHLY
    assert calendar.contract_on(date(2026, 6, 15)).term is Term.YEARLY


def test_a_contract_begun_by_an_administrator_on_another_day_makes_that_day_a_date() -> None:
    calendar = Calendar((monthly(2026, 4, 15), yearly(2026, 6, 3)))  # U7
    assert calendar.next_update_date(date(2026, 5, 20)) == date(2026, 6, 3)
    assert list(calendar.update_dates(date(2026, 5, 15), date(2026, 7, 1))) == [
        date(2026, 6, 3), date(2026, 7, 1),
    ]  # fmt: skip


def test_between_two_contracts_there_is_no_date() -> None:  # V17
    calendar = Calendar((monthly(2026, 1, 1, ends_on=date(2026, 3, 9)), monthly(2026, 5, 20)))
    with pytest.raises(NoContract):
        calendar.next_update_date(date(2026, 4, 1))
    with pytest.raises(NoContract):
        calendar.period_start(date(2026, 4, 1))
    assert calendar.next_update_date(date(2026, 3, 5)) == date(2026, 3, 10)
    # Nobody is staged when the second one begins, so its first day is no update date.
    assert list(calendar.update_dates(date(2026, 2, 1), date(2026, 6, 30))) == [
        date(2026, 3, 1), date(2026, 3, 10), date(2026, 6, 20),
    ]  # fmt: skip


def test_before_the_first_contract_its_own_dates_are_given() -> None:
    calendar = Calendar((monthly(2026, 4, 15), yearly(2026, 6, 15)))
    assert calendar.next_update_date(date(2026, 1, 1)) == date(2026, 5, 15)
    assert calendar.period_start(date(2026, 1, 1)) == date(2026, 4, 15)


def test_without_any_contract_there_is_no_date() -> None:  # V17
    with pytest.raises(NoContract):
        Calendar(()).next_update_date(date(2026, 1, 1))
    assert list(Calendar(()).update_dates(date(2026, 1, 1), date(2027, 1, 1))) == []


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    """Contracts that follow each other on update dates, as services make them."""
    pieces = [draw(contracts)]
    for _ in range(draw(st.integers(0, 3))):
        ahead = draw(st.integers(0, 400))
        begins = next_update_date(pieces[-1], pieces[-1].starts_on + ahead * DAY)
        pieces.append(Contract(begins, draw(st.sampled_from(Term)), years=draw(st.integers(2, 5))))
    return Calendar(tuple(pieces))


@given(calendars(), st.integers(-50, 2_000))
def test_a_calendar_of_several_contracts_keeps_the_rules_of_one(
    calendar: Calendar, ahead: int
) -> None:
    today = calendar.contracts[0].starts_on + ahead * DAY
    found = calendar.next_update_date(today)
    assert found > today
    assert next(calendar.update_dates(today, found)) == found
    assert list(calendar.update_dates(today, found - DAY)) == []
    if ahead >= 0:
        assert calendar.period_start(today) <= today
        assert calendar.next_update_date(calendar.period_start(today)) == found


@given(calendars(), st.integers(0, 300), contracts)
def test_a_date_once_shown_never_moves_later(
    calendar: Calendar, ahead: int, agreed: Contract
) -> None:  # U7, V6
    today = calendar.contracts[-1].starts_on + ahead * DAY
    shown = calendar.next_update_date(today)
    changed = Calendar((*calendar.contracts, Contract(shown, agreed.term, years=agreed.years)))
    day = today
    while day < shown:
        assert changed.next_update_date(day) == shown
        day += DAY


# Zones


SOME_DAYS = [
    date(2026, 4, 24), date(2026, 3, 29), date(2026, 10, 25), date(2026, 9, 6), date(2026, 3, 1),
    date(2011, 12, 30), date(2011, 12, 31), date(2010, 11, 7), date(2018, 11, 4),
    date(1919, 3, 31), date(2026, 12, 1),
]  # fmt: skip


@pytest.mark.parametrize("day", SOME_DAYS)
def test_a_day_begins_once_in_every_zone(day: date) -> None:  # U3
    for name in sorted(available_timezones()):
        zone = ZoneInfo(name)
        begins = begins_at(day, zone)
        just_before = begins - timedelta(microseconds=1)
        assert begins.astimezone(zone).date() >= day, name
        assert just_before.astimezone(zone).date() < day, name
        assert today_in(zone, just_before) < day <= today_in(zone, begins), name


@settings(max_examples=300)
@given(
    st.sampled_from(sorted(available_timezones())),
    st.datetimes(datetime(1990, 1, 1), datetime(2037, 1, 1)),
)
def test_today_is_the_latest_day_that_has_begun(name: str, at: datetime) -> None:  # U3
    zone, now = ZoneInfo(name), at.replace(tzinfo=UTC)
    today = today_in(zone, now)
    assert begins_at(today, zone) <= now < begins_at(today + DAY, zone)


def test_a_gap_that_begins_before_midnight_ends_at_the_first_instant_that_exists() -> None:  # U3
    # Toronto went from 23:30 on the 30th to 00:30 on the 31st.
    begins = begins_at(date(1919, 3, 31), ZoneInfo("America/Toronto"))
    assert begins == datetime(1919, 3, 31, 4, 30, tzinfo=UTC)


def test_a_midnight_that_occurs_twice_counts_the_first_time() -> None:  # U3
    havana = ZoneInfo("America/Havana")  # 01:00 on 1 Nov 2026 is put back to 00:00
    assert begins_at(date(2026, 11, 1), havana) == datetime(2026, 11, 1, 4, tzinfo=UTC)


def test_a_day_that_has_begun_stays_when_the_clock_goes_back_across_midnight() -> None:  # U3
    newfoundland = ZoneInfo("America/St_Johns")  # 00:01 on 7 Nov 2010 was put back to 23:01
    begins = begins_at(date(2010, 11, 7), newfoundland)
    later = [begins + timedelta(minutes=minutes) for minutes in range(0, 180)]
    assert {today_in(newfoundland, moment) for moment in later} == {date(2010, 11, 7)}


def test_a_skipped_day_begins_with_the_next_one() -> None:  # U3
    apia = ZoneInfo("Pacific/Apia")  # had no 30 Dec 2011
    assert begins_at(date(2011, 12, 30), apia) == begins_at(date(2011, 12, 31), apia)


def test_a_zone_is_changed_at_once_away_from_update_dates() -> None:  # U8
    calendar = Calendar((yearly(2026, 1, 15),))
    now = datetime(2026, 5, 12, 12, tzinfo=UTC)
    tokyo = ZoneInfo("Asia/Tokyo")
    assert zone_change_allowed_from(WARSAW, tokyo, now, calendar) == now
    assert not zones_disagree(WARSAW, tokyo, now, calendar)


def test_a_zone_change_is_refused_while_the_zones_disagree_on_a_date() -> None:  # U8
    calendar = Calendar((yearly(2026, 1, 15),))
    tokyo = ZoneInfo("Asia/Tokyo")
    in_tokyo = datetime(2026, 4, 30, 15, tzinfo=UTC)  # 1 May begins there
    in_warsaw = datetime(2026, 4, 30, 22, tzinfo=UTC)  # and here
    for old, new in ((WARSAW, tokyo), (tokyo, WARSAW)):
        assert zone_change_allowed_from(old, new, in_tokyo, calendar) == in_warsaw
        assert zones_disagree(old, new, in_warsaw - timedelta(seconds=1), calendar)
        assert not zones_disagree(old, new, in_tokyo - timedelta(seconds=1), calendar)
        assert not zones_disagree(old, new, in_warsaw, calendar)


def test_two_dates_in_a_row_may_keep_a_zone_change_waiting_for_both() -> None:  # U8
    calendar = Calendar((yearly(2026, 1, 2),))
    far_west, far_east = ZoneInfo("Etc/GMT+12"), ZoneInfo("Etc/GMT-14")
    now = datetime(2026, 12, 31, 12, tzinfo=UTC)  # 1 Jan in the east, and 2 Jan is the renewal
    assert zone_change_allowed_from(far_west, far_east, now, calendar) == datetime(
        2027, 1, 2, 12, tzinfo=UTC
    )


zone_names = st.sampled_from(sorted(available_timezones()))


@given(zone_names, zone_names, st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)), contracts)
def test_a_zone_change_waits_exactly_while_the_zones_disagree(
    old_name: str, new_name: str, at: datetime, contract: Contract
) -> None:  # U8
    old, new, now = ZoneInfo(old_name), ZoneInfo(new_name), at.replace(tzinfo=UTC)
    calendar = Calendar((contract,))

    def disagree(moment: datetime) -> bool:
        days = sorted((today_in(old, moment), today_in(new, moment)))
        return any(True for _ in calendar.update_dates(days[0], days[1]))

    found = zone_change_allowed_from(old, new, now, calendar)
    assert found >= now
    assert found - now <= timedelta(hours=52)
    assert not disagree(found)
    assert disagree(now) is (found > now) is zones_disagree(old, new, now, calendar)


def test_without_a_contract_a_zone_is_changed_at_once() -> None:
    now = datetime(2026, 5, 1, tzinfo=UTC)
    assert zone_change_allowed_from(WARSAW, ZoneInfo("UTC"), now, Calendar(())) == now


# Tiers and prices


@pytest.mark.parametrize(
    ("plan", "limits"),
    [
        ("starter", [1_000, 2_000, 3_000]),
        ("professional", [2_000, 7_000, 12_000]),
        ("enterprise", [10_000, 20_000, 30_000]),
    ],
)
def test_usage_equal_to_the_limit_fits_and_one_more_does_not(plan: str, limits: list[int]) -> None:
    ladder = SHIPPED_PLANS[plan]  # T2, T3
    assert tier_needed(ladder, 0) == limits[0]
    for limit, following_limit in pairwise(limits):
        assert tier_needed(ladder, limit) == limit
        assert tier_needed(ladder, limit + 1) == following_limit


plans = st.builds(
    Plan, code=st.just("own"), included=st.integers(0, 100_000), step=st.integers(1, 50_000)
)


@given(plans, st.integers(0, 20_000_000))
def test_the_tier_is_the_smallest_that_fits(plan: Plan, usage: int) -> None:  # T3
    tier = tier_needed(plan, usage)
    assert tier >= usage
    assert is_tier(plan, tier)
    assert (tier - plan.included) % plan.step == 0
    assert tier == plan.included or tier - plan.step < usage


def test_a_number_off_the_ladder_is_no_tier() -> None:
    assert not is_tier(SHIPPED_PLANS["professional"], 6_999)
    assert not is_tier(SHIPPED_PLANS["professional"], 0)


def test_a_plan_without_steps_never_grows() -> None:
    assert tier_needed(Plan("free", 0, 0), 5) == 0
    assert price_cents(Plan("free", 0, 0), 0, base_cents=0, step_cents=0) == 0


def test_a_tier_costs_the_base_and_each_step() -> None:  # T2
    plan = SHIPPED_PLANS["professional"]
    prices = [
        price_cents(plan, tier, base_cents=80_000, step_cents=22_500)
        for tier in (2_000, 7_000, 12_000)
    ]
    assert prices == [80_000, 102_500, 125_000]


def test_there_is_no_price_where_none_is_set() -> None:  # T10
    plan = SHIPPED_PLANS["professional"]
    assert price_cents(plan, 2_000, base_cents=None, step_cents=1) is None
    assert price_cents(plan, 2_000, base_cents=1, step_cents=None) is None


@pytest.mark.parametrize(
    ("extra", "days", "period", "expected"),
    [
        (22_500, 30, 30, 22_500),
        (22_500, 1, 30, 750),
        (100, 1, 200, 1),  # 0.5 goes up
        (99, 1, 200, 0),
        (22_500, 10, 31, 7_258),  # 7,258.06
        (22_500, 0, 30, 0),
        (22_500, -1, 30, 0),
        (0, 30, 30, 0),
    ],
)
def test_an_upgrade_costs_its_days_rounded_half_up(
    extra: int, days: int, period: int, expected: int
) -> None:  # T5
    renewal = date(2026, 6, 1)
    assert (
        prorated_charge(80_000, 80_000 + extra, renewal - days * DAY, renewal, period) == expected
    )


@given(st.integers(0, 10**9), st.integers(0, 366), st.integers(1, 366))
def test_a_charge_is_the_exact_share_rounded_half_up(extra: int, days: int, period: int) -> None:
    renewal = date(2026, 6, 1)  # T5
    charge = prorated_charge(0, extra, renewal - days * DAY, renewal, period)
    assert charge == floor(Fraction(extra * days, period) + Fraction(1, 2))


# Features


def test_the_features_are_those_the_tables_are_filled_with() -> None:  # E8
    shipped = import_module("marketable.billing.migrations.0002_keys_and_plans").PLANS
    assert {code: frozenset(features) for code, *_, features in shipped} == FEATURES
    assert {code: (included, step) for code, _, included, step, _ in shipped if code != "free"} == {
        code: (plan.included, plan.step) for code, plan in SHIPPED_PLANS.items()
    }


def test_marketing_contacts_need_a_paid_plan_and_workflows_a_large_one() -> None:  # E8
    with_marketing = {code for code in FEATURES if plan_has(code, "marketing_contacts")}
    assert with_marketing == {"starter", "professional", "enterprise"}
    assert {code for code in FEATURES if plan_has(code, "workflows")} == {
        "professional", "enterprise",
    }  # fmt: skip
    assert not plan_has("unknown", "contacts")

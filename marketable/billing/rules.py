"""The update-date calendar, tiers and prices (U, T). Pure: no database, no clock."""

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from marketable.billing.errors import NoContract


class Term(StrEnum):
    MONTHLY = "monthly"
    YEARLY = "yearly"
    MULTI_YEAR = "multi_year"


@dataclass(frozen=True, slots=True)
class Contract:
    """`years` is the length of the term of a contract over several years, else 1."""

    starts_on: date
    term: Term
    years: int = 1
    ends_on: date | None = None


def on_day(year: int, month: int, day: int) -> date:
    """Return that day of the month, or the month's last day where it is shorter (U2).

    >>> on_day(2027, 2, 31)
    datetime.date(2027, 2, 28)
    """
    return date(year, month, min(day, calendar.monthrange(year, month)[1]))


def _month_after(day: date, months: int) -> tuple[int, int]:
    index = day.year * 12 + day.month - 1 + months
    return index // 12, index % 12 + 1


def is_update_date(contract: Contract, day: date) -> bool:
    """Tell whether staged contacts leave on `day` (U1). The contract's first day is none."""
    if day <= contract.starts_on:
        return False
    if contract.term is Term.MONTHLY:
        return day == on_day(day.year, day.month, contract.starts_on.day)
    return day.day == 1 or is_renewal(contract, day)


def is_renewal(contract: Contract, day: date) -> bool:
    """Tell whether the contract's term begins anew on `day`."""
    start = contract.starts_on
    if day <= start:
        return False
    if contract.term is Term.MONTHLY:
        return day == on_day(day.year, day.month, start.day)
    if (day.year - start.year) % contract.years:
        return False
    return day == on_day(day.year, start.month, start.day)


def next_update_date(contract: Contract, today: date) -> date:
    """Return the first update date after `today`, a day in the account's time zone.

    An update date that falls on `today` has begun, so the answer is always later (U4, V17).

    >>> next_update_date(Contract(date(2026, 1, 31), Term.MONTHLY), date(2026, 2, 28))
    datetime.date(2026, 3, 31)
    """
    day = max(today, contract.starts_on)
    candidates = []
    for months in (0, 1):
        year, month = _month_after(day, months)
        if contract.term is Term.MONTHLY:
            candidates.append(on_day(year, month, contract.starts_on.day))
        else:
            candidates += [date(year, month, 1), on_day(year, month, contract.starts_on.day)]
    return min(
        found for found in candidates if found > day and is_update_date(contract, found)
    )


def period_start(contract: Contract, today: date) -> date:
    """Return the latest update date up to `today`, or the contract's first day before any."""
    day = today
    while day > contract.starts_on and not is_update_date(contract, day):
        day -= timedelta(days=1)
    return max(day, contract.starts_on)


def renewal_date_after(contract: Contract, today: date) -> date:
    """Return the first day after `today` on which the term begins anew (T7)."""
    start = contract.starts_on
    if contract.term is Term.MONTHLY:
        return next_update_date(contract, today)
    year = max(today.year, start.year)
    while True:
        day = on_day(year, start.month, start.day)
        if day > today and is_renewal(contract, day):
            return day
        year += 1


@dataclass(frozen=True, slots=True)
class Calendar:
    """An account's contracts in order. Each begins on an update date of the one before, so a
    date once shown never moves (U7)."""

    contracts: tuple[Contract, ...]

    def contract_on(self, day: date) -> Contract:
        """Return the contract in force; before the first one begins, that one."""
        current = self.contracts[0]
        for contract in self.contracts:
            if contract.starts_on <= day:
                current = contract
        if current.ends_on is not None and day > current.ends_on:
            raise NoContract("The contract has ended, so there is no update date.")
        return current

    def next_update_date(self, today: date) -> date:
        found = next_update_date(self.contract_on(today), today)
        for contract in self.contracts[1:]:
            if today < contract.starts_on <= found:
                return contract.starts_on
        return found

    def period_start(self, today: date) -> date:
        return period_start(self.contract_on(today), today)

    def update_dates(self, after: date, until: date) -> Iterator[date]:
        """Yield the update dates after `after`, up to and including `until`."""
        day = self.next_update_date(after)
        while day <= until:
            yield day
            day = self.next_update_date(day)


def begins_at(day: date, zone: ZoneInfo) -> datetime:
    """Return the first instant of `day` in `zone`, in UTC (U3).

    Where midnight does not exist, the first instant that does; where it occurs twice, the first.

    >>> begins_at(date(2026, 4, 24), ZoneInfo("Africa/Cairo"))
    datetime.datetime(2026, 4, 23, 22, 0, tzinfo=datetime.timezone.utc)
    """
    # fold=0 is the first of two, and in a gap the offset before it: exactly the gap's end.
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)


def today_in(zone: ZoneInfo, now: datetime) -> date:
    """Return the calendar day of `now` in `zone`."""
    return now.astimezone(zone).date()


def zone_change_allowed_from(
    old: ZoneInfo, new: ZoneInfo, now: datetime, calendar: Calendar
) -> datetime:
    """Return the first moment, not before `now`, at which both zones agree on whether an update
    date has begun (U8)."""
    moment = now
    for day in calendar.update_dates(
        min(today_in(old, now), today_in(new, now)) - timedelta(days=2),
        max(today_in(old, now), today_in(new, now)) + timedelta(days=2),
    ):
        first, last = sorted((begins_at(day, old), begins_at(day, new)))
        if first <= moment < last:
            moment = last
    return moment


@dataclass(frozen=True, slots=True)
class Plan:
    """Limits are included + k × step, k = 0, 1, 2 … (T2)."""

    code: str
    included: int
    step: int


SHIPPED_PLANS = {
    "starter": Plan("starter", 1_000, 1_000),
    "professional": Plan("professional", 2_000, 5_000),
    "enterprise": Plan("enterprise", 10_000, 10_000),
}


def tier_needed(plan: Plan, usage: int) -> int:
    """Return the smallest limit that is not below `usage` (T3).

    >>> tier_needed(SHIPPED_PLANS["professional"], 2_001)
    7000
    """
    if usage <= plan.included or not plan.step:
        return plan.included
    steps = -(-(usage - plan.included) // plan.step)
    return plan.included + steps * plan.step


def is_tier(plan: Plan, limit: int) -> bool:
    return limit == tier_needed(plan, limit)


def price_cents(
    plan: Plan, tier: int, *, base_cents: int | None, step_cents: int | None
) -> int | None:
    """Return a month's price of `tier`, or None where no price is set (T2, T10)."""
    if base_cents is None or step_cents is None:
        return None
    steps = (tier - plan.included) // plan.step if plan.step else 0
    return base_cents + max(steps, 0) * step_cents

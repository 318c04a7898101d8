"""The update-date calendar, tiers, prices and features (U, T, E8). Pure: no database, no clock."""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from marketable.billing.errors import NoContract

ONE_DAY = timedelta(days=1)


class Term(StrEnum):
    MONTHLY = "monthly"
    YEARLY = "yearly"
    MULTI_YEAR = "multi_year"


@dataclass(frozen=True, slots=True)
class Contract:
    """What was agreed for a time, with the calendar that follows from it (U1).

    years    length of the term of a contract over several years; other terms do not look at it
    ends_on  the last day in force, or None while no end is agreed
    """

    starts_on: date
    term: Term
    years: int = 1
    ends_on: date | None = None

    def is_over(self, day: date) -> bool:
        return self.ends_on is not None and day > self.ends_on


def on_day(year: int, month: int, day: int) -> date:
    """Return that day of the month, or the month's last day where it is shorter (U2).

    >>> on_day(2027, 2, 31)
    datetime.date(2027, 2, 28)
    """
    return date(year, month, min(day, monthrange(year, month)[1]))


def is_renewal(contract: Contract, day: date) -> bool:
    """Tell whether the contract's term begins anew on `day` (T7)."""
    return not contract.is_over(day) and _begins_term(contract, day)


def is_update_date(contract: Contract, day: date) -> bool:
    """Tell whether staged contacts leave on `day` (U1, U7).

    The contract's first day is none (U2). The day after its last one is, whichever it is.
    """
    if contract.is_over(day):
        return day - ONE_DAY == contract.ends_on
    return _is_regular(contract, day)


def _begins_term(contract: Contract, day: date) -> bool:
    start = contract.starts_on
    if day <= start:
        return False
    if contract.term is Term.MONTHLY:
        return day == on_day(day.year, day.month, start.day)
    years = (day.year - start.year) % _term_years(contract)
    return years == 0 and day == on_day(day.year, start.month, start.day)


def _is_regular(contract: Contract, day: date) -> bool:
    """Tell whether `day` would be an update date if the contract had no end."""
    if contract.term is not Term.MONTHLY and day.day == 1 and day > contract.starts_on:
        return True
    return _begins_term(contract, day)


def _term_years(contract: Contract) -> int:
    return contract.years if contract.term is Term.MULTI_YEAR else 1


def next_update_date(contract: Contract, today: date) -> date:
    """Return the first update date after `today`, a day in the account's time zone.

    An update date that falls on `today` has begun, so the answer is always later (U4, V17).
    Before the contract begins, it is the first one after its first day.

    Raises NoContract when the contract is over.

    >>> next_update_date(Contract(date(2026, 1, 31), Term.MONTHLY), date(2026, 2, 28))
    datetime.date(2026, 3, 31)
    """
    _require_in_force(contract, today)
    day = max(today, contract.starts_on)
    found = min(later for later in _regular_dates(contract, day, (0, 1)) if later > day)
    if contract.ends_on is not None:
        return min(found, contract.ends_on + ONE_DAY)
    return found


def period_start(contract: Contract, today: date) -> date:
    """Return the latest update date up to `today`, or the contract's first day before any.

    Raises NoContract when the contract is over.
    """
    _require_in_force(contract, today)
    begun = [day for day in _regular_dates(contract, today, (-1, 0)) if day <= today]
    return max([contract.starts_on, *begun])


def update_dates(contract: Contract, after: date, until: date) -> Iterator[date]:
    """Yield the update dates after `after`, up to and including `until`."""
    day = after
    while not contract.is_over(day):
        day = next_update_date(contract, day)
        if day > until:
            return
        yield day


def renewal_date_after(contract: Contract, today: date) -> date:
    """Return the first day after `today` on which the tier may come down (T7).

    A monthly contract renews on every update date, others at the end of the term. A contract that
    ends sooner frees its tier on the day after.

    Raises NoContract when the contract is over.
    """
    _require_in_force(contract, today)
    start = contract.starts_on
    if contract.term is Term.MONTHLY:
        return next_update_date(contract, today)
    years = _term_years(contract)
    terms = max(0, (today.year - start.year) // years)
    while True:
        found = on_day(start.year + terms * years, start.month, start.day)
        if found > max(today, start):
            break
        terms += 1
    if contract.ends_on is not None:
        return min(found, contract.ends_on + ONE_DAY)
    return found


def _require_in_force(contract: Contract, day: date) -> None:
    if contract.is_over(day):
        raise NoContract("The contract has ended, so there is no update date.")


def _regular_dates(contract: Contract, day: date, months: tuple[int, int]) -> Iterator[date]:
    """Yield the regular update dates in two months, given as distances from `day`'s month."""
    for ahead in months:
        index = day.year * 12 + day.month - 1 + ahead
        year, month = index // 12, index % 12 + 1
        for number in {1, contract.starts_on.day}:
            found = on_day(year, month, number)
            if _is_regular(contract, found):
                yield found


@dataclass(frozen=True, slots=True)
class Calendar:
    """An account's contracts, in the order they begin.

    A contract governs until the next one begins or it ends. Where the next one follows without a
    gap, the day it begins is an update date, whatever day it is (U7); services let it begin on an
    update date of the one before, so a date once shown never moves.
    """

    contracts: tuple[Contract, ...]

    def contract_on(self, day: date) -> Contract:
        """Return the contract in force on `day`; before the first one begins, the first.

        Raises NoContract when there is none, or the one that was in force has ended (V17).
        """
        if not self.contracts:
            raise NoContract("There is no contract, so there is no update date.")
        begun = [contract for contract in self.contracts if contract.starts_on <= day]
        current = begun[-1] if begun else self.contracts[0]
        _require_in_force(current, day)
        return current

    def next_update_date(self, today: date) -> date:
        """Return the first update date after `today`. Raises NoContract (V17)."""
        found = next_update_date(self.contract_on(today), today)
        for contract in self.contracts[1:]:
            if today < contract.starts_on <= found:
                return contract.starts_on
        return found

    def period_start(self, today: date) -> date:
        """Return the day the period of `today` began. Raises NoContract (V17)."""
        return period_start(self.contract_on(today), today)

    def update_dates(self, after: date, until: date) -> Iterator[date]:
        """Yield the update dates after `after`, up to and including `until`; none where no
        contract is in force."""
        for index, contract in enumerate(self.contracts):
            if index and after < contract.starts_on <= until:
                before = self.contracts[index - 1]
                if not before.is_over(contract.starts_on - ONE_DAY):
                    yield contract.starts_on
            until_here = until
            if index + 1 < len(self.contracts):
                until_here = min(until, self.contracts[index + 1].starts_on - ONE_DAY)
            yield from update_dates(contract, max(after, contract.starts_on), until_here)


def begins_at(day: date, zone: ZoneInfo) -> datetime:
    """Return the first instant of `day` in `zone`, in UTC (U3).

    Where midnight does not exist, the first instant that does; where it occurs twice, the first.

    >>> begins_at(date(2026, 4, 24), ZoneInfo("Africa/Cairo"))
    datetime.datetime(2026, 4, 23, 22, 0, tzinfo=datetime.timezone.utc)
    """
    midnight = datetime.combine(day, time())
    late = midnight.replace(tzinfo=zone).astimezone(UTC)  # fold=0: the first of two
    if late.astimezone(zone).replace(tzinfo=None) == midnight:
        return late
    # Midnight falls into a gap. With the offset before it, `late` is the gap's end or shortly
    # after; with the offset after it, `early` is before the gap. The clock jumps in between, on a
    # whole second.
    early = midnight.replace(tzinfo=zone, fold=1).astimezone(UTC)
    low, high = int(early.timestamp()), int(late.timestamp())
    while high - low > 1:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, zone).replace(tzinfo=None) < midnight:
            low = middle
        else:
            high = middle
    return datetime.fromtimestamp(high, UTC)


def today_in(zone: ZoneInfo, now: datetime) -> date:
    """Return the account's date at `now`.

    A date that has begun stays, also where the clock is put back across midnight (U3).
    """
    local = now.astimezone(zone)
    if local.fold and begins_at(local.date() + ONE_DAY, zone) <= now:
        return local.date() + ONE_DAY
    return local.date()


def zone_change_allowed_from(
    old: ZoneInfo, new: ZoneInfo, now: datetime, calendar: Calendar
) -> datetime:
    """Return the first moment, not before `now`, at which both zones agree on whether an update
    date has begun (U8). It is `now` itself when they agree, or no contract is in force."""
    moment = now
    first_day = min(today_in(old, now), today_in(new, now)) - 2 * ONE_DAY
    for day in calendar.update_dates(first_day, first_day + timedelta(days=6)):
        first, last = sorted((begins_at(day, old), begins_at(day, new)))
        if first <= moment < last:
            moment = last
    return moment


def zones_disagree(old: ZoneInfo, new: ZoneInfo, now: datetime, calendar: Calendar) -> bool:
    """Tell whether a change of zone is refused at `now` (U8)."""
    return zone_change_allowed_from(old, new, now, calendar) > now


@dataclass(frozen=True, slots=True)
class Plan:
    """Limits are included + k × step, k = 0, 1, 2 … (T2). A plan without a step never grows."""

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

    >>> tier_needed(SHIPPED_PLANS["professional"], 2_000)
    2000
    >>> tier_needed(SHIPPED_PLANS["professional"], 2_001)
    7000
    """
    if usage <= plan.included or not plan.step:
        return plan.included
    return plan.included + _steps(plan, usage) * plan.step


def is_tier(plan: Plan, limit: int) -> bool:
    """Tell whether `limit` is on the plan's ladder."""
    return limit == tier_needed(plan, limit)


def price_cents(
    plan: Plan, tier: int, *, base_cents: int | None, step_cents: int | None
) -> int | None:
    """Return a month's price of `tier`, or None where no price is set (T2, T10).

    base_cents  for the included contacts
    step_cents  for each further step; a tier between two limits costs what the upper one does
    """
    if base_cents is None or step_cents is None:
        return None
    return base_cents + _steps(plan, tier) * step_cents


def _steps(plan: Plan, count: int) -> int:
    return max(0, -((plan.included - count) // plan.step)) if plan.step else 0


def prorated_charge(
    old_cents: int, new_cents: int, charge_on: date, renewal_on: date, period_days: int
) -> int:
    """Return what an upgrade costs until the renewal, in cents, rounded half up (T5).

    charge_on    first day that is charged: the day after the upgrade, or later by T8
    renewal_on   first day that is not; a charge dated on or after it is 0
    period_days  days of the billing period that the two prices are for

    >>> prorated_charge(4_500, 9_000, date(2026, 4, 21), date(2026, 5, 15), 30)
    3600
    """
    days = max(0, (renewal_on - charge_on).days)
    return (2 * (new_cents - old_cents) * days + period_days) // (2 * period_days)


_EVERYBODY = frozenset(
    {"contacts", "views", "lists", "import", "export", "forms", "chatflows", "api"}
)
_PAYING = _EVERYBODY | {"marketing_contacts", "alerts", "plan_preview", "ceiling"}
_LARGE = _PAYING | {"workflows", "governance", "teams", "own_roles"}

#: What each plan opens, as shipped (E8). `marketing_contacts` stands for the status with marketing
#: mail, the wizard and the defaults of forms, chats and integrations; `governance` for budgets,
#: approval, surge breaker, policies and forecast.
FEATURES: dict[str, frozenset[str]] = {
    "free": _EVERYBODY,
    "starter": _PAYING,
    "professional": _LARGE,
    "enterprise": _LARGE,
}


def plan_has(plan_code: str, feature: str) -> bool:
    """Tell whether the shipped plan opens a feature; an unknown plan opens none."""
    return feature in FEATURES.get(plan_code, frozenset())

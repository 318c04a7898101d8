"""Reading plans, contracts, tiers and usage per day."""

from dataclasses import dataclass
from datetime import date, datetime

from marketable import sql
from marketable.billing.errors import NoContract
from marketable.billing.models import ContractRow, Subscription, UsageDay
from marketable.billing.models import Plan as PlanModel
from marketable.billing.rules import Calendar, Contract, Plan, Term, price_cents, tier_needed


@dataclass(frozen=True, slots=True)
class SubscriptionInfo:
    """What an account pays for now.

    ceiling      the number usage may never pass, or None: under the policy `ceiling` without an
                 own number it is the tier's limit (T4)
    own_ceiling  the number set by hand, also while the policy is another
    """

    plan: Plan
    plan_name: str
    features: frozenset[str]
    tier: int
    at_limit: str
    ceiling: int | None
    own_ceiling: int | None
    currency: str
    base_price_cents: int | None
    step_price_cents: int | None

    def price(self, tier: int) -> int | None:
        """Return the price of `tier` for a month, in cents, or None where none is set (T10)."""
        return price_cents(
            self.plan, tier, base_cents=self.base_price_cents, step_cents=self.step_price_cents
        )


@dataclass(frozen=True, slots=True)
class DayOfUsage:
    day: date
    marketing_count: int
    peak: int


@dataclass(frozen=True, slots=True)
class TierMove:
    at: datetime
    from_tier: int
    to_tier: int
    usage: int
    cause_id: int | None


def calendar(account_id: int) -> Calendar:
    """Return the account's contracts as one calendar of update dates (U7)."""
    found = ContractRow.objects.filter(account_id=account_id).order_by("starts_on")
    contracts = tuple(
        Contract(starts_on=row.starts_on, term=Term(row.term), years=row.years, ends_on=row.ends_on)
        for row in found
    )
    if not contracts:
        raise NoContract("The account has no contract, so it has no update date.")
    return Calendar(contracts)


def plan_code_on(account_id: int, day: date) -> str:
    """Return the plan of the contract in force on `day`; before the first one, that of the first.

    A contract that begins on an update date governs from that date on (U7).
    """
    found = sql.row(
        "SELECT plan_code FROM contract WHERE account_id = %(account_id)s "
        "ORDER BY (starts_on <= %(day)s) DESC, "
        "CASE WHEN starts_on <= %(day)s THEN starts_on END DESC, starts_on LIMIT 1",
        {"account_id": account_id, "day": day},
    )
    if found is None:
        raise NoContract("The account has no contract, so it has no plan.")
    return str(found[0])


def plan(code: str) -> PlanModel | None:
    return PlanModel.objects.filter(code=code).first()


def subscription(account_id: int, today: date) -> SubscriptionInfo:
    """Return what the account pays for on `today`, a day in its own time zone."""
    row = Subscription.objects.get(account_id=account_id)
    plan_row = PlanModel.objects.get(code=plan_code_on(account_id, today))
    by_ceiling = row.at_limit == "ceiling"
    own = row.ceiling
    plan_now = Plan(plan_row.code, plan_row.included, plan_row.step)
    tier = tier_needed(plan_now, row.tier)  # another plan's ladder, after a change of contract
    return SubscriptionInfo(
        plan=plan_now,
        plan_name=plan_row.name,
        features=frozenset(plan_row.features),
        tier=tier,
        at_limit=row.at_limit,
        ceiling=(own if own is not None else tier) if by_ceiling else None,
        own_ceiling=own,
        currency=row.currency,
        base_price_cents=row.base_price_cents,
        step_price_cents=row.step_price_cents,
    )


def days(account_id: int, since: date, until: date) -> list[DayOfUsage]:
    """Return the days that have a row, oldest first, both ends included."""
    found = UsageDay.objects.filter(account_id=account_id, day__gte=since, day__lte=until)
    return [DayOfUsage(row.day, row.marketing_count, row.peak) for row in found.order_by("day")]


def day_before(account_id: int, day: date) -> DayOfUsage | None:
    """Return the last day with a row before `day`."""
    row = UsageDay.objects.filter(account_id=account_id, day__lt=day).order_by("-day").first()
    return DayOfUsage(row.day, row.marketing_count, row.peak) if row else None


def peak_since(account_id: int, day: date) -> int:
    """Return the highest recorded usage since `day`; 0 where nothing is recorded."""
    found = sql.row(
        "SELECT coalesce(max(peak), 0) FROM usage_day "
        "WHERE account_id = %(account_id)s AND day >= %(day)s",
        {"account_id": account_id, "day": day},
    )
    assert found is not None
    return int(found[0])


def tier_moves(account_id: int, limit: int = 50) -> list[TierMove]:
    """Return the latest moves of the tier, newest first."""
    found = sql.rows(
        "SELECT at, from_tier, to_tier, usage, cause_id FROM tier_change "
        "WHERE account_id = %(account_id)s ORDER BY at DESC, change_id DESC LIMIT %(limit)s",
        {"account_id": account_id, "limit": limit},
    )
    return [TierMove(*row) for row in found]

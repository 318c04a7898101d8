"""Opening accounts with a contract, changing contracts and limits, and moving the tier."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo, available_timezones

from django.utils.translation import gettext as _

from marketable import sql
from marketable.accounts import queries as accounts
from marketable.accounts import services as account_services
from marketable.accounts.models import Account
from marketable.accounts.services import AccountCreated
from marketable.billing import queries, rules
from marketable.billing.errors import (
    BadContract,
    BadLimit,
    BadPolicy,
    UnknownTimeZone,
    ZonesDisagree,
)
from marketable.billing.models import (
    AccountUsage,
    ContractRow,
    Subscription,
)
from marketable.history.kinds import Kind
from marketable.history.services import record
from marketable.history.sources import Source

AT_LIMIT = ("automatic", "ceiling")


@dataclass(frozen=True, slots=True)
class TierStep:
    before: int
    after: int


@sql.retried
def open_account(
    name: str,
    *,
    owner_email: str,
    plan: str = "professional",
    term: str = "monthly",
    years: int = 1,
    start: date | None = None,
    at_limit: str = "automatic",
    ceiling: int | None = None,
    time_zone: str = "UTC",
    language: str = "en",
    by: Source,
    now: datetime,
) -> AccountCreated:
    """Make an account with its owner, its contract and an empty counter.

    start  the contract's first day; today in the account's zone when left out
    """
    check_zone(time_zone)
    check_policy(at_limit, ceiling)
    plan_row = queries.plan(plan)
    if plan_row is None or plan == "free":
        raise BadContract(_("There is no plan “%(plan)s”.") % {"plan": plan}, field="plan")
    created = account_services.create_account(
        name,
        owner_email=owner_email,
        time_zone=time_zone,
        language=language,
        by=by,
        now=now,
    )
    starts_on = start or rules.today_in(ZoneInfo(time_zone), now)
    ContractRow.objects.create(
        account_id=created.account_id,
        starts_on=starts_on,
        plan_code=plan,
        term=check_term(term, years),
        years=years,
    )
    Subscription.objects.create(
        account_id=created.account_id,
        tier=plan_row.included,
        at_limit=at_limit,
        ceiling=ceiling,
    )
    AccountUsage.objects.create(account_id=created.account_id)
    record(
        created.account_id,
        Kind.CONTRACT_CHANGED,
        by=by,
        at=now,
        body={"plan": plan, "term": term, "years": years, "starts_on": starts_on},
    )
    return created


@sql.retried
def set_limit_policy(
    account_id: int, *, at_limit: str, ceiling: int | None, by: Source, now: datetime
) -> None:
    """Choose what happens when a start would exceed the tier (T4, O3).

    A ceiling under the present usage is allowed and only blocks further starts.
    """
    check_policy(at_limit, ceiling)
    # Starts under way have locked the counter, and read the ceiling afterwards (V5).
    AccountUsage.objects.select_for_update(no_key=True).get(account_id=account_id)
    row = Subscription.objects.select_for_update().get(account_id=account_id)
    before = {"at_limit": row.at_limit, "ceiling": row.ceiling}
    after = {"at_limit": at_limit, "ceiling": ceiling}
    if before == after:
        return
    row.at_limit, row.ceiling = at_limit, ceiling
    row.save(update_fields=["at_limit", "ceiling"])
    record(
        account_id,
        Kind.SETTING_CHANGED,
        by=by,
        at=now,
        body={"setting": "at_limit", "before": before, "after": after},
    )


@sql.retried
def set_prices(
    account_id: int,
    *,
    currency: str,
    base_price_cents: int | None,
    step_price_cents: int | None,
    by: Source,
    now: datetime,
) -> None:
    """Set what a month costs: the included contacts, and each further step."""
    Subscription.objects.filter(account_id=account_id).update(
        currency=currency,
        base_price_cents=base_price_cents,
        step_price_cents=step_price_cents,
    )
    record(
        account_id,
        Kind.SETTING_CHANGED,
        by=by,
        at=now,
        body={
            "setting": "prices",
            "currency": currency,
            "base_price_cents": base_price_cents,
            "step_price_cents": step_price_cents,
        },
    )


@sql.retried
def change_contract(
    account_id: int, *, plan: str, term: str, years: int = 1, by: Source, now: datetime
) -> date:
    """Agree on another contract, and return the day it begins: the next update date of the
    present one, so that a date once shown never moves (U7). A change agreed on earlier that has
    not begun is replaced."""
    plan_row = queries.plan(plan)
    if plan_row is None or plan == "free":
        raise BadContract(_("There is no plan “%(plan)s”.") % {"plan": plan}, field="plan")
    stored_term = check_term(term, years)
    today = rules.today_in(accounts.account(account_id).zone, now)
    ContractRow.objects.filter(account_id=account_id, starts_on__gt=today).exclude(
        starts_on=sql.rows(
            "SELECT min(starts_on) FROM contract WHERE account_id = %(id)s", {"id": account_id}
        )[0][0]
    ).delete()
    starts_on = queries.calendar(account_id).next_update_date(today)
    ContractRow.objects.create(
        account_id=account_id, starts_on=starts_on, plan_code=plan, term=stored_term, years=years
    )
    record(
        account_id,
        Kind.CONTRACT_CHANGED,
        by=by,
        at=now,
        body={"plan": plan, "term": term, "years": years, "starts_on": starts_on},
    )
    return starts_on


@sql.retried
def change_account_settings(
    account_id: int, *, name: str, language: str, time_zone: str, by: Source, now: datetime
) -> None:
    """Change name, language and time zone of an account: all of them, or nothing."""
    account_services.rename_account(account_id, name=name, language=language, by=by, now=now)
    change_time_zone(account_id, time_zone, by=by, now=now)


@sql.retried
def change_time_zone(account_id: int, time_zone: str, *, by: Source, now: datetime) -> None:
    """Move the account to another zone at once; refused while the two zones disagree on whether
    an update date has begun (U8)."""
    check_zone(time_zone)
    account_services.take_turns(account_id)
    account = accounts.account(account_id)
    if account.time_zone == time_zone:
        return
    possible_from = rules.zone_change_allowed_from(
        account.zone, ZoneInfo(time_zone), now, queries.calendar(account_id)
    )
    if possible_from > now:
        raise ZonesDisagree(possible_from=possible_from)
    Account.objects.filter(id=account_id).update(time_zone=time_zone)
    record(
        account_id,
        Kind.SETTING_CHANGED,
        by=by,
        at=now,
        body={"setting": "time_zone", "before": account.time_zone, "after": time_zone},
    )


def check_zone(time_zone: str) -> None:
    if time_zone not in available_timezones():
        raise UnknownTimeZone(time_zone)


def check_policy(at_limit: str, ceiling: int | None) -> None:
    if at_limit not in AT_LIMIT:
        raise BadPolicy(at_limit)
    if ceiling is not None and (ceiling < 0 or ceiling > 2_000_000_000):
        raise BadLimit


def check_term(term: str, years: int) -> str:
    """Return the stored name of a term: monthly, yearly, or several years."""
    if term == "monthly" or (term == "yearly" and years == 1):
        return term
    if term == "multi_year" and 2 <= years <= 20:
        return term
    raise BadContract(
        _("The term is monthly, yearly, or a number of years from 2 to 20."), field="term"
    )


# The tier check and the day's row are one statement each, run at the end of a transaction that
# moved usage: see marketable/governance/services.py for the order.

REMEMBER_DAY = """
INSERT INTO usage_day (account_id, day, marketing_count, peak)
VALUES (%(account_id)s, %(day)s, %(after)s, greatest(%(before)s, %(after)s))
ON CONFLICT (account_id, day) DO UPDATE
   SET marketing_count = excluded.marketing_count,
       peak = greatest(usage_day.peak, excluded.peak)
"""


def remember_day(account_id: int, *, day: date, usage_before: int, usage_after: int) -> None:
    """Write the usage of `day` and its highest value (T1)."""
    sql.execute(
        REMEMBER_DAY,
        {"account_id": account_id, "day": day, "before": usage_before, "after": usage_after},
    )


def remember_quiet_day(account_id: int, day: date, *, usage: int) -> None:
    """Write the usage of a day on which nothing moved it; a day that has a row keeps it."""
    sql.execute(
        "INSERT INTO usage_day (account_id, day, marketing_count, peak) "
        "VALUES (%(account_id)s, %(day)s, %(usage)s, %(usage)s) ON CONFLICT DO NOTHING",
        {"account_id": account_id, "day": day, "usage": usage},
    )


def remember_late_date(account_id: int, day: date, *, left: int) -> None:
    """Write the usage of an update date that is applied late, unless something else moved usage
    on that day: then its row is right already, for usage never counts what is overdue (V4)."""
    before = queries.day_before(account_id, day)
    if before is None:
        return
    usage = before.marketing_count - left
    sql.execute(
        "INSERT INTO usage_day (account_id, day, marketing_count, peak) "
        "VALUES (%(account_id)s, %(day)s, %(usage)s, %(usage)s) ON CONFLICT DO NOTHING",
        {"account_id": account_id, "day": day, "usage": usage},
    )


def raise_tier(
    account_id: int,
    info: queries.SubscriptionInfo,
    *,
    usage: int,
    cause_id: int,
    by: Source,
    now: datetime,
) -> TierStep:
    """Upgrade to the tier needed for `usage`, if the present one is too small (T3, T4, T5).

    Must follow the statement that moved the counter: that row's lock orders upgrades.
    """
    if usage <= info.tier:
        return TierStep(info.tier, info.tier)
    present = Subscription.objects.get(account_id=account_id).tier
    needed = rules.tier_needed(info.plan, usage)
    if needed <= present:
        return TierStep(present, present)
    change_id = record(
        account_id,
        Kind.TIER_UPGRADED,
        by=by,
        at=now,
        body={"from": present, "to": needed, "usage": usage, "cause": cause_id},
    )
    sql.execute(
        "UPDATE subscription SET tier = %(tier)s WHERE account_id = %(account_id)s",
        {"account_id": account_id, "tier": needed},
    )
    sql.execute(
        "INSERT INTO tier_change (account_id, change_id, cause_id, at, from_tier, to_tier, usage) "
        "VALUES (%(account_id)s, %(change_id)s, %(cause_id)s, %(at)s, %(before)s, %(after)s, "
        "%(usage)s)",
        {
            "account_id": account_id,
            "change_id": change_id,
            "cause_id": cause_id,
            "at": now,
            "before": present,
            "after": needed,
            "usage": usage,
        },
    )
    return TierStep(present, needed)

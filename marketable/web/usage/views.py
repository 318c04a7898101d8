"""Usage and limits: places taken now, the tier and its price, what the next update date changes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from marketable.accounts.queries import EVERYTHING
from marketable.accounts.rules import Right
from marketable.billing import queries as billing
from marketable.billing.queries import TierMove
from marketable.billing.rules import renewal_date_after, tier_needed, today_in
from marketable.contacts import queries as contacts
from marketable.contacts.queries import Count
from marketable.marketing_status import queries as status
from marketable.marketing_status.rules import Status
from marketable.segments.selection import Selection, conditions_of
from marketable.web.access import AccountRequest, account_page
from marketable.web.usage.chart import NARROW, draw
from marketable.web.wording import source_name

DAYS_SHOWN = 365
MOVES_SHOWN = 12


@dataclass(frozen=True, slots=True)
class BySource:
    label: str
    count: int
    percent: float

    @property
    def bar(self) -> str:
        """Its part of a drawing that is a hundred wide."""
        return str(round(self.percent * 100))


@require_GET
@account_page()
def badge(request: AccountRequest, account_id: int) -> HttpResponse:
    """Answer the header's usage alone, after something moved it."""
    return render(request, "web/_usage.html", {"account": request.account})


@require_GET
@account_page()
def show(request: AccountRequest, account_id: int) -> HttpResponse:
    now = status.usage(account_id, request.today)
    info = billing.subscription(account_id, request.today)
    calendar = billing.calendar(account_id)
    next_update = calendar.next_update_date(request.today)
    period_start = calendar.period_start(request.today)
    days = usage_by_day(account_id, request.today, now.usage)
    first = days[0][0]
    dates = list(calendar.update_dates(first - timedelta(days=1), request.today))
    sources = [
        BySource(source_name(code), count, count / now.usage if now.usage else 0)
        for code, count in status.by_source(account_id, request.today)
    ]
    after = now.usage - now.leaving
    moves = billing.tier_moves(account_id, limit=MOVES_SHOWN)
    stored, held = None, 0
    if request.rights.may(Right.CONTACTS_VIEW):
        stored = _count(request, Selection())
        staged = _count(request, Selection(status=Status.LEAVING))
        held = max(now.leaving - staged.value, 0) if staged.is_exact else 0
    tiers = tiers_by_day(moves, info.tier, first=first, zone=request.account.zone)
    return render(
        request,
        "usage/show.html",
        {
            "usage": now,
            "info": info,
            "price": info.price(info.tier),
            "percent": now.usage / info.tier if info.tier else None,
            "room": info.tier - now.usage,
            "stored": stored,
            "held": held,
            "peak": max(billing.peak_since(account_id, period_start), now.usage),
            "period_start": period_start,
            "next_update": next_update,
            "after": after,
            "tier_fits": tier_needed(info.plan, after),
            "can_fall_on": renewal_date_after(calendar.contract_on(request.today), request.today),
            "sources": sources,
            "charts": {
                "wide": draw(days, tiers=tiers, ticks=dates),
                "narrow": draw(days, tiers=tiers, ticks=dates, size=NARROW),
            },
            "first_day": first,
            "days": list(reversed(billing.days(account_id, first, request.today))),
            "tier_moves": moves,
            "may_manage": request.rights.may(Right.BILLING_MANAGE),
        },
    )


def _count(request: AccountRequest, chosen: Selection) -> Count:
    """Count contacts of the whole account, whoever asks: the account pays for all of them."""
    return contacts.count(
        request.account.id,
        conditions_of(request.account.id, chosen, reach=EVERYTHING, today=request.today),
    )


def tiers_by_day(
    moves: Sequence[TierMove], tier: int, *, first: date, zone: ZoneInfo
) -> list[tuple[date, int]]:
    """Return (since, limit) of every tier from `first` on, oldest first.

    moves  newest first; older ones than these are taken as not to have been
    """
    found = [(today_in(zone, move.at), move.to_tier) for move in reversed(moves)]
    before = moves[-1].from_tier if moves else tier
    within = [(since, limit) for since, limit in found if since > first]
    earlier = [limit for since, limit in found if since <= first]
    return [(first, earlier[-1] if earlier else before), *within]


def usage_by_day(account_id: int, today: date, usage: int) -> list[tuple[date, int]]:
    """Return a value for every day of the last year that the account has, the last one `usage`."""
    since = today - timedelta(days=DAYS_SHOWN)
    known = {one.day: one.marketing_count for one in billing.days(account_id, since, today)}
    before = billing.day_before(account_id, since)
    if before is not None:
        first, value = since, before.marketing_count
    else:
        first, value = min(known, default=today), 0
    found = []
    for offset in range((today - first).days + 1):
        day = first + timedelta(days=offset)
        value = known.get(day, value)
        found.append((day, value))
    found[-1] = (today, usage)
    return found

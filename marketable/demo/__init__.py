"""A believable account to look around in: a year of contacts, sources, tiers and update dates.

It is made by the same services that people's clicks end in, with the moments of the past year, so
that its ledger proves and its charts are true.
"""

import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice

from marketable import sql
from marketable.accounts import queries as accounts
from marketable.accounts.models import Account, Membership, User
from marketable.accounts.rules import ANALYST, MARKETER, SALES
from marketable.billing import queries as billing_queries
from marketable.billing import services as billing
from marketable.contacts.services.archive import archive_contacts
from marketable.contacts.services.create_many import NewContact, create_contacts
from marketable.demo import segments as demo_segments
from marketable.demo.people import people
from marketable.history.sources import Source, SourceType, system
from marketable.marketing_status import services as marketing
from marketable.segments.services import segments
from marketable.sql import SubQuery

ACCOUNT_NAME = "Aurora Outdoor"
OWNER = "demo@example.com"
CONTACTS = 25_000
WEEKS = 52
TURNS = 10
#: The week in which the first segments are made, and how often they are built on the way, so that
#: their growth is the year's.
SEGMENTS_FROM, SEGMENTS_EVERY = 8, 4

#: Tables grow from nothing inside one transaction, where no autovacuum tells the planner.
GROWING = ("contact", "contact_address", "marketing_contact", "change", "contact_change")
ANALYSED_AFTER = frozenset({0, 2, 6, 16, 32})

#: Tool, its name, its share of new contacts, and how many of them become marketing at once.
SOURCES = (
    (SourceType.FORM, "newsletter", "Newsletter", 0.34, 1.0),
    (SourceType.FORM, "catalogue", "Catalogue request", 0.16, 1.0),
    (SourceType.IMPORT, "fair", "Trade fair", 0.22, 0.35),
    (SourceType.INTEGRATION, "shop", "Web shop", 0.20, 0.2),
    (SourceType.CHATFLOW, "chat", "Website chat", 0.05, 0.0),
    (SourceType.CREATE, "", "", 0.03, 0.4),
)


@dataclass(frozen=True, slots=True)
class DemoAccount:
    account_id: int
    owner_user_id: int
    is_new: bool


@sql.retried
def ensure_demo(now: datetime, *, contacts: int = CONTACTS) -> DemoAccount:
    """Return the demo account; make it, in one transaction, if there is none."""
    sql.row("SELECT pg_advisory_xact_lock(hashtext('demo account'))")
    found = Account.objects.filter(is_demo=True).order_by("id").first()
    if found is not None:
        owner = Membership.objects.filter(account=found, user__email=OWNER).first()
        owner = owner or Membership.objects.filter(account=found, role="owner").first()
        if owner is not None:
            return DemoAccount(found.id, owner.user_id, is_new=False)
    started_on = first_day(now)
    began_at = datetime(started_on.year, started_on.month, started_on.day, 9, tzinfo=UTC)
    created = billing.open_account(
        ACCOUNT_NAME,
        owner_email=OWNER,
        plan="professional",
        term="monthly",
        start=started_on,
        time_zone="Europe/Warsaw",
        by=system(),
        now=began_at,
    )
    Account.objects.filter(id=created.account_id).update(is_demo=True)
    billing.set_prices(
        created.account_id,
        currency="EUR",
        base_price_cents=80_000,
        step_price_cents=22_500,
        by=system(),
        now=began_at,
    )
    by = _people(created.account_id, created.user_id, began_at)
    _tell_the_year(created.account_id, by, contacts, began_at, now)
    return DemoAccount(created.account_id, created.user_id, is_new=True)


def first_day(now: datetime) -> date:
    """Return the first of the month, a year before `now`."""
    return date(now.year - 1, now.month, 1)


def _people(account_id: int, owner_id: int, at: datetime) -> Source:
    User.objects.filter(pk=owner_id).update(name="Ada Demo")
    for email, name, role, team in (
        ("marta.marketer@example.com", "Marta Marketer", MARKETER, ""),
        ("sam.sales@example.com", "Sam Sales", SALES, "Sales"),
        ("ania.analyst@example.com", "Ania Analyst", ANALYST, ""),
    ):
        user = User.objects.filter(email=email).first() or User.objects.create_user(
            email, name=name
        )
        Membership.objects.get_or_create(
            account_id=account_id,
            user=user,
            defaults={"role": role, "team": team, "joined_at": at},
        )
    return Source("user", str(owner_id), "Ada Demo", SourceType.BULK)


def _tell_the_year(
    account_id: int, by: Source, contacts: int, began_at: datetime, now: datetime
) -> None:
    chance = random.Random(7)  # noqa: S311 - believable, not secret
    everybody = people(contacts)
    step = (now - timedelta(hours=2) - began_at) / WEEKS
    zone = accounts.account(account_id).zone
    calendar = billing_queries.calendar(account_id)
    last_moment = began_at
    shares = [(week + 14) for week in range(WEEKS)]  # more each week than the week before
    marketing_ids: list[int] = []
    kept_true: list[int] = []
    for week in range(WEEKS):
        moment = began_at + step * (week + 1)
        dates = list(
            calendar.update_dates(
                last_moment.astimezone(zone).date(), moment.astimezone(zone).date()
            )
        )
        for day in dates:
            just_after = datetime(day.year, day.month, day.day, 4, tzinfo=UTC)
            marketing.apply_update_date(account_id, now=min(just_after, moment))
        last_moment = moment
        fresh = contacts * shares[week] // sum(shares)
        if week == WEEKS - 1:
            fresh = contacts
        rows = list(islice(everybody, fresh))
        if week < WEEKS - 1:
            marketing_ids += _arrive(account_id, by, rows, moment, chance, timedelta(minutes=7))
        else:  # the newest come from every tool by turns, as they stand on top of the table
            for turn in range(TURNS):
                at = moment + timedelta(minutes=10 * turn)
                part = rows[turn::TURNS]
                _arrive(account_id, by, part, at, chance, timedelta(minutes=1))
        if week in ANALYSED_AFTER:
            sql.execute(f"ANALYZE {', '.join(GROWING)}")
        if week % 3 == 2:
            marketing_ids = _clean_up(account_id, by, marketing_ids, moment, chance)
        if week == SEGMENTS_FROM:
            kept_true = demo_segments.begin(account_id, by=by, now=moment)
        elif week % SEGMENTS_EVERY == SEGMENTS_FROM % SEGMENTS_EVERY or week == WEEKS - 1:
            for segment_id in kept_true:
                segments.rebuild(account_id, segment_id, now=moment)
    demo_segments.finish(account_id, by=by, now=last_moment + timedelta(minutes=TURNS * 10))


def _arrive(
    account_id: int,
    by: Source,
    rows: list[tuple[str | None, dict[str, object]]],
    moment: datetime,
    chance: random.Random,
    apart: timedelta,
) -> list[int]:
    """Create contacts, source by source, and start those that their tool starts; return these."""
    started: list[int] = []
    shared = 0.0
    for place, (tool, tool_id, label, share, starts) in enumerate(SOURCES):
        begin, shared = round(len(rows) * shared), shared + share
        end = len(rows) if place == len(SOURCES) - 1 else round(len(rows) * shared)
        some = rows[begin:end]
        if not some:
            continue
        at = moment + apart * place
        source = by if tool is SourceType.CREATE else system()
        source = source.through(tool, tool_id, label)
        made = create_contacts(
            account_id,
            [NewContact(email, properties) for email, properties in some],
            by=source,
            now=at,
        )
        chosen = [one for one in made if chance.random() < starts]
        if chosen:
            marketing.start_marketing(
                account_id, _ids(chosen), by=source, now=at + timedelta(seconds=20)
            )
            started += chosen
    return started


def _clean_up(
    account_id: int, by: Source, ids: list[int], moment: datetime, chance: random.Random
) -> list[int]:
    """Stage a few that do not read, keep one in ten of them, delete a handful."""
    staged = [one for one in ids if chance.random() < 0.05]
    if staged:
        at = moment + timedelta(hours=1)
        marketing.stop_marketing(account_id, _ids(staged), by=by, now=at)
        kept = [one for one in staged if chance.random() < 0.1]
        if kept:
            marketing.keep_marketing(account_id, _ids(kept), by=by, now=at + timedelta(minutes=20))
        gone = set(staged) - set(kept)
    else:
        gone = set()
    deleted = [one for one in ids if chance.random() < 0.002]
    if deleted:
        archive_contacts(account_id, _ids(deleted), by=by, now=moment + timedelta(minutes=100))
    return [one for one in ids if one not in gone.union(deleted)]


def _ids(ids: list[int]) -> SubQuery:
    return SubQuery("SELECT unnest(%(sel_ids)s::bigint[]) AS id", {"sel_ids": ids})


__all__ = ["DemoAccount", "ensure_demo"]

"""An account with as many believable contacts as asked for, written as sets.

Of a thousand contacts in a row 483 are non-marketing and can be reached, 500 are marketing, and 17
are non-marketing and cannot be reached: 8 without an address, 9 whose address refused mail.
"""

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

from django.db import connection

from marketable import clock, sql
from marketable.accounts.models import Account, User
from marketable.billing import rules as billing_rules
from marketable.billing import services as billing
from marketable.contacts.rules import name_key, search_words
from marketable.demo.people import people
from marketable.history.kinds import Kind
from marketable.history.sources import Source, SourceType, system
from marketable.properties.rules import Option, PropertyDef, PropertyType
from marketable.properties.services import create_property

#: Persons told apart; each stands for many contacts, with addresses of their own.
PERSONS = 20_000
PER_CHANGE = 20_000
SET, MARKETING, OF = 483, 500, 1000

#: What the account knows besides the default properties: with these, a contact has forty or so.
OWN = (
    PropertyDef("score", "Score", PropertyType.NUMBER, "number"),
    PropertyDef("budget", "Budget", PropertyType.NUMBER, "number"),
    PropertyDef("visits", "Visits", PropertyType.NUMBER, "number"),
    PropertyDef("birthday", "Birthday", PropertyType.DATE, "date"),
    PropertyDef("contract_ends", "Contract ends", PropertyType.DATE, "date"),
    PropertyDef("seen_at", "Seen at", PropertyType.DATETIME, "date"),
    PropertyDef("is_vip", "Is a VIP", PropertyType.BOOL, "booleancheckbox"),
    PropertyDef("has_app", "Has the app", PropertyType.BOOL, "booleancheckbox"),
    PropertyDef(
        "level",
        "Level",
        PropertyType.ENUMERATION,
        "select",
        options=tuple(Option(one, one.upper()) for one in "abcde"),
    ),
    PropertyDef(
        "topics",
        "Topics",
        PropertyType.ENUMERATION,
        "checkbox",
        options=tuple(Option(one, one.title()) for one in ("garden", "kitchen", "travel", "sport")),
    ),
    *(
        PropertyDef(name, name.replace("_", " ").capitalize(), PropertyType.STRING, "text")
        for name in (
            *("department", "assistant", "campaign", "partner", "nearest_shop"),
            *("last_order", "delivery_note", "referred_by"),
        )
    ),
)

TABLE = ("contact", "contact_address", "marketing_contact")
TABLES = ("contact", "contact_address", "contact_search", "contact_change", "marketing_contact")


@dataclass(frozen=True, slots=True)
class BenchAccount:
    """`now` is the moment of everything that is measured."""

    id: int
    owner_id: int
    by: Source
    now: datetime
    n: int


def make(n: int, *, only_table: bool = False) -> BenchAccount:
    """Fill the database that Django is connected to.

    only_table  without search words and ledger, which the contacts table never reads
    """
    now = clock.now()
    began = datetime(now.year - 1, now.month, 1, 9, tzinfo=UTC)
    opened = billing.open_account(
        "Bench",
        owner_email="owner@example.com",
        plan="enterprise",
        start=began.date(),
        by=system(),
        now=began,
    )
    owner = User.objects.get(pk=opened.user_id)
    account = BenchAccount(
        opened.account_id,
        owner.pk,
        Source("user", str(owner.pk), str(owner), SourceType.BULK),
        now,
        n,
    )
    for definition in OWN:
        create_property(account.id, definition, by=account.by, now=began)
    tables = TABLE if only_table else TABLES
    _stage_persons(account.id)
    with _bare(tables):
        _write(account, began, only_table=only_table)
    sql.execute("DROP TABLE bench_person")
    sql.execute(f"VACUUM (ANALYZE) {', '.join(tables)}, change")
    return account


def _stage_persons(account_id: int) -> None:
    """Fill the table `bench_person` with what the product would store of each."""
    sql.execute(
        "CREATE UNLOGGED TABLE bench_person (place int PRIMARY KEY, properties jsonb, "
        "name_key text, words text[], local text, domain text)"
    )
    reachable = (
        (email, properties)
        for email, properties in people(PERSONS * 2)
        if email is not None and "hs_email_hard_bounce_reason_enum" not in properties
    )
    chance = random.Random(11)  # noqa: S311 - believable, not secret
    lead = f"{account_id}:"
    with (
        connection.cursor() as cursor,
        cursor.copy(
            "COPY bench_person (place, properties, name_key, words, local, domain) FROM STDIN"
        ) as copy,
    ):
        for place, (email, properties) in enumerate(islice(reachable, PERSONS)):
            words = search_words(
                email=None,
                firstname=properties["firstname"],
                lastname=properties["lastname"],
                phone=properties.get("phone"),
                mobilephone=None,
                company=properties.get("company"),
            )
            local, _, domain = email.rpartition("@")
            domain_words = [domain.partition(".")[0], "example"]
            copy.write_row(
                (
                    place,
                    json.dumps({**properties, **_more(chance)}, ensure_ascii=False),
                    name_key(properties["firstname"], properties["lastname"], email),
                    [lead + word for word in [*words, *domain_words, f"@{domain}"]],
                    local,
                    domain,
                )
            )
    sql.execute("ANALYZE bench_person")


def _more(chance: random.Random) -> dict[str, object]:
    """Return what an account that is used knows of its contacts besides who they are."""
    day = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=chance.randrange(500_000))
    values: dict[str, object] = {
        "address": f"{chance.choice(('ul. Długa', 'Hauptstraße', 'High Street'))} "
        f"{chance.randrange(1, 200)}/{chance.randrange(1, 90)}",
        "zip": f"{chance.randrange(10, 99)}-{chance.randrange(100, 999)}",
        "numemployees": str(chance.choice((1, 5, 25, 50, 100, 500))),
        "hs_timezone": chance.choice(("europe_slash_warsaw", "europe_slash_berlin")),
        "hs_lead_status": chance.choice(("NEW", "OPEN", "IN_PROGRESS", "CONNECTED")),
        "hs_legal_basis": ["Freely given consent from contact"],
        "num_conversion_events": chance.randrange(9),
        "first_conversion_date": day.isoformat(),
        "first_conversion_event_name": "Newsletter: footer of the home page",
        "recent_conversion_date": (day + timedelta(days=30)).isoformat(),
        "score": chance.randrange(100),
        "budget": chance.randrange(100, 50_000),
        "visits": chance.randrange(40),
        "birthday": (day - timedelta(days=chance.randrange(7_000, 25_000))).date().isoformat(),
        "contract_ends": (day + timedelta(days=chance.randrange(900))).date().isoformat(),
        "seen_at": (day + timedelta(days=chance.randrange(400))).isoformat(),
        "is_vip": chance.random() < 0.05,
        "has_app": chance.random() < 0.5,
        "level": chance.choice("abcde"),
        "topics": sorted(chance.sample(("garden", "kitchen", "travel", "sport"), 2)),
        "department": chance.choice(("Sales", "Purchasing", "Management", "IT", "Finance")),
        "assistant": chance.choice(("Anna Nowak", "Jan Kowalski", "Greta Weber", "Tom Hill")),
        "campaign": f"Spring fair {chance.randrange(2018, 2026)}",
        "partner": f"Partner {chance.randrange(500)}",
        "nearest_shop": f"Shop {chance.randrange(120)}",
        "last_order": f"ZA/{chance.randrange(10**6)}/26",
        "delivery_note": "Ring at the gate, then the second door on the left.",
        "referred_by": f"Customer {chance.randrange(9_000)}",
    }
    if chance.random() < 0.5:
        values |= {
            "hs_email_delivered": chance.randrange(60),
            "hs_email_open": chance.randrange(30),
            "hs_email_click": chance.randrange(10),
            "hs_email_last_send_date": (day + timedelta(days=60)).isoformat(),
            "message": "Please send me the winter catalogue and the price list for resellers.",
        }
    return values


@contextmanager
def _bare(tables: tuple[str, ...]) -> Iterator[None]:
    """Let the block fill tables that have no index and no constraint, and make these afterwards
    as they were: the same tables sooner, and their indexes without gaps."""
    constraints = sql.rows(
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE (conrelid = ANY(%(tables)s::regclass[]) OR confrelid = ANY(%(tables)s::regclass[])) "
        "AND contype <> 'n' ORDER BY contype = 'f'",
        {"tables": list(tables)},
    )
    for table, name, _ in reversed(constraints):
        sql.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
    indexes = sql.rows(
        "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index "
        "WHERE indrelid = ANY(%(tables)s::regclass[])",
        {"tables": list(tables)},
    )
    for name, _ in indexes:
        sql.execute(f"DROP INDEX {name}")
    yield
    for _, definition in indexes:
        sql.execute(definition)
    for table, name, definition in constraints:
        sql.execute(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}')


CONTACTS = """
INSERT INTO contact (account_id, id, email, name_key, properties, version, created_at, updated_at)
SELECT %(account_id)s, number,
       CASE WHEN number %% 1000 < 992 THEN local || number || '@' || domain END,
       name_key,
       CASE WHEN number %% 1000 BETWEEN 983 AND 991
            THEN properties || '{"hs_email_hard_bounce_reason_enum": "UNKNOWN_USER"}'
            ELSE properties END,
       1,
       %(began)s::timestamptz + number * %(apart)s::interval,
       %(began)s::timestamptz + (number * 7919 %% %(n)s) * %(apart)s::interval
  FROM generate_series(1, %(n)s::bigint) AS number
  JOIN bench_person ON place = (number * 7919) %% %(persons)s
 ORDER BY number
"""
ADDRESSES = """
INSERT INTO contact_address (account_id, address, contact_id, is_primary, is_live)
SELECT account_id, email, id, true, true FROM contact
 WHERE account_id = %(account_id)s AND email IS NOT NULL ORDER BY id
"""
WORDS = """
INSERT INTO contact_search (account_id, contact_id, words)
SELECT account_id, id, array_to_tsvector(
           words || CASE WHEN email IS NULL THEN '{}'
                         ELSE ARRAY[%(lead)s || email, %(lead)s || id::text] END)
  FROM contact JOIN bench_person ON place = (id * 7919) %% %(persons)s
 WHERE account_id = %(account_id)s ORDER BY id
"""
CHANGES = """
INSERT INTO change (account_id, id, at, kind, actor_type, actor_id, actor_label, source_type,
                    source_id, source_label, body, contact_count, marketing_delta, reason)
SELECT %(account_id)s, nextval('change_id_seq'), %(began)s, %(kind)s, 'system', '', '', 'IMPORT',
       '1', 'Trade fair', '{}', %(count)s, %(delta)s, ''
  FROM generate_series(1, %(changes)s)
RETURNING id
"""
CREATED = """
INSERT INTO contact_change (account_id, contact_id, change_id, before, after)
SELECT account_id, id, %(first)s + (id - 1) / %(per_change)s, '{}',
       jsonb_build_object('properties', properties)
  FROM contact WHERE account_id = %(account_id)s ORDER BY id
"""
IS_MARKETING = f"id %% {OF} BETWEEN {SET} AND {SET + MARKETING - 1}"
STATUS = f"""
INSERT INTO marketing_contact (account_id, contact_id, since, source_type, source_id, change_id)
SELECT account_id, id, created_at, 'IMPORT', '1', %(first)s + (id - 1) / %(per_change)s
  FROM contact WHERE account_id = %(account_id)s AND {IS_MARKETING} ORDER BY id
"""
STARTED = f"""
INSERT INTO contact_change (account_id, contact_id, change_id, before, after)
SELECT account_id, id, %(first)s + (id - 1) / %(per_change)s,
       '{{"status": "non_marketing"}}', '{{"status": "marketing"}}'
  FROM contact WHERE account_id = %(account_id)s AND {IS_MARKETING} ORDER BY id
"""


def _write(account: BenchAccount, began: datetime, *, only_table: bool) -> None:
    n = account.n
    params = {
        "account_id": account.id,
        "began": began,
        "n": n,
        "apart": (account.now - timedelta(days=2) - began) / n,
        "persons": PERSONS,
        "per_change": PER_CHANGE,
        "lead": f"{account.id}:",
        "changes": (n - 1) // PER_CHANGE + 1,
        "count": min(n, PER_CHANGE),
    }
    marketing_count = n // OF * MARKETING + max(0, min(n % OF - SET + 1, MARKETING))
    share = min(n, PER_CHANGE) * MARKETING // OF
    sql.execute(CONTACTS, params)
    sql.row("SELECT setval('contact_id_seq', %(n)s)", params)
    created = sql.rows(CHANGES, {**params, "kind": Kind.CONTACT_CREATED.value, "delta": 0})
    started = sql.rows(CHANGES, {**params, "kind": Kind.STATUS_STARTED.value, "delta": share})
    # One change takes what the equal shares leave over, so that the ledger folds to the counter.
    sql.execute(
        "UPDATE change SET marketing_delta = marketing_delta + %(rest)s "
        "WHERE account_id = %(account_id)s AND id = %(id)s",
        {
            "account_id": account.id,
            "id": started[-1][0],
            "rest": marketing_count - share * len(started),
        },
    )
    sql.execute(ADDRESSES, params)
    if not only_table:
        sql.execute(WORDS, params)
        sql.execute(CREATED, {**params, "first": created[0][0]})
        sql.execute(STARTED, {**params, "first": started[0][0]})
    written = sql.execute(STATUS, {**params, "first": started[0][0]})
    assert written == marketing_count, (written, marketing_count)
    sql.execute(
        "UPDATE account_usage SET counter = %(count)s WHERE account_id = %(account_id)s",
        {"account_id": account.id, "count": written},
    )
    plan = billing_rules.SHIPPED_PLANS["enterprise"]
    sql.execute(
        "UPDATE subscription SET tier = %(tier)s WHERE account_id = %(account_id)s",
        {"account_id": account.id, "tier": billing_rules.tier_needed(plan, n)},
    )
    Account.objects.filter(id=account.id).update(language="en")

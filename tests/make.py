"""Test data, with calm defaults. Everything is made through the product's own services."""

import itertools
from datetime import UTC, date, datetime, timedelta

from django.db import connection

from marketable import sql
from marketable.accounts import queries as accounts
from marketable.accounts import services as account_services
from marketable.accounts.models import Membership, User
from marketable.accounts.queries import AccountInfo
from marketable.billing import services as billing
from marketable.contacts.rules import name_key, search_words
from marketable.history import services as history
from marketable.history.kinds import Kind
from marketable.history.sources import Source, SourceType, system
from marketable.marketing_status import services as marketing
from marketable.marketing_status.rules import Status
from marketable.sql import SubQuery

CONTRACT_START = date(2026, 1, 1)
JAN_10 = datetime(2027, 1, 10, 12, tzinfo=UTC)
JAN_20 = datetime(2027, 1, 20, 12, tzinfo=UTC)
FEB_1 = date(2027, 2, 1)
FEB_2 = datetime(2027, 2, 2, 12, tzinfo=UTC)
PASSWORD = "a long enough password"

_numbers = itertools.count(1)


def account(
    name: str = "Acme",
    *,
    owner_email: str = "anna@example.com",
    plan: str = "professional",
    term: str = "monthly",
    years: int = 1,
    start: date = CONTRACT_START,
    at_limit: str = "automatic",
    ceiling: int | None = None,
    time_zone: str = "Europe/Warsaw",
    language: str = "en",
) -> AccountInfo:
    created = billing.open_account(
        name,
        owner_email=owner_email,
        plan=plan,
        term=term,
        years=years,
        start=start,
        at_limit=at_limit,
        ceiling=ceiling,
        time_zone=time_zone,
        language=language,
        by=system(SourceType.COMMAND),
        now=datetime(2026, 1, 1, 8, tzinfo=UTC),
    )
    account_services.set_password(created.user_id, PASSWORD)
    return accounts.account(created.account_id)


def user(account: AccountInfo, role: str = "marketer", email: str | None = None) -> User:
    """A person of the account with a role."""
    person = User.objects.create_user(email or f"person{next(_numbers)}@example.com", PASSWORD)
    Membership.objects.create(account_id=account.id, user=person, role=role, joined_at=JAN_10)
    return person


def source(user: User, tool: SourceType = SourceType.RECORD) -> Source:
    return Source("user", str(user.pk), str(user), tool)


def ids(*contact_ids: int) -> SubQuery:
    return SubQuery("SELECT unnest(%(sel_ids)s::bigint[]) AS id", {"sel_ids": list(contact_ids)})


def contact(
    account: AccountInfo,
    *,
    email: str | None = "",
    status: Status = Status.NON_MARKETING,
    at: datetime = JAN_10,
    firstname: str = "Jan",
    lastname: str = "Kowalski",
    **properties: object,
) -> int:
    """A contact; `email=""` gives it an address of its own, None leaves it without."""
    address = f"contact{next(_numbers)}@example.com" if email == "" else email
    return _contacts(
        account,
        [(address, {"firstname": firstname, "lastname": lastname, **properties})],
        status=status,
        at=at,
    )[0]


def contacts(
    account: AccountInfo,
    how_many: int,
    *,
    status: Status = Status.NON_MARKETING,
    at: datetime = JAN_10,
) -> list[int]:
    rows: list[tuple[str | None, dict[str, object]]] = [
        (f"contact{next(_numbers)}@example.com", {"firstname": "Jan", "lastname": f"Nowak {n}"})
        for n in range(how_many)
    ]
    return _contacts(account, rows, status=status, at=at)


def _contacts(
    account: AccountInfo,
    rows: list[tuple[str | None, dict[str, object]]],
    *,
    status: Status,
    at: datetime,
) -> list[int]:
    """Write contacts quickly, as the ledger and every constraint want them."""
    import json

    by = system(SourceType.COMMAND)
    change_id = history.open_change(account.id, Kind.CONTACT_CREATED, by=by, at=at)
    made = []
    with connection.cursor() as cursor:
        for email, properties in rows:
            first, last = str(properties["firstname"]), str(properties["lastname"])
            cursor.execute(
                "INSERT INTO contact (account_id, id, email, name_key, properties, version, "
                "created_at, updated_at) VALUES (%s, nextval('contact_id_seq'), %s, %s, %s, 1, "
                "%s, %s) RETURNING id",
                [account.id, email, name_key(first, last, email), json.dumps(properties), at, at],
            )
            contact_id = cursor.fetchone()[0]
            made.append(contact_id)
            if email is not None:
                cursor.execute(
                    "INSERT INTO contact_address (account_id, address, contact_id, is_primary, "
                    "is_live) VALUES (%s, %s, %s, true, true)",
                    [account.id, email, contact_id],
                )
            words = search_words(
                email=email,
                firstname=first,
                lastname=last,
                phone=str(properties.get("phone") or "") or None,
                mobilephone=None,
                company=None,
            )
            cursor.execute(
                "INSERT INTO contact_search (account_id, contact_id, words) "
                "VALUES (%s, %s, array_to_tsvector(%s))",
                [account.id, contact_id, [f"{account.id}:{word}" for word in words]],
            )
            cursor.execute(
                "INSERT INTO contact_change (account_id, contact_id, change_id, before, after) "
                "VALUES (%s, %s, %s, '{}', %s)",
                [account.id, contact_id, change_id, json.dumps({"properties": properties})],
            )
    history.close_change(account.id, change_id, contact_count=len(made))
    if status is not Status.NON_MARKETING:
        marketing.start_marketing(account.id, ids(*made), by=by, now=at)
    if status is Status.LEAVING:
        marketing.stop_marketing(account.id, ids(*made), by=by, now=at + timedelta(seconds=1))
    return made


def ledger(account: AccountInfo) -> list[tuple[str, int, int]]:
    """(kind, contacts, delta) of every change of the account, oldest first."""
    return [
        (str(kind), int(n), int(delta))
        for kind, n, delta in sql.rows(
            "SELECT kind, contact_count, marketing_delta FROM change "
            "WHERE account_id = %(id)s ORDER BY id",
            {"id": account.id},
        )
    ]

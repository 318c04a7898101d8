"""What the tests of the doors share: two accounts full of things, and a picture of the database."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from html import unescape
from io import BytesIO
from typing import Any

from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from marketable import sql
from marketable.accounts import services as account_services
from marketable.accounts.models import Membership, User
from marketable.accounts.queries import EVERYTHING, AccountInfo
from marketable.accounts.rules import Right
from marketable.bulk_actions import services as bulk_actions
from marketable.bulk_actions.rules import ActionKind
from marketable.bulk_actions.works import Work
from marketable.contacts.services.archive import archive_contacts
from marketable.contacts.services.edit import edit_contact
from marketable.contacts.services.edit_many import How
from marketable.contacts.services.notes import write_note
from marketable.history.sources import SourceType
from marketable.marketing_status.rules import Event, Status
from marketable.properties.rules import PropertyDef, PropertyType
from marketable.properties.services import create_property
from marketable.segments.saved_views.rules import Sharing, Viewer
from marketable.segments.selection import Selection
from marketable.segments.services import segments, views
from marketable.transfers import services as transfers
from tests import make
from tests.make import JAN_20

JAN = date(2027, 1, 20)
PAGES = "app/<int:account_id>/"
Answer = Any  # the test client's response, which has more than its type says


@dataclass(frozen=True, slots=True)
class World:
    """An account with one of everything that an address can name.

    named   what stands for `<int:contact_id>` and the like in its addresses
    words   texts that nobody outside the account may read
    """

    account: AccountInfo
    owner: User
    other_contact_id: int
    archived_id: int
    named: Mapping[str, Any]
    words: tuple[str, ...]

    def url(self, door: str, /, parameters: tuple[str, ...], **instead: Any) -> str:
        known = {"account_id": self.account.id, **self.named, **instead}
        return reverse(door, kwargs={one: known[one] for one in parameters})


def world(name: str, *, owner_email: str, sign: str) -> World:
    """Make an account whose every text holds `sign`, a word found nowhere else."""
    account = make.account(name=f"{name} {sign}", owner_email=owner_email)
    owner = User.objects.get(email=owner_email)
    by = make.source(owner)
    contact_id, other_id, archived_id, *rest = [
        make.contact(
            account,
            email=f"{number}.{sign}@example.com",
            firstname=f"Zoe{sign}",
            status=Status.MARKETING if number == 1 else Status.NON_MARKETING,
        )
        for number in range(1, 7)
    ]
    archive_contacts(account.id, make.ids(archived_id), by=by, now=JAN_20)
    edited = edit_contact(
        account.id, contact_id, {"city": sign}, version=1, reach=EVERYTHING, by=by, now=JAN_20
    )
    definition = PropertyDef(f"own_{sign}", f"Own {sign}", PropertyType.STRING, "text")
    create_property(account.id, definition, by=by, now=JAN_20)
    plan = bulk_actions.preview(
        account.id,
        Event.START,
        Selection(ids=tuple(rest[:2])),
        by=by.through(SourceType.BULK),
        reach=EVERYTHING,
        now=JAN_20,
    )
    work = bulk_actions.preview_work(
        account.id,
        Work(ActionKind.EDIT, "city", How.SET, sign),
        Selection(ids=(other_id,)),
        by=by.through(SourceType.BULK),
        reach=EVERYTHING,
        now=JAN_20,
    )
    done = bulk_actions.preview(
        account.id,
        Event.START,
        Selection(ids=(rest[2],)),
        by=by.through(SourceType.BULK),
        reach=EVERYTHING,
        now=JAN_20,
    )
    job = bulk_actions.confirm(
        account.id,
        done.id,
        done.plan.changing,
        by=by.through(SourceType.BULK),
        reach=EVERYTHING,
        now=JAN_20,
    )
    file = BytesIO(f"email,firstname\nnew.{sign}@example.com,Zoe\n".encode())
    run = transfers.keep_file(account.id, file, f"{sign}.csv", by=by, now=JAN_20)
    member = make.user(account, "marketer", email=f"member.{sign}@example.com")
    invited = account_services.invite(
        account.id, f"invited.{sign}@example.com", "sales", by=by, now=JAN_20
    )
    segment = segments.create_fixed(account.id, f"List {sign}", by=by, now=JAN_20)
    segments.add_members(
        account.id, segment.id, make.ids(contact_id, archived_id), by=by, now=JAN_20
    )
    note_id = write_note(
        account.id, contact_id, f"Call {sign}", reach=EVERYTHING, by=by, now=JAN_20
    )
    view_id = views.save_as_new(
        account.id,
        f"View {sign}",
        {"q": sign},
        sharing=Sharing.ACCOUNT,
        viewer=Viewer(owner.pk),
        by=by,
        now=JAN_20,
    )
    change = sql.row(
        "SELECT max(id) FROM change WHERE account_id = %(id)s AND contact_count > 0",
        {"id": account.id},
    )
    assert change is not None
    return World(
        account,
        owner,
        other_id,
        archived_id,
        {
            "contact_id": contact_id,
            "plan_id": plan.id,
            "work_id": work.id,
            "job_id": job.id,
            "import_id": run.id,
            "segment_id": segment.id,
            "change_id": change[0],
            "edit_id": edited.change_id,
            "note_id": note_id,
            "name": definition.name,
            "view_id": view_id,
            "user_id": member.pk,
            "invitation_id": invited.invitation_id,
        },
        (sign, owner_email),
    )


def doors() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield (name, parameters) of every address under `/app/<account>/`."""

    def walk(
        patterns: list[URLPattern | URLResolver], route: str, space: str
    ) -> Iterator[tuple[str, tuple[str, ...]]]:
        for one in patterns:
            here = route + str(one.pattern)
            if isinstance(one, URLResolver):
                inside = f"{space}{one.namespace}:" if one.namespace else space
                yield from walk(one.url_patterns, here, inside)
            elif here.startswith(PAGES):
                parameters = tuple(re.findall(r"<(?:\w+:)?(\w+)>", here))
                yield f"{space}{one.name}", parameters

    return walk(get_resolver().url_patterns, "", "")


#: Written by signing in and by asking, and told apart from what a person does.
NOT_OURS = ("django_session", "cache_entry", "django_migrations")


def everything_stored() -> dict[str, str]:
    """Return what every table holds, as one digest each, to see whether anything was written."""
    tables = [
        str(row[0])
        for row in sql.rows(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' "
            "AND table_type = 'BASE TABLE' ORDER BY table_name"
        )
        if row[0] not in NOT_OURS
    ]
    both = " UNION ALL ".join(
        f"SELECT '{table}', coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') "
        f'FROM "{table}" AS t'
        for table in tables
    )
    return {str(row[0]): str(row[1]) for row in sql.rows(both)}


def stored_of(account_id: int) -> dict[str, str]:
    """Return what the tables hold of one account, as one digest each."""
    tables = [
        str(row[0])
        for row in sql.rows(
            "SELECT table_name FROM information_schema.columns "
            "WHERE table_schema = 'public' AND column_name = 'account_id' ORDER BY table_name"
        )
    ]
    both = " UNION ALL ".join(
        f"SELECT '{table}', coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') "
        f'FROM "{table}" AS t WHERE account_id = %(id)s'
        for table in tables
    )
    return {str(row[0]): str(row[1]) for row in sql.rows(both, {"id": account_id})}


def signed_in(user: User, **options: Any) -> Client:
    client = Client(**options)
    client.force_login(user)
    return client


def without(world: World, *rights: Right, role: str = "owner") -> User:
    """Return a person of the account who may do everything but this."""
    person = make.user(world.account, role)
    Membership.objects.filter(user=person).update(withdrawn=[right.value for right in rights])
    return person


def text_of(answer: Answer) -> str:
    """Return what a person reads of a page."""
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    found = unescape(re.sub(r"<[^>]*>", " ", content.decode()))
    return re.sub(r"\s+", " ", found)


def body_of(answer: Answer) -> str:
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return bytes(content).decode()

"""Every address of an account is guarded: who may not come in gets nothing, and changes nothing.

The addresses come from the resolver, so a new page without an entry in `GUARDS` fails here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import pytest
from django.test import Client

from marketable import clock
from marketable.accounts.models import Membership, User
from marketable.accounts.queries import EVERYTHING
from marketable.accounts.rules import Right
from marketable.accounts.wording import right_name
from marketable.contacts.services.merge import plan_merge
from tests.make import JAN_20
from tests.web.guarding import (
    World,
    body_of,
    doors,
    everything_stored,
    signed_in,
    stored_of,
    text_of,
    without,
    world,
)

pytestmark = pytest.mark.django_db

Form = dict[str, Any]


@dataclass(frozen=True)
class Guard:
    """What an address wants of those who come in.

    get, post  the rights it needs for each method; None where the method is not taken, an empty
               tuple where every member may
    form       what a person sends, made from the account's things
    foreign    the same with things of another account in its fields: whatever the answer, nothing
               of that account is shown or changed
    only_if    parts of the form that need a further right, with it
    """

    get: tuple[Right, ...] | None = None
    post: tuple[Right, ...] | None = None
    form: Callable[[World], Form] = lambda ours: {}
    foreign: Callable[[World, World], list[Form]] = lambda ours, theirs: []
    only_if: Mapping[Right, Form] = field(default_factory=dict)


STATUS = (Right.MARKETING_ACCESS, Right.CONTACTS_EDIT)


def chosen(ours: World) -> Form:
    return {"chosen": str(ours.named["contact_id"])}


def foreign_choices(ours: World, theirs: World) -> list[Form]:
    """Their contacts among ours, and our contacts by their jobs and imports."""
    both = f"{ours.named['contact_id']},{theirs.named['contact_id']}"
    return [
        {"chosen": both},
        {"chosen": str(theirs.named["contact_id"])},
        {"everyone": "1", "job": str(theirs.named["job_id"])},
        {"everyone": "1", "import": str(theirs.named["import_id"])},
        {"everyone": "1", "except": str(theirs.named["contact_id"])},
    ]


def plan_form(ours: World) -> Form:
    return {"action": "start", **chosen(ours)}


def edit_form() -> Form:
    return {"action": "edit", "property": "city", "how": "set", "value": "Gdańsk"}


def mapping_form(ours: World) -> Form:
    return {"property-0": "email", "property-1": "firstname", "go": "back"}


def seen_by(ours: World) -> str:
    """What was seen of a merge of two of our contacts before it was confirmed."""
    plan = plan_merge(
        ours.account.id,
        ours.named["contact_id"],
        ours.other_contact_id,
        reach=EVERYTHING,
        now=JAN_20,
    )
    return plan.seen


#: A file names contacts by address, so importing needs the right to edit them, too.
IMPORT = (Right.CONTACTS_IMPORT, Right.CONTACTS_EDIT)
PROPERTY = (*IMPORT, Right.PROPERTIES_EDIT)

GUARDS: dict[str, Guard] = {
    "contacts:list": Guard(get=(Right.CONTACTS_VIEW,)),
    "contacts:count": Guard(get=(Right.CONTACTS_VIEW,)),
    "contacts:columns": Guard(
        get=(Right.CONTACTS_VIEW,),
        post=(Right.CONTACTS_VIEW,),
        form=lambda ours: {"column": "city"},
        foreign=lambda ours, theirs: [{"column": "city", "view": str(theirs.named["view_id"])}],
    ),
    "filters:edit": Guard(get=(Right.CONTACTS_VIEW,)),
    "filters:fields": Guard(get=(Right.CONTACTS_VIEW,)),
    "filters:choices": Guard(get=(Right.CONTACTS_VIEW,)),
    "filters:look": Guard(
        post=(Right.CONTACTS_VIEW,),
        form=lambda ours: {"filter": '{"and": []}'},
        foreign=lambda ours, theirs: [
            {"filter": f'{{"segment": {theirs.named["segment_id"]}}}'},
            {"filter": '{"or": []}', "view": str(theirs.named["view_id"])},
        ],
    ),
    "filters:apply": Guard(
        post=(Right.CONTACTS_VIEW,),
        form=lambda ours: {"filter": '{"or": []}'},
        foreign=lambda ours, theirs: [
            {"filter": f'{{"segment": {theirs.named["segment_id"]}}}'},
            {"filter": '{"or": []}', "segment": str(theirs.named["segment_id"])},
        ],
    ),
    "saved_views:list": Guard(get=(Right.CONTACTS_VIEW,)),
    "saved_views:new": Guard(
        post=(Right.CONTACTS_VIEW,),
        form=lambda ours: {"name": "Brand new", "q": "anna", "sharing": "private"},
        foreign=lambda ours, theirs: [
            {"name": "New", "sharing": "people", "person": str(theirs.named["user_id"])}
        ],
    ),
    "saved_views:default": Guard(
        post=(Right.CONTACTS_VIEW,),
        form=lambda ours: {"view": str(ours.named["view_id"])},
        foreign=lambda ours, theirs: [{"view": str(theirs.named["view_id"])}],
    ),
    "saved_views:settings": Guard(
        get=(Right.CONTACTS_VIEW,),
        post=(Right.CONTACTS_VIEW,),
        form=lambda ours: {"name": "Other", "sharing": "account", "version": "1"},
        foreign=lambda ours, theirs: [
            {
                "name": "Other",
                "sharing": "people",
                "version": "1",
                "person": str(theirs.named["user_id"]),
            }
        ],
    ),
    "saved_views:save": Guard(
        post=(Right.CONTACTS_VIEW,), form=lambda ours: {"q": "anna", "version": "1"}
    ),
    "saved_views:copy": Guard(post=(Right.CONTACTS_VIEW,)),
    "saved_views:delete": Guard(post=(Right.CONTACTS_VIEW,)),
    "saved_views:restore": Guard(post=(Right.CONTACTS_VIEW,)),
    "contacts:create": Guard(
        get=(Right.CONTACTS_EDIT,),
        post=(Right.CONTACTS_EDIT,),
        form=lambda ours: {"email": "brand.new@example.com"},
        foreign=lambda ours, theirs: [
            {"email": "x@example.com", "hubspot_owner_id": str(theirs.named["user_id"])}
        ],
        only_if={Right.MARKETING_ACCESS: {"marketing": "1"}},
    ),
    "contacts:export": Guard(post=(Right.CONTACTS_EXPORT,), form=chosen, foreign=foreign_choices),
    "contacts:plan": Guard(
        post=STATUS,
        form=plan_form,
        foreign=lambda ours, theirs: [
            {"action": "start", **one} for one in foreign_choices(ours, theirs)
        ],
    ),
    "contacts:confirm": Guard(post=STATUS, form=lambda ours: {"count": "2"}),
    "contacts:delete": Guard(
        post=(Right.CONTACTS_BULK_DELETE,),
        form=chosen,
        foreign=lambda ours, theirs: [
            *foreign_choices(ours, theirs),
            {"plan": str(theirs.named["work_id"]), "count": "1"},
        ],
    ),
    "contacts:ask": Guard(
        post=(Right.CONTACTS_EDIT,),
        form=lambda ours: {"action": "edit", "property": "city", **chosen(ours)},
        foreign=foreign_choices,
    ),
    "contacts:plan_work": Guard(
        post=(Right.CONTACTS_EDIT,),
        form=lambda ours: {**edit_form(), **chosen(ours)},
        foreign=lambda ours, theirs: [
            *({**edit_form(), **one} for one in foreign_choices(ours, theirs)),
            {"action": "add", "list": str(theirs.named["segment_id"]), **chosen(ours)},
            {"action": "assign", "value": str(theirs.named["user_id"]), **chosen(ours)},
        ],
    ),
    "contacts:confirm_work": Guard(post=(Right.CONTACTS_EDIT,), form=lambda ours: {"count": "1"}),
    "contacts:cell": Guard(
        post=(Right.CONTACTS_EDIT,),
        form=lambda ours: {"version": "2", "value": "Gdańsk", "columns": "city"},
    ),
    "contacts:cell_undo": Guard(post=(Right.CONTACTS_EDIT,)),
    "contacts:follow": Guard(get=(Right.CONTACTS_VIEW,)),
    "palette:offered": Guard(get=()),
    "palette:search": Guard(get=()),
    "records:show": Guard(get=(Right.CONTACTS_VIEW,)),
    "records:edit": Guard(
        get=(Right.CONTACTS_EDIT,),
        post=(Right.CONTACTS_EDIT,),
        form=lambda ours: {"version": "2", "city": "Gdańsk"},
        foreign=lambda ours, theirs: [
            {"version": "2", "hubspot_owner_id": str(theirs.named["user_id"])}
        ],
    ),
    "records:status": Guard(get=STATUS, post=STATUS, form=lambda ours: {"action": "stop"}),
    "records:archive": Guard(get=(Right.CONTACTS_DELETE,), post=(Right.CONTACTS_DELETE,)),
    "records:restore": Guard(
        post=(Right.CONTACTS_DELETE,),
        foreign=lambda ours, theirs: [{"into": str(theirs.named["contact_id"])}],
        only_if={Right.CONTACTS_MERGE: {"into": "1"}},
    ),
    "records:erase": Guard(
        get=(Right.CONTACTS_ERASE,),
        post=(Right.CONTACTS_ERASE,),
        form=lambda ours: {"number": str(ours.named["contact_id"])},
    ),
    "records:merge": Guard(
        get=(Right.CONTACTS_MERGE,),
        post=(Right.CONTACTS_MERGE,),
        form=lambda ours: {"other": str(ours.other_contact_id), "seen": seen_by(ours)},
        foreign=lambda ours, theirs: [{"other": str(theirs.named["contact_id"])}],
    ),
    "records:unmerge": Guard(get=(Right.CONTACTS_MERGE,), post=(Right.CONTACTS_MERGE,)),
    "records:property": Guard(
        get=(Right.CONTACTS_VIEW,),
        post=(Right.CONTACTS_VIEW, Right.CONTACTS_EDIT),
        form=lambda ours: {"change": str(ours.named["change_id"])},
        foreign=lambda ours, theirs: [{"change": str(theirs.named["change_id"])}],
    ),
    "records:write_note": Guard(
        post=(Right.CONTACTS_EDIT,), form=lambda ours: {"text": "Call in May"}
    ),
    "records:change_note": Guard(
        get=(Right.CONTACTS_EDIT,),
        post=(Right.CONTACTS_EDIT,),
        form=lambda ours: {"text": "Call in June"},
    ),
    "records:delete_note": Guard(post=(Right.CONTACTS_EDIT,)),
    "records:restore_note": Guard(post=(Right.CONTACTS_EDIT,)),
    "records:segments": Guard(
        post=(Right.CONTACTS_EDIT,),
        form=lambda ours: {"segment": str(ours.named["segment_id"]), "go": "add"},
        foreign=lambda ours, theirs: [{"segment": str(theirs.named["segment_id"]), "go": "add"}],
    ),
    "duplicates:list": Guard(get=(Right.CONTACTS_MERGE,)),
    "duplicates:dismiss": Guard(
        post=(Right.CONTACTS_MERGE, Right.CONTACTS_EDIT),
        form=lambda ours: {
            "one": str(ours.named["contact_id"]),
            "two": str(ours.other_contact_id),
        },
        foreign=lambda ours, theirs: [
            {"one": str(ours.named["contact_id"]), "two": str(theirs.named["contact_id"])},
            {"one": str(theirs.other_contact_id), "two": str(theirs.named["contact_id"])},
        ],
    ),
    "duplicates:look": Guard(post=(Right.CONTACTS_MERGE,)),
    "segments:list": Guard(get=(Right.CONTACTS_VIEW,)),
    "segments:new": Guard(
        get=(Right.CONTACTS_EDIT,),
        post=(Right.CONTACTS_EDIT,),
        form=lambda ours: {"kind": "active", "name": "Brand new", "filter": '{"and": []}'},
        foreign=lambda ours, theirs: [
            {
                "kind": "active",
                "name": "x",
                "filter": f'{{"and": [{{"segment": {theirs.named["segment_id"]}}}]}}',
            }
        ],
    ),
    "segments:not_found": Guard(
        post=(Right.CONTACTS_EDIT,), form=lambda ours: {"lines": "nobody@example.com"}
    ),
    "segments:show": Guard(get=(Right.CONTACTS_VIEW,)),
    "segments:state": Guard(get=(Right.CONTACTS_VIEW,)),
    "segments:people": Guard(get=(Right.CONTACTS_VIEW,)),
    "segments:filter": Guard(
        get=(Right.CONTACTS_EDIT,),
        post=(Right.CONTACTS_EDIT,),
        form=lambda ours: {"filter": '{"and": []}', "go": "save"},
    ),
    "segments:rename": Guard(
        get=(Right.CONTACTS_EDIT,),
        post=(Right.CONTACTS_EDIT,),
        form=lambda ours: {"name": "Another name"},
    ),
    "segments:copy": Guard(post=(Right.CONTACTS_EDIT,)),
    "segments:delete": Guard(get=(Right.CONTACTS_EDIT,), post=(Right.CONTACTS_EDIT,)),
    "segments:restore": Guard(post=(Right.CONTACTS_EDIT,)),
    "segments:rebuild": Guard(post=(Right.CONTACTS_EDIT,)),
    "segments:add": Guard(
        get=(Right.CONTACTS_EDIT,),
        post=(Right.CONTACTS_EDIT,),
        form=lambda ours: {"addresses": "somebody@example.com"},
    ),
    "segments:remove": Guard(
        post=(Right.CONTACTS_EDIT,),
        form=lambda ours: {"id": str(ours.named["contact_id"])},
        foreign=lambda ours, theirs: [{"id": str(theirs.named["contact_id"])}],
    ),
    "segments:clear": Guard(get=(Right.CONTACTS_EDIT,), post=(Right.CONTACTS_EDIT,)),
    "segments:undo": Guard(post=(Right.CONTACTS_EDIT,)),
    "imports:list": Guard(get=(Right.CONTACTS_VIEW,)),
    "imports:new": Guard(
        get=IMPORT,
        post=IMPORT,
        form=lambda ours: {"file": BytesIO(b"email\nfresh@example.com\n")},
        foreign=lambda ours, theirs: [
            {
                "file": BytesIO(b"email\nfresh@example.com\n"),
                "instead_of": str(theirs.named["import_id"]),
            }
        ],
    ),
    "imports:open": Guard(get=IMPORT),
    "imports:file": Guard(get=IMPORT),
    "imports:mapping": Guard(get=IMPORT, post=IMPORT, form=mapping_form),
    "imports:read_as": Guard(get=IMPORT, post=IMPORT, form=mapping_form),
    "imports:property": Guard(get=PROPERTY, post=PROPERTY, form=lambda ours: {"column": "1"}),
    "imports:create_property": Guard(
        get=PROPERTY,
        post=PROPERTY,
        form=lambda ours: {"column": "1", "label": "Shoe size", "type": "number/number"},
    ),
    "imports:check": Guard(get=IMPORT),
    "imports:bad_rows": Guard(get=IMPORT),
    "imports:mend": Guard(post=IMPORT, form=lambda ours: {"line": "2", "value": "x"}),
    "imports:leave_out": Guard(post=IMPORT, form=lambda ours: {"line": "2"}),
    "imports:put_back": Guard(post=IMPORT, form=lambda ours: {"line": "2"}),
    "imports:options": Guard(get=IMPORT, post=IMPORT, form=lambda ours: {"mode": "upsert"}),
    "imports:start": Guard(get=IMPORT, post=IMPORT, form=lambda ours: {"mode": "upsert"}),
    "imports:run": Guard(get=IMPORT),
    "imports:cancel": Guard(post=IMPORT),
    "imports:failures": Guard(get=IMPORT),
    "imports:undo": Guard(get=IMPORT, post=IMPORT),
    "jobs:list": Guard(get=(Right.CONTACTS_VIEW,)),
    "jobs:job": Guard(get=(Right.CONTACTS_VIEW,)),
    "jobs:progress": Guard(get=(Right.CONTACTS_VIEW,)),
    "jobs:cancel": Guard(post=(Right.CONTACTS_VIEW, Right.MARKETING_ACCESS)),
    "jobs:take_back": Guard(post=(Right.CONTACTS_VIEW, Right.MARKETING_ACCESS)),
    "jobs:refused": Guard(get=(Right.CONTACTS_VIEW,)),
    "history:list": Guard(get=(Right.CONTACTS_VIEW,)),
    "history:change": Guard(get=(Right.CONTACTS_VIEW,)),
    "usage:show": Guard(get=()),
    "usage:badge": Guard(get=()),
    "properties:list": Guard(get=(Right.CONTACTS_VIEW,)),
    "properties:new": Guard(
        get=(Right.PROPERTIES_EDIT,),
        post=(Right.PROPERTIES_EDIT,),
        form=lambda ours: {"name": "size", "label": "Size", "type": "string/text"},
    ),
    "properties:edit": Guard(
        get=(Right.PROPERTIES_EDIT,),
        post=(Right.PROPERTIES_EDIT,),
        form=lambda ours: {"label": "Another label"},
    ),
    "properties:index": Guard(get=(Right.PROPERTIES_EDIT,), post=(Right.PROPERTIES_EDIT,)),
    "properties:archive": Guard(post=(Right.PROPERTIES_EDIT,)),
    "people:list": Guard(get=()),
    "people:invite": Guard(
        post=(Right.USERS_MANAGE,),
        form=lambda ours: {"email": "somebody@example.com", "role": "marketer"},
    ),
    "people:withdraw": Guard(post=(Right.USERS_MANAGE,)),
    "people:person": Guard(
        get=(Right.USERS_MANAGE,),
        post=(Right.USERS_MANAGE,),
        form=lambda ours: {"role": "analyst", "team": "North"},
    ),
    "people:remove": Guard(get=(Right.USERS_MANAGE,), post=(Right.USERS_MANAGE,)),
    "settings:account": Guard(
        get=(),
        post=(Right.SETTINGS_MANAGE,),
        form=lambda ours: {"name": "Renamed", "language": "pl", "time_zone": "Europe/Warsaw"},
    ),
    "settings:limit": Guard(
        post=(Right.BILLING_MANAGE,),
        form=lambda ours: {"at_limit": "ceiling", "ceiling": "1,000"},
    ),
    "settings:unblock": Guard(
        post=(Right.CONTACTS_ERASE,), form=lambda ours: {"address": "gone@example.com"}
    ),
    "settings:profile": Guard(
        get=(),
        post=(),
        form=lambda ours: {"name": "Anna", "language": "pl", "theme": "", "density": "normal"},
    ),
}

#: A contact that one may not see or edit is not there, whatever else one may do (P5).
REACHING = (Right.CONTACTS_VIEW, Right.CONTACTS_EDIT)

DOORS = sorted(doors())
Door = tuple[str, tuple[str, ...]]
every_door = pytest.mark.parametrize("door", DOORS, ids=[name for name, _ in DOORS])


@pytest.fixture(autouse=True)
def in_january(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: JAN_20)


@pytest.fixture
def ours(db: None) -> World:
    return world("Ours", owner_email="anna@example.com", sign="quince")


@pytest.fixture
def theirs(db: None) -> World:
    return world("Theirs", owner_email="eve@elsewhere.example", sign="medlar")


def methods(guard: Guard) -> list[tuple[str, tuple[Right, ...]]]:
    both = (("get", guard.get), ("post", guard.post))
    return [(method, rights) for method, rights in both if rights is not None]


def send(client: Client, method: str, url: str, form: Form) -> Any:
    return client.post(url, form) if method == "post" else client.get(url, form)


def told(answer: Any, of: World, besides: str = "") -> list[str]:
    """Return what the answer says of an account, besides what was asked for by its name."""
    body = body_of(answer)
    return [word for word in of.words if word in body and word not in besides]


def test_every_address_has_its_guard_and_every_guard_its_address() -> None:
    assert {name for name, _ in DOORS} == set(GUARDS)


@every_door
def test_strangers_to_the_product_are_led_to_the_sign_in_page(ours: World, door: Door) -> None:
    name, parameters = door
    before = everything_stored()
    for method, _rights in methods(GUARDS[name]):
        answer = send(Client(), method, ours.url(name, parameters), GUARDS[name].form(ours))
        assert answer.status_code == 302, method
        assert answer["Location"].startswith("/accounts/login/?next=")
        assert told(answer, ours) == []
    assert everything_stored() == before


@every_door
def test_members_of_another_account_are_told_nothing(
    ours: World, theirs: World, door: Door
) -> None:  # P5
    name, parameters = door
    browser = signed_in(theirs.owner)
    before = everything_stored()
    for method, _rights in methods(GUARDS[name]):
        url = ours.url(name, parameters)
        answer = send(browser, method, url, GUARDS[name].form(ours))
        assert answer.status_code == 404, method
        assert told(answer, ours, besides=url) == []
    assert everything_stored() == before


@every_door
def test_a_missing_right_is_named_and_nothing_is_written(ours: World, door: Door) -> None:  # P4
    name, parameters = door
    guard = GUARDS[name]
    wanted = [
        (method, right, guard.form(ours)) for method, rights in methods(guard) for right in rights
    ]
    wanted += [
        ("post", right, {**guard.form(ours), **further}) for right, further in guard.only_if.items()
    ]
    for method, right, form in wanted:
        browser = signed_in(without(ours, right))
        before = everything_stored()
        answer = send(browser, method, ours.url(name, parameters), form)
        assert answer.status_code == 403, (method, right)
        assert right_name(right.value) in text_of(answer)
        assert ours.owner.email in text_of(answer)  # who can grant it
        assert everything_stored() == before


@every_door
def test_whoever_has_the_rights_and_no_others_comes_in(ours: World, door: Door) -> None:
    """Else the refusals above could have another reason than the one they name."""
    name, parameters = door
    guard = GUARDS[name]
    for method, rights in methods(guard):
        allowed = {*rights, *(REACHING if "contact_id" in parameters else ())}
        Membership.objects.filter(user=ours.owner).update(
            role="billing",
            granted=[right.value for right in allowed],
            withdrawn=[right.value for right in Right if right not in allowed],
        )
        browser = signed_in(ours.owner)
        answer = send(browser, method, ours.url(name, parameters), guard.form(ours))
        assert answer.status_code not in {302, 403, 404, 405} or (
            answer.status_code == 302 and "/accounts/login/" not in answer["Location"]
        ), (method, answer.status_code)


def foreign_addresses(ours: World, theirs: World, door: Door) -> list[str]:
    """Our addresses with one of their things in each place where ours would stand."""
    name, parameters = door
    return [
        ours.url(name, parameters, **{one: theirs.named[one]})
        for one in parameters
        if one != "account_id"
    ]


@every_door
def test_another_accounts_things_are_not_there(ours: World, theirs: World, door: Door) -> None:
    name, _parameters = door
    guard = GUARDS[name]
    browser = signed_in(ours.owner)
    before = everything_stored()
    for method, _rights in methods(guard):
        for url in foreign_addresses(ours, theirs, door):
            answer = send(browser, method, url, guard.form(ours))
            if name == "people:withdraw":  # safe to repeat: what is not there is withdrawn
                assert answer.status_code == 302
            else:
                assert answer.status_code == 404, (method, url)
            assert told(answer, theirs, besides=url) == []
    assert everything_stored() == before


@every_door
def test_another_accounts_things_in_a_form_are_refused_or_left_alone(
    ours: World, theirs: World, door: Door
) -> None:  # J4, V16
    name, parameters = door
    browser = signed_in(ours.owner)
    before = stored_of(theirs.account.id)
    for form in GUARDS[name].foreign(ours, theirs):
        answer = send(browser, "post", ours.url(name, parameters), form)
        assert answer.status_code < 500, form
        assert told(answer, theirs) == [], form
    assert stored_of(theirs.account.id) == before


@every_door
def test_a_form_from_elsewhere_is_not_taken(ours: World, door: Door) -> None:
    name, parameters = door
    if GUARDS[name].post is None:
        return
    browser = signed_in(ours.owner, enforce_csrf_checks=True)
    before = everything_stored()
    answer = browser.post(ours.url(name, parameters), GUARDS[name].form(ours))
    assert answer.status_code == 403
    assert everything_stored() == before


@every_door
def test_a_method_that_an_address_does_not_take_does_nothing(ours: World, door: Door) -> None:
    name, parameters = door
    taken = {method for method, _rights in methods(GUARDS[name])}
    browser = signed_in(ours.owner)
    before = everything_stored()
    for method in {"get", "post", "put", "patch", "delete"} - taken:
        answer = getattr(browser, method)(ours.url(name, parameters))
        assert answer.status_code == 405, method
    assert everything_stored() == before


@every_door
def test_numbers_and_names_that_nothing_can_have_are_not_there(ours: World, door: Door) -> None:
    name, parameters = door
    guard = GUARDS[name]
    browser = signed_in(ours.owner)
    before = everything_stored()
    bad: dict[type, list[Any]] = {
        int: [0, 2**31, 2**63 - 1, 2**63, 10**30],
        str: ["'; DROP TABLE contact; --", "%(x)s", "{{ 1 }}", "nul\0", "<script>", "x" * 5_000],
    }
    for one in parameters:
        known = {"account_id": ours.account.id, **ours.named}[one]
        for value in bad.get(type(known), []):
            url = ours.url(name, parameters, **{one: value})
            for method, _rights in methods(guard):
                answer = send(browser, method, url, guard.form(ours))
                assert answer.status_code in {302, 404}, (method, url)
                if answer.status_code == 302:
                    assert name == "people:withdraw"
    assert everything_stored() == before


@every_door
def test_pages_are_not_kept_framed_or_scripted_from_elsewhere(ours: World, door: Door) -> None:
    name, parameters = door
    for method, _rights in methods(GUARDS[name]):
        answer = send(
            signed_in(ours.owner), method, ours.url(name, parameters), GUARDS[name].form(ours)
        )
        assert answer["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]
        assert "script-src 'self'" in answer["Content-Security-Policy"]
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Referrer-Policy"] == "same-origin"
        assert "private" in answer["Cache-Control"]


def test_the_same_person_has_each_accounts_own_rights(ours: World, theirs: World) -> None:
    """An Owner there who is an Analyst here is an Analyst here."""
    Membership.objects.create(
        account_id=ours.account.id, user=theirs.owner, role="analyst", joined_at=JAN_20
    )
    browser = signed_in(User.objects.get(pk=theirs.owner.pk))
    assert browser.get(ours.url("people:person", ("account_id", "user_id"))).status_code == 403
    assert browser.get(theirs.url("people:person", ("account_id", "user_id"))).status_code == 200

"""Whatever is sent to any address, it is answered: nothing breaks, and nothing of it runs.

The addresses and their forms come from `test_guards.GUARDS`, so a new page is tried here as well.
"""

from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from django.urls import reverse

from marketable import clock, sql
from marketable.accounts.models import User
from marketable.accounts.queries import EVERYTHING, AccountInfo
from marketable.contacts import queries as contacts
from marketable.contacts.services.create import create_contact
from marketable.history.sources import Source
from marketable.marketing_status import queries as status
from tests import make
from tests.make import JAN_20
from tests.web.guarding import JAN, World, doors, signed_in, world
from tests.web.test_guards import GUARDS

pytestmark = pytest.mark.django_db

SCRIPT = "<script>alert(1)</script>"
COMPUTED = "4321994"  # what a template makes of one of the values below
BAD = (
    "'; DROP TABLE contact; -- %(x)s %s %",
    SCRIPT + '"><img src=x onerror=alert(1)>' + "{{ 7|add:4321987 }}{% now 'Y' %}",
    "nul\0byte",
    "bell\x07 \x1b[31m line\r\nSet-Cookie: x=1 \u202eright to left\ufeff",
    "x" * 70_000,
    "-1",
    "1e3",
    "٤٢",  # digits, and not ours
    str(2**31),
    str(2**63),
    "9" * 5_000,
    "not-a-uuid",
    "",
)
#: Those that broke something somewhere.
WORST = (SCRIPT, "nul\0byte", str(2**63))
#: Not Unicode: a lone surrogate, cut-off and overlong sequences, as raw bytes of a form.
BROKEN = ("%ED%A0%80", "%C3%FF%FE%C0%80", "%00%u0041%")
#: Every name that some page reads from its address.
ASKED = (
    *("q", "status", "sort", "size", "after", "before", "columns", "job", "import"),
    *("view", "segment", "deleted"),
    *("kind", "source", "action", "actor", "from", "to", "contact", "page", "next"),
    *("only", "who", "moved", "name", "filter"),
)
#: What a form may hold besides what `GUARDS` sends.
MORE = {
    "contacts:create": "firstname lastname phone company jobtitle city country lifecyclestage "
    "hubspot_owner_id marketing lift_block",
    "contacts:export": "id except everyone columns q status sort",
    "contacts:plan": "id except everyone include_unreachable q job import",
    "contacts:delete": "id except everyone plan count q status",
    "contacts:ask": "id except everyone property how value list new_list q status",
    "contacts:plan_work": "id except everyone how value list new_list q job import",
    "contacts:columns": "reset q status after arrangement move view columns",
    "saved_views:new": "person columns sort status filter segment job import size view",
    "saved_views:save": "columns sort status filter segment size view",
    "saved_views:settings": "person",
    "records:edit": "email firstname phone hubspot_owner_id lifecyclestage birthday annualrevenue "
    "hs_marketable_status hs_object_id no_such_property",
    "segments:new": "addresses go",
    "segments:add": "file",
    "properties:new": "group description options is_unique",
    "properties:edit": "group description options",
    "properties:archive": "restore",
    "people:person": "right-contacts.edit right-marketing_contacts.access right-no.such",
}
DOORS = sorted(doors())
POSTED = [(name, rest) for name, rest in DOORS if name in GUARDS and GUARDS[name].post is not None]
READ = [(name, rest) for name, rest in DOORS if name in GUARDS and GUARDS[name].get is not None]
Door = tuple[str, tuple[str, ...]]


@pytest.fixture(autouse=True)
def in_january(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: JAN_20)


@pytest.fixture
def ours(db: None) -> World:
    return world("Ours", owner_email="anna@example.com", sign="quince")


def answered(answer: Any) -> None:
    assert answer.status_code < 500
    assert "x" not in answer.cookies
    if not answer.streaming and "html" in answer["Content-Type"]:
        page = answer.content.decode()
        assert SCRIPT not in page
        assert "<img src=x" not in page
        assert COMPUTED not in page


@pytest.mark.parametrize("door", POSTED, ids=[name for name, _ in POSTED])
def test_any_value_in_any_field_is_answered(ours: World, door: Door) -> None:
    name, parameters = door
    usual = GUARDS[name].form(ours)
    browser = signed_in(ours.owner)
    url = ours.url(name, parameters)
    more = [*MORE.get(name, "").split(), "no_such_field"]
    for value in BAD:
        answered(browser.post(url, dict.fromkeys([*usual, *more], value)))
        if len(more) > 1:
            answered(browser.post(url, {**usual, **dict.fromkeys(more, value)}))
    for value in WORST:
        for field in usual:
            answered(browser.post(url, {**usual, field: value}))
    answered(browser.post(url, dict.fromkeys([*usual, *more], "x" * 1_000_000)))
    for field in usual:  # and without it at all
        rest = {one: value for one, value in usual.items() if one != field}
        answered(browser.post(url, rest))
    assert status.prove(ours.account.id).ok


@pytest.mark.parametrize("door", POSTED, ids=[name for name, _ in POSTED])
def test_a_body_that_is_no_form_is_answered(ours: World, door: Door) -> None:
    name, parameters = door
    url = ours.url(name, parameters)
    usual = GUARDS[name].form(ours)
    browser = signed_in(ours.owner)
    plain = "application/x-www-form-urlencoded"
    for value in BROKEN:
        sent = "&".join(f"{quote(field)}={value}" for field in usual)
        answered(browser.post(url, sent.encode(), content_type=plain))
    for kind, body in (
        (plain + "; charset=utf-16", b"a=b"),
        (plain + "; charset=no-such", b"a=b"),
        ("application/json", b'{"action": "start"}'),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data"),
        ("multipart/form-data", b"no boundary"),
        ("multipart/form-data; charset=utf-7; boundary=x", multipart("count", b"+2AA-")),
        ("text/plain", b"\0\1\2"),
        ("", b""),
    ):
        answer = browser.generic("POST", url, body, content_type=kind)
        assert answer.status_code < 500, kind


def multipart(name: str, value: bytes) -> bytes:
    head = f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode()
    return head + value + b"\r\n--x--\r\n"


def test_a_form_that_is_far_too_large_is_refused(ours: World) -> None:
    browser = signed_in(ours.owner)
    url = ours.url("contacts:plan", ("account_id",))
    many = browser.post(url, {f"f{n}": "1" for n in range(20_001)})
    long = browser.post(url, {"chosen": "1" * (11 * 1024 * 1024)})
    assert {many.status_code, long.status_code} <= {400, 413}


@pytest.mark.parametrize("door", READ, ids=[name for name, _ in READ])
def test_anything_in_an_address_is_answered(ours: World, door: Door) -> None:
    name, parameters = door
    browser = signed_in(ours.owner)
    url = ours.url(name, parameters)
    for value in BAD:
        short = value[:5_000]
        answered(browser.get(url, dict.fromkeys(ASKED, short)))
    for broken in BROKEN:
        answered(browser.get(f"{url}?" + "&".join(f"{one}={broken}" for one in ASKED)))


@pytest.mark.parametrize("name", ["contacts:list", "records:show", "records:merge", "history:list"])
def test_each_part_of_an_address_is_read_with_care(ours: World, name: str) -> None:
    """One at a time, where another could hide it."""
    browser = signed_in(ours.owner)
    url = ours.url(name, dict(DOORS)[name])
    for one in ASKED:
        for value in WORST:
            answered(browser.get(url, {one: value}))


# What was stored is shown as it was given, and runs nowhere


def test_values_made_of_code_are_shown_as_text_everywhere(
    account: AccountInfo, owner: User, anna: Source
) -> None:  # J19
    values = {
        "email": "a@example.com",
        "firstname": SCRIPT,
        "lastname": "'; DROP TABLE contact; --",
        "company": "{{ 7 }}%(x)s",
        "city": '"><img src=x onerror=alert(1)>',
        "jobtitle": "=HYPERLINK(1)",
    }
    made = create_contact(account.id, values, by=anna, now=JAN_20).contact_id
    browser = signed_in(owner)
    pages = [
        reverse("contacts:list", args=[account.id]) + "?columns=company,city,jobtitle",
        reverse("contacts:list", args=[account.id]) + "?q=script",
        reverse("records:show", args=[account.id, made]),
        reverse("records:edit", args=[account.id, made]),
        reverse("records:status", args=[account.id, made]) + "?action=start",
        reverse("records:archive", args=[account.id, made]),
        reverse("records:erase", args=[account.id, made]),
        reverse("records:merge", args=[account.id, made]) + "?q=script",
        reverse("history:list", args=[account.id]),
    ]
    for url in pages:
        page = browser.get(url)
        assert page.status_code == 200, url
        text = page.content.decode()
        assert SCRIPT not in text, url
        assert "<img src=x" not in text, url
    shown = browser.get(reverse("records:show", args=[account.id, made])).content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
    assert "{{ 7 }}%(x)s" in shown
    row = contacts.contact(account.id, made, reach=EVERYTHING, today=JAN)
    assert {name: row.properties[name] for name in values if name != "email"} == {
        name: value for name, value in values.items() if name != "email"
    }


@pytest.mark.parametrize(
    "name",
    [
        "'; DROP TABLE contact; --",
        SCRIPT,
        "%(x)s",
        "{{ x }}",
        "nul\0",
        "",
        " ",
        "1st",
        "Größe",
        "x" * 101,
        "email",
        "hs_own",
        "-",
        "a b",
        "a->>b",
        'a"b',
        "__proto__",
    ],
)
def test_a_property_is_not_named_with_code(account: AccountInfo, owner: User, name: str) -> None:
    before = sql.rows("SELECT count(*) FROM property")
    form = {"name": name, "label": "Label", "type": "string/text"}
    answer = signed_in(owner).post(reverse("properties:new", args=[account.id]), form)
    assert answer.status_code in {400, 409}
    assert "aria-invalid" in answer.content.decode()
    assert SCRIPT not in answer.content.decode()
    assert sql.rows("SELECT count(*) FROM property") == before


def test_labels_and_options_made_of_code_are_only_text(account: AccountInfo, owner: User) -> None:
    browser = signed_in(owner)
    form = {
        "name": "trap",
        "label": f"{SCRIPT} %(x)s {{{{ 7 }}}}",
        "type": "enumeration/select",
        "options": "\n".join(("' OR 1 --", f"b = {SCRIPT}", "%s = %(x)s")),
        "description": SCRIPT,
    }
    made = browser.post(reverse("properties:new", args=[account.id]), form)
    assert made.status_code == 302
    contact_id = make.contact(account, trap="b")
    make.contact(account)
    pages = [
        reverse("properties:list", args=[account.id]),
        reverse("properties:edit", args=[account.id, "trap"]),
        reverse("records:show", args=[account.id, contact_id]),
        reverse("records:edit", args=[account.id, contact_id]),
        *(
            reverse("contacts:list", args=[account.id]) + f"?columns=trap&sort={sign}trap"
            for sign in ("", "-")
        ),
    ]
    for url in pages:
        page = browser.get(url)
        assert page.status_code == 200, url
        assert SCRIPT not in page.content.decode(), url
    assert "&lt;script&gt;alert(1)&lt;/script&gt; %(x)s {{ 7 }}" in page.content.decode()
    chosen = browser.post(
        reverse("records:edit", args=[account.id, contact_id]),
        {"version": "1", "trap": "' OR 1 --"},
    )
    assert chosen.status_code == 302
    export: Any = browser.post(
        reverse("contacts:export", args=[account.id]), {"everyone": "1", "columns": "trap"}
    )
    assert b"OR 1 --" in b"".join(export.streaming_content)


def test_a_file_of_contacts_is_safe_in_a_spreadsheet(
    account: AccountInfo, owner: User, anna: Source
) -> None:  # J19
    create_contact(
        account.id,
        {"email": "a@example.com", "firstname": "=1+1", "company": "@SUM(A1)", "city": "\t=2"},
        by=anna,
        now=JAN_20,
    )
    export: Any = signed_in(owner).post(
        reverse("contacts:export", args=[account.id]),
        {"everyone": "1", "columns": "firstname,company,city"},
    )
    text = b"".join(export.streaming_content).decode()
    assert "'=1+1" in text
    assert "'@SUM(A1)" in text


def test_a_value_is_never_read_as_a_template_or_a_format(
    account: AccountInfo, owner: User, anna: Source
) -> None:
    """Names travel through messages, titles and sentences with places in them."""
    browser = signed_in(owner)
    for trap in ("%(name)s %s %d", "{{ request.user.password }}", "{0}{count}"):
        browser.post(
            reverse("settings:account", args=[account.id]),
            {"name": trap, "language": "en", "time_zone": "Europe/Warsaw"},
        )
        page = browser.get(reverse("settings:account", args=[account.id])).content.decode()
        assert trap in page
        made = create_contact(account.id, {"firstname": trap}, by=anna, now=JAN_20).contact_id
        for name in ("records:status", "records:archive", "records:erase", "records:merge"):
            url = reverse(name, args=[account.id, made]) + "?action=start"
            assert trap in browser.get(url).content.decode(), name


def test_an_unknown_place_of_the_product_is_a_page_of_its_own(
    account: AccountInfo, owner: User
) -> None:
    browser = signed_in(owner)
    for path in ("/nowhere", "/app/x/contacts/", f"/app/{account.id}/nowhere", "/app/", "/%00"):
        for client in (browser, Client()):
            answer = client.get(path)
            assert answer.status_code == 404, path
            assert "There is nothing at this address" in answer.content.decode()

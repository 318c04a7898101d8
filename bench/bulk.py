"""Bulk status changes through the service, against the bare SQL that writes the same rows: status
and ledger rows, the frozen numbers of the contacts, the bulk action and its change, the counter.
An edit of a property stands against less: its values and ledger rows alone."""

from collections.abc import Iterator
from datetime import date, datetime, time

from django.db import transaction

from bench.account import BenchAccount
from bench.figures import Figure, Stopwatch, compared, say
from bench.server import Server
from marketable import sql
from marketable.accounts import queries as accounts
from marketable.accounts.queries import EVERYTHING
from marketable.billing import queries as billing
from marketable.billing import rules as billing_rules
from marketable.bulk_actions import queries as bulk_queries
from marketable.bulk_actions import running
from marketable.bulk_actions import services as bulk_actions
from marketable.bulk_actions.rules import ActionKind
from marketable.bulk_actions.works import Work
from marketable.contacts.services.edit_many import How
from marketable.marketing_status import queries as status
from marketable.marketing_status import services as marketing
from marketable.marketing_status.rules import Event, Status
from marketable.segments.selection import Selection

GOAL = 1.3
ROUNDS = 3
BATCH = 20_000

OPEN = """
INSERT INTO bulk_action (account_id, kind, state, source, selection, answer, total, done, outcomes,
                         error, created_at, started_at, finished_at)
VALUES (%(account_id)s, %(kind)s, 'complete', '{}', '{}', '{}', 0, 0, '{}', '', %(now)s, %(now)s,
        %(now)s)
RETURNING id
"""
CHANGE = """
INSERT INTO change (account_id, at, kind, actor_type, actor_id, actor_label, source_type,
                    source_id, source_label, body, contact_count, marketing_delta, reason)
VALUES (%(account_id)s, %(now)s, %(kind)s, 'user', '1', '', 'BULK', '', '', '{}', 0, 0, '')
RETURNING id
"""
FREEZE = """
INSERT INTO bulk_action_batch (account_id, bulk_action_id, number, contact_ids, outcome, done_at)
SELECT %(account_id)s, %(bulk_action_id)s, place / %(batch)s, array_agg(id), '', %(now)s
  FROM (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM chosen) AS numbered
 GROUP BY place / %(batch)s
"""
WRITE_LEDGER = """
INSERT INTO contact_change (account_id, contact_id, change_id, before, after)
SELECT %(account_id)s, contact_id, %(change_id)s, %(before)s::jsonb, %(after)s::jsonb FROM moved
"""
COUNT = """
UPDATE account_usage SET counter = counter + %(sign)s * (SELECT count(*) FROM moved)
 WHERE account_id = %(account_id)s
"""

#: The contacts that each action is about.
UNSET = """
SELECT id FROM contact
 WHERE account_id = %(account_id)s AND archived_at IS NULL AND email IS NOT NULL
   AND NOT properties ? 'hs_email_hard_bounce_reason_enum'
   AND NOT EXISTS (SELECT FROM marketing_contact AS status
                    WHERE status.account_id = contact.account_id AND status.contact_id = contact.id)
"""
NOT_DELETED = """
NOT EXISTS (SELECT FROM contact
             WHERE contact.account_id = marketing_contact.account_id
               AND contact.id = marketing_contact.contact_id AND contact.archived_at IS NOT NULL)
"""

SET = f"""
WITH chosen AS ({UNSET}), frozen AS ({FREEZE}), moved AS (
    INSERT INTO marketing_contact (account_id, contact_id, since, source_type, source_id, change_id)
    SELECT %(account_id)s, id, %(now)s, 'BULK', '', %(change_id)s FROM chosen
    RETURNING contact_id
), written AS ({WRITE_LEDGER})
{COUNT}
"""
MOVE = f"""
WITH chosen AS ({{chosen}}), frozen AS ({FREEZE}), moved AS (
    UPDATE marketing_contact SET leaving_on = {{leaving_on}}
     WHERE {{which}}
    RETURNING contact_id
), written AS ({WRITE_LEDGER})
{COUNT}
"""
NOT_STAGED = "account_id = %(account_id)s AND leaving_on IS NULL"
STAGED = f"account_id = %(account_id)s AND leaving_on IS NOT NULL AND {NOT_DELETED}"


def _move(which: str, leaving_on: str) -> str:
    chosen = f"SELECT contact_id AS id FROM marketing_contact WHERE {which}"
    return MOVE.format(chosen=chosen, which=which, leaving_on=leaving_on)


STAGE = _move(NOT_STAGED, "%(update_date)s")
KEEP = _move(STAGED, "NULL")
LEAVE = f"""
WITH moved AS (
    DELETE FROM marketing_contact
     WHERE account_id = %(account_id)s AND leaving_on <= %(update_date)s
    RETURNING contact_id
), written AS ({WRITE_LEDGER})
{COUNT}
"""


def figures(server: Server, account: BenchAccount, template: str) -> Iterator[Figure]:
    yield edit(server, account, template)
    yield from _in_turns(server, account, template, ["set"])
    yield from _in_turns(server, account, template, ["stage", "keep", "update date"])


#: The works of one turn are done one after the other on one copy; between *keep* and *update
#: date* everybody is staged again, which is not measured.
NAMES = {
    "set": "set as marketing",
    "stage": "stage as non-marketing",
    "keep": "keep as marketing",
    "update date": "update date",
}
FLOORS = {
    "set": (SET, '{"status": "non_marketing"}', '{"status": "marketing"}', 1),
    "stage": (STAGE, '{"status": "marketing"}', "leaving", 0),
    "keep": (KEEP, "leaving", '{"status": "marketing"}', 0),
    "update date": (LEAVE, "leaving", '{"status": "non_marketing"}', -1),
}


def _in_turns(
    server: Server, account: BenchAccount, template: str, works: list[str]
) -> Iterator[Figure]:
    product: dict[str, list[float]] = {work: [] for work in works}
    floor: dict[str, list[float]] = {work: [] for work in works}
    done: dict[str, int] = {}
    for turn in range(ROUNDS):
        sides = [(product, _by_the_service), (floor, _by_bare_sql)]
        for seconds, does in sides if turn % 2 else reversed(sides):
            with server.copy_of(template):
                for work in works:
                    if work == "update date":
                        _by_bare_sql(account, "stage")
                    watch, count = does(account, work)
                    seconds[work].append(watch)
                    assert done.setdefault(work, count) == count, (work, count, done)
                    say(f"  {does.__name__.strip('_')}, {work}: {count:,} in {watch:.2f} s")
                if does is _by_the_service:
                    assert status.prove(account.id).ok
    for work in works:
        yield compared(
            NAMES[work],
            done[work],
            product[work],
            floor[work],
            floor_is="one transaction of bare SQL that writes the same rows",
            goal=GOAL,
        )


#: What the edit of a property is measured with.
EDITED, EDIT_NAME, EDIT_VALUE = 100_000, "level", "a"
TOLD = """
INSERT INTO contact_change (account_id, contact_id, change_id, before, after)
SELECT account_id, id, %(change_id)s,
       jsonb_build_object('properties', jsonb_build_object(%(name)s, properties->%(name)s)),
       jsonb_build_object('properties', %(given)s::jsonb)
  FROM contact
 WHERE account_id = %(account_id)s AND id = ANY(%(ids)s)
"""
GIVE = """
UPDATE contact
   SET properties = properties || %(given)s::jsonb, version = version + 1, updated_at = %(now)s
 WHERE account_id = %(account_id)s AND id = ANY(%(ids)s)
"""


def edit(server: Server, account: BenchAccount, template: str) -> Figure:
    """One property of many wide contacts, with their ledger rows, in turns on copies."""
    product: list[float] = []
    floor: list[float] = []
    for turn in range(ROUNDS):
        sides = [(product, _edit_by_the_service), (floor, _edit_by_bare_sql)]
        for seconds, does in sides if turn % 2 else reversed(sides):
            with server.copy_of(template):
                ids = _with_another_value(account)
                watch = does(account, ids)
                seconds.append(watch.seconds)
                say(f"  {does.__name__.strip('_')}: {len(ids):,} in {watch.seconds:.2f} s")
                assert not set(ids) & set(_with_another_value(account))
    return compared(
        "edit one property",
        len(ids),
        product,
        floor,
        floor_is="one transaction of a bare UPDATE and the INSERT of its ledger rows",
        goal=GOAL,
    )


def _with_another_value(account: BenchAccount) -> list[int]:
    found = sql.rows(
        "SELECT id FROM contact WHERE account_id = %(account_id)s AND archived_at IS NULL "
        "AND properties->>%(name)s IS DISTINCT FROM %(value)s ORDER BY id LIMIT %(limit)s",
        {
            "account_id": account.id,
            "name": EDIT_NAME,
            "value": EDIT_VALUE,
            "limit": EDITED,
        },
    )
    return [int(row[0]) for row in found]


def _edit_by_the_service(account: BenchAccount, ids: list[int]) -> Stopwatch:
    shown = bulk_actions.preview_work(
        account.id,
        Work(ActionKind.EDIT, EDIT_NAME, How.SET, EDIT_VALUE),
        Selection(ids=tuple(ids)),
        by=account.by,
        reach=EVERYTHING,
        now=account.now,
    )
    watch = Stopwatch()
    with watch.running():
        begun = bulk_actions.confirm(
            account.id,
            shown.id,
            shown.plan.changing,
            by=account.by,
            reach=EVERYTHING,
            now=account.now,
        )
        while running.run_next_batch(account.id, begun.id, now=account.now):
            pass
    assert bulk_queries.bulk_action(account.id, begun.id).changed == len(ids)
    return watch


def _edit_by_bare_sql(account: BenchAccount, ids: list[int]) -> Stopwatch:
    params: dict[str, object] = {
        "account_id": account.id,
        "now": account.now,
        "kind": "contact_changed",
        "ids": ids,
        "name": EDIT_NAME,
        "given": f'{{"{EDIT_NAME}": "{EDIT_VALUE}"}}',
    }
    watch = Stopwatch()
    with watch.running(), transaction.atomic():
        found = sql.row(CHANGE, params)
        assert found is not None
        params["change_id"] = found[0]
        sql.execute(TOLD, params)
        sql.execute(GIVE, params)
    return watch


def _update_date(account: BenchAccount) -> date:
    zone = accounts.account(account.id).zone
    return billing.calendar(account.id).next_update_date(billing_rules.today_in(zone, account.now))


def _by_the_service(account: BenchAccount, work: str) -> tuple[float, int]:
    """Do a work as a command does; return (seconds, contacts changed)."""
    watch = Stopwatch()
    if work == "update date":
        noon = time(12, tzinfo=accounts.account(account.id).zone)
        on_the_day = datetime.combine(_update_date(account), noon)
        with watch.running():
            result = marketing.apply_update_date(account.id, now=on_the_day)
        return watch.seconds, result.applied
    event, chosen = {
        "set": (Event.START, Status.NON_MARKETING),
        "stage": (Event.STOP, Status.MARKETING),
        "keep": (Event.KEEP, Status.LEAVING),
    }[work]
    selection = Selection(status=chosen)
    expected = bulk_actions.make_plan(
        account.id, event, selection, reach=EVERYTHING, now=account.now
    ).changing
    with watch.running():
        view = bulk_actions.run_now(
            account.id,
            event,
            selection,
            expected=expected,
            by=account.by,
            reach=EVERYTHING,
            now=account.now,
        )
    assert view is not None
    return watch.seconds, view.changed


def _by_bare_sql(account: BenchAccount, work: str) -> tuple[float, int]:
    statement, before, after, sign = FLOORS[work]
    update_date = _update_date(account)
    leaving = f'{{"status": "leaving", "leaving_on": "{update_date}"}}'
    params = {
        "account_id": account.id,
        "now": account.now,
        "kind": "stop" if work == "stage" else "start",
        "update_date": update_date,
        "before": leaving if before == "leaving" else before,
        "after": leaving if after == "leaving" else after,
        "sign": sign,
        "batch": BATCH,
    }
    watch = Stopwatch()
    with watch.running(), transaction.atomic():
        for name, opening in (("bulk_action_id", OPEN), ("change_id", CHANGE)):
            found = sql.row(opening, params)
            assert found is not None
            params[name] = found[0]
        sql.execute(statement, params)
    counted = sql.row(
        "SELECT count(*) FROM contact_change WHERE account_id = %(account_id)s "
        "AND change_id = %(change_id)s",
        params,
    )
    assert counted is not None
    return watch.seconds, int(counted[0])

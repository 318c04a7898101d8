"""Worker and command are killed in the midst of building a segment, and of reading the ledger for
segments: nobody is lost and nobody is in twice (J18, V8)."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.commands.shell import PATIENCE_SECONDS, Shell, eventually, kill
from tests.faults.middle import running

MANY = 3_000
MADE = """
account = make.account()
make.contacts(account, {many})
answer = account.id
"""
EVERYBODY = {"and": [{"property": "firstname", "operator": "is", "value": "Jan"}]}
EDITED = """
from datetime import UTC, datetime
from marketable import sql
from marketable.history.kinds import Kind
from marketable.history.services import close_change, open_change
from marketable.history.sources import system
from django.db import transaction
with transaction.atomic():
    change_id = open_change({account_id}, Kind.CONTACT_CHANGED, by=system(), at=datetime.now(UTC))
    sql.execute('''
        WITH moved AS (
            UPDATE contact SET properties = properties || '{{"firstname": "Ola"}}'
             WHERE account_id = %(account_id)s RETURNING id)
        INSERT INTO contact_change (account_id, contact_id, change_id, before, after)
        SELECT %(account_id)s, id, %(change_id)s, '{{"properties": {{"firstname": "Jan"}}}}',
               '{{"properties": {{"firstname": "Ola"}}}}' FROM moved
        ''', {{"account_id": {account_id}, "change_id": change_id}})
    close_change({account_id}, change_id, contact_count={many})
answer = change_id
"""
#: A session that waits for a segment_day's row has written its members already.
WAITS = (
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
    "AND datname = current_database()"
)


@contextmanager
def held(shell: Shell) -> Iterator[None]:
    """Let nobody finish moving members during the block: the day's numbers are written last."""
    assert shell.url is not None
    with psycopg.connect(shell.url) as other:
        other.execute("LOCK TABLE segment_day IN SHARE ROW EXCLUSIVE MODE")
        yield
        other.rollback()


def account_with_segment(shell: Shell, tmp_path: Path) -> tuple[int, int]:
    account_id = int(shell.python(MADE.format(many=MANY)))
    file = tmp_path / "everybody.json"
    file.write_text(json.dumps(EVERYBODY))
    words = ("--account", account_id, "--name", "Everybody", "--filter", str(file), "--json")
    made = shell("segment", "create", *words)
    assert made.json["member_count"] == MANY, made.err
    return account_id, int(made.json["id"])


def assert_proven(shell: Shell, account_id: int, segment_id: int, members: int) -> None:
    proof = shell("segment", "prove", "--account", account_id, "--segment", segment_id, "--json")
    assert proof.json == {"ok": True, "member_count": members, "expected_count": members}


def test_a_segment_whose_building_is_killed_is_built_once(shell: Shell, tmp_path: Path) -> None:
    account_id, segment_id = account_with_segment(shell, tmp_path)
    shell.rows("DELETE FROM segment_member RETURNING 1")
    rebuild = running(shell, "segment", "rebuild", "--account", account_id, "--segment", segment_id)
    with held(shell):
        process = rebuild()
        eventually(lambda: shell.rows(WAITS) == [(1,)], "it is in the midst of its statement")
        kill(process.pid)
        process.wait(timeout=PATIENCE_SECONDS)
    eventually(lambda: shell.rows(WAITS) == [(0,)], "the server has noticed")
    again = shell(
        *("segment", "rebuild", "--account", account_id, "--segment", segment_id, "--json")
    )
    assert again.json == {"ok": True, "member_count": MANY, "expected_count": MANY}


def test_a_reader_killed_in_the_midst_of_a_change_loses_nobody_and_repeats_nothing(
    shell: Shell, tmp_path: Path
) -> None:
    account_id, segment_id = account_with_segment(shell, tmp_path)
    shell.python(EDITED.format(account_id=account_id, many=MANY))
    with held(shell):
        process = running(shell, "worker")()
        eventually(lambda: shell.rows(WAITS) == [(1,)], "it is in the midst of its statement")
        kill(process.pid)
        process.wait(timeout=PATIENCE_SECONDS)
    ended = shell("worker", "--until-idle")
    assert ended.status == 0, ended.err
    assert_proven(shell, account_id, segment_id, 0)
    assert shell.rows("SELECT count(*), count(DISTINCT contact_id) FROM segment_past_member") == [
        (MANY, MANY)
    ]
    [(count, joined, left)] = shell.rows('SELECT member_count, joined, "left" FROM segment_day')
    assert (count, joined, left) == (0, MANY, MANY)


def test_a_segment_that_nobody_builds_any_more_is_taken_up_by_the_next_worker(
    shell: Shell, tmp_path: Path
) -> None:
    account_id, segment_id = account_with_segment(shell, tmp_path)
    shell.rows("DELETE FROM procrastinate_jobs RETURNING 1")
    shell.rows("DELETE FROM segment_member RETURNING 1")
    shell.rows("UPDATE segment SET state = 'building', member_count = 0 RETURNING 1")
    ended = shell("worker", "--until-idle")
    assert ended.status == 0, ended.err
    assert shell.rows("SELECT state, member_count FROM segment") == [("ready", MANY)]
    assert_proven(shell, account_id, segment_id, MANY)

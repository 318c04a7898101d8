"""A worker is killed in the midst of a bulk edit, and of the job that takes it back (J18, V8)."""

from tests.commands.shell import Shell, kill
from tests.faults.middle import BATCHES, MANY, account_with_many, after_one_batch, running

EDITED = f"""
from marketable.bulk_actions.rules import ActionKind
from marketable.bulk_actions.works import Work
from marketable.contacts.services.edit_many import How

connection.cursor().execute(
    "UPDATE contact SET properties = jsonb_build_object('city', 'Town ' || id)"
)
work = Work(ActionKind.EDIT, "city", How.SET, "Gdynia")
plan = bulk_actions.preview_work(
    account.id, work, Selection(), by=by, reach=EVERYTHING, now=now
)
bulk_actions.confirm(account.id, plan.id, {MANY}, by=by, reach=EVERYTHING, now=now)
"""
TAKEN_BACK = """
from marketable import clock
from marketable.bulk_actions import queries, services
from marketable.history.sources import SourceType, system

[job] = queries.bulk_actions({account_id}, since=clock.now() - services.KEPT_FOR)
answer = services.take_back(
    {account_id}, job.id, by=system(SourceType.COMMAND), now=clock.now()
).id
"""
CHANGES = "SELECT contact_count FROM change WHERE kind = 'contact_changed' ORDER BY id"
TOLD = (
    "SELECT count(*), count(DISTINCT contact_id) FROM contact_change "
    "JOIN change ON change.id = contact_change.change_id WHERE kind = 'contact_changed'"
)


def test_each_contact_is_edited_once_and_put_back_once(shell: Shell) -> None:
    account_id = account_with_many(shell, then=EDITED)
    killed_in_the_middle(shell, account_id)
    assert shell.rows("SELECT DISTINCT properties->>'city' FROM contact") == [("Gdynia",)]
    assert shell.rows(CHANGES) == [(n,) for n in BATCHES]
    assert shell.rows(TOLD) == [(MANY, MANY)]
    shell.python(TAKEN_BACK.format(account_id=account_id))
    killed_in_the_middle(shell, account_id)
    assert shell.rows(CHANGES) == [(n,) for n in BATCHES * 2]
    assert shell.rows(TOLD) == [(2 * MANY, MANY)]
    own = "SELECT count(*) FROM contact WHERE properties->>'city' = 'Town ' || id AND version = 3"
    assert shell.rows(own) == [(MANY,)]
    ended = "SELECT state, done, total, outcomes FROM bulk_action"
    assert shell.rows(ended) == [("complete", MANY, MANY, {"changed": MANY})] * 2


def killed_in_the_middle(shell: Shell, account_id: int) -> None:
    with after_one_batch(shell, account_id, running(shell, "worker")) as worker:
        kill(worker.pid)
    done = "SELECT done FROM bulk_action WHERE state = 'running'"
    assert shell.rows(done) == [(BATCHES[0],)]
    ended = shell("worker", "--until-idle")
    assert ended.status == 0, ended.err

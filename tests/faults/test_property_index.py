"""Worker and database are killed while the index of a property is built: it is built all the same,
and nothing half-built stays."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg

from tests.commands.shell import Shell, eventually, kill
from tests.faults.conftest import House

MARKED = """
from marketable.history.sources import system
from marketable.properties.indexing import index_property
account = make.account()
make.contact(account, city="Kraków")
index_property(account.id, "city", by=system(), now=make.JAN_20)
answer = account.id
"""
INDEXES = (
    "SELECT indisvalid FROM pg_index WHERE indrelid = 'contact'::regclass "
    "AND indexrelid::regclass::text ~ '_p[0-9]+$'"
)
STATE = "SELECT state FROM property_index"
BUILDERS = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'marketable index%'"


@contextmanager
def held_back(shell: Shell) -> Iterator[None]:
    """Somebody else's transaction, which a build waits for."""
    assert shell.url is not None
    other = psycopg.connect(shell.url)
    try:
        other.execute("UPDATE contact SET version = version")
        yield
    finally:
        with suppress(psycopg.Error):  # the server may have been killed
            other.close()


def assert_built(shell: Shell) -> None:
    assert shell.rows(INDEXES) == [(True,)]
    assert shell.rows(STATE) == [("ready",)]
    assert shell.rows(BUILDERS) == [(0,)]


def test_a_killed_worker_s_index_is_taken_over(shell: Shell) -> None:
    shell.python(MARKED)
    with held_back(shell), shell.started("worker") as worker:
        eventually(lambda: shell.rows(INDEXES) == [(False,)], "it is being built")
        kill(worker.pid)
        worker.wait()
        assert shell.rows(BUILDERS) == [(1,)]  # the server goes on by itself
    ended = shell("worker", "--until-idle")
    assert ended.status == 0, ended.err
    assert_built(shell)


def test_what_a_killed_worker_was_building_can_be_cancelled(shell: Shell) -> None:
    account_id = shell.python(MARKED)
    with held_back(shell):
        with shell.started("worker") as worker:
            eventually(lambda: shell.rows(INDEXES) == [(False,)], "it is being built")
            kill(worker.pid)
            worker.wait()
        shell.python(
            "from marketable.history.sources import system\n"
            "from marketable.properties.indexing import stop_indexing\n"
            f"stop_indexing({account_id}, 'city', by=system(), now=make.JAN_20)\n"
            "answer = None"
        )
        with shell.started("worker"):
            eventually(lambda: shell.rows(STILL_CREATING) == [(0,)], "the build was ended")
    ended = shell("worker", "--until-idle")
    assert ended.status == 0, ended.err
    assert shell.rows(INDEXES) == [] and shell.rows(STATE) == []


STILL_CREATING = (
    "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'marketable index%' "
    "AND query LIKE 'CREATE INDEX%' AND state = 'active'"
)


def test_a_killed_database_builds_it_again(house: House) -> None:
    house.beside.python(MARKED)
    with held_back(house.beside), house.inside.started("worker") as worker:
        eventually(lambda: house.beside.rows(INDEXES) == [(False,)], "it is being built")
        kill(house.postmaster)
        kill(worker.pid)
        worker.wait()
    ended = house.inside("worker", "--until-idle")  # starts the server again
    assert ended.status == 0, ended.err
    house.cluster.ensure_running()
    assert_built(house.beside)

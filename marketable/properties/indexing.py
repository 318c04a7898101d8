"""Marking properties indexed. What a person asks for is a row; a job settles it: it builds the
index, or takes it away, while everybody goes on writing (docs/decisions/0008)."""

import time
from collections.abc import Callable
from datetime import datetime
from threading import Thread
from typing import Any

import psycopg
from django.db import connection
from psycopg import sql as pg

from marketable import sql
from marketable.accounts.services import take_turns
from marketable.history.kinds import Kind
from marketable.history.services import record
from marketable.history.sources import Source
from marketable.properties import keys, queries
from marketable.properties.errors import CannotBeIndexed, PropertyUnknown, TooManyIndexed
from marketable.properties.models import PropertyIndex
from marketable.properties.rules import (
    MOST_INDEXED,
    MOST_INDEXED_HERE,
    UNSETTLED,
    IndexState,
    PropertyDef,
    index_name,
)
from marketable.queue import Job, enqueue

#: How often a build under way is looked after.
LOOK_SECONDS = 0.5
#: Indexes are built one at a time in the whole database, by whoever holds this lock. It is held by
#: the connection that builds: where a worker was killed, the server may go on with the statement.
TURN = "hashtext('marketable index'), 0"


@sql.retried
def index_property(account_id: int, name: str, *, by: Source, now: datetime) -> None:
    """Let filters and sorts by a property be served by an index of its own, once it is built.

    Raises PropertyUnknown, CannotBeIndexed or TooManyIndexed.
    """
    definition = queries.definitions(account_id).get(name)
    if definition is None:
        raise PropertyUnknown(name)
    if not keys.can_be_indexed(definition):
        raise CannotBeIndexed(name)
    take_turns(account_id)
    sql.row("SELECT pg_advisory_xact_lock(hashtext('marketable indexes'))")  # the last place
    row = PropertyIndex.objects.filter(account_id=account_id, name=name).first()
    if row is None:
        _check_room(account_id)
        row = PropertyIndex(account_id=account_id, name=name)
    elif row.state in {IndexState.WAITING, IndexState.BUILDING, IndexState.READY}:
        return
    row.state, row.problem = IndexState.WAITING.value, ""
    row.asked_at, row.ready_at = now, None
    row.save()
    row.refresh_from_db(fields=["id"])
    _told(account_id, name, is_indexed=True, by=by, now=now)
    enqueue(Job.SETTLE_PROPERTY_INDEX, account_id=account_id, property_index_id=row.id)


@sql.retried
def stop_indexing(account_id: int, name: str, *, by: Source, now: datetime) -> None:
    """Take a property's index away; a build under way is cancelled. Twice does the same as once."""
    row = PropertyIndex.objects.select_for_update().filter(account_id=account_id, name=name).first()
    if row is None or row.state == IndexState.REMOVING:
        return
    row.state = IndexState.REMOVING.value
    row.save(update_fields=["state"])
    _told(account_id, name, is_indexed=False, by=by, now=now)
    enqueue(Job.SETTLE_PROPERTY_INDEX, account_id=account_id, property_index_id=row.id)


def _check_room(account_id: int) -> None:
    if PropertyIndex.objects.filter(account_id=account_id).count() >= MOST_INDEXED:
        raise TooManyIndexed(MOST_INDEXED, is_installation=False)
    if PropertyIndex.objects.count() >= MOST_INDEXED_HERE:
        raise TooManyIndexed(MOST_INDEXED_HERE, is_installation=True)


def _told(account_id: int, name: str, *, is_indexed: bool, by: Source, now: datetime) -> None:
    body = {"property": name, "indexed": is_indexed}
    record(account_id, Kind.PROPERTY_CHANGED, by=by, at=now, body=body)


def settle(
    account_id: int,
    property_index_id: int,
    *,
    now: Callable[[], datetime],
    between: Callable[[], None],
) -> None:
    """Make the index what its row asks for: built and valid, or gone. Must not be called inside a
    transaction. Whatever an earlier attempt left behind is taken up or cleared away.

    between  called while the build goes on and while others have their turn; what it raises stops
             the build and comes back to the caller, and the next one to settle begins again
    """
    if connection.in_atomic_block:
        raise RuntimeError("An index would wait for the transaction that waits for it.")
    name = index_name(account_id, property_index_id)
    with sql.connected_alone(queries.application_name(property_index_id)) as own:
        _wait_for_turn(own, account_id, property_index_id, between)
        while (state := _state(account_id, property_index_id)) in UNSETTLED or state is None:
            if state in {None, IndexState.REMOVING}:
                _drop(own, name)
                PropertyIndex.objects.filter(
                    account_id=account_id, id=property_index_id, state=IndexState.REMOVING
                ).delete()
                return
            _move(account_id, property_index_id, IndexState.BUILDING)
            try:
                _build(own, account_id, property_index_id, between)
            except psycopg.Error as error:
                if own.closed or error.sqlstate is None:
                    raise  # the server went away: this is done again
                _drop(own, name)
                _move(account_id, property_index_id, IndexState.FAILED, problem=error.sqlstate)
            else:
                _move(account_id, property_index_id, IndexState.READY, ready_at=now())


def _wait_for_turn(
    own: psycopg.Connection[Any],
    account_id: int,
    property_index_id: int,
    between: Callable[[], None],
) -> None:
    """Wait for whoever builds now. Not by waiting for the lock: a statement that waits is one that
    the build itself would wait for."""
    while not _answer(own, f"SELECT pg_try_advisory_lock({TURN})"):
        between()
        if _state(account_id, property_index_id) in {None, IndexState.REMOVING}:
            own.execute(  # what a killed worker had begun for this very index
                "SELECT pg_cancel_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = %s AND pid <> pg_backend_pid() "
                "AND datname = current_database()",
                [queries.application_name(property_index_id)],
            )
        time.sleep(LOOK_SECONDS)


def _build(
    own: psycopg.Connection[Any],
    account_id: int,
    property_index_id: int,
    between: Callable[[], None],
) -> None:
    """Build the index if it is not there, whole. Ends early when the row asks for it no longer, or
    `between` raises; what is half-built then is not waited for here, as every transaction that
    knows of it has to end first."""
    name = index_name(account_id, property_index_id)
    row = PropertyIndex.objects.get(account_id=account_id, id=property_index_id)
    definition = queries.definitions(account_id, with_archived=True)[row.name]
    if not _is_valid(own, name):
        _drop(own, name)
        building = _InBackground(own, create_statement(account_id, property_index_id, definition))
        try:
            while not building.has_ended(LOOK_SECONDS):
                between()
                if _state(account_id, property_index_id) is not IndexState.BUILDING:
                    building.cancel()
        except BaseException:
            building.cancel()
            raise
        if building.error is not None:
            raise building.error
    # The planner knows nothing of the expression before its values were looked at, and what it
    # learns from the index of a part of the table it does not use.
    if not definition.is_multiple:
        own.execute(statistics_statement(account_id, property_index_id, definition))
    own.execute("ANALYZE contact")


class _InBackground:
    """A statement that runs on a connection while its thread is looked after."""

    def __init__(self, own: psycopg.Connection[Any], statement: pg.Composed) -> None:
        self.error: psycopg.Error | None = None
        self._own, self._statement = own, statement
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._own.execute(self._statement)
        except psycopg.Error as error:
            self.error = error

    def has_ended(self, seconds: float) -> bool:
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def cancel(self) -> None:
        """End the statement, and come back when it has ended."""
        while self._thread.is_alive():
            self._own.cancel()
            self._thread.join(LOOK_SECONDS)


def create_statement(
    account_id: int, property_index_id: int, definition: PropertyDef, *, how: str = "CONCURRENTLY"
) -> pg.Composed:
    """Return the statement that makes a property's index, over one account's contacts."""
    return pg.SQL("CREATE INDEX {how} {index} ON contact {columns} WHERE account_id = {id}").format(
        how=pg.SQL(how),
        index=pg.Identifier(index_name(account_id, property_index_id)),
        columns=pg.SQL(keys.index_columns(definition, "properties", _literal(definition))),
        id=pg.Literal(account_id),
    )


def statistics_statement(
    account_id: int, property_index_id: int, definition: PropertyDef
) -> pg.Composed:
    """Return the statement by which the server learns which values there are, in which account."""
    return pg.SQL(
        "CREATE STATISTICS IF NOT EXISTS {name} (mcv) ON account_id, {key} FROM contact"
    ).format(
        name=pg.Identifier(index_name(account_id, property_index_id)),
        key=pg.SQL(keys.sort_key(definition, "properties", _literal(definition))),
    )


def _literal(definition: PropertyDef) -> str:
    return pg.Literal(definition.name).as_string()


def _is_valid(own: psycopg.Connection[Any], name: str) -> bool:
    return bool(
        _answer(own, "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", name)
    )


def _drop(own: psycopg.Connection[Any], name: str) -> None:
    for kind in ("STATISTICS", "INDEX CONCURRENTLY"):
        statement = pg.SQL("DROP {kind} IF EXISTS {name}").format(
            kind=pg.SQL(kind), name=pg.Identifier(name)
        )
        try:
            own.execute(statement)
        except psycopg.errors.QueryCanceled:  # meant for the build, which had just ended
            own.execute(statement)


def _answer(own: psycopg.Connection[Any], statement: str, *values: object) -> Any:
    found = own.execute(statement, values).fetchone()
    return found[0] if found else None


def _state(account_id: int, property_index_id: int) -> IndexState | None:
    found = PropertyIndex.objects.filter(account_id=account_id, id=property_index_id)
    state = found.values_list("state", flat=True).first()
    return None if state is None else IndexState(state)


def _move(
    account_id: int,
    property_index_id: int,
    to: IndexState,
    *,
    problem: str = "",
    ready_at: datetime | None = None,
) -> None:
    """Write how far the index is, unless somebody has asked for its removal meanwhile. A build that
    was cancelled for that did not fail, though it is asked for again by now: then it is begun."""
    asked_for = {IndexState.BUILDING}
    if to is not IndexState.FAILED:
        asked_for.add(IndexState.WAITING)
    PropertyIndex.objects.filter(
        account_id=account_id, id=property_index_id, state__in=asked_for
    ).update(state=to.value, problem=problem, ready_at=ready_at)


def unsettled() -> list[tuple[int, int]]:
    """Return (account, number) of the indexes that a job has to settle, and of those that are in
    the database while no row asks for them: their account is gone."""
    return [
        (int(account_id), int(property_index_id))
        for account_id, property_index_id in sql.rows(
            "SELECT account_id, id FROM property_index WHERE state = ANY(%(unsettled)s) "
            "UNION SELECT found[1]::bigint, found[2]::bigint FROM pg_index AS kept "
            "JOIN pg_class AS index ON index.oid = kept.indexrelid, "
            "regexp_match(index.relname, '^contact_a([0-9]+)_p([0-9]+)$') AS found "
            "WHERE kept.indrelid = 'contact'::regclass AND found IS NOT NULL AND NOT EXISTS ("
            "SELECT FROM property_index AS asked WHERE asked.account_id = found[1]::bigint "
            "AND asked.id = found[2]::bigint) ORDER BY 1, 2",
            {"unsettled": [state.value for state in UNSETTLED]},
        )
    ]

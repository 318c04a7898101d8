"""The process that works the jobs: crews, a sign of life, and the jobs of dead workers.

A worker holds an advisory lock under its number for as long as it lives. PostgreSQL gives the lock
up with the connection, so a killed worker is known to be dead at once, and its jobs begin again.
One that cannot be reached any more, but is not known to be dead, stops sending heartbeats.
"""

import asyncio
import contextlib
import logging
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from django.db import InterfaceError, OperationalError, close_old_connections
from procrastinate import App
from procrastinate.connector import BaseAsyncConnector
from procrastinate.contrib.django import app as django_app
from procrastinate.contrib.django.db_cleanup import close_db_connections
from procrastinate.contrib.django.utils import connector_params
from procrastinate.exceptions import ConnectorException
from procrastinate.manager import JobManager
from procrastinate.psycopg_connector import PsycopgConnector
from procrastinate.worker import Worker

from marketable import clock
from marketable.jobs import schedule
from marketable.queue import LINES, Job
from marketable.segments import following

logger = logging.getLogger(__name__)

POLL_SECONDS = 1.0
IDLE_POLL_SECONDS = 0.1
HEARTBEAT_SECONDS = 5.0
DEAD_AFTER_SECONDS = 20.0
REVIVE_EVERY_SECONDS = 3.0
RECONNECT_SECONDS = 1.0
FOLLOW_EVERY_SECONDS = 0.3
FOLLOW_AGAIN_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Crew:
    """Who works which lines, and how many jobs at once."""

    lines: tuple[str, ...]
    concurrency: int
    runs_schedule: bool


#: Long bulk actions have a crew of their own, so that an update date never stands behind them.
CREWS = (
    Crew(("bulk",), concurrency=2, runs_schedule=False),
    Crew((schedule.DATES, schedule.UPKEEP), concurrency=2, runs_schedule=True),
    # Indexes are built one at a time, and one takes as long as the table is large.
    Crew((LINES[Job.SETTLE_PROPERTY_INDEX],), concurrency=1, runs_schedule=False),
)

LOCK = "hashtext('marketable worker'), %(worker_id)s::int"

# Jobs of workers whose lock is free, whose heart stopped, or whose row is gone.
REVIVE = """
WITH left_behind AS MATERIALIZED (
    SELECT job.id
      FROM procrastinate_jobs AS job
      LEFT JOIN procrastinate_workers AS worker ON worker.id = job.worker_id
     WHERE job.status = 'doing'
       AND (worker.id IS NULL
            OR worker.last_heartbeat < now() - make_interval(secs => %(dead_after)s)
            OR pg_try_advisory_xact_lock(hashtext('marketable worker'), worker.id::int))
       FOR UPDATE OF job SKIP LOCKED)
SELECT id, procrastinate_retry_job_v2(id, now(), NULL, NULL, NULL) FROM left_behind
"""

IS_BUSY = """
SELECT EXISTS (SELECT FROM procrastinate_jobs
                WHERE status = 'doing'
                   OR status = 'todo' AND (scheduled_at IS NULL OR scheduled_at <= now()))
"""

#: What a lost or restarting database looks like, as against a bug.
AWAY = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    OperationalError,
    InterfaceError,
    OSError,
)


class Register(JobManager):
    """Numbers the workers, and lets each hold the lock that shows it is alive."""

    def __init__(
        self, connector: BaseAsyncConnector, sign_of_life: psycopg.AsyncConnection[Any]
    ) -> None:
        super().__init__(connector)
        self._sign_of_life = sign_of_life

    async def register_worker(self) -> int:
        worker_id = await super().register_worker()
        await self._sign_of_life.execute(
            f"SELECT pg_advisory_lock({LOCK})", {"worker_id": worker_id}
        )
        return worker_id


def run(*, until_idle: bool = False) -> None:
    """Work jobs until SIGTERM or SIGINT; `until_idle`: until no job is due and none is running.

    On a signal the running batches are finished and the rest is left to the next worker.
    """
    asyncio.run(_run(until_idle=until_idle))


async def _run(*, until_idle: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    while not stop.is_set():
        try:
            await _shift(stop, until_idle=until_idle)
        except Exception as error:
            if until_idle or not _is_away(error):
                raise
            logger.warning("The database is away, trying again: %s", error)
            await _wait(stop, RECONNECT_SECONDS)


def _is_away(error: BaseException) -> bool:
    if isinstance(error, ConnectorException) and error.__cause__ is not None:
        return _is_away(error.__cause__)
    return isinstance(error, AWAY)


async def _shift(stop: asyncio.Event, *, until_idle: bool) -> None:
    """Work until told to stop, idle, or the database goes away."""
    django_app.perform_import_paths()  # type: ignore[no-untyped-call]
    connector = PsycopgConnector(kwargs=connector_params(), min_size=1, max_size=6)
    async with await psycopg.AsyncConnection.connect(
        **connector_params(), autocommit=True
    ) as sign_of_life:
        await connector.open_async()
        try:
            await _revive(connector)
            await asyncio.to_thread(_start_of_shift)
            workers = [
                _worker(crew, connector, sign_of_life, runs_schedule=not until_idle)
                for crew in CREWS
            ]
            tasks = [asyncio.create_task(_at_work(worker)) for worker in workers]
            watchers = [
                asyncio.create_task(stop.wait()),
                asyncio.create_task(_watch(connector, sign_of_life)),
                asyncio.create_task(_follow_the_ledger(stop, until_idle=until_idle)),
            ]
            if until_idle:
                watchers.append(asyncio.create_task(_wait_for_idle(connector, stop)))
            try:
                done, _ = await asyncio.wait(
                    [*tasks, *watchers], return_when=asyncio.FIRST_COMPLETED
                )
            finally:
                for worker in workers:
                    worker.stop()  # type: ignore[no-untyped-call]
                ended = await asyncio.gather(*tasks, return_exceptions=True)
                for watcher in watchers:
                    watcher.cancel()
            for result in (*ended, *(one.exception() for one in done)):
                if isinstance(result, BaseException):
                    raise result
        finally:
            await connector.close_async()


async def _at_work(worker: Worker) -> None:
    await worker.run()  # type: ignore[no-untyped-call]


def _worker(
    crew: Crew,
    connector: PsycopgConnector,
    sign_of_life: psycopg.AsyncConnection[Any],
    *,
    runs_schedule: bool,
) -> Worker:
    app = App(connector=connector)
    app.tasks = {**app.tasks, **django_app.tasks}
    app.job_manager = Register(connector, sign_of_life)
    if crew.runs_schedule and runs_schedule:
        schedule.add_to(app)
    return Worker(
        app=app,
        name=f"worker for {', '.join(crew.lines)}",
        queues=list(crew.lines),
        concurrency=crew.concurrency,
        fetch_job_polling_interval=POLL_SECONDS,
        shutdown_graceful_timeout=0,  # running jobs are told at once, see `retries.give_way`
        delete_jobs="successful",
        install_signal_handlers=False,
        update_heartbeat_interval=HEARTBEAT_SECONDS,
        stalled_worker_timeout=DEAD_AFTER_SECONDS,
        task_middleware=[close_db_connections],
    )


@contextlib.contextmanager
def _own_connections() -> Iterator[None]:
    """Let a thread of the worker find the database as it is now, and keep no connection to it."""
    close_old_connections()
    try:
        yield
    finally:
        close_old_connections()


def _start_of_shift() -> None:
    with _own_connections():
        following.renumber_if_moved()
        for work in schedule.AT_START:
            work(clock.now())


async def _follow_the_ledger(stop: asyncio.Event, *, until_idle: bool) -> None:
    """Let contacts join and leave segments as they change, not as a job does: a change is seen
    within a moment, and nothing is queued for it. An error of it does not keep jobs from being
    worked: it is logged, and what could not be read is read again."""
    while not stop.is_set():
        try:
            has_more = await asyncio.to_thread(_follow)
        except Exception as error:
            if until_idle or _is_away(error):
                raise
            logger.exception("Segments cannot follow the ledger; they are tried again")
            await _wait(stop, FOLLOW_AGAIN_SECONDS)
            continue
        if not has_more:
            await _wait(stop, FOLLOW_EVERY_SECONDS)


def _follow() -> bool:
    with _own_connections():
        now = clock.now()
        return following.follow(now=now) or following.follow_time(now=now)


def _is_behind() -> bool:
    with _own_connections():
        return following.is_behind(now=clock.now())


async def _watch(connector: PsycopgConnector, sign_of_life: psycopg.AsyncConnection[Any]) -> None:
    """Take over from dead workers. Ends with an error when our own sign of life is lost."""
    while True:
        await asyncio.sleep(REVIVE_EVERY_SECONDS)
        await sign_of_life.execute("SELECT 1")
        await _revive(connector)


async def _revive(connector: PsycopgConnector) -> None:
    """Let the jobs of dead workers begin again."""
    async with connector.pool.connection() as connection:
        found = await connection.execute(REVIVE, {"dead_after": DEAD_AFTER_SECONDS})
        revived = [row[0] for row in await found.fetchall()]
    if revived:
        logger.warning("Jobs of a dead worker begin again: %s", revived)


async def _wait_for_idle(connector: PsycopgConnector, stop: asyncio.Event) -> None:
    """Return when nothing is due and nothing runs, here or in another worker."""
    while True:
        await _revive(connector)
        async with connector.pool.connection() as connection:
            found = await (await connection.execute(IS_BUSY)).fetchone()
        if found is not None and not found[0] and not await asyncio.to_thread(_is_behind):
            stop.set()
            return
        await asyncio.sleep(IDLE_POLL_SECONDS)


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)

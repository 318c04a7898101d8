"""People at once: a database in which transactions really commit, and ways to make them meet."""

import time
from collections.abc import Callable, Iterator
from threading import Barrier, Event, Thread
from typing import Any

import pytest
from django.db import connection, connections, transaction

from marketable import sql
from tests.conftest import cloned

#: Far longer than any statement here takes; reached only when something hangs.
PATIENCE_SECONDS = 30


@pytest.fixture
def committing(pytestconfig: pytest.Config, django_db_blocker: Any) -> Iterator[None]:
    """A database of this test's own, in every thread, where transactions commit."""
    with cloned(pytestconfig) as url, django_db_blocker.unblock():
        entry = connections.settings["default"]
        usual = entry["NAME"]
        _leave()
        entry["NAME"] = url.partition("?")[0].rpartition("/")[2]
        try:
            yield
        finally:
            _leave()
            entry["NAME"] = usual


def _leave() -> None:
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]


class Later:
    """What another person's work came to: an answer, or the refusal it met."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._work = work
        self._is_connected = Event()
        self._thread = Thread(target=self._run, daemon=True)
        self.answer: Any = None
        self.error: Exception | None = None
        self.was_made_to_wait = False

    def _run(self) -> None:
        try:
            found = sql.row("SELECT pg_backend_pid()")
            assert found is not None
            self.pid = int(found[0])
            self._is_connected.set()
            self.answer = self._work()
        except Exception as error:
            self.error = error
        finally:
            self._is_connected.set()
            connection.close()

    def begin(self) -> None:
        """Begin, and come back at once."""
        self._thread.start()
        assert self._is_connected.wait(PATIENCE_SECONDS)

    def start(self) -> None:
        """Begin, and come back when the work is done or waits for a lock."""
        self.begin()
        for _ in range(PATIENCE_SECONDS * 200):
            if not self._thread.is_alive():
                return
            found = sql.row("SELECT cardinality(pg_blocking_pids(%(pid)s)) > 0", {"pid": self.pid})
            if found and found[0]:
                self.was_made_to_wait = True
                return
            time.sleep(0.005)
        raise AssertionError("The other one neither waited nor ended.")

    def finish(self) -> None:
        self._thread.join(PATIENCE_SECONDS)
        assert not self._thread.is_alive()


def meet(first: Callable[[], Any], second: Callable[[], Any]) -> tuple[Any, Later]:
    """Do `first`, begin `second` before it is committed, commit, and let `second` end."""
    later = Later(second)
    with transaction.atomic():
        answer = first()
        later.start()
    later.finish()
    return answer, later


def together(*works: Callable[[], Any]) -> list[Later]:
    """Begin all of them at the same moment, each on a connection of its own, and wait for their
    ends. Who comes first is up to them."""
    gate = Barrier(len(works), timeout=PATIENCE_SECONDS)

    def after_the_gate(work: Callable[[], Any]) -> Callable[[], Any]:
        def run() -> Any:
            gate.wait()
            return work()

        return run

    everybody = [Later(after_the_gate(work)) for work in works]
    for one in everybody:
        one.begin()
    for one in everybody:
        one.finish()
    return everybody

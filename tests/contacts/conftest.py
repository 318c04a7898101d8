"""Two people at once: a database in which transactions really commit, and a way to make two meet."""

import time
from collections.abc import Callable, Iterator
from threading import Event, Thread
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

    def start(self) -> None:
        """Begin, and come back when the work is done or waits for a lock."""
        self._thread.start()
        assert self._is_connected.wait(PATIENCE_SECONDS)
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

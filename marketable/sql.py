"""Statements kept in `.sql` files, and sub-queries that are composed into them with parameters."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import psycopg
from django.db import OperationalError, connection, transaction

P = ParamSpec("P")
T = TypeVar("T")


class Overtaken(Exception):
    """Another transaction came between two steps of this one, which must be done again."""


#: Deadlock and serialisation failure: the transaction is gone, and may be tried again as it was.
RETRIED_STATES = frozenset({"40P01", "40001"})
ATTEMPTS = 4


@dataclass(frozen=True, slots=True)
class SubQuery:
    """A parameterised SELECT of one column `id`: the contacts of a selection.

    text    SQL with %(name)s parameters; never holds a value that came from outside
    params  the values; names must not clash with those of the statement it goes into, so those
            of a selection start with `sel_`
    test    the same contacts as a condition on a contact `c`, where they are chosen by one
    ids     the same contacts as an expression for an array, where they are kept as one: an index
            then finds them in one walk, in order, instead of one by one
    judged  like `test`, for a statement that has joined the status row `m`, if it counts, anyway
    of_places  the same contacts as a condition on a status row `m` that counts, where it says all
            that chooses them: the narrow rows are then read, and not the contacts
    is_everybody  they are all live contacts of the account
    """

    text: str
    params: Mapping[str, Any] = field(default_factory=dict)
    test: str = ""
    ids: str = ""
    judged: str = ""
    of_places: str = ""
    is_everybody: bool = False

    def among(self, column: str) -> str:
        """Return the condition that a column holds one of them."""
        return f"{column} = ANY({self.ids})" if self.ids else f"{column} IN ({self.text})"

    @property
    def belongs(self) -> str:
        """The condition that a contact `c` is one of them."""
        return self.test or self.among("c.id")


@cache
def load(area: str, name: str) -> str:
    """Return the statement of `marketable/<area>/sql/<name>.sql`, without its comment lines:
    they are for people, and may name the marks that `compose` replaces."""
    text = (Path(__file__).parent / area / "sql" / f"{name}.sql").read_text(encoding="utf-8")
    return "\n".join(line for line in text.splitlines() if not line.startswith("--"))


def compose(statement: str, **parts: str) -> str:
    """Put trusted pieces of SQL at the `{{name}}` marks of a statement."""
    for name, text in parts.items():
        statement = statement.replace("{{" + name + "}}", text)
    return statement


def rows(statement: str, params: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
    """Run a statement that answers rows."""
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return list(cursor.fetchall())


def row(statement: str, params: Mapping[str, Any] | None = None) -> tuple[Any, ...] | None:
    """Run a statement that answers one row or none."""
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        found: tuple[Any, ...] | None = cursor.fetchone()
        return found


def execute(statement: str, params: Mapping[str, Any] | None = None) -> int:
    """Run a statement; return how many rows it wrote."""
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return int(cursor.rowcount)


def columns(statement: str, params: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """Run a statement; return its rows by column name."""
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        names: Sequence[str] = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]


@contextmanager
def connected_alone(name: str) -> Iterator[psycopg.Connection[Any]]:
    """Give the block a connection beside Django's, for what cannot be part of a transaction. Every
    statement on it commits by itself; the server shows it under `name`."""
    params = connection.get_connection_params()
    for django_only in ("context", "cursor_factory", "pool"):
        params.pop(django_only, None)
    with psycopg.connect(**params, application_name=name, autocommit=True) as own:
        yield own


@contextmanager
def bounded(milliseconds: int) -> Iterator[None]:
    """End a statement of the block that takes longer, with `OperationalError`, and what it read
    with it. The block is a transaction of its own, or a savepoint of the caller's."""
    with transaction.atomic():
        found = row("SHOW statement_timeout")
        assert found is not None
        setting = "SELECT set_config('statement_timeout', %(limit)s, true)"
        row(setting, {"limit": f"{milliseconds}ms"})
        yield
        row(setting, {"limit": str(found[0])})


def retried(service: Callable[P, T]) -> Callable[P, T]:
    """Make a service one transaction, tried again when two of them met in a deadlock or one was
    overtaken.

    Inside a transaction of the caller it is a plain savepoint: only the outermost may repeat.
    """

    @wraps(service)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        if connection.in_atomic_block:
            with transaction.atomic():
                return service(*args, **kwargs)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with transaction.atomic():
                    return service(*args, **kwargs)
            except Overtaken:
                if attempt == ATTEMPTS:
                    raise
            except OperationalError as error:
                state = getattr(error.__cause__, "sqlstate", None)
                if state not in RETRIED_STATES or attempt == ATTEMPTS:
                    raise
        raise AssertionError("unreachable")

    return run

"""The database of a command: the operator's own, or the embedded server joined or started.

Django is loaded meanwhile: on a folder that is in use already, at the same time as the server
starts. Tables are brought up to date by one comparison of names where nothing is to be done.
"""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from marketable.commands.answers import say
from marketable.config import env
from marketable.postgres import Cluster, join
from marketable.postgres.external import check_server

MIGRATING = "SELECT pg_advisory_lock(hashtext('marketable migrations'))"
APPLIED = "SELECT app, name FROM django_migrations"
HAS_TABLE = "SELECT to_regclass('django_migrations') IS NOT NULL"


@dataclass(frozen=True, slots=True)
class Database:
    """`cluster` is None with a server of the operator's own."""

    url: str
    cluster: Cluster | None
    data_dir: Path


@contextmanager
def opened(*, up_to_date: bool = True) -> Iterator[Database]:
    """Give the block a database and a loaded Django.

    up_to_date  apply migrations that are pending; only a restore wants the database as it is

    Raises PostgresRefused, or `env.UnknownSetting` when the environment is wrong.
    """
    environment = env.read()
    data_dir = environment.data_dir
    if environment.database_url:
        check_server(environment.database_url)
        load_django()
        database = Database(environment.database_url, None, data_dir)
    else:
        cluster = _join_and_load_django(data_dir)
        database = Database(cluster.url, cluster, data_dir)
    try:
        if up_to_date:
            bring_up_to_date(database.url)
        yield database
    finally:
        close_connections()
        if database.cluster is not None:
            database.cluster.leave()


def load_django() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketable.config.settings")
    import django

    django.setup()


def _join_and_load_django(data_dir: Path) -> Cluster:
    """Join the embedded server, and load Django while it starts.

    A folder that is new is left to the server alone first, which decides about its permissions;
    afterwards it holds the secret key, too.
    """
    if not (data_dir / "secret_key").exists():
        cluster = join(data_dir, say=say)
        os.environ["DATABASE_URL"] = cluster.url
        try:
            load_django()
        except BaseException:
            cluster.leave()
            raise
        return cluster
    joining = _Joining(data_dir)
    joining.start()
    try:
        load_django()
    except BaseException:
        joining.join()
        if joining.cluster is not None:
            joining.cluster.leave()
        raise
    cluster = joining.result()
    # The settings were read before the address was known; no connection has been made yet.
    from django.conf import settings

    os.environ["DATABASE_URL"] = cluster.url
    settings.DATABASES["default"].update(env.database(cluster.url))
    return cluster


class _Joining(threading.Thread):
    """Joins the embedded server beside what else is to be done."""

    def __init__(self, data_dir: Path) -> None:
        super().__init__(name="join")
        self._data_dir = data_dir
        self.cluster: Cluster | None = None
        self._error: BaseException | None = None

    def run(self) -> None:
        try:
            self.cluster = join(self._data_dir, say=say)
        except BaseException as error:
            self._error = error

    def result(self) -> Cluster:
        try:
            self.join()
        except BaseException:  # a signal; the server must not be left behind
            self.join()
            if self.cluster is not None:
                self.cluster.leave()
            raise
        if self._error is not None:
            raise self._error
        assert self.cluster is not None
        return self.cluster


def bring_up_to_date(url: str) -> None:
    """Apply pending migrations; one command at a time does."""
    with psycopg.connect(url, autocommit=True) as connection:
        if not pending(connection):
            return
        connection.execute(MIGRATING)  # given up with the connection
        if not pending(connection):
            return
        from django.core.management import call_command

        say("Preparing the database …")
        call_command("migrate", interactive=False, verbosity=0)


def pending(connection: psycopg.Connection[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return (app, name) of migrations that lie beside the code and were not applied.

    Reads names only: Django's own check would import every migration.
    """
    has_table = connection.execute(HAS_TABLE).fetchone()
    applied = set(connection.execute(APPLIED)) if has_table and has_table[0] else set()
    return known_migrations() - applied


def known_migrations() -> set[tuple[str, str]]:
    from django.apps import apps

    return {
        (app.label, file.stem)
        for app in apps.get_app_configs()
        for file in (Path(app.path) / "migrations").glob("[!_~]*.py")
    }


def close_connections() -> None:
    """Close what Django opened, pools with their threads included."""
    if "django.db" not in sys.modules:
        return
    from django.db import connections

    for connection in connections.all(initialized_only=True):
        connection.close()
        if getattr(connection, "pool", None):
            connection.close_pool()  # type: ignore[attr-defined]

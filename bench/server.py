"""An embedded server of the run's own, with the durability that `serve` has, and databases that
are put back by copying, so that product and floor begin with the same files."""

import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql as pg

from marketable.postgres import Cluster, running

#: Read before every measured work, so that product and floor find the same in memory.
WARMED = ("contact", "contact_address", "contact_search", "contact_change", "marketing_contact")


class Server:
    """Databases on the run's server. Django is connected to one of them at a time."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def url(self, name: str) -> str:
        parts = urlsplit(self._cluster.admin_url)
        return urlunsplit((parts.scheme, parts.netloc, f"/{name}", parts.query, ""))

    def create(self, name: str, *, template: str = "template1") -> None:
        self._administer(
            pg.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
                pg.Identifier(name), pg.Identifier(template)
            )
        )

    def drop(self, name: str) -> None:
        self._administer(pg.SQL("DROP DATABASE {}").format(pg.Identifier(name)))

    def use(self, name: str) -> None:
        """Connect Django to a database."""
        from django.db import connection

        connection.close()
        if connection.settings_dict["OPTIONS"].get("pool"):
            connection.close_pool()  # type: ignore[attr-defined]
        connection.settings_dict["NAME"] = name

    def let_go(self) -> None:
        """Leave every database, for one that is in use cannot be copied or dropped."""
        self.use("postgres")

    @contextmanager
    def copy_of(self, template: str) -> Iterator[str]:
        """Give the block a fresh copy of a database, read once, with Django connected to it."""
        name = f"{template}_copy"
        self.let_go()
        self.create(name, template=template)
        try:
            self.use(name)
            warm()
            yield name
        finally:
            self.let_go()
            self.drop(name)

    def _administer(self, statement: pg.Composed) -> None:
        with psycopg.connect(self._cluster.admin_url, autocommit=True) as connection:
            connection.execute(statement)


def warm() -> None:
    """Read the tables of contacts whole."""
    from marketable import sql

    for table in WARMED:
        sql.row(f"SELECT count(*) FROM {table}")


@contextmanager
def started() -> Iterator[Server]:
    """Start a server in a new folder, load Django, and make the database `empty` with all tables.

    The folder goes with the server.
    """
    with tempfile.TemporaryDirectory(prefix="marketable-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # when root runs this, the server's own user must get there
        with running(folder / "data") as cluster:
            server = Server(cluster)
            server.create("empty")
            os.environ["DATABASE_URL"] = server.url("empty")
            os.environ["MARKETABLE_DATA_DIR"] = str(folder / "data")
            os.environ["DJANGO_SETTINGS_MODULE"] = "marketable.config.settings"
            import django
            from django.core.management import call_command

            django.setup()
            # Static files are no part of any figure; their folder is seldom there.
            warnings.filterwarnings("ignore", message="No directory at")
            call_command("migrate", interactive=False, verbosity=0)
            try:
                yield server
            finally:
                server.let_go()
                from django.db import connection

                connection.close()
                connection.close_pool()  # type: ignore[attr-defined]

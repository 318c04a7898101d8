"""One PostgreSQL cluster serves the run; each worker gets a clone of a migrated database.

The cluster is the embedded one, made for the run with `fsync` off, or the server given by
TEST_DATABASE_URL. Tests roll back unless they ask for `transactional_db`.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

RUN = ExitStack()
TEMPLATE = f"marketable_test_template_{os.getpid()}"


def with_database(url: str, name: str) -> str:
    """Return the same server's address with another database."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc or "", f"/{name}", parts.query, ""))


def administer(url: str, statement: str) -> None:
    """Run a statement. One that ends sessions waits while autovacuum is there, which only a
    superuser may end."""
    for tries_left in reversed(range(50)):
        with psycopg.connect(url, autocommit=True) as connection:
            try:
                connection.execute(statement)
            except psycopg.errors.InsufficientPrivilege:
                if not tries_left:
                    raise
            else:
                return
        time.sleep(0.2)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the tests with a browser come last: its driver keeps an event loop in the process, beside
    which Django refuses to use the database."""
    items.sort(key=lambda item: "browser" in getattr(item, "fixturenames", ()))


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        admin_url = config.workerinput["admin_url"]
        template = config.workerinput["template"]
        name = f"{template}_{config.workerinput['workerid']}"
    else:
        admin_url = start_server()
        template, name = TEMPLATE, f"{TEMPLATE}_main"
        make_template(admin_url, template)
        config.stash[ADMIN_URL] = admin_url
        config.stash[TEMPLATE_NAME] = template
        if config.getoption("numprocesses", None):
            return  # the workers do the tests; they must not inherit a database from here
    data_dir = Path(tempfile.mkdtemp(prefix="marketable-test-"))
    RUN.callback(shutil.rmtree, data_dir, ignore_errors=True)
    administer(admin_url, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    RUN.callback(administer, admin_url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    os.environ["DATABASE_URL"] = with_database(admin_url, name)
    os.environ["MARKETABLE_DATA_DIR"] = str(data_dir)
    os.environ["DJANGO_SETTINGS_MODULE"] = "marketable.config.settings"
    config.stash[ADMIN_URL] = admin_url
    config.stash[TEMPLATE_NAME] = template
    config.stash[HAS_DATABASE] = True
    import django
    from django.conf import settings

    django.setup()
    # Made slow on purpose, and every account of a test has a password or two.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    config.pluginmanager.import_plugin("tests.fixtures")  # imports models, so not before


ADMIN_URL = pytest.StashKey[str]()
HAS_DATABASE = pytest.StashKey[bool]()
TEMPLATE_NAME = pytest.StashKey[str]()


def start_server() -> str:
    """Return the address of a database to administer the run's server with."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        return given
    from marketable.postgres import running

    folder = Path(tempfile.mkdtemp(prefix="marketable-cluster-"))
    folder.chmod(0o711)  # when root runs the tests, the server's own user must get there
    RUN.callback(shutil.rmtree, folder, ignore_errors=True)
    cluster = RUN.enter_context(running(folder / "data", fsync=False, say=lambda line: None))
    return cluster.admin_url


def make_template(admin_url: str, template: str) -> None:
    """Migrate a fresh database in another process, so that this one has no connection to it."""
    import subprocess
    import sys

    administer(admin_url, f'CREATE DATABASE "{template}"')
    RUN.callback(administer, admin_url, f'DROP DATABASE IF EXISTS "{template}" WITH (FORCE)')
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, "-m", "django", "migrate", "--verbosity", "0"],
            check=True,
            env={
                **os.environ,
                "DATABASE_URL": with_database(admin_url, template),
                "MARKETABLE_DATA_DIR": folder,
                "DJANGO_SETTINGS_MODULE": "marketable.config.settings",
            },
        )


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node) -> None:  # type: ignore[no-untyped-def]
    node.workerinput["admin_url"] = node.config.stash[ADMIN_URL]
    node.workerinput["template"] = node.config.stash[TEMPLATE_NAME]


def pytest_unconfigure(config: pytest.Config) -> None:
    if config.stash.get(HAS_DATABASE, False):
        from django.db import connections

        for connection in connections.all(initialized_only=True):
            connection.close()
            if getattr(connection, "pool", None):
                connection.close_pool()  # type: ignore[attr-defined]
    RUN.close()


@pytest.fixture(scope="session")
def django_db_setup() -> None:
    """The database of this worker is a clone that is ready: nothing to make."""


@pytest.fixture
def fresh_database(pytestconfig: pytest.Config) -> Iterator[str]:
    """The address of a migrated, empty database of its own, for tests with real processes."""
    with cloned(pytestconfig) as url:
        yield url


CLONES = iter(range(1, 1_000_000))


@contextmanager
def cloned(config: pytest.Config) -> Iterator[str]:
    admin_url, template = config.stash[ADMIN_URL], config.stash[TEMPLATE_NAME]
    name = f"{template}_{os.getpid()}_{next(CLONES)}"
    administer(admin_url, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    try:
        yield with_database(admin_url, name)
    finally:
        administer(admin_url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

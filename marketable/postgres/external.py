"""A PostgreSQL server of the operator's own: is it one that the product runs on?"""

from dataclasses import dataclass

import psycopg

from marketable.postgres.errors import UnreachableServer, UnsupportedServer

OLDEST, NEWEST = 15, 18
CONNECT_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Server:
    """What a server says about itself.

    version  as PostgreSQL counts: 150012 is 15.12
    """

    version: int
    encoding: str
    is_read_only: bool


def check_server(url: str) -> Server:
    """Return what answers at the address.

    Raises UnreachableServer, or UnsupportedServer where the product would not work.
    """
    server = _ask(url)
    reason = reason_against(server)
    if reason:
        raise UnsupportedServer(reason, version=server.version, encoding=server.encoding)
    return server


def reason_against(server: Server) -> str | None:
    """Return why the product does not run on the server, with the remedy; None if it does."""
    major, minor = divmod(server.version, 10_000)
    if not OLDEST <= major <= NEWEST:
        return (
            f"The server at DATABASE_URL is PostgreSQL {major}.{minor}; this release works with"
            f" PostgreSQL {OLDEST} to {NEWEST}."
        )
    if server.encoding != "UTF8":
        return (
            f"The database at DATABASE_URL has the encoding {server.encoding}; it must be UTF8."
            " Make another: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0."
        )
    if server.is_read_only:
        return "The server at DATABASE_URL only reads (a standby?). Name the one that writes."
    return None


def _ask(url: str) -> Server:
    try:
        psycopg.conninfo.conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        # The driver's own text would repeat pieces of the address, and so of the password.
        raise UnreachableServer(
            "DATABASE_URL cannot be understood. It looks like"
            " postgresql://user:password@host:5432/database, with special characters in the"
            " password written as %40 and so on."
        ) from None
    try:
        with psycopg.connect(url, connect_timeout=CONNECT_SECONDS, autocommit=True) as connection:
            found = connection.execute(
                "SELECT current_setting('server_encoding'),"
                " current_setting('transaction_read_only')::boolean"
            ).fetchone()
            assert found is not None
            version = connection.info.server_version
    except psycopg.OperationalError as error:
        said = " ".join(str(error).split())
        raise UnreachableServer(f"Nobody answers at DATABASE_URL: {said}") from error
    return Server(version=version, encoding=found[0], is_read_only=found[1])

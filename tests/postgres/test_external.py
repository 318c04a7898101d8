"""Which servers of the operator's own are taken."""

import psycopg
import pytest

from marketable.postgres import Cluster
from marketable.postgres.errors import UnreachableServer, UnsupportedServer
from marketable.postgres.external import Server, check_server, reason_against
from tests.postgres.support import do


def test_a_server_of_ours_is_taken(cluster: Cluster) -> None:
    found = check_server(cluster.url)
    assert found.version // 10_000 == 18
    assert found == Server(version=found.version, encoding="UTF8", is_read_only=False)


def test_postgresql_15_is_taken(postgres_15: str) -> None:
    assert check_server(postgres_15).version // 10_000 == 15


@pytest.mark.parametrize(
    ("version", "is_taken"),
    [(140_013, False), (150_000, True), (180_004, True), (190_000, False), (90_624, False)],
)
def test_versions_15_to_18_are_taken(version: int, is_taken: bool) -> None:
    reason = reason_against(Server(version=version, encoding="UTF8", is_read_only=False))
    assert (reason is None) is is_taken
    if reason:
        assert f"PostgreSQL {version // 10_000}." in reason
        assert "15 to 18" in reason


def test_a_database_with_another_encoding_is_refused(cluster: Cluster) -> None:
    do(
        cluster.admin_url,
        "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C'"
        " TEMPLATE template0",
    )
    try:
        with pytest.raises(UnsupportedServer, match="LATIN1") as refused:
            check_server(cluster.admin_url.replace("/postgres?", "/latin?"))
        assert refused.value.code == "unsupported_server"
    finally:
        do(cluster.admin_url, "DROP DATABASE latin")


def test_a_server_that_only_reads_is_refused(cluster: Cluster) -> None:
    with pytest.raises(UnsupportedServer, match="only reads"):
        check_server(cluster.url + "&options=-c%20default_transaction_read_only%3Don")


def test_a_server_that_does_not_answer_is_named(cluster: Cluster) -> None:
    with pytest.raises(UnreachableServer, match="Nobody answers") as refused:
        check_server(cluster.url.replace("port=5432", "port=5433"))
    assert refused.value.code == "unreachable_server"


def test_a_wrong_password_is_named_and_not_repeated(cluster: Cluster) -> None:
    with pytest.raises(UnreachableServer, match="authentication failed") as refused:
        check_server(cluster.url.replace("marketable:", "marketable:wrong"))
    assert password_of(cluster.url) not in refused.value.message


@pytest.mark.parametrize("url", ["postgresql://a:se/cret@host/x", "nonsense", "mysql://a:secret@b"])
def test_an_address_that_cannot_be_understood_is_not_repeated(url: str) -> None:
    with pytest.raises(UnreachableServer) as refused:
        check_server(url)
    assert "cret" not in refused.value.message


def password_of(url: str) -> str:
    return str(psycopg.conninfo.conninfo_to_dict(url)["password"])

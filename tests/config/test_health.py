"""What somebody who watches the server is told."""

import pytest
from django.db import OperationalError, connection
from django.test import Client


def test_it_is_well_when_the_database_answers(db: None) -> None:
    answer = Client().get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok\n")


def test_a_database_that_does_not_answer_is_said(
    db: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away() -> None:
        raise OperationalError("couldn't get a connection after 30.00 sec")

    with monkeypatch.context() as patched:
        patched.setattr(connection, "cursor", away)
        answer = Client().get("/healthz")
    assert (answer.status_code, answer.content) == (503, b"no database\n")
    assert "couldn't get a connection" in caplog.text

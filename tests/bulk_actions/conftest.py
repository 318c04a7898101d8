"""Batches of two, and tests that commit."""

import pytest

from tests.concurrency import committing

__all__ = ["committing"]


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let three contacts be many, so that batches are seen without 20,000 rows."""
    monkeypatch.setattr("marketable.bulk_actions.services.REQUEST_LIMIT", 2)
    monkeypatch.setattr("marketable.bulk_actions.services.BATCH_SIZE", 2)

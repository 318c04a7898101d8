"""Contacts meet in transactions that commit."""

from tests.concurrency import committing

__all__ = ["committing"]

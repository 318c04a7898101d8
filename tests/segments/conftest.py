"""Some tests here commit."""

from tests.concurrency import committing

__all__ = ["committing"]

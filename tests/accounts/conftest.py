"""What tests of two people at once share with those of contacts."""

from tests.concurrency import committing

__all__ = ["committing"]

"""The one clock: the server process's own, in UTC (U9). Nothing decides by the database's now()."""

from datetime import UTC, datetime


def now() -> datetime:
    """Return the present moment, aware, in UTC."""
    return datetime.now(UTC)

"""How the queue is doing, for those who look after the installation."""

from marketable import sql

#: A worker that has said nothing for this long is not there.
QUIET_SECONDS = 30.0


def seconds_since_heartbeat() -> float | None:
    """Return how long ago a worker last showed that it is alive; None if none is known."""
    found = sql.row(
        "SELECT extract(epoch FROM clock_timestamp() - max(last_heartbeat))::float "
        "FROM procrastinate_workers"
    )
    assert found is not None
    return None if found[0] is None else float(found[0])


def due_count() -> int:
    """Return how many jobs wait for a worker."""
    found = sql.row(
        "SELECT count(*) FROM procrastinate_jobs "
        "WHERE status = 'todo' AND (scheduled_at IS NULL OR scheduled_at <= now())"
    )
    assert found is not None
    return int(found[0])


def failed() -> list[str]:
    """Return the jobs that failed for good, as name and number, oldest first."""
    found = sql.rows(
        "SELECT task_name, id FROM procrastinate_jobs WHERE status = 'failed' ORDER BY id"
    )
    return [f"{name} {number}" for name, number in found]

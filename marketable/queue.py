"""Names of background jobs, and the way to ask for one. `jobs/` binds the names to functions."""

from enum import StrEnum
from typing import Any


class Job(StrEnum):
    RUN_BULK_ACTION = "run_bulk_action"
    RUN_IMPORT = "run_import"
    APPLY_UPDATE_DATE = "apply_update_date"
    BUILD_SEGMENT = "build_segment"
    FIND_DUPLICATES = "find_duplicates"
    SETTLE_PROPERTY_INDEX = "settle_property_index"


#: Which line a job stands in. A long bulk action must not make an update date wait.
LINES: dict[Job, str] = {
    Job.RUN_BULK_ACTION: "bulk",
    Job.RUN_IMPORT: "bulk",
    Job.APPLY_UPDATE_DATE: "dates",
    Job.BUILD_SEGMENT: "bulk",
    Job.FIND_DUPLICATES: "bulk",
    Job.SETTLE_PROPERTY_INDEX: "indexes",
}


def enqueue(job: Job, **ids: Any) -> None:
    """Ask for `job` inside the caller's transaction: it runs if and only if that commits."""
    from procrastinate.contrib.django import app

    app.configure_task(job.value, queue=LINES[job]).defer(**ids)

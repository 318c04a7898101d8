"""When a job is begun again: at once after a stop of the worker, later after an error."""

from typing import Any

from procrastinate.exceptions import JobAborted
from procrastinate.job_context import JobContext
from procrastinate.jobs import Job
from procrastinate.retry import BaseRetryStrategy, RetryDecision

#: Seconds to wait after the first, second … error; the job fails for good after the last.
WAIT_SECONDS = (2, 10, 30, 120, 600)


class Retries(BaseRetryStrategy):
    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if isinstance(exception, JobAborted):
            return RetryDecision(retry_in={"seconds": 0})
        if job.attempts >= len(WAIT_SECONDS):
            return None
        return RetryDecision(retry_in={"seconds": WAIT_SECONDS[job.attempts]})


RETRIES: Any = Retries()


def is_last_try(context: JobContext) -> bool:
    """Tell whether the job fails for good with its next error."""
    return context.job is not None and context.job.attempts >= len(WAIT_SECONDS)


def give_way(context: JobContext) -> None:
    """End the job between two of its steps if the worker is stopping; another begins it again."""
    if context.should_abort():
        raise JobAborted

"""Every name of a job is bound, every line has a crew, and errors are tried again."""

import inspect
from types import SimpleNamespace
from typing import Any, cast

import pytest
from procrastinate.contrib.django import app
from procrastinate.exceptions import JobAborted
from procrastinate.jobs import Job as QueuedJob

from marketable.jobs import schedule, tasks, worker
from marketable.jobs.retries import RETRIES, WAIT_SECONDS, give_way
from marketable.queue import LINES, Job


def test_every_job_is_bound_to_a_function_of_the_same_name() -> None:
    for job in Job:
        task = app.tasks[job.value]
        assert task.func is getattr(tasks, job.value).func
        assert task.queue == LINES[job]
        assert task.retry_strategy is RETRIES


def test_every_job_takes_ids_only() -> None:
    for job in Job:
        parameters = inspect.signature(app.tasks[job.value].func).parameters
        ids = [name for name in parameters if name != "context"]
        assert ids and all(name.endswith("_id") for name in ids), job


def test_every_line_has_one_crew() -> None:
    manned = [line for crew in worker.CREWS for line in crew.lines]
    assert sorted(manned) == sorted({*LINES.values(), *(one.line for one in schedule.TABLE)})


def test_an_update_date_never_stands_behind_a_bulk_action() -> None:
    [dates] = [crew for crew in worker.CREWS if LINES[Job.APPLY_UPDATE_DATE] in crew.lines]
    assert LINES[Job.RUN_BULK_ACTION] not in dates.lines
    assert dates.runs_schedule


@pytest.mark.parametrize(("attempts", "waits"), list(enumerate(WAIT_SECONDS)))
def test_an_error_is_tried_again_later_and_later(attempts: int, waits: int) -> None:
    decision = RETRIES.get_retry_decision(exception=ValueError(), job=_job(attempts))
    assert decision is not None and decision.retry_at is not None
    assert waits == 2 or waits > WAIT_SECONDS[attempts - 1]


def test_the_last_error_is_for_good() -> None:
    decision = RETRIES.get_retry_decision(exception=ValueError(), job=_job(len(WAIT_SECONDS)))
    assert decision is None


def test_a_stop_of_the_worker_never_uses_up_the_tries() -> None:
    assert RETRIES.get_retry_decision(exception=JobAborted(), job=_job(1_000)) is not None


@pytest.mark.parametrize("is_stopping", [True, False])
def test_a_job_gives_way_between_two_steps_only_when_asked_to(is_stopping: bool) -> None:
    context = cast(Any, SimpleNamespace(should_abort=lambda: is_stopping))
    if is_stopping:
        with pytest.raises(JobAborted):
            give_way(context)
    else:
        give_way(context)


def _job(attempts: int) -> QueuedJob:
    return QueuedJob(
        id=1,
        queue="bulk",
        lock=None,
        queueing_lock=None,
        task_name="x",
        task_kwargs={},
        scheduled_at=None,
        attempts=attempts,
    )

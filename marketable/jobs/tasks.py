"""What each name in `queue.Job` does: three lines each, the work is a service.

A job carries ids, may run twice, and moves in small steps, so a killed worker's job is simply
begun again.
"""

from procrastinate.contrib.django import app
from procrastinate.job_context import JobContext

from marketable import clock
from marketable.bulk_actions import running
from marketable.contacts.services import duplicates
from marketable.jobs.failed_imports import telling_of_the_last_error
from marketable.jobs.retries import RETRIES, give_way
from marketable.marketing_status import services as marketing_status
from marketable.properties import indexing
from marketable.queue import LINES, Job
from marketable.segments.services import segments
from marketable.transfers import services as transfers


@app.task(
    name=Job.RUN_BULK_ACTION.value,
    queue=LINES[Job.RUN_BULK_ACTION],
    retry=RETRIES,
    pass_context=True,
)
def run_bulk_action(context: JobContext, *, account_id: int, bulk_action_id: int) -> None:
    while running.run_next_batch(account_id, bulk_action_id, now=clock.now()):
        give_way(context)


@app.task(name=Job.RUN_IMPORT.value, queue=LINES[Job.RUN_IMPORT], retry=RETRIES, pass_context=True)
def run_import(context: JobContext, *, account_id: int, import_id: int) -> None:
    with telling_of_the_last_error(context, account_id, import_id):
        while transfers.work_on(
            account_id, import_id, now=clock.now(), between=lambda: give_way(context)
        ):
            give_way(context)


@app.task(name=Job.APPLY_UPDATE_DATE.value, queue=LINES[Job.APPLY_UPDATE_DATE], retry=RETRIES)
def apply_update_date(*, account_id: int) -> None:
    marketing_status.apply_update_date(account_id, now=clock.now())


@app.task(name=Job.BUILD_SEGMENT.value, queue=LINES[Job.BUILD_SEGMENT], retry=RETRIES)
def build_segment(*, account_id: int, segment_id: int) -> None:
    segments.build_if_needed(account_id, segment_id, now=clock.now())


@app.task(name=Job.FIND_DUPLICATES.value, queue=LINES[Job.FIND_DUPLICATES], retry=RETRIES)
def find_duplicates(*, account_id: int) -> None:
    duplicates.find_duplicates(account_id, now=clock.now())


@app.task(
    name=Job.SETTLE_PROPERTY_INDEX.value,
    queue=LINES[Job.SETTLE_PROPERTY_INDEX],
    retry=RETRIES,
    pass_context=True,
)
def settle_property_index(context: JobContext, *, account_id: int, property_index_id: int) -> None:
    indexing.settle(account_id, property_index_id, now=clock.now, between=lambda: give_way(context))

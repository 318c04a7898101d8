"""What runs by itself, and when: one table. Times are UTC, as crontab writes them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from procrastinate import App

from marketable import clock
from marketable.jobs import upkeep
from marketable.queue import LINES, Job

UPKEEP = "upkeep"
DATES = LINES[Job.APPLY_UPDATE_DATE]

#: Work that fell due while no worker ran is made up for when it is not older than this.
MADE_UP_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class Periodic:
    name: str
    cron: str
    line: str
    work: Callable[[datetime], None]


TABLE = (
    Periodic("apply_update_dates", "* * * * *", DATES, upkeep.apply_update_dates),  # U5
    Periodic("sweep", "* * * * *", UPKEEP, upkeep.sweep),
    Periodic("write_usage_days", "7 * * * *", UPKEEP, upkeep.write_usage_days),  # T1
    Periodic("prove_accounts", "10 2 * * *", UPKEEP, upkeep.prove_accounts),  # O12
    Periodic("prove_segments", "40 2 * * *", UPKEEP, upkeep.prove_segments),  # O12
    Periodic("erase_old_archived", "10 3 * * *", UPKEEP, upkeep.erase_old_archived),  # S14
    Periodic("find_duplicates", "25 3 * * *", UPKEEP, upkeep.find_duplicates),  # S18
    Periodic("clear_remains", "40 3 * * *", UPKEEP, upkeep.clear_remains),
)

#: What a worker does first, so that nothing waits for the next minute.
AT_START = (upkeep.sweep, upkeep.apply_update_dates)


def add_to(app: App) -> None:
    """Let the workers of `app` run the table. Any number of workers may: the queue's tables let
    each moment's work be asked for once."""
    for one in TABLE:
        name = f"upkeep.{one.name}"
        app.periodic(cron=one.cron)(
            app.task(name=name, queue=one.line, lock=name, queueing_lock=name)(_task(one))
        )
    app.periodic_defaults = {"max_delay": MADE_UP_SECONDS}


def _task(one: Periodic) -> Callable[[int], None]:
    def run(timestamp: int) -> None:
        one.work(clock.now())

    return run

"""`marketable doctor`: is this installation well, and what helps where it is not."""

import argparse
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from marketable.commands import options as shared
from marketable.commands.answers import DONE, FAILED, Answer

if TYPE_CHECKING:
    from marketable.commands.database import Database

OLDEST_PYTHON = (3, 11)
LEAST_FREE_BYTES = 1024**3
#: A worker that runs has read the ledger for segments by then.
MOST_SECONDS_BEHIND = 300


@dataclass(frozen=True, slots=True)
class Finding:
    """One check. `remedy` is empty when all is well."""

    id: str
    ok: bool
    message: str
    remedy: str = ""


def add(commands: Any) -> None:
    parser = commands.add_parser("doctor", help="check the installation, and name remedies")
    shared.add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> Answer:
    from marketable.commands.database import opened

    with opened(up_to_date=False) as database:
        findings = [check(database) for check in CHECKS]
        if findings[-1].ok:  # only tables that are up to date can be asked
            findings += [check() for check in CHECKS_OF_TABLES]
    ok = all(one.ok for one in findings)
    document = {"ok": ok, "checks": [asdict(one) for one in findings]}
    lines = [f"{'ok  ' if one.ok else 'BAD '} {one.id}: {one.message}" for one in findings]
    lines += [f"     {one.id}: {one.remedy}" for one in findings if not one.ok]
    return Answer(document, tuple(lines), status=DONE if ok else FAILED)


def python(_: "Database") -> Finding:
    found = ".".join(map(str, sys.version_info[:3]))
    return Finding(
        "python",
        sys.version_info >= OLDEST_PYTHON,
        f"Python {found}.",
        "Install Python 3.11 or newer, and run make setup again.",
    )


def data_folder(database: "Database") -> Finding:
    folder = database.data_dir
    key = folder / "secret_key"
    if key.exists() and key.stat().st_mode & 0o077:
        return Finding("data_folder", False, f"Others can read {key}.", f"Run: chmod 600 {key}")
    return Finding("data_folder", True, f"{folder}.")


def disk(database: "Database") -> Finding:
    folder = database.cluster.data_dir if database.cluster else database.data_dir
    existing = next(one for one in (folder, *folder.parents) if one.exists())
    free_bytes = shutil.disk_usage(existing).free
    return Finding(
        "disk",
        free_bytes >= LEAST_FREE_BYTES,
        f"{free_bytes // 1024**2} MB are free on the disk of {existing}.",
        "Free at least 1 GB, or move the data to a larger disk.",
    )


def server(database: "Database") -> Finding:
    import psycopg

    with psycopg.connect(database.url) as connection:
        major, minor = divmod(connection.info.server_version, 10_000)
    whose = "embedded" if database.cluster else "of your own"
    return Finding("database", True, f"PostgreSQL {major}.{minor}, {whose}.")


def settings(_: "Database") -> Finding:
    from django.core import checks

    errors = [one for one in checks.run_checks() if one.level >= checks.ERROR]
    if not errors:
        return Finding("settings", True, "No start-up check fails.")
    return Finding(
        "settings",
        False,
        "; ".join(f"{one.id}: {one.msg}" for one in errors),
        " ".join(one.hint or "" for one in errors).strip() or "See docs/settings.md.",
    )


def tables(database: "Database") -> Finding:
    import psycopg

    from marketable.commands.database import pending

    with psycopg.connect(database.url) as connection:
        missing = sorted(".".join(one) for one in pending(connection))
    if not missing:
        return Finding("tables", True, "All migrations are applied.")
    return Finding(
        "tables",
        False,
        f"{len(missing)} migrations are not applied: {', '.join(missing[:5])} …",
        "Run marketable serve, or any other command but this one: it applies them.",
    )


def worker() -> Finding:
    from marketable.jobs import inspection

    age = inspection.seconds_since_heartbeat()
    waiting = inspection.due_count()
    if waiting and (age is None or age > inspection.QUIET_SECONDS):
        return Finding(
            "worker",
            False,
            f"{waiting} jobs are due and no worker is running.",
            "Run marketable serve without --no-worker, or marketable worker.",
        )
    return Finding(
        "worker",
        True,
        f"{waiting} jobs are due; "
        + ("no worker is running." if age is None else f"a worker was alive {age:.0f} s ago."),
    )


def failed_jobs() -> Finding:
    from marketable.jobs import inspection

    failed = inspection.failed()
    if not failed:
        return Finding("failed_jobs", True, "No job has failed for good.")
    return Finding(
        "failed_jobs",
        False,
        f"Jobs that failed for good: {', '.join(failed)}.",
        "The log of the worker has the reasons. What is unfinished is taken up again by itself.",
    )


def ledger() -> Finding:
    from marketable.accounts import queries as accounts
    from marketable.marketing_status import queries as marketing_status

    wrong = [one.id for one in accounts.all_accounts() if not marketing_status.prove(one.id).ok]
    if not wrong:
        return Finding("ledger", True, "Counter, rows and ledger of every account agree.")
    return Finding(
        "ledger",
        False,
        f"Counter, rows and ledger differ in the accounts {', '.join(map(str, wrong))}.",
        "Run marketable prove --account ID, and report both values; nothing is corrected silently.",
    )


def segments() -> Finding:
    """They lag where no worker runs, which harms nobody: who uses one reads the ledger first."""
    from marketable import clock
    from marketable.jobs import inspection
    from marketable.segments import following

    now = clock.now()
    since = following.behind_since(now=now)
    if since is None:
        return Finding("segments", True, "Segments are up to date.")
    seconds = (now - since).total_seconds()
    age = inspection.seconds_since_heartbeat()
    is_stuck = age is not None and age <= inspection.QUIET_SECONDS and seconds > MOST_SECONDS_BEHIND
    return Finding(
        "segments",
        not is_stuck,
        f"Changes have waited for {seconds:.0f} s to be read for segments.",
        "The log of the worker has the reason, or a transaction that is open for long holds "
        "changes back."
        if is_stuck
        else "",
    )


CHECKS: tuple[Callable[["Database"], Finding], ...] = (
    python,
    data_folder,
    disk,
    server,
    settings,
    tables,
)
CHECKS_OF_TABLES: tuple[Callable[[], Finding], ...] = (worker, failed_jobs, segments, ledger)

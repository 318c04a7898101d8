"""`marketable backup FILE` and `marketable restore FILE`: the whole database, one file."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from marketable.commands.answers import Answer

if TYPE_CHECKING:
    from marketable.commands.database import Database


def add(commands: Any) -> None:
    backup = commands.add_parser("backup", help="write the whole database to a file")
    backup.add_argument("file", type=Path, metavar="FILE")
    backup.set_defaults(run=run_backup)
    restore = commands.add_parser("restore", help="bring a backup into an empty database")
    restore.add_argument("file", type=Path, metavar="FILE")
    restore.set_defaults(run=run_restore)


def run_backup(options: argparse.Namespace) -> Answer:
    from marketable.commands.database import opened
    from marketable.postgres import backup

    with opened(up_to_date=False) as database:
        backup.dump(database.cluster or database.url, programs(database), options.file)
    return Answer(lines=(f"The backup is in {options.file}.",))


def run_restore(options: argparse.Namespace) -> Answer:
    from marketable.commands.database import bring_up_to_date, opened
    from marketable.postgres import backup

    with opened(up_to_date=False) as database:
        backup.restore(database.cluster or database.url, programs(database), options.file)
        bring_up_to_date(database.url)
        from marketable import clock
        from marketable.commands.source import operator
        from marketable.contacts.services.erase import erase_again
        from marketable.segments.following import renumber_if_moved

        renumber_if_moved()
        erased = erase_again(by=operator("restore"), now=clock.now())
    again = f" {erased} contacts that were erased since are erased again." if erased else ""
    return Answer(lines=(f"{options.file} is restored.{again}",))


def programs(database: "Database") -> Path:
    """Return the folder of pg_dump and pg_restore: those that came with the product."""
    from marketable.postgres import binaries

    return database.cluster.bin_dir if database.cluster else binaries.installed()

"""Words of imports (I). Pure."""

from datetime import timedelta
from enum import StrEnum

BATCH = 20_000
#: No file has as many rows.
LAST_LINE = 2_147_483_647
#: How long an import can be undone, and its failures file is kept.
KEPT_FOR = timedelta(days=30)
#: A page counts a file anew after each row that is mended on it, up to this many rows.
MOST_ROWS_TO_MEND = 100_000
#: Rows of one file that can be mended or left out on the page.
MOST_MENDED = 1_000
#: Drafts that nobody went on with.
DRAFT_KEPT_FOR = timedelta(days=2)


class ImportState(StrEnum):
    DRAFT = "draft"  # a file, being mapped
    CHECKING = "checking"
    CHECKED = "checked"  # nothing is written yet
    RUNNING = "running"
    COMPLETE = "complete"
    CANCELLED = "cancelled"
    FAILED = "failed"
    UNDOING = "undoing"
    UNDONE = "undone"


class Mode(StrEnum):
    UPSERT = "upsert"
    CREATE = "create"
    UPDATE = "update"


class Marketing(StrEnum):
    """What an import does to the status (I1)."""

    LEAVE = "leave"  # new ones non-marketing, present ones as they are
    NEW = "new"  # start those created
    ALL = "all"  # start every contact of the file

"""Importing a file in steps: keep it, map its columns, check, run in batches, undo.

Nothing is written to contacts before the run. Each batch of the run is one transaction with its
changes, its starts, its outcome and its progress, so a killed import goes on where it was.
"""

from marketable.transfers.services.checking import (
    ImportPlan,
    ask_for_check,
    begin_check,
    check,
    plan_of,
)
from marketable.transfers.services.drafts import (
    DATE_ORDERS,
    keep_file,
    sample_of,
    set_format,
    set_mapping,
    set_options,
    suggested,
)
from marketable.transfers.services.in_one_go import Imported, import_file
from marketable.transfers.services.mending import leave_row_out, mend_row, put_row_back
from marketable.transfers.services.remains import clear_remains, forget_erased
from marketable.transfers.services.running import (
    cancel,
    give_up,
    holder,
    run_next_batch,
    start,
    work_on,
)

__all__ = [
    "DATE_ORDERS",
    "ImportPlan",
    "Imported",
    "ask_for_check",
    "begin_check",
    "cancel",
    "check",
    "clear_remains",
    "forget_erased",
    "give_up",
    "holder",
    "import_file",
    "keep_file",
    "leave_row_out",
    "mend_row",
    "plan_of",
    "put_row_back",
    "run_next_batch",
    "sample_of",
    "set_format",
    "set_mapping",
    "set_options",
    "start",
    "suggested",
    "work_on",
]

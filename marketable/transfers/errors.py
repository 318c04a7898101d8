"""The refusals of imports and exports."""

from django.utils.translation import gettext_noop as _

from marketable.errors import Conflict, Invalid, NotFound


class FileRefused(Invalid):
    """The file cannot be read as a table; the message says what was found (J10)."""

    code = "file_refused"


class BadMapping(Invalid):
    """Columns that cannot be taken as the mapping says."""

    code = "bad_mapping"


class ImportUnknown(NotFound):
    code = "import_unknown"

    def __init__(self) -> None:
        super().__init__(_("There is no such import."))


class WrongState(Conflict):
    """What was asked belongs to another step of the import."""

    code = "wrong_state"

    def __init__(self) -> None:
        super().__init__(_("The import is at another step by now. Look at it again."))


class ImportOutdated(Conflict):
    """Another number of contacts would become marketing than was announced (B5)."""

    code = "plan_outdated"

    def __init__(self, *, expected: int, actual: int) -> None:
        super().__init__(
            _(
                "%(expected)s contacts were to become marketing, and it is %(actual)s now. "
                "Nothing was imported."
            ),
            {"expected": expected, "actual": actual},
            expected=expected,
            actual=actual,
        )


class CannotUndoImport(Conflict):
    code = "cannot_undo"

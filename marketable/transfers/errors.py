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


class RowNotBad(NotFound):
    """The row is not among those that cannot be taken, or has no cell to be mended."""

    code = "row_not_bad"

    def __init__(self) -> None:
        super().__init__(_("This row cannot be mended here. Look at the check again."))


class TooLargeToMend(Conflict):
    """A file whose check takes longer than a page may."""

    code = "too_large_to_mend"

    def __init__(self) -> None:
        super().__init__(
            _("Files of over 100,000 rows are not mended on the page. Mend the downloaded rows.")
        )


class TooManyMended(Conflict):
    code = "too_many_mended"

    def __init__(self) -> None:
        super().__init__(
            _("1,000 rows of this file were mended here already. Mend the others in the file.")
        )


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

"""The refusals of plans and bulk actions."""

from uuid import UUID

from django.utils.translation import gettext_noop as _

from marketable.errors import Conflict, Invalid, NotFound


class PlanUnknown(NotFound):
    """There is no such plan in this account, or it is somebody else's."""

    code = "plan_unknown"

    def __init__(self) -> None:
        super().__init__(_("This preview is no longer there. Make a new one."))


class WrongCount(Invalid):
    """The number typed is not the number of the plan (J1)."""

    code = "wrong_count"

    def __init__(self, *, expected: int) -> None:
        super().__init__(
            _("Type the number %(number)s."),
            {"number": expected},
            field="count",
            expected=expected,
        )


class PlanOutdated(Conflict):
    """The set has changed since the plan was shown (B5). `fresh_plan_id` is the plan as of now."""

    code = "plan_outdated"

    def __init__(self, *, expected: int, actual: int, fresh_plan_id: UUID | None = None) -> None:
        self.fresh_plan_id = fresh_plan_id
        super().__init__(
            _("It was %(expected)s contacts and is %(actual)s now. Nothing was changed."),
            {"expected": expected, "actual": actual},
            expected=expected,
            actual=actual,
        )


class NothingToDo(Conflict):
    """The plan would change nobody (J2)."""

    code = "nothing_to_do"

    def __init__(self) -> None:
        super().__init__(_("There is nothing to change: nobody would be updated."))


class BulkActionUnknown(NotFound):
    """There is no such bulk action in this account."""

    code = "bulk_action_unknown"

    def __init__(self) -> None:
        super().__init__(_("There is no such job."))


class CannotUndo(Conflict):
    """The bulk action is still running, was undone already, or is older than 30 days."""

    code = "cannot_undo"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)

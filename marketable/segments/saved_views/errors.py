"""The refusals of saved views."""

from django.utils.translation import gettext_noop as _

from marketable.errors import Conflict, Invalid, NotAllowed, NotFound
from marketable.segments.saved_views.rules import LONGEST_NAME, MOST_VIEWS


class ViewUnknown(NotFound):
    """There is no such view, or it is not shared with the one who asks."""

    code = "view_unknown"

    def __init__(self) -> None:
        super().__init__(_("There is no such view, or it is not shared with you."))


class ViewNotYours(NotAllowed):
    """Somebody else's view is copied, not overwritten."""

    code = "view_not_yours"

    def __init__(self, right: str) -> None:
        super().__init__(
            _("This view belongs to somebody else. Save yours as a new one."), right=right
        )


class ViewChangedMeanwhile(Conflict):
    """Somebody saved the view after the one who asks had opened it."""

    code = "view_changed_meanwhile"

    def __init__(self, name: str) -> None:
        super().__init__(
            _("“%(name)s” was changed meanwhile. Nothing was overwritten."), {"name": name}
        )


class ViewNameTaken(Conflict):
    """Its owner has another view of this name, whatever the case."""

    code = "view_name_taken"

    def __init__(self, name: str) -> None:
        super().__init__(_("There is a view “%(name)s” already."), {"name": name}, field="name")


class BadViewName(Invalid):
    code = "bad_view_name"

    def __init__(self) -> None:
        super().__init__(
            _("A name has 1 to %(longest)s characters."), {"longest": LONGEST_NAME}, field="name"
        )


class BadViewState(Invalid):
    """What was to be kept is no state of the table."""

    code = "bad_view_state"

    def __init__(self) -> None:
        super().__init__(_("This cannot be kept in a view."), field="state")


class SharedWithStrangers(Invalid):
    """A view is shared with people of its account only, and with one at least."""

    code = "shared_with_strangers"

    def __init__(self) -> None:
        super().__init__(_("Choose people of this account."), field="people")


class TooManyViews(Conflict):
    code = "too_many_views"

    def __init__(self) -> None:
        super().__init__(
            _("A person has at most %(most)s views. Delete one first."), {"most": MOST_VIEWS}
        )


class ViewGone(Conflict):
    """Deleted longer ago than it can be brought back, or not deleted."""

    code = "view_gone"

    def __init__(self) -> None:
        super().__init__(_("This view cannot be brought back any more."))

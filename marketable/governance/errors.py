"""The refusals of the guards (O)."""

from django.utils.translation import gettext_noop as _

from marketable.errors import Conflict


class CeilingReached(Conflict):
    """Usage would pass the hard ceiling (O3, A4)."""

    code = "ceiling_reached"

    def __init__(self, *, ceiling: int, usage: int, wanted: int) -> None:
        super().__init__(
            _(
                "The ceiling is %(ceiling)s marketing contacts and %(usage)s places are taken, "
                "so %(wanted)s more do not fit. Nothing was changed."
            ),
            {"ceiling": ceiling, "usage": usage, "wanted": wanted},
            ceiling=ceiling,
            usage=usage,
            wanted=wanted,
            expected=ceiling,
            actual=usage + wanted,
        )

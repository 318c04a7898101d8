"""The refusals of contracts, tiers and the update-date calendar."""

from datetime import UTC, datetime

from django.utils.translation import gettext_noop as _

from marketable.errors import Conflict, Invalid


class NoContract(Conflict):
    """The account has no contract in force, so it has no update date (V17)."""

    code = "no_contract"


class BadLimit(Invalid):
    """A ceiling that is negative or not whole (J14)."""

    code = "bad_limit"

    def __init__(self) -> None:
        super().__init__(
            _("The ceiling must be a whole number of contacts, 0 or more."), field="ceiling"
        )


class BadPolicy(Invalid):
    """What happens at the limit is one of the policies of T4."""

    code = "bad_policy"

    def __init__(self, given: str) -> None:
        super().__init__(
            _("At the limit, the choice is “automatic” or “ceiling”, not “%(given)s”."),
            {"given": given},
            field="at_limit",
        )


class BadContract(Invalid):
    """A contract with an unknown plan or term, or one that ends before it starts (J14)."""

    code = "bad_contract"


class UnknownTimeZone(Invalid):
    """The zone is not in the IANA database (J13)."""

    code = "unknown_time_zone"

    def __init__(self, given: str) -> None:
        super().__init__(
            _("There is no time zone “%(given)s”."), {"given": given}, field="time_zone"
        )


class ZonesDisagree(Conflict):
    """The old and the new zone disagree on whether an update date has begun (U8)."""

    code = "zones_disagree"

    def __init__(self, *, possible_from: datetime) -> None:
        super().__init__(
            _(
                "The old and the new time zone disagree on whether the update date has begun. "
                "The change will work from %(moment)s UTC on."
            ),
            {"moment": possible_from.astimezone(UTC)},
            possible_from=possible_from,
        )

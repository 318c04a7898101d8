"""The fourth step in words: the options, and what an import with them would do and cost (I3)."""

from dataclasses import dataclass
from datetime import datetime

from django.core.signing import BadSignature, dumps, loads
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from marketable.billing import queries as billing
from marketable.billing.rules import renewal_date_after
from marketable.formats import number
from marketable.marketing_status.services import Plan
from marketable.transfers import services as transfers
from marketable.transfers.queries import ImportView
from marketable.transfers.rules import Marketing, Mode
from marketable.transfers.services import ImportPlan
from marketable.web.access import AccountRequest
from marketable.web.contacts import plans
from marketable.web.contacts.page import lacks_status
from marketable.web.jobs.shown import OutcomeLine

#: How long a plan that was shown can be confirmed (B5).
PLAN_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Option:
    value: str
    label: str
    hint: str
    is_chosen: bool
    is_disabled: bool = False


@dataclass(frozen=True, slots=True)
class OptionsPage:
    """Everything that the fourth step shows.

    marketing    empty in an account without marketing contacts (E4)
    not_allowed  why the marketing choice is disabled (P4)
    shown        what starting them costs; None where nobody is to be started
    planned      the plan as it was shown, signed, for the confirmation
    """

    modes: tuple[Option, ...]
    marketing: tuple[Option, ...]
    not_allowed: str
    outcomes: tuple[OutcomeLine, ...]
    shown: plans.Shown | None
    planned: str
    start_label: str
    can_start: bool
    is_nothing: bool


def build(request: AccountRequest, view: ImportView) -> OptionsPage:
    told, plan = transfers.plan_of(request.account.id, view.id, now=request.now)
    not_allowed = lacks_status(request)
    has_status = request.account.has_marketing_contacts
    is_costing = view.marketing is not Marketing.LEAVE and has_status
    shown = None
    if is_costing:
        contract = billing.calendar(request.account.id).contract_on(request.today)
        shown = plans.show(
            plan,
            include_unreachable=bool(view.options.get("include_unreachable")),
            zone_name=request.account.time_zone,
            tier_can_fall_on=renewal_date_after(contract, request.today),
        )
    is_nothing = not (told.created or told.updated or plan.changing)
    return OptionsPage(
        modes=tuple(_modes(view)),
        marketing=tuple(_marketing(view, not_allowed)) if has_status else (),
        not_allowed=not_allowed if has_status else "",
        outcomes=tuple(_outcomes(told)),
        shown=shown,
        planned=sign(view.id, plan.changing, at=request.now),
        start_label=start_label(told, plan),
        can_start=not is_nothing and not (shown and shown.blocked),
        is_nothing=is_nothing,
    )


def sign(import_id: int, changing: int, *, at: datetime) -> str:
    """Return the number that was announced and when, which only this import takes back."""
    return dumps([changing, at.timestamp()], salt=_salt(import_id))


def announced(planned: str, import_id: int, *, now: datetime) -> int | None:
    """Return the number that a plan announced; None when it is older than an hour, or none."""
    try:
        changing, at = loads(planned, salt=_salt(import_id))
    except BadSignature:
        return None
    return int(changing) if 0 <= now.timestamp() - at <= PLAN_SECONDS else None


def _salt(import_id: int) -> str:
    return f"import-plan:{import_id}"


def start_label(told: ImportPlan, plan: Plan) -> str:
    """Return the button's text, which repeats the number that costs (B4)."""
    if plan.changing:
        text = ngettext(
            "Confirm: import, and set %(count)s contact",
            "Confirm: import, and set %(count)s contacts",
            plan.changing,
        )
        return text % {"count": number(plan.changing)}
    count = told.created + told.updated
    text = ngettext("Import %(count)s contact", "Import %(count)s contacts", count)
    return text % {"count": number(count)}


def _modes(view: ImportView) -> list[Option]:
    chosen = view.options.get("mode", Mode.UPSERT.value)
    texts = {
        Mode.UPSERT: (_("Create new contacts and update existing ones"), ""),
        Mode.CREATE: (_("Only create new contacts"), _("Those that exist stay as they are.")),
        Mode.UPDATE: (
            _("Only update existing contacts"),
            _("Rows whose address is not known are not taken."),
        ),
    }
    return [
        Option(mode.value, label, hint, mode.value == chosen)
        for mode, (label, hint) in texts.items()
    ]


def _marketing(view: ImportView, not_allowed: str) -> list[Option]:
    texts = {
        Marketing.LEAVE: (
            _("Leave it as it is"),
            _("New contacts are non-marketing, and cost nothing."),
        ),
        Marketing.NEW: (
            _("Set the new contacts as marketing contacts"),
            _("Those that exist keep their status."),
        ),
        Marketing.ALL: (
            _("Set every contact of the file as a marketing contact"),
            _("Those that exist, too."),
        ),
    }
    return [
        Option(
            one.value,
            label,
            hint,
            one is view.marketing,
            is_disabled=bool(not_allowed) and one is not Marketing.LEAVE,
        )
        for one, (label, hint) in texts.items()
    ]


def _outcomes(told: ImportPlan) -> list[OutcomeLine]:
    lines = [
        (
            "created",
            told.created,
            ngettext("contact will be created", "contacts will be created", told.created),
        ),
        (
            "updated",
            told.updated,
            ngettext("contact will be updated", "contacts will be updated", told.updated),
        ),
        (
            "unchanged",
            told.unchanged,
            ngettext("is as in the file already", "are as in the file already", told.unchanged),
        ),
        (
            "failed",
            told.failed,
            ngettext("row will not be taken", "rows will not be taken", told.failed),
        ),
    ]
    return [OutcomeLine(code, number(count), text) for code, count, text in lines if count]

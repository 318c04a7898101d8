"""What a plan dialog says: top line, before and after, who is left out, the button (B3, T10)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from marketable.bulk_actions.rules import Reason
from marketable.formats import day, money, number, short_day
from marketable.marketing_status.rules import Event, Verdict
from marketable.marketing_status.services import Plan


@dataclass(frozen=True, slots=True)
class Compared:
    """One line of the two columns. `is_money` when it raises the bill."""

    label: str
    before: str
    after: str
    is_money: bool = False

    @property
    def is_same(self) -> bool:
        return self.before == self.after


@dataclass(frozen=True, slots=True)
class Counted:
    """How many contacts an outcome concerns, in words. `is_part` when the line above counts them
    already."""

    code: str
    count: str
    text: str
    is_part: bool = False


@dataclass(frozen=True, slots=True)
class Bar:
    """The tier as a bar, in thousandths of its width and as text for a drawing: what is taken,
    then what comes or goes, and where the limits before and after stand."""

    taken: str
    moved: str
    moves: str  # added, leaving or nothing
    limit: str
    limit_before: str  # empty when it stays


@dataclass(frozen=True, slots=True)
class Shown:
    """A plan, ready to be read.

    blocked  why it cannot be confirmed, empty when it can
    """

    plan: Plan
    title: str
    selected: str
    before_label: str
    after_label: str
    compared: tuple[Compared, ...]
    bar: Bar
    outcomes: tuple[Counted, ...]
    left_out: tuple[Counted, ...]
    consequence: str
    blocked: str
    field_label: str
    field_problem: str
    expected_key: str
    confirm_label: str
    can_include_unreachable: bool
    include_unreachable: bool
    is_typed: bool = True

    @property
    def can_confirm(self) -> bool:
        return self.plan.changing > 0 and not self.blocked

    @property
    def button(self) -> str:
        return "money" if self.is_costly else "primary"

    @property
    def is_costly(self) -> bool:
        """Tell whether it takes places or cannot be taken back at once."""
        return self.plan.action is Event.START or self.plan.action is Event.KEEP


def price(cents: int | None, currency: str) -> str:
    """Return a month's price, or that none is set (T10)."""
    return money(cents, currency) or _("no price set")


def show(plan: Plan, *, include_unreachable: bool, zone_name: str, tier_can_fall_on: date) -> Shown:
    """Return what the dialog says about a plan.

    zone_name         the account's time zone, named beside every update date (Y2)
    tier_can_fall_on  the first day on which a higher tier could come down again (T7)
    """
    before_label, after_label, usage_before, usage_after = _columns(plan)
    return Shown(
        plan=plan,
        title=title(plan.action, plan.changing, plan.update_date),
        selected=selected_text(plan.selected),
        before_label=before_label,
        after_label=after_label,
        compared=_compared(plan, usage_before, usage_after),
        bar=_bar(plan, usage_before, usage_after),
        outcomes=tuple(_outcomes(plan)),
        left_out=tuple(left_out(plan.cannot, plan.outside_rights, plan.not_found)),
        consequence=_consequence(plan, zone_name, tier_can_fall_on),
        blocked=_blocked(plan),
        field_label=field_label(plan.changing),
        field_problem=wrong_number(plan.changing),
        expected_key=str(plan.changing),
        confirm_label=confirm_label(plan.action, plan.changing),
        can_include_unreachable=plan.action is Event.START
        and (plan.cannot_total > 0 or include_unreachable),
        include_unreachable=include_unreachable,
    )


def title(action: Event, count: int, update_date: date) -> str:
    """Return the dialog's top line: what will happen."""
    if count == 0:
        return {
            Event.START: _("No contact would become a marketing contact"),
            Event.STOP: _("No contact would become non-marketing"),
            Event.KEEP: _("No contact is staged, so there is nothing to keep"),
        }[action]
    facts = {"count": number(count), "date": day(update_date)}
    if action is Event.START:
        text = ngettext(
            "Set %(count)s contact as a marketing contact",
            "Set %(count)s contacts as marketing contacts",
            count,
        )
    elif action is Event.STOP:
        text = ngettext(
            "Set %(count)s contact as non-marketing on %(date)s",
            "Set %(count)s contacts as non-marketing on %(date)s",
            count,
        )
    else:
        text = ngettext(
            "Keep %(count)s contact as a marketing contact",
            "Keep %(count)s contacts as marketing contacts",
            count,
        )
    return text % facts


def selected_text(count: int) -> str:
    text = ngettext("%(count)s contact selected", "%(count)s contacts selected", count)
    return text % {"count": number(count)}


def field_label(count: int) -> str:
    """Return what stands over the field for the number (B4)."""
    return _("To confirm, type %(count)s") % {"count": number(count)}


def wrong_number(count: int) -> str:
    """Return what is said beside the field when another number stands in it (J1)."""
    return _("Type the number %(count)s") % {"count": number(count)}


def was_text(before: int, now: int) -> str:
    """Return what is said when the set has changed since the plan was shown (B5)."""
    if before == now:
        return _("This preview was older than an hour. Here is how things stand now.")
    return _("It was %(before)s, is now %(now)s. Nothing was changed; please look again.") % {
        "before": number(before),
        "now": number(now),
    }


def confirm_label(action: Event, count: int) -> str:
    """Return the button's text, which repeats the number (B4)."""
    if action is Event.START:
        text = ngettext("Confirm: set %(count)s contact", "Confirm: set %(count)s contacts", count)
    elif action is Event.STOP:
        text = ngettext(
            "Confirm: stage %(count)s contact", "Confirm: stage %(count)s contacts", count
        )
    else:
        text = ngettext(
            "Confirm: keep %(count)s contact", "Confirm: keep %(count)s contacts", count
        )
    return text % {"count": number(count)}


def _columns(plan: Plan) -> tuple[str, str, int, int]:
    """Return the headings of the two columns and usage in each."""
    on = _("On %(date)s") % {"date": day(plan.update_date)}
    if plan.action is Event.STOP:
        return _("Now"), on, plan.usage_before, plan.usage_on_date
    if plan.action is Event.KEEP:
        without = _("On %(date)s, if left staged") % {"date": day(plan.update_date)}
        kept = _("On %(date)s, if kept") % {"date": day(plan.update_date)}
        return without, kept, plan.usage_on_date - plan.kept, plan.usage_on_date
    return _("Now"), _("After"), plan.usage_before, plan.usage_after


def _compared(plan: Plan, usage_before: int, usage_after: int) -> tuple[Compared, ...]:
    return (
        Compared(
            _("Marketing contacts"),
            number(usage_before),
            number(usage_after),
            is_money=usage_after > usage_before,
        ),
        Compared(
            _("Contact tier"),
            number(plan.tier_before),
            number(plan.tier_after),
            is_money=plan.tier_after > plan.tier_before,
        ),
        Compared(
            _("Price a month"),
            price(plan.price_before, plan.currency),
            price(plan.price_after, plan.currency),
            is_money=plan.price_after != plan.price_before,
        ),
    )


def _bar(plan: Plan, usage_before: int, usage_after: int) -> Bar:
    full = max(plan.tier_after, usage_before, usage_after, 1)

    def share(count: int) -> int:
        # What is there is seen, however small its part of the whole.
        return max(round(count * 1000 / full), 4 if count else 0)

    low, high = sorted((usage_before, usage_after))
    moves = "nothing"
    if usage_after != usage_before:
        moves = "added" if usage_after > usage_before else "leaving"
    taken = share(low)
    return Bar(
        taken=str(taken),
        moved=str(min(share(high - low), 1000 - taken)),
        moves=moves,
        limit=str(min(share(plan.tier_after), 997)),
        limit_before=str(share(plan.tier_before)) if plan.tier_before != plan.tier_after else "",
    )


def _outcomes(plan: Plan) -> list[Counted]:
    """Return what happens to those chosen, in the order in which it is read."""
    found = [Counted("changing", number(plan.changing), _will(plan))]
    if plan.action is Event.START and plan.kept:
        text = ngettext(
            "of which kept: staged for %(date)s, the staging is withdrawn",
            "of which kept: staged for %(date)s, the staging is withdrawn",
            plan.kept,
        )
        text %= {"date": day(plan.update_date)}
        found.append(Counted("kept", number(plan.kept), text, is_part=True))
    if plan.already:
        found.append(Counted("already", number(plan.already), _is_already(plan)))
    return found


def _will(plan: Plan) -> str:
    """Say what happens to the contacts that will be updated."""
    if plan.action is Event.START:
        return ngettext(
            "will be set as a marketing contact, now",
            "will be set as marketing contacts, now",
            plan.changing,
        )
    if plan.action is Event.STOP:
        text = ngettext(
            "will be staged: non-marketing from %(date)s on",
            "will be staged: non-marketing from %(date)s on",
            plan.changing,
        )
    else:
        text = ngettext(
            "will be kept: the staging for %(date)s is withdrawn",
            "will be kept: the staging for %(date)s is withdrawn",
            plan.changing,
        )
    return text % {"date": day(plan.update_date)}


def _is_already(plan: Plan) -> str:
    """Say why the others stay as they are."""
    if plan.action is Event.START:
        return ngettext(
            "is a marketing contact already", "are marketing contacts already", plan.already
        )
    if plan.action is Event.STOP:
        return ngettext(
            "is non-marketing or staged already",
            "are non-marketing or staged already",
            plan.already,
        )
    return ngettext("is not staged", "are not staged", plan.already)


def left_out(cannot: Mapping[str, int], outside_rights: int, not_found: int) -> list[Counted]:
    """Return who is left alone, and why (B3)."""
    found = [
        Counted(code, number(count), cannot_text(code, count))
        for code, count in sorted(cannot.items())
    ]
    if outside_rights:
        found.append(
            Counted(
                "outside_rights",
                number(outside_rights),
                ngettext(
                    "is outside your rights and is left alone",
                    "are outside your rights and are left alone",
                    outside_rights,
                ),
            )
        )
    if not_found:
        found.append(
            Counted(
                "not_found",
                number(not_found),
                ngettext(
                    "is deleted, or not a contact of this account",
                    "are deleted, or not contacts of this account",
                    not_found,
                ),
            )
        )
    return found


def cannot_text(code: str, count: int) -> str:
    """Return why contacts are left out, following their number (S19)."""
    if code in set(Reason):
        return _reason_text(Reason(code), count)
    if code == Verdict.NO_ADDRESS:
        return ngettext(
            "cannot receive mail: no e-mail address",
            "cannot receive mail: no e-mail address",
            count,
        )
    return ngettext(
        "cannot receive mail: the address refused it for good",
        "cannot receive mail: the addresses refused it for good",
        count,
    )


def _reason_text(reason: Reason, count: int) -> str:
    """Return why contacts are left out of what does not move the status."""
    return {
        Reason.STAGE_BACKWARDS: ngettext(
            "has a later lifecycle stage: a stage is not set backwards",
            "have a later lifecycle stage: a stage is not set backwards",
            count,
        ),
        Reason.CHANGED_SINCE: ngettext(
            "was changed since and is left alone", "were changed since and are left alone", count
        ),
        Reason.ARCHIVED: ngettext("is in the recycle bin", "are in the recycle bin", count),
        Reason.NOT_IN_BIN: ngettext(
            "is not in the recycle bin any more", "are not in the recycle bin any more", count
        ),
        Reason.EMAIL_TAKEN: ngettext(
            "stays deleted: another contact has the address now",
            "stay deleted: other contacts have their addresses now",
            count,
        ),
        Reason.UNIQUE_TAKEN: ngettext(
            "stays deleted: another contact has the unique value now",
            "stay deleted: other contacts have their unique values now",
            count,
        ),
    }[reason]


def _consequence(plan: Plan, zone_name: str, tier_can_fall_on: date) -> str:
    facts = {"date": day(plan.update_date), "zone": zone_name}
    if plan.action is Event.STOP:
        return (
            _(
                "Until %(date)s (%(zone)s) they stay marketing contacts and count toward the tier. "
                "You can keep them until then."
            )
            % facts
        )
    if plan.action is Event.KEEP:
        return _("They go on counting toward the tier after %(date)s (%(zone)s).") % facts
    sentence = (
        _(
            "There is no way back before %(date)s (%(zone)s), the next update date. Until then "
            "they count toward the tier, whatever you do with them."
        )
        % facts
    )
    if plan.tier_after > plan.tier_before:
        sentence += " " + _("The tier can come down on %(date)s at the earliest.") % {
            "date": day(tier_can_fall_on)
        }
    return sentence


def _blocked(plan: Plan) -> str:
    if not plan.blocked_by or not plan.changing:
        return ""
    wanted = plan.usage_after - plan.usage_before
    facts = {
        "ceiling": number(plan.ceiling or 0),
        "usage": number(plan.usage_before),
        "wanted": number(wanted),
    }
    return (
        ngettext(
            "This cannot be confirmed: %(wanted)s more does not fit under the ceiling of "
            "%(ceiling)s, with %(usage)s places taken.",
            "This cannot be confirmed: %(wanted)s more do not fit under the ceiling of "
            "%(ceiling)s, with %(usage)s places taken.",
            wanted,
        )
        % facts
    )


def one_more(plan: Plan, zone_name: str) -> str:
    """Return what one more marketing contact does, beside the tick of a new contact (R3, T10)."""
    facts = {
        "before": number(plan.usage_before),
        "after": number(plan.usage_after),
        "tier": number(plan.tier_after),
        "date": day(plan.update_date),
        "zone": zone_name,
    }
    text = (
        _(
            "Marketing contacts %(before)s → %(after)s of %(tier)s. Counts at once, with no way "
            "back before %(date)s (%(zone)s)."
        )
        % facts
    )
    if plan.tier_after > plan.tier_before:
        text += " " + _("The contact tier goes up from %(before)s to %(after)s.") % {
            "before": number(plan.tier_before),
            "after": number(plan.tier_after),
        }
    return text


def deleted_text(count: int) -> str:
    text = ngettext(
        "%(count)s contact was put into the recycle bin.",
        "%(count)s contacts were put into the recycle bin.",
        count,
    )
    return text % {"count": number(count)}


def done_text(action: Event, outcomes: Mapping[str, int], update_date: date) -> str:
    """Return what a finished action did, for a toast: the count and the thing."""
    changed = sum(outcomes.get(name, 0) for name in ("set", "kept", "staged"))
    facts = {"count": number(changed), "date": day(update_date)}
    if action is Event.START:
        text = ngettext(
            "%(count)s contact is a marketing contact now.",
            "%(count)s contacts are marketing contacts now.",
            changed,
        )
    elif action is Event.STOP:
        text = ngettext(
            "%(count)s contact becomes non-marketing on %(date)s.",
            "%(count)s contacts become non-marketing on %(date)s.",
            changed,
        )
    else:
        text = ngettext(
            "%(count)s contact stays a marketing contact.",
            "%(count)s contacts stay marketing contacts.",
            changed,
        )
    return text % facts


def running_text(total: int) -> str:
    """Return what a toast says while a larger action runs on the server."""
    return ngettext(
        "%(count)s contact is being changed. You can close this page.",
        "%(count)s contacts are being changed. You can close this page.",
        total,
    ) % {"count": number(total)}


def take_back_label(action: Event, update_date: date) -> str:
    """Return the text of the button that takes an action back as the rules allow (S15, S16)."""
    if action is Event.STOP:
        return _("Keep them as marketing contacts")
    if action is Event.KEEP:
        return _("Stage them again")
    return _("Take back on %(date)s") % {"date": short_day(update_date)}

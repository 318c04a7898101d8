"""Names that several pages show: tools, kinds of change, rights, roles, statuses."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from marketable.accounts.rules import BY_ROLE, NO, YES, Scope
from marketable.accounts.wording import RIGHTS as RIGHTS
from marketable.accounts.wording import right_name as right_name
from marketable.history.kinds import Kind
from marketable.history.wording import SOURCES as SOURCES
from marketable.history.wording import source_name as source_name
from marketable.marketing_status.rules import Status

KINDS = {
    Kind.STATUS_STARTED: gettext_lazy("Set as marketing"),
    Kind.STATUS_STAGED: gettext_lazy("Staged as non-marketing"),
    Kind.STATUS_KEPT: gettext_lazy("Kept as marketing"),
    Kind.PLACE_MOVED: gettext_lazy("Place taken over by the same address"),
    Kind.UPDATE_DATE: gettext_lazy("Update date applied"),
    Kind.CONTACT_CREATED: gettext_lazy("Created"),
    Kind.CONTACT_CHANGED: gettext_lazy("Changed"),
    Kind.CONTACT_ARCHIVED: gettext_lazy("Deleted"),
    Kind.CONTACT_RESTORED: gettext_lazy("Restored"),
    Kind.CONTACT_ERASED: gettext_lazy("Erased for good"),
    Kind.CONTACT_MERGED: gettext_lazy("Merged"),
    Kind.CONTACT_UNMERGED: gettext_lazy("Merge taken back"),
    Kind.CONTACT_NOTED: gettext_lazy("Note"),
    Kind.CONTRACT_CHANGED: gettext_lazy("Contract changed"),
    Kind.TIER_UPGRADED: gettext_lazy("Tier upgraded"),
    Kind.MEMBER_CHANGED: gettext_lazy("People and rights changed"),
    Kind.PROPERTY_CHANGED: gettext_lazy("Properties changed"),
    Kind.SETTING_CHANGED: gettext_lazy("Settings changed"),
    Kind.SEGMENT_CHANGED: gettext_lazy("Segment changed"),
    Kind.VIEW_CHANGED: gettext_lazy("Shared view changed"),
}

STATUSES = {
    Status.NON_MARKETING: gettext_lazy("Non-marketing"),
    Status.MARKETING: gettext_lazy("Marketing"),
    Status.LEAVING: pgettext_lazy("one contact", "Staged as non-marketing"),
}

ROLES = {
    "owner": pgettext_lazy("role", "Owner"),
    "marketing_manager": pgettext_lazy("role", "Marketing manager"),
    "marketer": pgettext_lazy("role", "Marketer"),
    "sales": pgettext_lazy("role", "Sales"),
    "analyst": pgettext_lazy("role", "Analyst"),
    "billing": pgettext_lazy("role", "Billing"),
}

SCOPES = {
    Scope.ALL: gettext_lazy("all contacts"),
    Scope.TEAM: gettext_lazy("contacts of the team"),
    Scope.OWN: gettext_lazy("own contacts"),
    Scope.NONE: pgettext_lazy("contacts", "none"),
}

#: What can be chosen for one right of one person.
CHOICES = {
    BY_ROLE: gettext_lazy("as the role"),
    YES: gettext_lazy("granted"),
    NO: gettext_lazy("withdrawn"),
    **{scope.value: label for scope, label in SCOPES.items()},
}


def kind_name(code: str) -> str:
    return str(KINDS[Kind(code)]) if code in KINDS else code


def role_name(code: str) -> str:
    return str(ROLES.get(code, code))


def needs_right(code: str) -> str:
    """Return what a disabled control says (P4)."""
    return _("This needs the right “%(right)s”, which an Owner can grant.") % {
        "right": right_name(code)
    }

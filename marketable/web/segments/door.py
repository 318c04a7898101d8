"""Who may change segments: a fixed list whoever may edit contacts, an active one whoever may edit
all of them, as its filter takes from all (P1)."""

from django.utils.translation import gettext as _

from marketable.accounts.rules import Right, Scope
from marketable.errors import NotAllowed
from marketable.segments.rules import Kind
from marketable.web.access import AccountRequest, require
from marketable.web.contacts.page import lacks


def lacks_change(request: AccountRequest, kind: Kind) -> str:
    """Return why the person may not change segments of a kind, or nothing (P4)."""
    reason = lacks(request, Right.CONTACTS_EDIT)
    if not reason and kind is Kind.ACTIVE and request.reach_edit.scope is not Scope.ALL:
        return _("A filter takes from all contacts, and you may edit only some of them.")
    return reason


def may_change(request: AccountRequest, kind: Kind) -> None:
    """Refuse a person who may not change segments of a kind."""
    require(request, Right.CONTACTS_EDIT)
    reason = lacks_change(request, kind)
    if reason:
        raise NotAllowed(reason, right=Right.CONTACTS_EDIT.value)

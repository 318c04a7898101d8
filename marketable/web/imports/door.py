"""Who may import: the right to import, and the right to edit any contact that a file may name."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.http import HttpResponseBase
from django.utils.translation import gettext as _

from marketable.accounts.rules import Right, Scope
from marketable.errors import NotAllowed
from marketable.transfers.queries import ImportView
from marketable.web.access import AccountRequest, account_page, require
from marketable.web.contacts.page import lacks, lacks_status

P = ParamSpec("P")


def lacks_import(request: AccountRequest) -> str:
    """Return why nothing can be imported, or nothing (P4).

    A file names contacts by address, whoever owns them, so an import needs to reach all (P6).
    """
    reason = lacks(request, Right.CONTACTS_IMPORT) or lacks(request, Right.CONTACTS_EDIT)
    if not reason and request.reach_edit.scope is not Scope.ALL:
        return _("An import can change any contact, and you may edit only some of them.")
    return reason


def lacks_undo(request: AccountRequest, view: ImportView) -> str:
    """Return why an import cannot be undone by this person, or nothing.

    Undoing stages those it started (P3). What somebody else's import created is theirs to take
    back, or work for whoever may delete many.
    """
    is_theirs = view.by.actor_type == "user" and view.by.actor_id == str(request.user.pk)
    return (
        (lacks_status(request) if view.marketing_started else "")
        or ("" if is_theirs else lacks(request, Right.CONTACTS_BULK_DELETE))
        or lacks_import(request)
    )


def import_page(
    view: Callable[Concatenate[AccountRequest, int, P], HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    """Make a view a page for people who may import."""

    def door(
        request: AccountRequest, account_id: int, /, *args: P.args, **kwargs: P.kwargs
    ) -> HttpResponseBase:
        require(request, Right.CONTACTS_EDIT)
        reason = lacks_import(request)
        if reason:
            raise NotAllowed(reason, right=Right.CONTACTS_EDIT.value)
        return view(request, account_id, *args, **kwargs)

    return wraps(view)(account_page(Right.CONTACTS_IMPORT)(door))

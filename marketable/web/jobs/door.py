"""Who may stop a job, and take it back: the right is that of what it does (P3)."""

from collections.abc import Mapping

from marketable.accounts.rules import Right
from marketable.bulk_actions.queries import BulkActionView
from marketable.bulk_actions.rules import ActionKind
from marketable.web.access import AccountRequest

RIGHTS: Mapping[ActionKind, Right] = {
    ActionKind.START: Right.MARKETING_ACCESS,
    ActionKind.STOP: Right.MARKETING_ACCESS,
    ActionKind.KEEP: Right.MARKETING_ACCESS,
    ActionKind.EDIT: Right.CONTACTS_EDIT,
    ActionKind.ADD: Right.CONTACTS_EDIT,
    ActionKind.REMOVE: Right.CONTACTS_EDIT,
    ActionKind.ARCHIVE: Right.CONTACTS_BULK_DELETE,
    ActionKind.RESTORE: Right.CONTACTS_BULK_DELETE,
}


def right_for(job: BulkActionView) -> Right:
    return RIGHTS[job.kind]


def may_take_back(request: AccountRequest, job: BulkActionView) -> bool:
    return request.rights.may(right_for(job))

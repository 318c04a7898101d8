"""The refusals of contact records."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_noop as _

from marketable.errors import Conflict, Invalid, NotAllowed, NotFound


class ContactUnknown(NotFound):
    """There is no such contact in the account, or not in the person's reach (P5)."""

    code = "contact_unknown"

    def __init__(self) -> None:
        super().__init__(_("There is no such contact."))


class InvalidEmail(Invalid):
    """Not an address that mail could be sent to (J8)."""

    code = "INVALID_EMAIL"

    def __init__(self, given: str) -> None:
        super().__init__(
            _("“%(given)s” is not an e-mail address."), {"given": given[:100]}, field="email"
        )


class EmailTaken(Conflict):
    """Another live contact of the account has this address (S18)."""

    code = "email_taken"

    def __init__(self, *, email: str, contact_id: int) -> None:
        self.email, self.contact_id = email, contact_id
        super().__init__(
            _("%(email)s already belongs to contact %(id)s."),
            {"email": email, "id": str(contact_id)},
            email=email,
            contact_id=contact_id,
            field="email",
        )


class UniqueTaken(Conflict):
    """Another contact has this value of a unique property."""

    code = "unique_taken"

    def __init__(self, *, name: str, contact_id: int) -> None:
        super().__init__(
            _("Contact %(id)s has this value of “%(name)s” already."),
            {"id": contact_id, "name": name},
            field=name,
            contact_id=contact_id,
        )


class NothingGiven(Invalid):
    """A contact needs an address, a name or a telephone number."""

    code = "nothing_given"

    def __init__(self) -> None:
        super().__init__(
            _("Give at least an e-mail address, a name or a telephone number."), field="email"
        )


class AddressBlocked(Conflict):
    """The address belonged to a contact that was erased for good (S14)."""

    code = "GDPR_BLACKLISTED_EMAIL"

    def __init__(self) -> None:
        super().__init__(
            _(
                "The person with this address was erased for good on their request. "
                "Add them again only if they asked for it."
            ),
            field="email",
        )


class NotBlocked(Conflict):
    """The address is not on the block list, so nothing is to be lifted."""

    code = "not_blocked"

    def __init__(self) -> None:
        super().__init__(_("This address is not blocked."), field="address")


class ContactLimit(Conflict):
    """The account stores as many live contacts as it may (T11, J12)."""

    code = "CONTACT_LIMIT"

    def __init__(self, limit: int) -> None:
        super().__init__(
            _("The account may store %(limit)s contacts, and does."),
            {"limit": limit},
            limit=limit,
        )


class StaleEdit(Conflict):
    """Somebody else changed the contact since it was opened; nothing was saved.

    changed  the values that differ from those that were seen: {name: (seen, present)}
    """

    code = "stale_edit"

    def __init__(
        self, *, who: str, when: datetime | None, changed: Mapping[str, tuple[Any, Any]]
    ) -> None:
        self.changed = dict(changed)
        super().__init__(
            _("%(who)s changed this contact at %(when)s. Look at it again; nothing was saved."),
            {"who": who, "when": when or ""},
            who=who,
        )


class EditUnknown(NotFound):
    """There is no such edit of this contact by the person who would take it back."""

    code = "edit_unknown"

    def __init__(self) -> None:
        super().__init__(_("There is no such change of yours to take back."))


class ChangedSince(Conflict):
    """The value that would be put back has been changed again, and that stays."""

    code = "changed_since"

    def __init__(self) -> None:
        super().__init__(_("The value was changed again since; that stays, nothing was undone."))


class Archived(Conflict):
    """What was asked cannot be done to a deleted contact (J15)."""

    code = "archived"

    def __init__(self) -> None:
        super().__init__(_("This contact is in the recycle bin. Restore it first."))


class NotRestorable(Conflict):
    """The contact is not in the recycle bin: it is live, merged away, or erased for good."""

    code = "not_restorable"

    def __init__(self) -> None:
        super().__init__(_("This contact cannot be restored."))


class SameContact(Invalid):
    code = "same_contact"

    def __init__(self) -> None:
        super().__init__(_("A contact cannot be merged with itself."), field="other")


class PlanStale(Conflict):
    """What was shown before the confirmation is no longer so; nothing was done, and it is shown
    anew (B5)."""

    code = "plan_stale"

    def __init__(self) -> None:
        super().__init__(
            _("One of the contacts changed since this page was opened. Look at it again.")
        )


class NotChoosable(Invalid):
    """Which value wins is not a person's choice: a refusal of mail, or what an address brings."""

    code = "not_choosable"

    def __init__(self, name: str) -> None:
        super().__init__(_("“%(name)s” cannot be chosen."), {"name": name}, field=name)


class NotMerged(Conflict):
    """The contact was not merged into another, or was erased since."""

    code = "not_merged"

    def __init__(self) -> None:
        super().__init__(_("This contact is not merged into another."))


class MergedTooLongAgo(Conflict):
    """A merge can be taken back for 30 days (S13)."""

    code = "merged_too_long_ago"

    def __init__(self, days: int) -> None:
        super().__init__(
            _("A merge can be taken back for %(days)s days, and this one is older."),
            {"days": days},
        )


class SurvivorMerged(Conflict):
    """The contact that has its values was itself merged into another, which is parted first."""

    code = "survivor_merged"

    def __init__(self, survivor_id: int, into_id: int) -> None:
        super().__init__(
            _("Contact %(id)s was merged into contact %(into)s meanwhile. Take that back first."),
            {"id": str(survivor_id), "into": str(into_id)},
            contact_id=survivor_id,
        )


class SurvivorGone(Conflict):
    """The contact that has its values is in the recycle bin."""

    code = "survivor_gone"

    def __init__(self, survivor_id: int) -> None:
        super().__init__(
            _("Contact %(id)s is in the recycle bin. Restore it first."),
            {"id": str(survivor_id)},
            contact_id=survivor_id,
        )


class MergedLater(Conflict):
    """Another contact was merged into the same survivor afterwards: the last merge goes first."""

    code = "merged_later"

    def __init__(self, later_id: int) -> None:
        super().__init__(
            _("Contact %(id)s was merged into the same one later. Take that back first."),
            {"id": str(later_id)},
            contact_id=later_id,
        )


class BadNote(Invalid):
    """A note is a text of some characters, and not of too many."""

    code = "bad_note"

    def __init__(self, limit: int) -> None:
        super().__init__(
            _("Write a note of at most %(limit)s characters."), {"limit": limit}, field="text"
        )


class NoteUnknown(NotFound):
    code = "note_unknown"

    def __init__(self) -> None:
        super().__init__(_("There is no such note."))


class NotYourNote(NotAllowed):
    """Somebody else wrote it, and the person may not erase contacts."""

    code = "not_your_note"

    def __init__(self) -> None:
        super().__init__(
            _("Somebody else wrote this note. Whoever may erase contacts can change it."),
            right="contacts.erase",
        )


class NoSuchPair(NotFound):
    code = "no_such_pair"

    def __init__(self) -> None:
        super().__init__(_("These two are not suggested as duplicates."))

"""The refusals of contact records."""

from django.utils.translation import gettext as _

from marketable.errors import Conflict, Invalid, NotFound


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
            _("“%(given)s” is not an e-mail address.") % {"given": given[:100]}, field="email"
        )


class EmailTaken(Conflict):
    """Another live contact of the account has this address (S18)."""

    code = "email_taken"

    def __init__(self, *, email: str, contact_id: int) -> None:
        self.email, self.contact_id = email, contact_id
        super().__init__(
            _("%(email)s already belongs to contact %(id)s.") % {"email": email, "id": contact_id},
            email=email,
            contact_id=contact_id,
            field="email",
        )

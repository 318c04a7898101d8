"""The refusals of accounts, people and rights."""

from collections.abc import Sequence

from django.utils.translation import gettext_noop as _

from marketable.accounts.rules import Right
from marketable.accounts.wording import right_name
from marketable.errors import Conflict, Invalid, NotAllowed, NotFound


class AccountUnknown(NotFound):
    """There is no such account, or the person does not belong to it."""

    code = "account_unknown"

    def __init__(self) -> None:
        super().__init__(_("There is no such account."))


class MemberUnknown(NotFound):
    code = "member_unknown"

    def __init__(self) -> None:
        super().__init__(_("This person does not belong to the account."))


class RightMissing(NotAllowed):
    """The person lacks a right; the message names it and who can grant it (P4)."""

    code = "right_missing"

    def __init__(self, right: Right, grantors: Sequence[str] = ()) -> None:
        told = {"right": right_name(right.value), "names": ", ".join(grantors)}
        text = _("You need the right “%(right)s” for this.")
        if grantors:
            text = _("You need the right “%(right)s” for this. %(names)s can grant it.")
        super().__init__(text, told, right=right.value)


class LastOwner(Conflict):
    """The last Owner cannot be removed or demoted (P8)."""

    code = "last_owner"

    def __init__(self) -> None:
        super().__init__(_("An account needs an Owner: make somebody else one first."))


class BadRole(Invalid):
    code = "bad_role"

    def __init__(self, role: str) -> None:
        super().__init__(_("There is no role “%(role)s”."), {"role": role}, field="role")


class BadField(Invalid):
    """A name, language or address that cannot be used; `facts["field"]` names it."""

    code = "bad_field"


class AlreadyMember(Conflict):
    code = "already_member"

    def __init__(self) -> None:
        super().__init__(_("This person belongs to the account already."))


class LinkUnusable(NotFound):
    """An invitation or sign-in link that is unknown, used, withdrawn or expired."""

    code = "link_unusable"

    def __init__(self) -> None:
        super().__init__(_("This link was used already, is too old, or was withdrawn."))


class SignInFirst(Conflict):
    """The invitation is for a person who has a sign-in, and somebody else, or nobody, is asking."""

    code = "sign_in_first"

    def __init__(self, email: str) -> None:
        super().__init__(_("Sign in as %(email)s to accept this invitation."), {"email": email})

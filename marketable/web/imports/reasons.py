"""Why rows of a file are not taken, in words."""

from django.utils.translation import gettext_lazy as _

REASONS = {
    "INVALID_EMAIL": _("not an e-mail address"),
    "GDPR_BLACKLISTED_EMAIL": _("erased on request, and not to be stored again"),
    "INVALID_ENUMERATION_OPTION": _("not one of the property's options"),
    "COULD_NOT_PARSE_DATE": _("not a date in the order chosen"),
    "COULD_NOT_PARSE_NUMBER": _("not a number"),
    "COULD_NOT_FIND_OWNER": _("not the number of a person of this account"),
    "INVALID_BOOLEAN": _("neither yes nor no"),
    "VALUE_TOO_LONG": _("too long"),
    "INVALID_TEXT": _("characters that cannot be stored"),
    "MISSING_REQUIRED_PROPERTY": _("neither an address nor a name nor a telephone number"),
    "INCORRECT_NUMBER_OF_COLUMNS": _("more cells than the header has"),
    "DUPLICATE_ALTERNATE_ID": _("the address comes again further down, and that row is taken"),
    "DUPLICATE_UNIQUE_PROPERTY_VALUE": _("another contact has this value, which must be unique"),
    "CREATE_ONLY_IMPORT": _("exists already, and only new contacts were to be created"),
    "UPDATE_ONLY_IMPORT": _("does not exist yet, and only existing contacts were to be updated"),
}

#: The row that is reported when an address comes twice in a file (J11).
DUPLICATE = "DUPLICATE_ALTERNATE_ID"


def reason(code: str) -> str:
    """Return why a row is not taken; the code itself for one that a newer release wrote."""
    return str(REASONS.get(code, code))

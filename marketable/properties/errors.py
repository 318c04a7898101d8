"""The refusals of property definitions and values."""

from collections.abc import Mapping

from django.utils.translation import gettext_noop as _

from marketable.errors import Conflict, Invalid, NotFound


class PropertyUnknown(NotFound):
    code = "property_unknown"

    def __init__(self, name: str) -> None:
        super().__init__(_("There is no property “%(name)s”."), {"name": name[:100]}, name=name)


class BadDefinition(Invalid):
    """A definition that cannot be made; `facts["field"]` names what is wrong."""

    code = "bad_definition"


class NameTaken(Conflict):
    code = "name_taken"

    def __init__(self, name: str) -> None:
        super().__init__(_("There is a property “%(name)s” already."), {"name": name}, field="name")


class BadValues(Invalid):
    """Values that properties cannot hold: {property name: (code, text)}, all of them at once."""

    code = "bad_values"

    def __init__(self, problems: Mapping[str, tuple[str, str]]) -> None:
        self.problems = dict(problems)
        super().__init__(
            " ".join(text for _code, text in problems.values()), problems=self.problems
        )


class CannotBeIndexed(Invalid):
    """Its values are not kept with the contact, or an index of their own serves them already."""

    code = "cannot_be_indexed"

    def __init__(self, name: str) -> None:
        super().__init__(
            _("The property “%(name)s” cannot be marked indexed."), {"name": name}, name=name
        )


class TooManyIndexed(Conflict):
    """`facts["most"]` properties of the account, or of the installation, are indexed already."""

    code = "too_many_indexed"

    def __init__(self, most: int, *, is_installation: bool) -> None:
        text = (
            _("At most %(most)s properties can be indexed in one installation.")
            if is_installation
            else _("At most %(most)s properties of an account can be indexed.")
        )
        super().__init__(text, {"most": most}, most=most, is_installation=is_installation)

"""The refusals of filters and segments."""

from django.utils.translation import gettext_noop as _

from marketable.errors import Invalid


class FilterRefused(Invalid):
    """A filter that cannot be used as it is; `path` names the place in it, such as and[0]."""

    code = "filter_refused"

    def __init__(self, path: str, message: str) -> None:
        super().__init__(
            _("The filter cannot be used: %(message)s"), {"message": message}, path=path
        )

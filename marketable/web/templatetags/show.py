"""How values look on pages: numbers, days, moments and money by locale (Y2), and names."""

from typing import Any

from django import template

from marketable.formats import day, moment, money, number, percent, short_day, signed
from marketable.web.wording import needs_right, right_name, source_name

register = template.Library()

for _filter in (number, signed, percent, day, short_day, moment):
    register.filter(_filter)
register.simple_tag(money)


@register.filter
def source(code: str) -> str:
    """The name of a tool that caused a change (H2)."""
    return source_name(code)


@register.filter
def right(code: str) -> str:
    """The name of a right (P1)."""
    return right_name(code)


@register.filter
def needs(code: str) -> str:
    """What a disabled control says of the right that is missing (P4)."""
    return needs_right(code)


@register.filter
def item(mapping: dict[str, Any], key: str) -> Any:
    """The value of a key that is itself a variable."""
    return mapping.get(key)

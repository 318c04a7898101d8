"""How values look on pages: numbers, days, moments and money by locale (Y2)."""

from datetime import date, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.numbers import format_currency, format_decimal, format_percent
from django import template
from django.utils.translation import get_language

from marketable.web.wording import needs_right, right_name, source_name

register = template.Library()


@lru_cache(maxsize=8)
def _locale(language: str) -> Locale:
    return Locale.parse("pl" if language.startswith("pl") else "en")


def locale() -> Locale:
    """Return Babel's locale for the language of the page."""
    return _locale(get_language() or "en")


@register.filter
def number(value: float | None) -> str:
    """12,480 in English, 12 480 in Polish."""
    return "" if value is None else str(format_decimal(value, locale=locale()))


@register.filter
def signed(value: int | None) -> str:
    """+12, −3, or 0."""
    if value is None:
        return ""
    sign = "+" if value > 0 else "−" if value < 0 else ""
    return sign + number(abs(value))


@register.filter
def percent(value: float | None) -> str:
    return "" if value is None else str(format_percent(value, locale=locale()))


@register.filter
def day(value: date | None) -> str:
    """1 Dec 2026 in English, 1 gru 2026 in Polish."""
    return "" if value is None else str(format_date(value, "d MMM y", locale=locale()))


@register.filter
def short_day(value: date | None) -> str:
    """1 Dec; for dates whose year is plain."""
    return "" if value is None else str(format_date(value, "d MMM", locale=locale()))


@register.filter
def moment(value: datetime | None, zone: ZoneInfo) -> str:
    """A moment in the account's time zone."""
    if value is None:
        return ""
    return str(format_datetime(value, "d MMM y, HH:mm", tzinfo=zone, locale=locale()))


@register.simple_tag
def money(cents: int | None, currency: str) -> str:
    """An amount, or nothing where none is set."""
    if cents is None or not currency:
        return ""
    return str(format_currency(cents / 100, currency, locale=locale()))


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

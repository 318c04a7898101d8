"""Numbers, days, moments and money in the language of the reader (Y2)."""

from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.numbers import format_currency, format_decimal, format_percent
from django.utils.translation import get_language


@lru_cache(maxsize=8)
def _locale(language: str) -> Locale:
    return Locale.parse("pl" if language.startswith("pl") else "en")


def locale() -> Locale:
    """Return Babel's locale for the language of the page."""
    return _locale(get_language() or "en")


def number(value: float | None) -> str:
    """12,480 in English, 12 480 in Polish."""
    return "" if value is None else str(format_decimal(value, locale=locale()))


def signed(value: int | None) -> str:
    """+12, −3, or 0."""
    if value is None:
        return ""
    sign = "+" if value > 0 else "−" if value < 0 else ""
    return sign + number(abs(value))


def percent(value: float | None) -> str:
    return "" if value is None else str(format_percent(value, locale=locale()))


def day(value: date | None) -> str:
    """1 Dec 2026 in English, 1 gru 2026 in Polish."""
    return "" if value is None else str(format_date(value, "d MMM y", locale=locale()))


def short_day(value: date | None) -> str:
    """1 Dec; for dates whose year is plain."""
    return "" if value is None else str(format_date(value, "d MMM", locale=locale()))


def moment(value: datetime | None, zone: ZoneInfo | None = None) -> str:
    """A moment in the account's time zone, or in its own."""
    if value is None:
        return ""
    return str(format_datetime(value, "d MMM y, HH:mm", tzinfo=zone, locale=locale()))


def money(cents: int | None, currency: str) -> str:
    """An amount, or nothing where none is set."""
    if cents is None or not currency:
        return ""
    return str(format_currency(cents / 100, currency, locale=locale()))

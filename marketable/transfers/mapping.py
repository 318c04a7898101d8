"""Which column is which property: suggestions, and the checks of what a person chose. Pure."""

from collections.abc import Mapping, Sequence

from marketable.contacts.rules import fold
from marketable.properties.rules import PropertyDef

#: Folded headers that people write, beside names and labels.
SYNONYMS = {
    "email": ("e mail", "mail", "email address", "e mail address", "adres e mail", "adres email"),
    "firstname": ("first name", "given name", "forename", "imie", "vorname", "prenom"),
    "lastname": ("last name", "surname", "family name", "nazwisko", "nachname", "nom"),
    "phone": ("telephone", "phone number", "tel", "telefon", "nr telefonu", "numer telefonu"),
    "mobilephone": ("mobile", "mobile number", "cell", "komorka", "telefon komorkowy", "handy"),
    "company": ("company name", "organisation", "organization", "firma", "nazwa firmy"),
    "jobtitle": ("position", "title", "stanowisko", "funkcja"),
    "city": ("town", "miasto", "miejscowosc", "stadt", "ville"),
    "country": ("kraj", "panstwo", "land", "pays"),
    "zip": ("postcode", "post code", "zip code", "kod pocztowy", "kod", "plz"),
    "address": ("street", "ulica", "adres", "strasse"),
    "state": ("region", "province", "wojewodztwo"),
    "website": ("web", "url", "www", "strona"),
    "hs_language": ("language", "jezyk", "sprache"),
    "lifecyclestage": ("stage", "lifecycle", "etap"),
}
STATUS_HEADERS = ("marketing contact status", "status kontaktu marketingowego", "marketing status")
#: The last column of a file of rows that were not taken.
REASON = "reason"
OVERWRITES = ("always", "empty", "never")


def plain(header: str) -> str:
    """Return a header as it is compared: folded words with single spaces."""
    return " ".join("".join(one if one.isalnum() else " " for one in fold(header)).split())


def suggest(
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    definitions: Mapping[str, PropertyDef],
) -> list[str | None]:
    """Return a property for each column, by header, then by content; none twice."""
    known: dict[str, str] = {}
    for name, definition in definitions.items():
        for text in (name, definition.label, definition.label_pl):
            if text:
                known.setdefault(plain(text), name)
    for name, texts in SYNONYMS.items():
        for text in texts:
            known.setdefault(text, name)
    found: list[str | None] = []
    for header in headers:
        name = known.get(plain(header), "")
        is_free = name and not definitions[name].is_read_only and name not in found
        found.append(name if is_free and not is_reason(headers, len(found)) else None)
    if "email" not in found:
        for place in range(len(headers)):
            cells = [row[place] for row in rows if row[place]]
            if cells and sum("@" in cell for cell in cells) * 2 > len(cells):
                found[place] = "email"
                break
    return found


def is_status(header: str, definitions: Mapping[str, PropertyDef]) -> bool:
    """Tell whether a column is the marketing status, which no import can set (I2)."""
    text = plain(header)
    for name in ("hs_marketable_status", "hs_marketable_until_renewal"):
        one = definitions[name]
        if text in {plain(name), plain(one.label), plain(one.label_pl)}:
            return True
    return text in STATUS_HEADERS


def is_read_only(header: str, definitions: Mapping[str, PropertyDef]) -> bool:
    """Tell whether a column is a property that no file can set, the status among them (J5)."""
    text = plain(header)
    return is_status(header, definitions) or any(
        one.is_read_only and text in {plain(one.name), plain(one.label), plain(one.label_pl)}
        for one in definitions.values()
    )


def is_reason(headers: Sequence[str], place: int) -> bool:
    """Tell whether a column is that of the reasons, in a failures file that was dropped back in."""
    return place == len(headers) - 1 and headers[place] == REASON

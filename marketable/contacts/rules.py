"""How addresses are matched, how contacts are found and sorted, and what may follow what. Pure."""

import re
import unicodedata
from collections.abc import Iterable

from email_validator import EmailNotValidError, validate_email

from marketable.contacts.errors import InvalidEmail

LONGEST_ADDRESS = 254
LONGEST_WORD = 64
MOST_WORDS = 64
MOST_QUERY_WORDS = 8

#: Plain addresses, which nearly all are; the rest goes to the library. A tested subset of what it
#: accepts: no quotes, no comments, no dots at the edges, a domain with a letter-led last label.
PLAIN_ADDRESS = re.compile(
    r"[a-z0-9_+&'~-]+(?:\.[a-z0-9_+&'~-]+)*"
    r"@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9]{1,62}"
)
SPECIAL_DOMAINS = ("test", "local", "localhost", "invalid", "onion", "arpa")


def normalise_email(text: str) -> str:
    """Return the address as it is matched: trimmed, lower case, domain in IDNA (J9).

    Dots and tags in the local part are kept: they may be other people. Nothing is looked up.

    Raises InvalidEmail (J8).

    >>> normalise_email("  Anna.Nowak+news@Example.COM ")
    'anna.nowak+news@example.com'
    """
    address = text.strip().lower()
    if len(address) <= LONGEST_ADDRESS and PLAIN_ADDRESS.fullmatch(address):
        local, domain = address.split("@")
        if len(local) <= 64 and "--" not in domain and len(domain) <= 253:
            return address
    try:
        found = validate_email(
            address, check_deliverability=False, allow_smtputf8=True, test_environment=True
        )
    except EmailNotValidError as error:
        raise InvalidEmail(text) from error
    normal = f"{found.local_part}@{found.ascii_domain}".lower()
    if len(normal) > LONGEST_ADDRESS:
        raise InvalidEmail(text)
    return normal


#: Letters that no decomposition takes apart.
LETTERS = str.maketrans(
    {
        "ł": "l",
        "ø": "o",
        "đ": "d",
        "ð": "d",
        "ß": "ss",
        "æ": "ae",
        "œ": "oe",
        "þ": "th",
        "ħ": "h",
        "ı": "i",
    }
)


def fold(text: str) -> str:
    """Return the text in lower case without diacritics, for finding and sorting.

    >>> fold("Łukasz Żółć"), fold("Straße"), fold("Ångström")
    ('lukasz zolc', 'strasse', 'angstrom')
    """
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", text.lower().translate(LETTERS))
    return "".join(letter for letter in apart if not unicodedata.combining(letter)).lower()


WORD = re.compile(r"[^\W_]+")
NOT_DIGIT = re.compile(r"\D+")
#: A query that could be a telephone number: digits with what people put between them.
PHONE_LIKE = re.compile(r"\+?[\d\s().\-/]{3,}")


def phone_words(text: str) -> list[str]:
    """Return the digits of a number, and every ending of at least four digits that begins at a
    group as typed or within the last nine, so that people find it with or without its prefix.

    >>> phone_words("+48 601 234 567")
    ['48601234567', '601234567', '234567']
    """
    groups = [group for group in NOT_DIGIT.split(text) if group]
    found = []
    for start in range(len(groups)):
        tail = "".join(groups[start:])
        if len(tail) >= 4:
            found.append(tail)
    digits = "".join(groups)
    if len(digits) > 9 and digits[-9:] not in found:
        found.append(digits[-9:])
    if digits.startswith("00"):
        found.append(digits[2:])
    return found


def search_words(
    *,
    email: str | None,
    firstname: str | None,
    lastname: str | None,
    phone: str | None,
    mobilephone: str | None,
    company: str | None,
    other: Iterable[str] = (),
) -> list[str]:
    """Return the distinct folded words by whose beginnings a contact is found.

    >>> search_words(email="a.nowak@example.com", firstname="Anna", lastname=None, phone=None,
    ...              mobilephone=None, company=None)[:4]
    ['anna', 'a.nowak@example.com', 'a', 'nowak']
    """
    words: dict[str, None] = {}
    for text in (firstname, lastname, company, *other):
        if text:
            for word in WORD.findall(fold(text)):
                words[word[:LONGEST_WORD]] = None
    if email:
        folded = fold(email)
        words[folded[:LONGEST_WORD]] = None
        for word in WORD.findall(folded):
            words[word[:LONGEST_WORD]] = None
        words[folded.partition("@")[2][:LONGEST_WORD]] = None
    for number in (phone, mobilephone):
        if number:
            for word in phone_words(number):
                words[word[:LONGEST_WORD]] = None
    words.pop("", None)
    return list(words)[:MOST_WORDS]


def query_words(text: str) -> list[str]:
    """Return the folded words of a query, each the beginning of a word that must be there.

    >>> query_words("Kowal 601 234"), query_words("+48 (601) 234-567"), query_words("ann@ex")
    (['kowal', '601', '234'], ['48601234567'], ['ann@ex'])
    """
    plain = text.strip()
    if PHONE_LIKE.fullmatch(plain):
        digits = NOT_DIGIT.sub("", plain)
        return [digits[:LONGEST_WORD]] if digits else []
    words: dict[str, None] = {}
    for part in fold(plain).split():
        if "@" in part.strip("@"):
            words[part[:LONGEST_WORD]] = None
        else:
            for word in WORD.findall(part):
                words[word[:LONGEST_WORD]] = None
    return list(words)[:MOST_QUERY_WORDS]


def name_key(firstname: str | None, lastname: str | None, email: str | None) -> str:
    """Return what the table sorts a contact by: surname, name, or the address without either.

    >>> name_key("Łukasz", "Żak", None), name_key(None, None, "x@example.com")
    ('zak lukasz', 'x@example.com')
    """
    name = fold(f"{lastname or ''} {firstname or ''}").strip()
    return (name or email or "")[:200]


def display_name(
    firstname: str | None, lastname: str | None, email: str | None, contact_id: int
) -> str:
    """Return what people read as the contact's name.

    >>> display_name("Anna", None, "a@example.com", 7), display_name(None, None, None, 7)
    ('Anna', '#7')
    """
    return f"{firstname or ''} {lastname or ''}".strip() or email or f"#{contact_id}"


FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def csv_safe(text: str) -> str:
    """Return the text so that no spreadsheet takes it for a formula (J19).

    >>> csv_safe("=1+1"), csv_safe("plain")
    ("'=1+1", 'plain')
    """
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


LIFECYCLE = (
    "subscriber",
    "lead",
    "marketingqualifiedlead",
    "salesqualifiedlead",
    "opportunity",
    "customer",
    "evangelist",
    "other",
)


def lifecycle_allows(before: str | None, after: str | None) -> bool:
    """Tell whether a stage may follow another: never backwards, unless it is cleared first.

    >>> lifecycle_allows("customer", "lead"), lifecycle_allows(None, "lead")
    (False, True)
    """
    if before not in LIFECYCLE or after not in LIFECYCLE:
        return True
    return LIFECYCLE.index(after) >= LIFECYCLE.index(before)

"""How addresses are matched, how contacts are found and sorted, and what may follow what. Pure."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

from marketable.contacts.errors import InvalidEmail

LONGEST_ADDRESS = 254
LONGEST_WORD = 64
LONGEST_NAME_KEY = 200
MOST_WORDS = 64
MOST_QUERY_WORDS = 8

# Addresses

#: Plain addresses, which nearly all are, in lower case; the rest goes to the library, which takes
#: a hundred times as long. A tested subset of what it accepts.
PLAIN_ADDRESS = re.compile(
    r"[a-z0-9_+&'~-]+(?:\.[a-z0-9_+&'~-]+)*"
    r"@((?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63})"
)
#: Domains that never receive mail. `.test` is let through: people try the product with it.
NO_MAIL = tuple(f".{name}" for name in SPECIAL_USE_DOMAIN_NAMES if name != "test")
#: What may stand around an address: spaces, and the invisible marks that come along when copying.
AROUND = (
    " \u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u3000"
    "\u200b\ufeff"
)


def normalise_email(text: str) -> str:
    """Return the address as it is matched: trimmed, lower case, domain in IDNA (J9).

    Dots and tags in the local part are kept: they may be other people. Nothing is looked up.

    Raises InvalidEmail: no address by its syntax, over 254 characters, line breaks or control
    characters in or around it (J8).

    >>> normalise_email("  Anna.Nowak+news@Example.COM ")
    'anna.nowak+news@example.com'
    >>> normalise_email("anna@bücher.example")
    'anna@xn--bcher-kva.example'
    """
    address = text.strip(AROUND).lower()
    if len(address) <= LONGEST_ADDRESS:
        plain = PLAIN_ADDRESS.fullmatch(address)
        if plain is not None:
            domain = plain[1]
            if len(domain) <= 253 and "--" not in domain and not domain.endswith(NO_MAIL):
                return address
        checked = _checked_by_library(address)
        if checked is not None and len(checked) <= LONGEST_ADDRESS:
            return checked
    raise InvalidEmail(text)


def _checked_by_library(address: str) -> str | None:
    try:
        # test_environment lets `.test` through, and nothing else beside.
        found = validate_email(address, check_deliverability=False, test_environment=True)
    except (EmailNotValidError, UnicodeError):
        return None
    return f"{found.local_part}@{found.ascii_domain}".lower()


# Folding

#: Letters that no decomposition takes apart, after case folding. (ß folds to ss by itself.)
_LETTERS = {
    "ł": "l", "ø": "o", "đ": "d", "ð": "d", "æ": "ae", "œ": "oe", "þ": "th", "ħ": "h",
    "ı": "i", "ŧ": "t", "ŋ": "n",
}  # fmt: skip


def _folded(letter: str) -> str:
    if letter.isdecimal():
        return str(unicodedata.decimal(letter))
    apart = unicodedata.normalize("NFKD", letter.casefold()).casefold()
    return "".join(_LETTERS.get(part, part) for part in apart if not unicodedata.combining(part))


class _Foldings(dict[int, str]):
    """Code point → folded text, filled as letters are met. Rare scripts are not remembered."""

    def __missing__(self, code: int) -> str:
        folded = _folded(chr(code))
        if code < 0x3000:
            self[code] = folded
        return folded


_FOLDINGS = _Foldings()


def fold(text: str) -> str:
    """Return the text without case and diacritics, for finding and sorting. Digits of any script
    become plain ones.

    >>> fold("Łukasz Żółć"), fold("Straße"), fold("Ångström"), fold("Ǿ"), fold("ΝΊΚΟΣ νίκος")
    ('lukasz zolc', 'strasse', 'angstrom', 'o', 'νικοσ νικοσ')
    """
    return text.lower() if text.isascii() else text.translate(_FOLDINGS)


# Search. A contact is found when every word of the query begins one of the contact's words.

WORD = re.compile(r"[^\W_]+")
DIGITS = re.compile(r"[0-9]+")
#: What a telephone number consists of, as people type it.
PHONE_LIKE = re.compile(r"[0-9+\s().\-/]*[0-9][0-9+\s().\-/]*")

#: Calling codes of two digits. 1 and 7 have one, all others three (ITU-T E.164).
_TWO_DIGIT_CODES = re.compile(r"2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]")


def _national(digits: str) -> str:
    """Return the digits after the calling code; `digits` begin with one."""
    if digits[:1] in {"1", "7"}:
        return digits[1:]
    return digits[2 if _TWO_DIGIT_CODES.match(digits) else 3 :]


def _is_international(number: str) -> bool:
    return number.lstrip(" (").startswith(("+", "00"))


def phone_words(number: str) -> list[str]:
    """Return the words by which a number is found, as digits.

    They are the whole number, the number without its calling code, and every ending that begins
    where the number was grouped; each also without leading zeros, so that 00, 0 and (0) make no
    difference.

    >>> phone_words("+48 601 234 567")
    ['48601234567', '601234567', '234567', '567']
    >>> phone_words("020 7946 0958")
    ['02079460958', '2079460958', '79460958', '0958', '958']
    """
    groups = DIGITS.findall(fold(number).replace("(0)", " "))
    whole = "".join(groups)
    tails = [whole, *("".join(groups[start:]) for start in range(1, min(len(groups), 12)))]
    plain = whole.lstrip("0")
    if _is_international(number) or len(plain) > 9:
        tails.insert(1, _national(plain))
    words: dict[str, None] = {}
    for tail in tails:
        words[tail] = None
        words[tail.lstrip("0")] = None
    words.pop("", None)
    return list(words)


def _phone_query(number: str) -> str:
    """Return the word a typed number looks for.

    A complete international number looks for the part after its calling code, so that it also
    finds those stored without one, at the price of finding the same number in another country.
    Leading zeros count only in something short.
    """
    digits = "".join(DIGITS.findall(number.replace("(0)", " ")))
    plain = digits.lstrip("0")
    if _is_international(number) and len(_national(plain)) >= 7:
        return _national(plain)
    return plain if len(digits) >= 5 and plain else digits


def _email_words(address: str) -> Iterator[str]:
    """Yield the address, its domain led by @, and the parts of both. The part before the @ needs
    no word of its own, for the address begins with it."""
    local, _, domain = fold(address).rpartition("@")
    yield f"{local}@{domain}"
    yield f"@{domain}"
    if "xn--" in domain:
        domain = fold(".".join(map(_readable, domain.split("."))))
        yield f"{local}@{domain}"
        yield f"@{domain}"
    yield from WORD.findall(local)
    yield from WORD.findall(domain)


def _readable(label: str) -> str:
    """Return a label of an IDNA domain as people write it."""
    if not label.startswith("xn--"):
        return label
    try:
        return label.removeprefix("xn--").encode("ascii").decode("punycode")
    except UnicodeError:
        return label


def _free_words(text: str) -> Iterator[str]:
    """Yield the words of a folded text that may hold addresses or be a number."""
    if "@" in text:
        for part in re.split(r"[\s;,]+", text):
            is_address = "@" in part and part.strip("@")
            yield from _email_words(part) if is_address else WORD.findall(part)
    elif PHONE_LIKE.fullmatch(text):
        yield from phone_words(text)
    else:
        yield from WORD.findall(text)


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
    """Return the distinct folded words by whose beginnings a contact is found: at most 64, each
    cut to 64 characters. Names, address and numbers come first, so these are never crowded out.

    other  further values, which may hold addresses or numbers (secondary addresses, fax)

    >>> search_words(email="a.nowak@example.com", firstname="Anna", lastname=None, phone=None,
    ...              mobilephone=None, company="Żuraw & Co")
    ['anna', 'a.nowak@example.com', '@example.com', 'a', 'nowak', 'example', 'com', 'zuraw', 'co']
    """
    found: list[str] = []
    for name in (firstname, lastname):
        if name:
            found += WORD.findall(fold(name))
    if email:
        found += _email_words(email)
    for number in (phone, mobilephone):
        if number:
            found += phone_words(number)
    if company:
        found += WORD.findall(fold(company))
    for text in other:
        if text:
            found += _free_words(fold(text))
    return list(dict.fromkeys(word[:LONGEST_WORD] for word in found))[:MOST_WORDS]


def query_words(text: str) -> list[str]:
    """Return the folded words of a query, at most 8, each the beginning of a word that must be
    there. Something with @ stays whole; neighbouring groups of digits that make up a number of at
    least six, or begin with + or 00, are joined.

    >>> query_words("Kowal 601 234"), query_words("+48 (601) 234-567"), query_words("ann@ex")
    (['kowal', '601234'], ['601234567'], ['ann@ex'])
    """
    found: list[str] = []
    for is_number, parts in groupby(fold(text).split(), _is_number_part):
        if is_number:
            number = " ".join(parts)
            if _is_international(number) or len("".join(DIGITS.findall(number))) >= 6:
                found.append(_phone_query(number))
            else:
                found += DIGITS.findall(number)
            continue
        for part in parts:
            bare = part.strip("<>()[],;:\"'")
            if "@" in bare and bare.strip("@"):
                found.append(bare)
            else:
                found += WORD.findall(bare)
    words = dict.fromkeys(word[:LONGEST_WORD] for word in found if word)
    return list(words)[:MOST_QUERY_WORDS]


def _is_number_part(part: str) -> bool:
    return PHONE_LIKE.fullmatch(part) is not None


# Names


def name_key(firstname: str | None, lastname: str | None, email: str | None) -> str:
    """Return what the table sorts a contact by: surname, name, or the address without either.

    >>> name_key("Łukasz", "Żak", None), name_key(None, None, "x@example.com")
    ('zak lukasz', 'x@example.com')
    """
    name = " ".join(fold(f"{lastname or ''} {firstname or ''}").split())
    return (name or fold(email or ""))[:LONGEST_NAME_KEY]


def display_name(
    firstname: str | None, lastname: str | None, email: str | None, contact_id: int
) -> str:
    """Return what people read as the contact's name.

    >>> display_name("Anna", None, "a@example.com", 7), display_name(None, None, None, 7)
    ('Anna', '#7')
    """
    return f"{firstname or ''} {lastname or ''}".strip() or email or f"#{contact_id}"


# Merging

#: Properties that are about the primary address, and not about the person.
OF_ADDRESS = frozenset({"hs_email_hard_bounce_reason_enum", "hs_email_quarantined"})
#: Refusals of mail: whoever refused once is not asked by a merge (S12: out > in > unknown).
REFUSALS = frozenset({"hs_email_optout"})


def is_free_in_merge(name: str, mine: Any, theirs: Any) -> bool:
    """Tell whether a person may choose which of two values the survivor of a merge has.

    What is known of an address follows the address, a refusal of mail holds for both records, a
    stage does not go backwards, and a value is not lost for none.
    """
    if name in OF_ADDRESS or name in REFUSALS or theirs is None or mine == theirs:
        return False
    return name != "lifecyclestage" or lifecycle_allows(mine, theirs)


def taken_in_merge(
    survivor: Mapping[str, Any],
    other: Mapping[str, Any],
    *,
    takes_address: bool,
    choices: Mapping[str, bool] | None = None,
) -> dict[str, Any]:
    """Return the values that the survivor of a merge gets from the other record (S12).

    takes_address  the other's address becomes the survivor's primary one, so what is known of the
                   address comes along; None takes away what was known of an earlier one
    choices        {name: whether the other's value is taken}, where a person chose; without a
                   choice the survivor keeps what it has, and what it lacks comes from the other

    >>> mine = {"city": "Kraków", "hs_email_optout": False}
    >>> other = {"city": "Gdańsk", "phone": "1", "hs_email_optout": True}
    >>> taken_in_merge(mine, other, takes_address=False)
    {'phone': '1', 'hs_email_optout': True}
    >>> taken_in_merge(mine, other, takes_address=False, choices={"city": True, "phone": False})
    {'city': 'Gdańsk', 'hs_email_optout': True}
    """
    chosen = choices or {}
    gaps = {
        name: value
        for name, value in other.items()
        if chosen.get(name, survivor.get(name) is None) and name not in OF_ADDRESS
    }
    refused = {name: True for name in sorted(REFUSALS) if other.get(name) is True}
    of_address = {
        name: other.get(name)
        for name in sorted(OF_ADDRESS)
        if takes_address and other.get(name) != survivor.get(name)
    }
    return {
        name: value
        for name, value in {**gaps, **refused, **of_address}.items()
        if survivor.get(name) != value
    }


# Duplicates

#: Hosts whose addresses anybody can have: two people there have nothing in common.
PUBLIC_HOSTS = frozenset(
    {
        *("gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "msn.com"),
        *("yahoo.com", "icloud.com", "me.com", "aol.com", "gmx.de", "gmx.net", "web.de"),
        *("proton.me", "protonmail.com", "mail.com", "yandex.com", "zoho.com"),
        *("wp.pl", "o2.pl", "onet.pl", "onet.eu", "op.pl", "interia.pl", "interia.eu", "tlen.pl"),
        *("poczta.onet.pl", "gazeta.pl", "poczta.fm", "buziaczek.pl", "vp.pl", "go2.pl"),
    }
)


def alike_queries(email: str | None, properties: Mapping[str, Any]) -> list[list[str]]:
    """Return sets of search words; a contact that has all of one set may be the same person. One
    that ends in @ is the beginning of an address.

    >>> alike_queries("a.nowak@acme.pl", {"firstname": "Anna", "lastname": "Nowak"})
    [['anna', 'nowak'], ['nowak', 'a.nowak@']]
    >>> alike_queries(None, {"phone": "+48 601 234 567"})
    [['601234567']]
    """
    found = []
    for name in ("phone", "mobilephone"):
        digits = "".join(DIGITS.findall(fold(str(properties.get(name) or ""))))
        if len(digits) >= 9:
            found.append([digits[-9:]])
    first, last = (
        WORD.findall(fold(str(properties.get(name) or ""))) for name in ("firstname", "lastname")
    )
    if first and last:
        found.append([word[:LONGEST_WORD] for word in dict.fromkeys([*first, *last])])
    local = fold(email or "").rpartition("@")[0]
    if last and 5 <= len(local) < LONGEST_WORD:
        found.append([*(word[:LONGEST_WORD] for word in dict.fromkeys(last)), f"{local}@"])
    return found


# Exports

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def csv_safe(text: str) -> str:
    """Return the text so that no spreadsheet takes it for a formula (J19). Numbers below zero and
    telephone numbers with + get the apostrophe as well: a reader cannot tell them from formulas.

    >>> csv_safe("=1+1"), csv_safe("+48 601 234 567"), csv_safe("plain")
    ("'=1+1", "'+48 601 234 567", 'plain')
    """
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


# Lifecycle stages

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

    A stage that the account added has no place in the order, so it may follow and be followed.

    >>> lifecycle_allows("customer", "lead"), lifecycle_allows(None, "lead")
    (False, True)
    """
    if before not in LIFECYCLE or after not in LIFECYCLE:
        return True
    return LIFECYCLE.index(after) >= LIFECYCLE.index(before)

"""Believable people of several languages, the same ones at every run. Pure."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from marketable.contacts.rules import fold


@dataclass(frozen=True, slots=True)
class Country:
    name: str
    language: str
    prefix: str
    phone: str  # how a number is written; 0 stands for any digit
    share: int
    women: tuple[str, ...]
    men: tuple[str, ...]
    last: tuple[str, ...]  # one form, or a man's and a woman's with a stroke between
    cities: tuple[str, ...]


def words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


COUNTRIES = (
    Country(
        "Poland",
        "pl",
        "+48",
        "600 000 000",
        46,
        words(
            """
            Anna Katarzyna Małgorzata Agnieszka Łucja Żaneta Zofia Hanna Julia Maja
            Aleksandra Joanna Barbara Ewa Elżbieta Magdalena
            """
        ),
        words(
            """
            Piotr Krzysztof Andrzej Tomasz Paweł Michał Marcin Jakub Łukasz Święcisław
            Grzegorz Wojciech Kamil Bartosz
            """
        ),
        words(
            """
            Nowak Kowalski/Kowalska Wiśniewski/Wiśniewska Wójcik Kowalczyk
            Kamiński/Kamińska Lewandowski/Lewandowska Zieliński/Zielińska
            Szymański/Szymańska Woźniak Dąbrowski/Dąbrowska Kozłowski/Kozłowska
            Jankowski/Jankowska Mazur Kwiatkowski/Kwiatkowska Krawczyk
            Piotrowski/Piotrowska Grabowski/Grabowska Nowakowski/Nowakowska
            Pawłowski/Pawłowska Michalski/Michalska Źrebiec Żak Śliwa Łoś
            Ćwikliński/Ćwiklińska Chrząszczewski/Chrząszczewska Brzęczyszczykiewicz Gębka
            Jędrzejewski/Jędrzejewska
            """
        ),
        ("Warszawa", "Kraków", "Łódź", "Wrocław", "Poznań", "Gdańsk", "Lublin", "Białystok"),
    ),
    Country(
        "Germany",
        "de",
        "+49",
        "151 0000 0000",
        18,
        words(
            """
            Käthe Lena Hannah Sabine Ulrike Heike Anke Silke Greta
            """
        ),
        words(
            """
            Jürgen Björn Lukas Felix Günther Stefan Jörg Matthias Torsten Sören Moritz
            """
        ),
        words(
            """
            Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann
            Schäfer Koch Bauer Richter Klein Wolf Schröder Neumann Groß Weiß
            """
        ),
        ("Berlin", "Hamburg", "München", "Köln", "Leipzig", "Düsseldorf", "Nürnberg"),
    ),
    Country(
        "United Kingdom",
        "en",
        "+44",
        "7700 000 000",
        12,
        words(
            """
            Amelia Isla Ava Mia Emily Poppy Siobhán Eilidh Imogen
            """
        ),
        words(
            """
            Oliver George Harry Noah Jack Charlie Rhys Callum Alfie
            """
        ),
        words(
            """
            Smith Jones Taylor Brown Williams Wilson Johnson Davies O'Connor Patel Evans
            Thomas Fitz-Gerald Walker Hughes
            """
        ),
        ("London", "Manchester", "Leeds", "Bristol", "Glasgow", "Cardiff", "Belfast"),
    ),
    Country(
        "France",
        "fr",
        "+33",
        "6 00 00 00 00",
        9,
        words(
            """
            Camille Chloé Léa Manon Inès Zoé Océane Élodie Noémie
            """
        ),
        words(
            """
            Hugo Théo Jérôme François Benoît Gaël Maël
            """
        ),
        words(
            """
            Martin Bernard Dubois Thomas Robert Richard Petit Durand Leroy Moreau Lefèvre
            Fournier Girard Bonnet Gauthier Chevalier
            """
        ),
        ("Paris", "Lyon", "Marseille", "Toulouse", "Nantes", "Lille", "Besançon"),
    ),
    Country(
        "Czechia",
        "cs",
        "+420",
        "601 000 000",
        8,
        words(
            """
            Jana Lucie Eva Kateřina Hana Šárka Růžena
            """
        ),
        words(
            """
            Jiří Petr Tomáš Pavel Martin Ondřej Zdeněk
            """
        ),
        words(
            """
            Novák/Nováková Svoboda/Svobodová Novotný/Novotná Dvořák/Dvořáková Černý/Černá
            Procházka/Procházková Kučera/Kučerová Veselý/Veselá Horák/Horáková
            Němec/Němcová Šťastný/Šťastná Řehoř/Řehořová
            """
        ),
        ("Praha", "Brno", "Ostrava", "Plzeň", "Olomouc", "Český Krumlov"),
    ),
    Country(
        "Spain",
        "es",
        "+34",
        "600 000 000",
        7,
        words(
            """
            Lucía Sofía María Paula Carmen Begoña Noelia
            """
        ),
        words(
            """
            Martín Álvaro Íñigo Nuño Iván
            """
        ),
        words(
            """
            García Fernández González Rodríguez López Martínez Sánchez Pérez Gómez Núñez
            Ibáñez Peña
            """
        ),
        ("Madrid", "Barcelona", "Valencia", "Sevilla", "Málaga", "A Coruña"),
    ),
)
TRADES = (
    ("Meble", "Furniture"),
    ("Bau", "Construction"),
    ("Outdoor", "Sports equipment"),
    ("Logistik", "Logistics"),
    ("Studio", "Design"),
    ("Foods", "Food production"),
    ("Soft", "Software"),
    ("Energia", "Energy"),
    ("Clinic", "Health care"),
    ("Print", "Printing"),
)
FORMS_OF_FIRM = {
    "pl": ("Sp. z o.o.", "S.A."),
    "de": ("GmbH", "AG"),
    "en": ("Ltd", "PLC"),
    "fr": ("SARL", "SAS"),
    "cs": ("s.r.o.", "a.s."),
    "es": ("S.L.", "S.A."),
}
JOBS = (
    "Owner",
    "Marketing manager",
    "Buyer",
    "Head of sales",
    "Office manager",
    "Engineer",
    "Accountant",
    "Product manager",
    "Assistant",
    "CEO",
)
STAGES = (
    ("subscriber", 34),
    ("lead", 28),
    ("marketingqualifiedlead", 12),
    ("salesqualifiedlead", 7),
    ("opportunity", 5),
    ("customer", 12),
    ("evangelist", 1),
    ("other", 1),
)
BOUNCES = ("UNKNOWN_USER", "MAILBOX_FULL", "POLICY")
FREE_MAIL = ("mail.example.com", "poczta.example.org", "post.example.net", "inbox.example.com")


def family_name(forms: str, *, is_woman: bool) -> str:
    """Return the form of a family name that goes with the person.

    >>> family_name("Kowalski/Kowalska", is_woman=True), family_name("Nowak", is_woman=True)
    ('Kowalska', 'Nowak')
    """
    return forms.split("/")[-1 if is_woman else 0]


def people(count: int, *, seed: int = 20_260_101) -> Iterator[tuple[str | None, dict[str, Any]]]:
    """Yield (address or None, typed properties); no address occurs twice."""
    chance = random.Random(seed)  # noqa: S311 - believable, not secret
    weights = [country.share for country in COUNTRIES]
    seen: set[str] = set()
    for number in range(1, count + 1):
        country = chance.choices(COUNTRIES, weights)[0]
        is_woman = chance.random() < 0.5
        first = chance.choice(country.women if is_woman else country.men)
        last = family_name(chance.choice(country.last), is_woman=is_woman)
        properties: dict[str, Any] = {
            "firstname": first,
            "lastname": last,
            "country": country.name,
            "city": chance.choice(country.cities),
            "hs_language": country.language,
            "lifecyclestage": chance.choices(
                [stage for stage, _ in STAGES], [share for _, share in STAGES]
            )[0],
        }
        domain = chance.choice(FREE_MAIL)
        if chance.random() < 0.62:
            trade, industry = chance.choice(TRADES)
            owner = family_name(chance.choice(country.last), is_woman=False)
            form = chance.choice(FORMS_OF_FIRM[country.language])
            properties["company"] = f"{owner} {trade} {form}"
            properties["industry"] = industry
            properties["jobtitle"] = chance.choice(JOBS)
            plain = "".join(letter for letter in fold(owner) if letter.isalnum())
            domain = f"{plain}-{trade.lower()}.example.com"
            properties["website"] = f"https://{domain}"
        if chance.random() < 0.7:
            written = "".join(
                str(chance.randint(0, 9)) if sign == "0" else sign for sign in country.phone
            )
            properties["phone"] = f"{country.prefix} {written}"
        if chance.random() < 0.03:
            properties["hs_email_hard_bounce_reason_enum"] = chance.choice(BOUNCES)
        if chance.random() < 0.05:
            properties["hs_email_optout"] = True
        yield _address(chance, first, last, domain, number, seen), properties


def _address(
    chance: random.Random, first: str, last: str, domain: str, number: int, seen: set[str]
) -> str | None:
    if chance.random() < 0.015:
        return None
    name = "".join(letter for letter in fold(first) if letter.isalnum())
    surname = "".join(letter for letter in fold(last) if letter.isalnum())
    local = chance.choice((f"{name}.{surname}", f"{name[0]}.{surname}", f"{surname}.{name}"))
    address = f"{local}@{domain}"
    if address in seen:
        address = f"{local}{number}@{domain}"
    seen.add(address)
    return address

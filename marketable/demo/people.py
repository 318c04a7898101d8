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
    first: tuple[str, ...]
    last: tuple[str, ...]
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
            Anna Katarzyna Małgorzata Agnieszka Łucja Żaneta Zofia Hanna Julia
            Maja Aleksandra Piotr Krzysztof Andrzej Tomasz Paweł Michał Marcin
            Jakub Łukasz Święcisław Grzegorz Wojciech Kamil Bartosz Joanna
            Barbara Ewa Elżbieta Magdalena
            """
        ),
        words(
            """
            Nowak Kowalski Wiśniewska Wójcik Kowalczyk Kamińska Lewandowski
            Zieliński Szymańska Woźniak Dąbrowski Kozłowska Jankowski Mazur
            Kwiatkowska Krawczyk Piotrowska Grabowski Nowakowska Pawłowski
            Michalska Źrebiec Żak Śliwa Łoś Ćwikliński Chrząszczewska
            Brzęczyszczykiewicz Gębka Jędrzejewska
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
            Jürgen Björn Käthe Lena Lukas Hannah Felix Günther Sabine Stefan
            Ulrike Jörg Heike Matthias Anke Torsten Silke Sören Greta Moritz
            """
        ),
        words(
            """
            Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz
            Hoffmann Schäfer Koch Bauer Richter Klein Wolf Schröder Neumann Groß
            Weiß
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
            Oliver Amelia George Isla Harry Ava Noah Mia Jack Emily Charlie
            Poppy Siobhán Rhys Eilidh Callum Imogen Alfie
            """
        ),
        words(
            """
            Smith Jones Taylor Brown Williams Wilson Johnson Davies O'Connor
            Patel Evans Thomas Fitz-Gerald Walker Hughes
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
            Camille Chloé Léa Manon Inès Zoé Hugo Théo Jérôme François Benoît
            Gaël Océane Élodie Maël Noémie
            """
        ),
        words(
            """
            Martin Bernard Dubois Thomas Robert Richard Petit Durand Leroy
            Moreau Lefèvre Fournier Girard Bonnet Gauthier Chevalier
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
            Jiří Jana Petr Lucie Tomáš Eva Pavel Kateřina Martin Hana Ondřej
            Šárka Zdeněk Růžena
            """
        ),
        words(
            """
            Novák Svobodová Novotný Dvořák Černá Procházka Kučerová Veselý Horák
            Němcová Šťastný Řehoř
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
            Lucía Martín Sofía Álvaro María Íñigo Paula Nuño Carmen Begoña Iván
            Noelia
            """
        ),
        words(
            """
            García Fernández González Rodríguez López Martínez Sánchez Pérez
            Gómez Núñez Ibáñez Peña
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
FORMS_OF_FIRM = ("Sp. z o.o.", "GmbH", "Ltd", "SARL", "s.r.o.", "S.L.", "S.A.")
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


def people(count: int, *, seed: int = 20_260_101) -> Iterator[tuple[str | None, dict[str, Any]]]:
    """Yield (address or None, typed properties); no address occurs twice."""
    chance = random.Random(seed)  # noqa: S311 - believable, not secret
    weights = [country.share for country in COUNTRIES]
    seen: set[str] = set()
    for number in range(1, count + 1):
        country = chance.choices(COUNTRIES, weights)[0]
        first, last = chance.choice(country.first), chance.choice(country.last)
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
            owner = chance.choice(country.last)
            properties["company"] = f"{owner} {trade} {chance.choice(FORMS_OF_FIRM)}"
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

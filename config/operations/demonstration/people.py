"""Pure: two hundred made-up customers as a CSV file, the same at every call. Nobody in it exists."""

from __future__ import annotations

import csv
import io
import random
from dataclasses import dataclass
from typing import Final

SEED: Final = 20_160_504
COUNT: Final = 200
HEADER: Final = (
    *("Name", "Source_id", "Email", "Phone", "City", "State", "Country", "Postal_Code", "Birthdate"),
    *("customer_type", "newsletter", "favourite"),
)
FIRST: Final = (
    *("Ada", "Amara", "Anton", "Aylin", "Bruno", "Carla", "Chloe", "Cyrus", "Dalia", "Dmitri", "Edda", "Elio", "Esra"),
    *("Farid", "Freya", "Gita", "Hugo", "Ilse", "Imani", "Iris", "Jonas", "Jun", "Kaia", "Kofi", "Lena", "Levi"),
    *("Lucia", "Malik", "Marta", "Mina", "Nadia", "Nils", "Noor", "Olga", "Omar", "Paula", "Pavel", "Quinn", "Rosa"),
    *("Sami", "Selma", "Sven", "Tara", "Tomas", "Uma", "Viktor", "Wanda", "Yara", "Yusuf", "Zoe"),
)
LAST: Final = (
    *("Abrams", "Adeyemi", "Bauer", "Bergstrom", "Castillo", "Chandra", "Costa", "Dubois", "Eriksen", "Farkas"),
    *("Ferreira", "Gallo", "Haddad", "Hansen", "Ito", "Jensen", "Kaya", "Kowalski", "Lindqvist", "Marchetti", "Meyer"),
    *("Mwangi", "Nakamura", "Novak", "Okafor", "Olsen", "Pereira", "Petrov", "Quist", "Romero", "Sato", "Silva"),
    *("Tanaka", "Thorsen", "Ueda", "Vargas", "Weber", "Yildiz", "Zhang", "Zimmer"),
)
PLACES: Final = (
    ("Los Angeles", "California", "United States", "90012"),
    ("San Francisco", "California", "United States", "94103"),
    ("San Diego", "California", "United States", "92101"),
    ("New York", "New York", "United States", "10001"),
    ("Austin", "Texas", "United States", "78701"),
    ("Seattle", "Washington", "United States", "98101"),
    ("Berlin", "Berlin", "Germany", "10115"),
    ("Hamburg", "Hamburg", "Germany", "20095"),
    ("Wien", "Wien", "Austria", "1010"),
    ("Lyon", "Auvergne-Rhône-Alpes", "France", "69001"),
)
WEIGHTS: Final = (6, 5, 3, 5, 4, 3, 6, 3, 2, 2)
TYPES: Final = ("Consumer", "Corporate", "Home Office")
FAVOURITES: Final = ("Coffee", "Tea", "Chocolate", "Notebooks", "Lamps")


@dataclass(frozen=True, slots=True)
class Person:
    """What the story needs to know of a customer."""

    source_id: str
    state: str
    customer_type: str


def people() -> list[Person]:
    """The customers, in the file's order."""
    return [Person(row[1], row[5], row[9]) for row in _rows()]


def csv_file() -> bytes:
    """The file as a marketer would upload it."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(HEADER)
    writer.writerows(_rows())
    return out.getvalue().encode()


def _rows() -> list[list[str]]:
    dice = random.Random(SEED)  # noqa: S311  the same people at every start, no secrets
    names = [f"{first} {last}" for first in FIRST for last in LAST]
    rows = []
    for number, name in enumerate(dice.sample(names, COUNT), start=1):
        city, state, country, postal_code = dice.choices(PLACES, WEIGHTS)[0]
        email = f"{name.lower().replace(' ', '.')}@example.com"
        born = f"{dice.randint(1955, 2004)}-{dice.randint(1, 12):02}-{dice.randint(1, 28):02}"
        rows.append(
            [
                name,
                f"crm-{1000 + number}",
                email if dice.random() < 0.92 else "",
                f"+1 555 01{dice.randint(0, 99):02}" if dice.random() < 0.6 else "",
                *(city, state, country, postal_code),
                born if dice.random() < 0.8 else "",
                dice.choices(TYPES, (6, 3, 2))[0],
                "true" if dice.random() < 0.55 else "false",
                dice.choice(FAVOURITES),
            ]
        )
    return rows

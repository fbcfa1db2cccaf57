"""Three months in the made-up shop: who comes when, with which code and cart. Pure, and the same at every call."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from config.operations.demonstration import offers
from config.operations.demonstration.people import SEED, Person

DAYS: Final = 90
GOODS: Final = (
    ("prod-coffee", "Coffee, 1 kg", 1890),
    ("prod-tea", "Green tea", 1250),
    ("prod-chocolate", "Dark chocolate", 490),
    ("prod-notebook", "Notebook, lined", 940),
    ("prod-lamp", "Desk lamp", 6900),
    ("prod-grinder", "Coffee grinder", 8900),
)
CODES: Final = (
    (offers.SEASON, 26),
    *((offers.WELCOME, 34), (offers.SUMMER, 30), (offers.BIG, 16), (offers.CORP, 14), (offers.SPRING, 8)),
    *((code, 2) for code in offers.GIFTS),
    *((code, 2) for code in offers.SINGLE),
    ("SUMER20", 2),  # a typing error: unknown code
)


@dataclass(frozen=True, slots=True)
class Visit:
    """One checkout. body: of `POST /v1/redemptions`. looked_first: validated it before, as most shops do."""

    at: datetime
    body: dict[str, Any]
    looked_first: bool


def visits(people: list[Person], until: datetime) -> Iterator[Visit]:
    """Every checkout of the last DAYS days, oldest first; more of them on weekends and lately."""
    dice = random.Random(SEED + 1)  # noqa: S311
    number = 0
    for day in range(DAYS, 0, -1):
        midnight = (until - timedelta(days=day)).replace(hour=0, minute=0, second=0, microsecond=0)
        busy = 2 + (DAYS - day) // 30 + (2 if midnight.weekday() >= 5 else 0)
        minutes = sorted(dice.randrange(7 * 60, 23 * 60) for _ in range(dice.randint(busy - 2, busy + 2)))
        for minute in minutes:
            at = midnight + timedelta(minutes=minute)
            if at >= until:
                return
            number += 1
            yield Visit(at, _body(dice, _buyer(dice, people), number), dice.random() < 0.4)


def _buyer(dice: random.Random, people: list[Person]) -> Person:
    """A third of the checkouts are those of twenty regulars."""
    return dice.choice(people[:20] if dice.random() < 0.33 else people)


def _body(dice: random.Random, buyer: Person, number: int) -> dict[str, Any]:
    codes, weights = zip(*CODES, strict=True)
    corporate = buyer.customer_type == "Corporate" and buyer.state == "California"
    code = offers.CORP if corporate and dice.random() < 0.7 else dice.choices(codes, weights)[0]
    items = [
        {"source_id": source_id, "quantity": dice.choice((1, 1, 1, 2, 3)), "price": price, "product": {"name": name}}
        for source_id, name, price in dice.sample(GOODS, dice.choice((1, 1, 2, 3)))
    ]
    return {
        "redeemables": [{"object": "voucher", "id": code}],
        "customer": {"source_id": buyer.source_id},
        "order": {"source_id": f"demo-{number:05}", "status": "PAID", "items": items},
    }

"""Definitions to start from: a menu of the builder. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Starter:
    """An entry of the menu and the filter it begins with."""

    key: str
    label: str
    filter: dict[str, Any]


def _all(**fields: dict[str, Any]) -> dict[str, Any]:
    return {"junction": "and"} | {
        name.replace("__", "."): {"conditions": conditions} for name, conditions in fields.items()
    }


STARTERS: Final[tuple[Starter, ...]] = (
    Starter("new", "New in 30 days", _all(created_at={"$less_than_ago": [30]})),
    Starter("lapsed", "Lapsed 90 days", _all(summary__orders__last_order_date={"$more_than_ago": [90]})),
    Starter("birthday", "Birthday next month", _all(birthdate={"$next_month_md": True})),
    Starter("refused", "Refused twice", _all(summary__redemptions__total_failed={"$more_than_equal": [2]})),
)

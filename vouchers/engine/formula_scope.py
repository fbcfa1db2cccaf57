"""What formulas read from, and what they compute with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from fractions import Fraction
from typing import Any

from vouchers.engine.order_state import OrderState
from vouchers.engine.terms import Facts, VoucherTerms

Value = Fraction | str | bool | date | datetime | list[Any]


class NoValue(Exception):
    """The formula cannot be evaluated here."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What operands are read from. line: the index of the current one."""

    terms: VoucherTerms
    facts: Facts
    order: OrderState | None
    line: int | None = None

    def at(self, line: int) -> Scope:
        """The same situation with another current line."""
        return replace(self, line=line)

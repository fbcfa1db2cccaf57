"""One redeemable at its turn: what is offered, on which order, in which situation; the values of its formulas."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Final

from vouchers.engine import formula_text, formulas
from vouchers.engine.applicability import Selection, select
from vouchers.engine.bundles import BundleFound
from vouchers.engine.formula_scope import Scope
from vouchers.engine.order_state import OrderState
from vouchers.engine.rule_terms import ApplicableEntry
from vouchers.engine.terms import CalculationMode, DiscountTerms, Facts, UnitCount, VoucherTerms

INITIAL: Final = "INITIAL_AMOUNT"


@lru_cache(maxsize=256)
def _exact(percent: Decimal) -> Fraction:
    return Fraction(percent)


@dataclass(frozen=True)
class Situation:
    """order: as earlier redeemables left it. taken: lines that are not available. bundle: where the rules want one."""

    terms: VoucherTerms
    facts: Facts
    order: OrderState
    mode: CalculationMode = "DISCOUNTED_AMOUNT"
    taken: Collection[int] = ()
    bundle: BundleFound | None = None

    @property
    def discount(self) -> DiscountTerms:
        """The discount; asked for only where there is one."""
        if self.terms.discount is None:
            raise KeyError(self.terms.type)
        return self.terms.discount

    @property
    def times(self) -> int:
        """How often the discount counts: once, or once for each bundle."""
        return 1 if self.bundle is None else self.bundle.quantity

    @cached_property
    def scope(self) -> Scope:
        """What formulas read."""
        return Scope(self.terms, self.facts, self.order)

    @cached_property
    def bases(self) -> list[int | None]:
        """By line what a percentage is taken of."""
        return self.order.basket.amounts if self.mode == INITIAL else self.order.subtotals

    @cached_property
    def selection(self) -> Selection:
        """The lines an item-level effect touches; those without an amount have nothing to discount."""
        found = select(
            self.terms.applicable_to,
            self.order,
            taken=self.taken,
            bundles=None if self.bundle is None else self.bundle.quantity,
            units_left=self._units_left,
        )
        amounts = self.order.basket.amounts
        if None not in amounts:
            return found
        kept = [position for position, index in enumerate(found.indices) if amounts[index] is not None]
        return Selection(
            [found.indices[position] for position in kept],
            [found.units[position] for position in kept],
            [found.entries[position] for position in kept],
        )

    def value(self, line: int | None = None) -> Fraction:
        """The discount's value: minor units or a percentage. line: for formulas about the current one."""
        discount = self.discount
        scope = self.scope if line is None else self.scope.at(line)
        if discount.type == "PERCENT":
            found = formulas.percent(discount.formula, scope) if discount.formula else None
            return _exact(discount.percent_off) if found is None else found
        stored = discount.amount_off if discount.type == "AMOUNT" else discount.fixed_amount or 0
        amount = formulas.money(discount.formula, scope) if discount.formula else None
        return Fraction(stored if amount is None else amount)

    def ratio(self, line: int | None = None) -> tuple[int, int]:
        """The percentage as a share of one (numerator, denominator), once for each bundle, at most the whole."""
        percent = self.value(line)
        numerator, denominator = percent.numerator * self.times, percent.denominator * 100
        return (numerator, denominator) if numerator < denominator else (1, 1)

    @property
    def differs_by_line(self) -> bool:
        """Whether the discount's formula reads the current line."""
        formula = self.discount.formula
        if formula is None:
            return False
        try:
            return formula_text.reads_line(formula_text.parse(formula))
        except formula_text.FormulaError:
            return False

    def price_of(self, entry: ApplicableEntry, line: int) -> int:
        """The new unit price of a line."""
        formula = entry.formulas.get("price")
        found = formulas.money(formula, self.scope.at(line)) if formula else None
        if found is not None:
            return found
        return int(self.value(line)) if entry.price is None else entry.price

    def _units_left(self, entry: ApplicableEntry, line: int) -> int | None:
        """What limits across redemptions leave: the strictest of them."""
        item = self.order.basket.lines[line].item
        keys = [key for key in (item.sku_id, item.product_id) if key is not None]
        left = []
        for name, limit in entry.history_limits.items():
            subject = self.terms.public_id if "promotion_tier" in name else self.terms.campaign_id
            if subject is None or not keys:
                continue
            by: str = "customer" if "customer" in name else ""
            used = max(self.facts.unit_counts.get(UnitCount(subject, key, by), 0) for key in keys)  # type: ignore[arg-type]
            left.append(max(0, limit - used))
        return min(left) if left else None

"""What a voucher or a tier takes off an order: terms × order → order after it.

Each calculation is a row of `EFFECTS`, keyed by type and effect.
Source: validation and redemption, discount arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any, Final

from config.kernel.amounts import share_of
from vouchers.engine import applicability, bundles, free_units, item_discounts
from vouchers.engine.bundles import BundleFound
from vouchers.engine.order_state import Column, OrderState, sum_known
from vouchers.engine.rule_terms import ApplicableTo, BundleTerms
from vouchers.engine.situations import INITIAL, Situation
from vouchers.engine.terms import CalculationMode, DiscountTerms, Facts, UnitTerms, VoucherTerms

APPLY_TO_ORDER: Final = "APPLY_TO_ORDER"
APPLY_TO_ITEMS: Final = "APPLY_TO_ITEMS"
GIFT: Final = "GIFT"
NOTHING: Final = "NOTHING"
"""The type of what is no discount and no gift: a promotion tier of which only the name is known."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What one redeemable did.

    order: after it, None where no order was sent; credits: spent from a gift card; discount: as it is shown, evaluated;
    before: the order it found, for `applicable_to`; bundle: how many were found, where the rules want one.
    """

    type: str
    effect: str
    order: OrderState | None
    applied: int = 0
    credits: int | None = None
    discount: Mapping[str, Any] = field(default_factory=dict, compare=False)
    applicable_to: ApplicableTo | None = field(default=None, compare=False)
    before: OrderState | None = field(default=None, compare=False)
    bundle: BundleFound | None = field(default=None, compare=False)

    @property
    def changes_nothing(self) -> bool:
        """Whether it had no effect: nothing deducted, no units added."""
        added = self.order is not None and self.before is not None and self.order.basket is not self.before.basket
        return not self.applied and not added

    def products(self, *, excluded: bool = False) -> list[Mapping[str, Any]]:
        """The wire's `applicable_to`, or `inapplicable_to`, resolved on the cart."""
        return applicability.resolved(self.applicable_to, self.before, excluded=excluded)


Calculation = Callable[[Situation], OrderState]


def _amount_off_order(situation: Situation) -> OrderState:
    return _off_order(situation, int(situation.value()) * situation.times)


def _percent_off_order(situation: Situation) -> OrderState:
    order = situation.order
    base = order.total_amount
    if situation.mode == INITIAL:
        base = order.initial_amount if order.initial_amount is not None else order.amount or 0
    return _off_order(situation, share_of(base, *situation.ratio()))


def _off_order(situation: Situation, wanted: int) -> OrderState:
    discount, order = situation.discount, situation.order
    limits = [limit for limit in (discount.amount_limit, discount.aggregated_amount_limit) if limit is not None]
    return order.with_order_discount(min(wanted, order.total_amount, *(limit * situation.times for limit in limits)))


def _fixed_order(situation: Situation) -> OrderState:
    return situation.order.with_order_discount(max(0, situation.order.total_amount - int(situation.value())))


def _of_items(calculate: item_discounts.ItemDiscount, situation: Situation) -> OrderState:
    return item_discounts.apply(situation, calculate(situation))


EFFECTS: Final[Mapping[tuple[str, str], Calculation]] = {
    ("AMOUNT", APPLY_TO_ORDER): _amount_off_order,
    ("PERCENT", APPLY_TO_ORDER): _percent_off_order,
    ("FIXED", APPLY_TO_ORDER): _fixed_order,
    **{key: partial(_of_items, calculate) for key, calculate in item_discounts.ITEM_DISCOUNTS.items()},
    **{
        ("UNIT", effect): free_units.apply
        for effect in (free_units.MISSING, free_units.NEW, free_units.MANY, free_units.SAME)
    },
}
"""Every discount that can be calculated."""

GIFT_EFFECTS: Final = (APPLY_TO_ORDER, APPLY_TO_ITEMS)

NAMED_BY_THE_CONTRACT: Final = frozenset(
    {
        *(("AMOUNT", f"APPLY_TO_{target}") for target in ("ORDER", "ITEMS", "ITEMS_PROPORTIONALLY")),
        *(("AMOUNT", f"APPLY_TO_ITEMS_{way}") for way in ("PROPORTIONALLY_BY_QUANTITY", "BY_QUANTITY")),
        *((kind, f"APPLY_TO_{target}") for kind in ("PERCENT", "FIXED") for target in ("ORDER", "ITEMS")),
        *(("UNIT", f"ADD_{what}_ITEMS") for what in ("MISSING", "NEW", "MANY", "SAME")),
    }
)
"""Every pair that the wire knows: one that is not here is a mistake, one without a row in EFFECTS not supported."""

VALUE: Final = {"AMOUNT": "amount_off", "PERCENT": "percent_off", "FIXED": "fixed_amount", "UNIT": "unit_off"}
"""The property that holds each type's value."""


def read_discount(stored: Mapping[str, Any]) -> DiscountTerms:
    """Return the terms of a stored discount; it was checked when it was stored. Percents become Decimal."""
    kind = stored["type"]
    fixed = stored.get("fixed_amount")
    return DiscountTerms(
        type=kind,
        effect=stored.get("effect"),
        amount_off=int(stored.get("amount_off") or 0),
        percent_off=Decimal(str(stored.get("percent_off") or 0)),
        fixed_amount=None if fixed is None else int(fixed),
        amount_limit=stored.get("amount_limit"),
        aggregated_amount_limit=stored.get("aggregated_amount_limit"),
        formula=stored.get(f"{VALUE[kind]}_formula"),
        units=_read_units(stored) if kind == "UNIT" else (),
        stored=stored,
    )


def _read_units(stored: Mapping[str, Any]) -> tuple[UnitTerms, ...]:
    """One entry, or those of ADD_MANY_ITEMS."""
    many = stored.get("units") if stored.get("effect") == free_units.MANY else None
    return tuple(
        UnitTerms(
            unit_type=entry["unit_type"],
            effect=entry.get("effect") or free_units.MISSING,
            unit_off=int(entry.get("unit_off") or 1),
            formula=entry.get("unit_off_formula"),
            stored=entry,
        )
        for entry in (many or [stored])
    )


def effect_of(terms: VoucherTerms) -> str:
    """The effect that is applied: the stored one, else the default of the type.

    AMOUNT, PERCENT and FIXED apply to items where a rule says to which ones, else to the order.
    """
    if terms.gift is not None:
        return terms.gift.effect or APPLY_TO_ORDER
    discount = terms.discount
    if discount is None or discount.effect:
        return discount.effect or APPLY_TO_ORDER if discount else APPLY_TO_ORDER
    if discount.type == "UNIT":
        return free_units.MISSING
    return APPLY_TO_ITEMS if terms.applicable_to is not None else APPLY_TO_ORDER


def apply(
    terms: VoucherTerms,
    order: OrderState | None,
    *,
    credits: int | None = None,
    mode: CalculationMode = "DISCOUNTED_AMOUNT",
    facts: Facts | None = None,
    taken: Collection[int] = (),
) -> Effect:
    """Apply one redeemable to the order as earlier ones left it; `applied_*` of the answer are its alone.

    credits: what was asked of a gift card; None is as much as possible. facts: for formulas and free units.
    taken: lines that an earlier redeemable discounted and that are not available to this one.
    A tier without a discount does nothing. KeyError: an effect without calculation, which creation refuses.
    """
    effect = effect_of(terms)
    kind = GIFT if terms.gift is not None else terms.discount.type if terms.discount is not None else NOTHING
    if kind == NOTHING and order is not None:
        return Effect(kind, effect, order.fresh().with_nothing(), before=order)
    if order is None:
        return Effect(
            kind,
            effect,
            None,
            credits=0 if kind == GIFT else None,
            discount=_shown(terms, effect, None),
            applicable_to=terms.applicable_to,
        )
    before = order.fresh()
    bundle = bundle_of(terms)
    found = None if bundle is None else bundles.find(bundle, before)
    situation = Situation(terms, facts or _NO_FACTS, before, mode, taken, found)
    if terms.gift is not None:
        after, used = _spend(situation, terms.gift.balance, credits, effect)
    else:
        after, used = EFFECTS[kind, effect](situation), None
    return Effect(
        kind,
        effect,
        after,
        applied=after.total_applied_discount_amount or 0,
        credits=used,
        discount=_shown(terms, effect, situation),
        applicable_to=terms.applicable_to,
        before=before,
        bundle=found,
    )


_NO_FACTS: Final = Facts(at=datetime(2000, 1, 1, tzinfo=UTC))
"""For calculations that need none."""


def bundle_of(terms: VoucherTerms) -> BundleTerms | None:
    """The bundle that the first of its rules wants."""
    return next((rule_set.bundle for rule_set in terms.rule_sets if rule_set.bundle is not None), None)


def gift_lines(terms: VoucherTerms, order: OrderState) -> list[int]:
    """The lines with an amount that a gift card may pay for, in candidate order."""
    found = applicability.select(terms.applicable_to, order)
    return [index for index in found.indices if order.basket.amounts[index] is not None]


def final_order(start: OrderState, steps: Iterable[OrderState]) -> OrderState:
    """The order after all steps, its `applied_*` summed over this request; `start` where there was no step."""
    states = list(steps)
    if not states:
        return start
    last = states[-1]
    size = len(last.basket.lines)
    units = _columns_added([state.units for state in states], size)
    if units is not None:
        # Two redeemables may have touched the same units of a line.
        pairs = zip(units, last.basket.quantities, strict=True)
        units = [None if count is None else min(count, quantity) for count, quantity in pairs]
    return last.with_applied(
        sum_known(state.applied_discount_amount for state in states),
        sum_known(state.items_applied_discount_amount for state in states),
        (_columns_added([state.applied for state in states], size), units),
    )


def _spend(situation: Situation, balance: int, credits: int | None, effect: str) -> tuple[OrderState, int]:
    """Pay with a gift card: the order, or its applicable lines one after the other."""
    order = situation.order
    usable = max(0, min(balance, balance if credits is None else credits))
    if effect == APPLY_TO_ORDER:
        used = min(usable, order.total_amount)
        return order.with_order_discount(used), used
    found, subtotals = situation.selection, order.subtotals
    left = min(usable, order.total_amount)
    amounts = []
    for index in found.indices:
        amounts.append(min(left, max(0, subtotals[index] or 0)))
        left -= amounts[-1]
    return (order.with_item_discounts(found.indices, amounts) if amounts else order.with_nothing()), sum(amounts)


def _shown(terms: VoucherTerms, effect: str, situation: Situation | None) -> dict[str, Any]:
    """The discount of the answer: as stored, with the effect that was applied and values that formulas gave."""
    discount = terms.discount
    if discount is None:
        return {}
    dynamic = discount.formula is not None or any(unit.formula for unit in discount.units)
    wire: dict[str, Any] = {**discount.stored, "effect": effect}
    if situation is not None and discount.type == "UNIT":
        wire |= _shown_units(wire, discount, situation)
    elif situation is not None and discount.formula is not None and not situation.differs_by_line:
        value = situation.value()
        wire[VALUE[discount.type]] = int(value) if value.denominator == 1 else float(value)
    return wire | {"is_dynamic": dynamic}


def _shown_units(wire: Mapping[str, Any], discount: DiscountTerms, situation: Situation) -> dict[str, Any]:
    """Free units with what they are, from the catalogue."""
    shown = []
    for unit in discount.units:
        known = situation.facts.catalogue.get(unit.unit_type)
        one: dict[str, Any] = {**unit.stored, "effect": unit.effect}
        if unit.formula:
            one["unit_off"] = free_units.number_of(unit, situation)
        if known is not None:
            one |= {kind: _named(known.data[kind]) for kind in ("product", "sku") if kind in known.data}
        shown.append(one)
    return {"units": shown} if wire.get("units") else {**shown[0], "effect": wire["effect"]}


def _named(thing: Mapping[str, Any]) -> dict[str, Any]:
    """A product or SKU as `discount` names it: without price and metadata; a SKU's name under both its names."""
    named = {key: thing[key] for key in ("id", "source_id", "name", "sku") if key in thing}
    return named | ({"name": named["sku"]} if "sku" in named else {})


def _columns_added(columns: list[Column | None], size: int) -> Column | None:
    """Line by line; lines are only ever appended, so an index means the same line in every state."""
    known = [column for column in columns if column is not None]
    if not known:
        return None
    total: Column = [None] * size
    for column in known:
        longer = column if len(column) == size else [*column, *[None] * (size - len(column))]
        total = [
            one if more is None else more if one is None else one + more
            for one, more in zip(total, longer, strict=True)
        ]
    return total

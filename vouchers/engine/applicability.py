"""Which lines an item-level discount or gift touches: `applicable_to` read, and resolved on an order.

Selection: entries name lines; each orders its lines (as requested, cheapest first, …), counts lines or units, skips and
repeats, and has limits. Of several entries on one line the SKU's wins over the product's over a collection's; what is
excluded never counts. Source: validation and redemption, which lines are applicable.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from vouchers.engine.order_state import ALL_PRODUCTS, Basket, Line, OrderState
from vouchers.engine.rule_terms import ApplicableEntry, ApplicableTo, ProductRef

EVERY: Final = ApplicableEntry(ProductRef("products_collection", ALL_PRODUCTS))
MOST_UNITS_LISTED: Final = 1000
_RANK: Final = {"sku": 0, "product": 1, "products_collection": 2}

LimitOf = Callable[[ApplicableEntry, int], int | None]
"""The units of a line (by index) that limits across redemptions leave to an entry; None: as many as there are."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The lines that are touched, in candidate order: parallel columns. units: how many of each line's.

    whole: every line with all its units, in request order, by one entry: `indices` and `units` are the basket's own.
    """

    indices: Sequence[int] = ()
    units: Sequence[int] = ()
    entries: Sequence[ApplicableEntry] = ()
    whole: bool = False

    @property
    def distinct(self) -> Collection[ApplicableEntry]:
        """The entries, each once."""
        return self.entries[:1] if self.whole else {id(entry): entry for entry in self.entries}.values()


NOTHING: Final = Selection()


@dataclass(slots=True)
class _Columns:
    indices: list[int] = field(default_factory=list)
    units: list[int] = field(default_factory=list)
    entries: list[ApplicableEntry] = field(default_factory=list)


def select(
    applicable_to: ApplicableTo | None,
    order: OrderState,
    *,
    taken: Collection[int] = (),
    bundles: int | None = None,
    units_left: LimitOf | None = None,
) -> Selection:
    """Return the lines that are touched; none where no rule names any.

    taken: lines that are not available. bundles: the number found, by which limits are multiplied; a bundle without a
    limit touches one unit of a line for each. units_left: limits across redemptions.
    """
    if applicable_to is None or not applicable_to.says_anything:
        return NOTHING
    basket = order.basket
    out = set(taken).union(*(matching(basket, entry.ref) for entry in applicable_to.excluded))
    claimed = _claimed(basket, applicable_to)
    if len(claimed) == 1 and claimed[0][1] is basket.everything and not out and bundles is None:
        entry = claimed[0][0]
        if entry.effect == "APPLY_TO_EVERY" and _takes_all(entry):
            return Selection(basket.everything, basket.quantities, [entry] * len(basket.lines), whole=True)
    columns = _Columns()
    for entry, matched in claimed:
        free = [index for index in matched if index not in out] if out else matched
        _choose(basket, entry, free, columns, bundles, units_left)
    if len(columns.indices) > 1 and all(entry.effect == "APPLY_TO_EVERY" for entry in applicable_to.included):
        return _as_requested(columns)
    return Selection(columns.indices, columns.units, columns.entries)


def matching(basket: Basket, ref: ProductRef) -> Sequence[int]:
    """The indices of the lines that a product, a SKU or a collection names, in request order."""
    return basket.named(ref.object, ref.id, ref.source_id)


def _takes_all(entry: ApplicableEntry) -> bool:
    limits = (entry.quantity_limit, entry.aggregated_quantity_limit)
    return limits == (None, None) and not entry.skip_initially and entry.repeat == 1 and not entry.history_limits


def _claimed(basket: Basket, applicable_to: ApplicableTo) -> list[tuple[ApplicableEntry, Sequence[int]]]:
    """Each entry with the lines that are its own."""
    entries = list(applicable_to.included)
    if _is_about_every_line(applicable_to):
        entries.append(EVERY)
    if len(entries) <= 1:
        return [(entry, matching(basket, entry.ref)) for entry in entries]
    claimed: set[int] = set()
    own: dict[int, Sequence[int]] = {}
    for position in sorted(range(len(entries)), key=lambda position: _RANK.get(entries[position].ref.object, 3)):
        lines = [index for index in matching(basket, entries[position].ref) if index not in claimed]
        claimed.update(lines)
        own[position] = lines
    return [(entry, own[position]) for position, entry in enumerate(entries)]


def _is_about_every_line(applicable_to: ApplicableTo) -> bool:
    """Said so, or only said which lines it is not about."""
    nothing_named = not (applicable_to.included or applicable_to.matched)
    return applicable_to.included_all or (nothing_named and applicable_to.says_anything)


def _choose(
    basket: Basket,
    entry: ApplicableEntry,
    lines: Sequence[int],
    columns: _Columns,
    bundles: int | None,
    units_left: LimitOf | None,
) -> None:
    candidates, quantities = ordered(basket, entry.effect, lines), basket.quantities
    skip, repeat = entry.skip_initially, entry.repeat
    factor = bundles or 1
    per_line = entry.quantity_limit if bundles is None else (entry.quantity_limit or 1)
    per_line = None if per_line is None else per_line * factor
    together = None if entry.aggregated_quantity_limit is None else entry.aggregated_quantity_limit * factor
    if not skip and repeat == 1 and per_line is None and together is None and not entry.history_limits:
        columns.indices += candidates
        columns.units += [quantities[index] for index in candidates]
        columns.entries += [entry] * len(candidates)
        return
    before = 0
    for position, index in enumerate(candidates):
        quantity = quantities[index]
        if entry.target == "UNIT":
            units = _picked(before + quantity, skip, repeat) - _picked(before, skip, repeat)
            before += quantity
        else:
            units = quantity * (_picked(position + 1, skip, repeat) - _picked(position, skip, repeat))
        limits = (per_line, together, units_left(entry, index) if units_left and entry.history_limits else None)
        units = min(units, *(limit for limit in limits if limit is not None), units)
        if units <= 0:
            continue
        if together is not None:
            together -= units
        columns.indices.append(index)
        columns.units.append(units)
        columns.entries.append(entry)


def ordered(basket: Basket, effect: str, lines: Sequence[int]) -> Sequence[int]:
    """The lines in the order in which an effect takes them; those without a price come in no order of prices."""
    if effect == "APPLY_TO_EVERY":
        return lines
    wanted = set(lines)
    dearest_first = "MOST_EXPENSIVE" in effect
    by_price = basket.by_price_falling if dearest_first else basket.by_price
    found = [index for index in by_price if index in wanted]
    return found[:1] if effect.startswith("APPLY_TO_") else found


def _picked(upto: int, skip: int, repeat: int) -> int:
    """How many of the positions 1 to `upto` are selected: skip + 1, + repeat, + 2 · repeat, …"""
    return max(0, (upto - skip - 1) // repeat + 1)


def picked_units(start: int, quantity: int, entry: ApplicableEntry) -> list[int]:
    """The units of one line (1-based) that are selected, where `start` units of other lines came before."""
    skip, repeat = entry.skip_initially, entry.repeat
    return [unit for unit in range(1, quantity + 1) if start + unit > skip and (start + unit - skip - 1) % repeat == 0]


def _as_requested(columns: _Columns) -> Selection:
    by_line = sorted(range(len(columns.indices)), key=columns.indices.__getitem__)
    return Selection(
        [columns.indices[position] for position in by_line],
        [columns.units[position] for position in by_line],
        [columns.entries[position] for position in by_line],
    )


def resolved(
    applicable_to: ApplicableTo | None, order: OrderState | None, *, excluded: bool
) -> list[Mapping[str, Any]]:
    """The wire's `applicable_to` or `inapplicable_to`: the rule's entries, then the cart's products that they match.

    A rule about every line has no entry for them; its answer has the products alone.
    """
    if applicable_to is None:
        return []
    entries = applicable_to.excluded if excluded else applicable_to.included
    every = () if excluded or not _is_about_every_line(applicable_to) else (EVERY,)
    named = {(entry.ref.object, entry.ref.id) for entry in entries}
    shown: list[Mapping[str, Any]] = []
    concrete: dict[tuple[str, str], Mapping[str, Any]] = {}
    for entry in (*entries, *every):
        lines = [] if order is None else list(matching(order.basket, entry.ref))
        if entry is not EVERY:
            shown.append(_shown(entry, order, lines))
        elif order is not None:
            out = set[int]().union(*(matching(order.basket, one.ref) for one in applicable_to.excluded))
            lines = [index for index in lines if index not in out]
        if order is None:
            continue
        for index in lines:
            one = _concrete(order.basket, entry, index)
            if one is not None and (one["object"], one["id"]) not in named:
                concrete.setdefault((one["object"], one["id"]), one)
    return [*shown, *concrete.values()]


def _shown(entry: ApplicableEntry, order: OrderState | None, lines: list[int]) -> dict[str, Any]:
    wire = {**entry.stored}
    if lines and order is not None:
        wire = {**_names(order.basket.lines[lines[0]], entry.ref.object), **wire}
        wire["order_item_indices"] = lines
        if entry.target == "UNIT":
            wire["order_item_units"] = _unit_lists(order.basket, entry, lines)
    return wire


def _names(line: Line, kind: str) -> dict[str, Any]:
    """By what else a line's product or SKU goes, where the catalogue or the cart knows it."""
    if kind not in ("product", "sku"):
        return {}
    own = _source_id(line.data.get(kind))
    if own is None and (kind == "sku") == bool(line.item.sku_keys):
        own = line.data.get("source_id")
    names = {} if own is None else {"source_id": own}
    return {**names, **_parent(line)} if kind == "sku" else names


def _parent(line: Line) -> dict[str, Any]:
    """The product of a line's SKU."""
    parent = {"product_id": line.item.product_id, "product_source_id": _source_id(line.data.get("product"))}
    return {name: value for name, value in parent.items() if value is not None}


def _source_id(told: object) -> str | None:
    value = told.get("source_id") if isinstance(told, Mapping) else None
    return value if isinstance(value, str) else None


def _unit_lists(basket: Basket, entry: ApplicableEntry, lines: list[int]) -> list[dict[str, Any]]:
    quantities = basket.quantities
    if sum(quantities[index] for index in lines) > MOST_UNITS_LISTED:
        return [{"index": index, "units_limit_exceeded": True} for index in lines]
    listed, before = [], 0
    for index in ordered(basket, entry.effect, lines):
        units = picked_units(before, quantities[index], entry)
        before += quantities[index]
        if units:
            listed.append({"index": index, "units": units})
    return listed


def _concrete(basket: Basket, entry: ApplicableEntry, index: int) -> dict[str, Any] | None:
    """The product or SKU of a line as an entry of its own."""
    line = basket.lines[index]
    kind = "sku" if line.item.sku_keys else "product"
    known = line.item.sku_id if kind == "sku" else line.item.product_id
    source_id = line.data.get("source_id") or (line.data.get(kind) or {}).get("source_id")
    identifier = known or source_id
    if identifier is None:
        return None
    wire: dict[str, Any] = {"object": kind, "id": identifier, "source_id": source_id}
    same = basket.named(kind, identifier)
    return {
        **wire,
        **(_parent(line) if kind == "sku" else {}),
        "strict": True,
        "effect": entry.effect,
        "order_item_indices": list(same) or [index],
        "repeat": entry.repeat,
        "skip_initially": entry.skip_initially,
        "target": entry.target,
    }

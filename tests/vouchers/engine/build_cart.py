"""Carts with products, and rules that say to which of them a discount applies."""

from __future__ import annotations

from typing import Any

from vouchers.engine import product_definitions
from vouchers.engine.order_state import Item, Line, OrderState
from vouchers.engine.rule_terms import All, BundleTerms, ProductRef, RuleSet, RuleTree
from vouchers.engine.terms import CatalogueItem


def line(product: str, quantity: int, price: int | None, amount: int | None = None, **fields: Any) -> Line:
    """A line of a product; collections=…, metadata=…, product_metadata=… belong to its item."""
    item = Item(
        product_id=product,
        product_keys=frozenset({product}),
        **{
            k: fields.pop(k)
            for k in ("collections", "metadata", "product_metadata", "sku_id", "sku_keys")
            if k in fields
        },
    )
    known = amount if amount is not None or price is None else price * quantity
    return Line(quantity, price, known, item=item, data={"product_id": product}, **fields)


def cart(*lines: Line, amount: int | None = None, **fields: Any) -> OrderState:
    known = [one.amount for one in lines if one.amount is not None]
    return OrderState(amount=sum(known) if amount is None else amount, lines=lines, **fields)


def products(*names: str, **fields: Any) -> list[dict[str, Any]]:
    """Entries of `applicable_to`, one for each product."""
    return [{"object": "product", "id": name, **fields} for name in names]


def collection(name: str, **fields: Any) -> list[dict[str, Any]]:
    return [{"object": "products_collection", "id": name, **fields}]


def applies(
    included: list[dict[str, Any]] | None = None,
    excluded: list[dict[str, Any]] | None = None,
    *,
    everything: bool = False,
    public_id: str = "val_a",
) -> RuleSet:
    """A rule without conditions that says which lines are touched."""
    sent = {"included": included or [], "excluded": excluded or [], "included_all": everything}
    return RuleSet(public_id, RuleTree({}, All(())), applicable_to=product_definitions.read_applicable_to(sent))


def bundle(*parts: tuple[str, int], limit: int = 1) -> RuleSet:
    refs = tuple((ProductRef("product", name), quantity) for name, quantity in parts)
    return RuleSet("val_b", RuleTree({}, All(())), bundle=BundleTerms(limit, refs))


def article(product: str, price: int | None = None) -> CatalogueItem:
    return CatalogueItem(
        price,
        Item(product_id=product, product_keys=frozenset({product})),
        {"product_id": product, "product": {"id": product, "source_id": None, "name": product.title()}},
    )

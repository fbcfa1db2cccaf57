"""`applicable_to` and `bundle_rules` JSON → terms; the same reader checks new ones and reads stored ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from config.kernel.amounts import GREATEST
from vouchers.engine import formula_text
from vouchers.engine.bundles import MOST_BUNDLES
from vouchers.engine.rule_terms import ApplicableEntry, ApplicableTo, BundleTerms, ProductRef

OBJECTS: Final = ("product", "sku", "products_collection")
EFFECTS: Final = (
    "APPLY_TO_EVERY",
    *("APPLY_TO_CHEAPEST", "APPLY_FROM_CHEAPEST", "APPLY_TO_MOST_EXPENSIVE", "APPLY_FROM_MOST_EXPENSIVE"),
)
TARGETS: Final = ("ITEM", "UNIT")
MOST_ENTRIES: Final = 1000
LIMITS: Final = ("quantity_limit", "aggregated_quantity_limit", "amount_limit", "aggregated_amount_limit")
HISTORY_LIMITS: Final = tuple(
    f"product_{inside}{customer}{owner}_quantity_limit"
    for inside in ("", "in_collection_")
    for customer in ("", "customer_")
    for owner in ("campaign", "promotion_tier")
)
WITH_FORMULA: Final = ("price", *LIMITS[:2], *HISTORY_LIMITS)
ADDED: Final = {"strict": False, "effect": "APPLY_TO_EVERY", "repeat": 1, "skip_initially": 0, "target": "ITEM"}
"""What the service adds to entries that do not say it."""


class ProductsError(ValueError):
    """The definition cannot be meant; the message is the wire's `details`."""


def read_applicable_to(value: Any) -> ApplicableTo | None:
    """Return the terms; None where nothing is named. Raises ProductsError naming the property."""
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise ProductsError("Property .applicable_to should be an object")
    everything = value.get("included_all")
    if everything is not None and not isinstance(everything, bool):
        raise ProductsError("Property .applicable_to.included_all should be boolean")
    return ApplicableTo(
        _entries(value.get("included"), ".applicable_to.included"),
        _entries(value.get("excluded"), ".applicable_to.excluded"),
        bool(everything),
    )


def completed(value: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """`applicable_to` as it is stored and answered: the lists that were sent, their entries with the defaults."""
    if value is None:
        return None
    read_applicable_to(value)
    wire: dict[str, Any] = {}
    for name in ("excluded", "included"):
        if value.get(name) is not None:
            wire[name] = [{**ADDED, **{k: v for k, v in entry.items() if v is not None}} for entry in value[name]]
    return wire | {"included_all": bool(value.get("included_all"))}


def names_of(applicable_to: ApplicableTo | None, bundle: BundleTerms | None) -> list[ProductRef]:
    """Everything that the two name."""
    entries = [] if applicable_to is None else [*applicable_to.included, *applicable_to.excluded]
    return [entry.ref for entry in entries] + [ref for ref, _ in (bundle.parts if bundle else ())]


def read_bundle(value: Any) -> BundleTerms | None:
    """Return the bundle; None where there is none. Raises ProductsError naming the property."""
    if not value:
        return None
    if not isinstance(value, Mapping):
        raise ProductsError("Property .bundle_rules should be an object")
    limit = _whole(value.get("limit", 1), ".bundle_rules.limit", least=1, most=MOST_BUNDLES)
    parts = []
    for key, rule in value.items():
        if key in ("limit", "logic"):
            continue
        if not (key.isascii() and key.isdigit()):
            raise ProductsError(
                f"Property .bundle_rules has an unexpected key '{key[:40]}': rules are numbered 1, 2, 3"
            )
        parts.append((int(key), _part(rule, f".bundle_rules.{key}")))
    if not parts:
        raise ProductsError("Property .bundle_rules should have at least one rule")
    if len(parts) > MOST_BUNDLES:
        raise ProductsError(f"Property .bundle_rules should NOT have more than {MOST_BUNDLES} rules")
    return BundleTerms(limit or 1, tuple(part for _, part in sorted(parts, key=lambda numbered: numbered[0])))


def read_ref(value: Any, path: str) -> ProductRef:
    """Return what an object names. Raises ProductsError."""
    if not isinstance(value, Mapping):
        raise ProductsError(f"Property {path} should be an object")
    kind = value.get("object") or ("products_collection" if value.get("type") == "products_collection" else None)
    if kind not in OBJECTS:
        raise ProductsError(f"Property {path}.object should be equal to one of the allowed values {', '.join(OBJECTS)}")
    identifier, source_id = value.get("id"), value.get("source_id")
    for name, text in (("id", identifier), ("source_id", source_id)):
        if text is not None and (not isinstance(text, str) or "\0" in text):
            raise ProductsError(f"Property {path}.{name} should be string")
    if not identifier and not source_id:
        raise ProductsError(f"Property {path} should have required property 'id'")
    return ProductRef(kind, identifier or source_id or "", source_id)


def _entries(value: Any, path: str) -> tuple[ApplicableEntry, ...]:
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        raise ProductsError(f"Property {path} should be an array")
    if len(value) > MOST_ENTRIES:
        raise ProductsError(f"Property {path} should NOT have more than {MOST_ENTRIES} items")
    return tuple(_entry(entry, f"{path}[{index}]") for index, entry in enumerate(value))


def _entry(value: Any, path: str) -> ApplicableEntry:
    ref = read_ref(value, path)
    limits = {name: _whole(value.get(name), f"{path}.{name}") for name in (*LIMITS, "price", *HISTORY_LIMITS)}
    formulas = {}
    for name in WITH_FORMULA:
        text = value.get(f"{name}_formula")
        if text is None:
            continue
        try:
            formula_text.parse(text)
        except formula_text.FormulaError as error:
            raise ProductsError(f"Property {path}.{name}_formula {error}") from error
        formulas[name] = text
    return ApplicableEntry(
        ref,
        effect=_one_of(value.get("effect"), EFFECTS, f"{path}.effect"),
        target=_one_of(value.get("target"), TARGETS, f"{path}.target"),
        skip_initially=_whole(value.get("skip_initially"), f"{path}.skip_initially") or 0,
        repeat=_whole(value.get("repeat"), f"{path}.repeat", least=1) or 1,
        **{name: limits[name] for name in (*LIMITS, "price")},
        formulas=formulas,
        history_limits={name: limit for name in HISTORY_LIMITS if (limit := limits[name]) is not None},
        stored={**ADDED, **{name: part for name, part in value.items() if part is not None}},
    )


def _one_of(value: Any, allowed: tuple[str, ...], path: str) -> str:
    if value is None:
        return allowed[0]
    if value not in allowed:
        raise ProductsError(f"Property {path} should be equal to one of the allowed values {', '.join(allowed)}")
    return str(value)


def _whole(value: Any, path: str, *, least: int = 0, most: int = GREATEST) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ProductsError(f"Property {path} should be an integer from {least} to {most}")
    return value


def _part(rule: Any, path: str) -> tuple[ProductRef, int]:
    """One rule of a bundle: a product and at least how many units of it."""
    if not isinstance(rule, Mapping) or rule.get("name") != "order.items.any":
        raise ProductsError(f"Property {path}.name should be 'order.items.any'")
    named = _single(rule.get("conditions"), f"{path}.conditions")
    quantity: int | None = 1
    nested = rule.get("rules") or {}
    if not isinstance(nested, Mapping):
        raise ProductsError(f"Property {path}.rules should be an object")
    for key, inner in nested.items():
        if key == "logic":
            continue
        where = f"{path}.rules.{key}"
        if not isinstance(inner, Mapping) or inner.get("name") != "order.items.aggregated_quantity":
            raise ProductsError(f"Property {where}.name should be 'order.items.aggregated_quantity'")
        quantity = _whole(
            _single(inner.get("conditions"), f"{where}.conditions"), f"{where}.conditions.$is[0]", least=1
        )
    return read_ref(named, f"{path}.conditions.$is[0]"), quantity or 1


def _single(conditions: Any, path: str) -> Any:
    values = conditions.get("$is") if isinstance(conditions, Mapping) else None
    if not isinstance(conditions, Mapping) or set(conditions) != {"$is"} or not isinstance(values, list | tuple):
        raise ProductsError(f"Property {path} should have '$is' and nothing else")
    if len(values) != 1:
        raise ProductsError(f"Property {path}.$is should have exactly one value")
    return values[0]

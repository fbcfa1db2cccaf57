"""Pure: stacking rules as they are sent: which properties there are, what each may be, and what fits together.

Source: campaigns and promotions, stacking rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from config.kernel.errors import InvalidPayload
from config.project.metadata import is_storable
from vouchers.engine.stacking import DEFAULTS

MOST_CATEGORIES: Final = 500
LONGEST_ID: Final = 64

BOUNDS: Final[Mapping[str, tuple[int, int]]] = {
    "redeemables_limit": (1, 30),
    "applicable_redeemables_limit": (1, 30),
    "applicable_redeemables_per_category_limit": (1, 30),
    "applicable_exclusive_redeemables_limit": (1, 5),
    "applicable_exclusive_redeemables_per_category_limit": (1, 30),
}
CATEGORY_LIMIT: Final = (1, 10)
CATEGORIES: Final = (
    *("exclusive_categories", "joint_categories", "initial_amount_mode_categories"),
    *("discounted_amount_mode_categories", "no_effect_skip_categories", "no_effect_redeem_anyway_categories"),
)
CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "discount_calculation_mode": ("INITIAL_AMOUNT", "DISCOUNTED_AMOUNT"),
    "redeemables_application_mode": ("ALL", "PARTIAL"),
    "redeemables_sorting_rule": ("CATEGORY_HIERARCHY", "REQUESTED_ORDER"),
    "redeemables_products_application_mode": ("STACK", "ONCE"),
    "redeemables_no_effect_rule": ("REDEEM_ANYWAY", "SKIP"),
    "redeemables_rollback_order_mode": ("WITH_ORDER", "WITHOUT_ORDER"),
    "grouped_redeemables_sorting_rule": ("JOINT_ALWAYS_LAST", "INCLUDE_JOINT"),
}
WHOLE: Final[Mapping[str, Any]] = {
    **DEFAULTS,
    "discount_calculation_mode": "DISCOUNTED_AMOUNT",
    "initial_amount_mode_categories": [],
    "discounted_amount_mode_categories": [],
    "grouped_redeemables_sorting_rule": "JOINT_ALWAYS_LAST",
}
"""All properties with their defaults, as the management API answers them."""
DISJOINT: Final = (
    ("exclusive_categories", "joint_categories"),
    ("no_effect_skip_categories", "no_effect_redeem_anyway_categories"),
    ("initial_amount_mode_categories", "discounted_amount_mode_categories"),
)
NOT_ABOVE: Final = (
    ("applicable_redeemables_limit", "redeemables_limit"),
    ("applicable_redeemables_per_category_limit", "applicable_redeemables_limit"),
    ("applicable_exclusive_redeemables_per_category_limit", "applicable_exclusive_redeemables_limit"),
)


def parse(body: object, former: Mapping[str, Any]) -> dict[str, Any]:
    """What was set before and what the body sets now, together. Unknown properties are ignored, null is not sent.

    Raises InvalidPayload naming the property; a limit that nobody set gives way to one that was set below it.
    """
    if not isinstance(body, Mapping):
        raise InvalidPayload("Payload should be object")
    sent = {name: _read(name, value) for name, value in body.items() if name in WHOLE and value is not None}
    rules = {**former, **sent}
    for lower, upper in NOT_ABOVE:
        limit = rules.get(upper, WHOLE[upper])
        if lower in rules and rules[lower] > limit:
            raise InvalidPayload(f"Property .{lower} must be <= {limit}")
        if lower not in rules and limit < WHOLE[lower]:
            rules[lower] = limit
    for first, second in DISJOINT:
        if both := sorted(set(rules.get(first, ())) & set(rules.get(second, ()))):
            raise InvalidPayload(f"Property .{first} must NOT have a category of .{second}: {both[0]}")
    return rules


def named(rules: Mapping[str, Any]) -> set[str]:
    """The categories that the rules name."""
    listed = {public_id for name in CATEGORIES for public_id in rules.get(name, ())}
    return listed | set(rules.get("applicable_redeemables_category_limits", {}))


def without(rules: Mapping[str, Any], category: str) -> dict[str, Any]:
    """The rules after a category is gone."""
    kept = dict(rules)
    for name in CATEGORIES:
        if name in kept:
            kept[name] = [public_id for public_id in kept[name] if public_id != category]
    limits = kept.get("applicable_redeemables_category_limits")
    if limits is not None:
        kept["applicable_redeemables_category_limits"] = {key: n for key, n in limits.items() if key != category}
    return kept


def _read(name: str, value: object) -> Any:
    if name in BOUNDS:
        return _whole(name, value, BOUNDS[name])
    if name in CHOICES:
        if value not in CHOICES[name]:
            allowed = ", ".join(CHOICES[name])
            raise InvalidPayload(f"Property .{name} must be equal to one of the allowed values [ {allowed} ]")
        return value
    if name in CATEGORIES:
        return _categories(name, value)
    if not isinstance(value, Mapping):
        raise InvalidPayload(f"Property .{name} must be object")
    _check_ids(name, list(value))
    return {key: _whole(f"{name}.{key}", limit, CATEGORY_LIMIT) for key, limit in value.items()}


def _categories(name: str, value: object) -> list[str]:
    if not isinstance(value, list):
        raise InvalidPayload(f"Property .{name} must be array")
    _check_ids(name, value)
    return list(dict.fromkeys(value))


def _check_ids(name: str, ids: list[Any]) -> None:
    if len(ids) > MOST_CATEGORIES:
        raise InvalidPayload(f"Property .{name} must NOT have more than {MOST_CATEGORIES} items")
    for index, public_id in enumerate(ids):
        if not isinstance(public_id, str):
            raise InvalidPayload(f"Property .{name}[{index}] must be string")
        if not public_id or len(public_id) > LONGEST_ID or not is_storable(public_id):
            raise InvalidPayload(f"Property .{name}[{index}] must be the id of a category")


def _whole(name: str, value: object, bounds: tuple[int, int]) -> int:
    least, most = bounds
    if isinstance(value, bool) or not (isinstance(value, int) or (isinstance(value, float) and value.is_integer())):
        raise InvalidPayload(f"Property .{name} must be integer")
    if value < least:
        raise InvalidPayload(f"Property .{name} must be >= {least}")
    if value > most:
        raise InvalidPayload(f"Property .{name} must be <= {most}")
    return int(value)

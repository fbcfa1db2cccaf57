"""Pure: what comes in to qualify → one frozen QualificationRequest. Source: campaigns and promotions, section 8."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from config.kernel.errors import InvalidPayload
from config.kernel.instants import parse_instant, to_wire
from vouchers.payloads import RedeemRequest, parse_context

ALL: Final = "ALL"
WALLET: Final = "CUSTOMER_WALLET"
AUDIENCE: Final = "AUDIENCE_ONLY"
STACKS: Final = "PROMOTION_STACKS"
PRODUCTS: Final = ("PRODUCTS", "PRODUCTS_BY_CUSTOMER")
DISCOUNTED: Final = ("PRODUCTS_DISCOUNT", "PRODUCTS_DISCOUNT_BY_CUSTOMER")
SCENARIOS: Final = (ALL, WALLET, AUDIENCE, STACKS, *PRODUCTS, *DISCOUNTED)
SORTINGS: Final = ("DEFAULT", "BEST_DEAL", "LEAST_DEAL")
EXPANSIONS: Final = ("redeemable", "category", "validation_rules")
FIELDS: Final = (
    *("category_id", "campaign_id", "campaign_type", "resource_id", "resource_type", "voucher_type", "code"),
    "holder_role",
)
OPERATORS: Final = ("$is", "$is_not", "$in", "$not_in", "$has_value", "$is_unknown")
PLACES: Final = 100_000
"""Places within an instant for each of up to ten lists of candidates."""
PLACED: Final = re.compile(r"(?P<instant>.*\.[0-9]{3})(?P<place>[0-9]{6})Z")
DEFAULT_LIMIT: Final = 5
MOST: Final = 100
"""The contract says 50; the service took 100."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """`starting_after`: the instant of the last candidate of a page, to the millisecond.

    place: where within that instant, for a page that tears it apart; on the wire six digits behind the milliseconds.
    """

    instant: datetime
    place: int | None = None

    def __str__(self) -> str:
        wire = to_wire(self.instant)
        return wire if self.place is None else f"{wire.removesuffix('Z')}{self.place:06}Z"


@dataclass(frozen=True, slots=True)
class Filters:
    """Conditions on a redeemable's own facts. rules: field → operator → values."""

    rules: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    any_of: bool = False

    def hold(self, facts: Mapping[str, str | None]) -> bool:
        """Whether the redeemable is wanted. facts: by the names of FIELDS."""
        if not self.rules:
            return True
        answers = [
            all(_holds(operator, facts.get(name), values) for operator, values in conditions.items())
            for name, conditions in self.rules.items()
        ]
        return any(answers) if self.any_of else all(answers)


@dataclass(frozen=True, slots=True, kw_only=True)
class QualificationRequest:
    """What was asked. context: customer, order, tracking id and metadata, without redeemables."""

    context: RedeemRequest
    scenario: str = ALL
    limit: int = DEFAULT_LIMIT
    starting_after: Cursor | None = None
    filters: Filters = Filters()
    expand: frozenset[str] = frozenset()
    sorting: str = "DEFAULT"


def parse_qualification(body: object, *, cookie: str | None = None, anonymous: bool = False) -> QualificationRequest:
    """The body of `/v1/qualifications`. Raises InvalidPayload naming the property."""
    if not isinstance(body, Mapping):
        raise InvalidPayload("Payload should be object")
    options = body.get("options")
    if options is None:
        options = {}
    if not isinstance(options, Mapping):
        raise InvalidPayload("Property .options should be object")
    context = parse_context({**body, "options": None, "session": None}, cookie=cookie, anonymous=anonymous)
    return QualificationRequest(
        context=context,
        scenario=_one_of(body.get("scenario"), SCENARIOS, ".scenario") or ALL,
        limit=_limit(options.get("limit")),
        starting_after=_cursor(options.get("starting_after")),
        filters=_filters(options.get("filters")),
        expand=_expand(options.get("expand")),
        sorting=_one_of(options.get("sorting_rule"), SORTINGS, ".options.sorting_rule") or "DEFAULT",
    )


def _one_of(value: object, allowed: tuple[str, ...], path: str) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or value not in allowed:
        raise InvalidPayload(f"Property {path} should be equal to one of the allowed values [ {', '.join(allowed)} ]")
    return value


def _limit(value: object) -> int:
    if value is None:
        return DEFAULT_LIMIT
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidPayload("Property .options.limit should be integer")
    if not 1 <= value <= MOST:
        raise InvalidPayload(f"Property .options.limit should be between 1 and {MOST}")
    return value


def _cursor(value: object) -> Cursor | None:
    if value is None:
        return None
    try:
        if isinstance(value, str):
            placed = PLACED.fullmatch(value)
            instant = parse_instant(value if placed is None else f"{placed['instant']}Z")
            milliseconds = instant.replace(microsecond=instant.microsecond // 1000 * 1000)
            return Cursor(milliseconds, None if placed is None else int(placed["place"]))
    except ValueError:
        pass
    raise InvalidPayload("Property .options.starting_after cannot be recognized as a ISO-8601 compliant date")


def _expand(value: object) -> frozenset[str]:
    if value is None:
        return frozenset()
    if not isinstance(value, list):
        raise InvalidPayload("Property .options.expand should be array")
    return frozenset(word for word in EXPANSIONS if word in value)


def _filters(value: object) -> Filters:
    if value is None:
        return Filters()
    if not isinstance(value, Mapping):
        raise InvalidPayload("Property .options.filters should be object")
    junction = value.get("junction", "and")
    if not isinstance(junction, str) or junction.lower() not in ("and", "or"):
        raise InvalidPayload("Property .options.filters has wrong `junction` property. It must be one of: and, or")
    rules = {}
    for name, rule in value.items():
        if name == "junction":
            continue
        if name not in FIELDS:
            raise InvalidPayload(f"Property .options.filters should NOT have '{str(name)[:80]}'")
        rules[name] = _conditions(rule, f".options.filters.{name}")
    return Filters(rules, junction.lower() == "or")


def _conditions(rule: object, path: str) -> dict[str, tuple[str, ...]]:
    conditions = rule.get("conditions") if isinstance(rule, Mapping) else None
    if not isinstance(conditions, Mapping) or not conditions:
        raise InvalidPayload(f"Property {path} should have required property 'conditions'")
    read = {}
    for operator, values in conditions.items():
        if operator not in OPERATORS:
            raise InvalidPayload(f"Property {path}.conditions should be one of: {', '.join(OPERATORS)}")
        listed: list[Any] = values if isinstance(values, list) else [values]
        flag = operator in ("$has_value", "$is_unknown")
        if not flag and (not listed or not all(isinstance(text, str) for text in listed)):
            raise InvalidPayload(f"Property {path}.conditions.{operator} should be array of string")
        read[operator] = () if flag else tuple(listed[:1] if operator in ("$is", "$is_not") else listed)
    return read


def _holds(operator: str, found: str | None, values: tuple[str, ...]) -> bool:
    match operator:
        case "$is" | "$in":
            return found in values
        case "$is_not" | "$not_in":
            return found not in values
        case "$has_value":
            return found is not None
    return found is None

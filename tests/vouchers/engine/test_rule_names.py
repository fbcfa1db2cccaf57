"""Every rule name of the contract: what makes it hold, what makes it fail, and how its violation is called."""

from __future__ import annotations

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.vouchers.engine.build import facts, order, rule_set, voucher
from tests.vouchers.engine.build_cart import cart, line
from vouchers.engine import definitions, needs, rule_names, rules
from vouchers.engine.definitions import DefinitionError
from vouchers.engine.order_state import OrderState
from vouchers.engine.terms import Count, CustomerFacts

MUG = {"object": "product", "id": "mug"}
TEE = {"object": "product", "id": "tee"}
SHIRTS = {"object": "products_collection", "id": "pc_shirts"}


def shop() -> OrderState:
    """mug 2 × 1000, tee 1 × 2000 (a shirt), polo 3 × 1500 (a shirt): 8500."""
    shirts = frozenset({"pc_shirts"})
    return cart(
        line("mug", 2, 1000, metadata={"gift": True}, product_metadata={"brand": "A", "sizes": ["S", "M"]}),
        line("tee", 1, 2000, collections=shirts, product_metadata={"brand": "B"}),
        line("polo", 3, 1500, collections=shirts, metadata={"gift": True}, product_metadata={"brand": "B"}),
        data={
            "metadata": {"city": "Rome", "born": "2026-03-01", "tags": ["new", "red"], "when": "2026-03-10T09:30:00Z"}
        },
    )


CUSTOMER = CustomerFacts(
    "cust_1", "c-1", {"tier": "gold", "age": 41, "vip": True, "since": "2026-03-05"}, date(1985, 5, 1)
)
KNOWN: dict[str, Any] = {"customer_named": True, "customer": CUSTOMER}


def rule(name: str, operator: str, *values: Any, **more: Any) -> dict[str, Any]:
    return {"1": {"name": name, "conditions": {operator: list(values)}, **more}}


def nested(name: str, of: dict[str, Any], inner: str, operator: str, value: Any, **more: Any) -> dict[str, Any]:
    return rule(name, "$is", of, rules=rule(inner, operator, value, **more))


def meta(name: str, prop: str, operator: str, *values: Any) -> dict[str, Any]:
    return rule(name, operator, *values, property=prop)


def keys(definition: dict[str, Any], terms: dict[str, Any] | None = None, **situation: Any) -> list[str]:
    subject = voucher(rule_sets=(rule_set(definition),), **(terms or {}))
    return [found.key for found in rules.refusals(subject, facts(**{"order": shop(), **KNOWN, **situation}))]


ORDER, CLIENT, REDEMPTION = ["order_rules_violated"], ["customer_rules_violated"], ["redemption_rules_violated"]


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        (meta("customer.metadata", "tier", "$is", "gold"), []),
        (meta("customer.metadata", "tier", "$is", "Gold"), CLIENT),
        (meta("customer.metadata", "age", "$is", "41"), []),
        (meta("customer.metadata", "age", "$more_than", 40), []),
        (meta("customer.metadata", "age", "$less_than_equal", 40), CLIENT),
        (meta("customer.metadata", "vip", "$is", "true"), []),
        (meta("customer.metadata", "vip", "$is", False), CLIENT),
        (meta("customer.metadata", "nothing", "$is", "x"), CLIENT),
        (meta("customer.metadata", "nothing", "$is_not", "x"), []),
        (meta("customer.metadata", "nothing", "$not_in", "x", "y"), []),
        (meta("customer.metadata", "nothing", "$less_than", 5), CLIENT),
        (meta("customer_metadata", "tier", "$in", "gold", "silver"), []),
        (rule("customer.loyalty_tier", "$is", "tier_1"), CLIENT),
        (rule("order.amount", "$is", 8500), []),
        (rule("order.initial_amount", "$less_than", 8500), ORDER),
        (rule("order.items.count", "$is", 6), []),
        (rule("order.items.price_any", "$is", 2000), []),
        (rule("order.items.price_any", "$more_than", 2000), ORDER),
        (rule("order.items.price_each", "$more_than_or_equal", 1000), []),
        (rule("order.items.price_each", "$more_than", 1000), ORDER),
        (meta("order.items.metadata_any", "gift", "$is", True), []),
        (meta("order.items.metadata_each", "gift", "$is", True), ORDER),
        (meta("order.metadata", "city", "$in", "Rome", "Milan"), []),
        (meta("order.metadata", "city", "$starts_with", "R", "x"), []),
        (meta("order.metadata", "city", "$ends_with", "x"), ORDER),
        (meta("order.metadata", "city", "$contains", "om"), []),
        (meta("order.metadata", "tags", "$contains", "red"), []),
        (meta("order.metadata", "tags", "$in", "blue", "new"), []),
        (meta("order.metadata", "tags", "$count", 2), []),
        (meta("order.metadata", "tags", "$count_more", 2), ORDER),
        (meta("order.metadata", "tags", "$count_less", 3), []),
        (meta("order.metadata", "city", "$count", 1), ORDER),
        (meta("order.metadata", "tags", "$not_differ", "red", "new"), []),
        (meta("order.metadata", "tags", "$not_differ", "red"), ORDER),
        (meta("order.metadata", "tags", "$not_intersect", "blue"), []),
        (meta("order.metadata", "tags", "$not_intersect", "red"), ORDER),
        (meta("order.metadata", "nothing", "$not_intersect", "red"), []),
        (meta("order.metadata", "born", "$before", "2026-03-02"), []),
        (meta("order.metadata", "born", "$after", "2026-03-01"), ORDER),
        (meta("order.metadata", "born", "$more_than_ago", 8), []),
        (meta("order.metadata", "born", "$more_than_ago", 9), ORDER),
        (meta("order.metadata", "born", "$less_than_ago", 10), []),
        (meta("order.metadata", "born", "$is_days_ago", 9), []),
        (meta("order.metadata", "born", "$is_days_in_future", 9), ORDER),
        (meta("order.metadata", "born", "$less_than_future", 30), ORDER),
        (meta("order.metadata", "when", "$dow", 2), []),
        (meta("order.metadata", "when", "$dow", 0, 1), ORDER),
        (meta("order.metadata", "when", "$timeframe_daily_hours", "09:00;10:00;2,3"), []),
        (meta("order.metadata", "when", "$timeframe_daily_hours", "10:00;11:00;2,3"), ORDER),
        (meta("order.metadata", "when", "$timeframe_absolute", "2026-03-10T00:00:00Z;2026-03-11T00:00:00Z"), []),
        (meta("order.metadata", "when", "$timeframe", "2026-01-05T09:00:00.000Z;P1D;PT1H"), []),
        (meta("order.metadata", "when", "$timeframe", "2026-01-05T10:00:00.000Z;P1D;PT1H"), ORDER),
        (rule("order.items.any", "$is", MUG), []),
        (rule("order.items.any", "$is", {"object": "product", "id": "cap"}), ORDER),
        (rule("order.items.any", "$is", {"object": "product", "id": "cap"}, MUG), []),
        (rule("order.items.every", "$is", MUG, SHIRTS), []),
        (rule("order.items.every", "$is", SHIRTS), ORDER),
        (rule("order.items.none", "$is", {"object": "product", "id": "cap"}), []),
        (rule("order.items.none", "$is", TEE), ORDER),
        (rule("order.items.cheapest", "$is", MUG), []),
        (rule("order.items.cheapest", "$is", TEE), ORDER),
        (rule("order.items.most_expensive", "$is", TEE), []),
        ({"1": {"name": "order.items.cheapest", "conditions": {"$is": [{"object": "product", "id": "polo"}],
                                                              "$from": [SHIRTS]}}}, []),
        ({"1": {"name": "order.items.any", "conditions": {"$is": [MUG], "$from": [SHIRTS]}}}, ORDER),
        (nested("order.items.any", SHIRTS, "order.items.aggregated_amount", "$is", 6500), []),
        (nested("order.items.any", SHIRTS, "order.items.aggregated_quantity", "$is", 4), []),
        (nested("order.items.any", SHIRTS, "order.items.quantity", "$is", 1), []),
        (nested("order.items.any", SHIRTS, "order.items.price", "$is", 1500), []),
        (nested("order.items.any", SHIRTS, "order.items.price", "$more_than", 2000), ORDER),
        (nested("order.items.any", SHIRTS, "order.items.metadata", "$is", True, property="gift"), []),
        (rule("order.items.every", "$is", SHIRTS, MUG, rules=rule("order.items.price", "$more_than", 1200)), ORDER),
        (rule("order.items.every", "$is", SHIRTS, MUG, rules=rule("order.items.quantity", "$more_than", 0)), []),
        (rule("product.id", "$is", MUG), []),
        (rule("product.id", "$is", "cap"), ORDER),
        (rule("product.id", "$is_not", "cap"), []),
        (rule("product.id", "$in", "cap", "tee"), []),
        (rule("product.id", "$is", {"id": "mug"}), []),
        (rule("sku.id", "$is", "mug"), ORDER),
        (nested("product.id", MUG, "product.price", "$is", 1000), []),
        (nested("product.id", MUG, "product.quantity", "$more_than", 2), ORDER),
        (nested("product.id", MUG, "product.discount_applicable", "$is", True), []),
        (meta("product.metadata", "brand", "$is", "A"), []),
        (meta("product.metadata", "brand", "$is", "C"), ORDER),
        (meta("product.metadata", "sizes", "$contains", "S"), []),
        (rule("product.metadata", "$is", "B", property="brand",
              rules=rule("product.metadata.aggregated_quantity", "$is", 4, property="brand")), []),
        (rule("product.metadata", "$is", "B", property="brand",
              rules=rule("product.metadata.aggregated_amount", "$more_than", 6500, property="brand")), ORDER),
        (rule("product.metadata", "$is", "B", property="brand",
              rules=rule("product.metadata.match_all", "$is", True, property="brand")), ORDER),
        (rule("product.metadata", "$in", "A", "B", property="brand",
              rules=rule("product.metadata.match_all", "$is", True, property="brand")), []),
        (meta("redemption.metadata", "till", "$is", 5), []),
        (meta("redemption.metadata", "till", "$is", 6), REDEMPTION),
        (rule("redemption.api_key", "$in", "app-1", "app-2"), []),
        (rule("redemption.api_key", "$is_not", "app-1"), REDEMPTION),
        (rule("redemption.user.login", "$is", "eve@example.com"), REDEMPTION),
        (rule("redemption.user.login", "$is_not", "eve@example.com"), []),
        (rule("redemption.reward.pay_with_points.points_used", "$less_than", 5), REDEMPTION),
        (meta("custom_event.metadata", "x", "$is", 1), REDEMPTION),
    ],
)  # fmt: skip
def test_a_rule_holds_or_is_violated(definition: dict[str, Any], expected: list[str]) -> None:
    assert keys(definition, metadata={"till": "5"}, api_key="app-1") == expected


COUNTS = {
    Count("v_1"): 2,
    Count("v_1", period="daily"): 1,
    Count("v_1", by="customer"): 1,
    Count("camp_1"): 7,
    Count("camp_1", by="customer", period="monthly"): 3,
    Count("camp_1", "orders_amount"): 50000,
    Count("camp_1", "discount_amount"): 900,
    Count("v_1", by="api_key"): 4,
}


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("redemption.count", 3),
        ("redemption.count.daily", 2),
        ("redemption.count.weekly", 1),
        ("redemption.count.per_customer", 2),
        ("redemption.count.per_customer.daily", 1),
        ("redemption.count.per_api_key", 5),
        ("redemption.count.per_user", 1),
        ("campaign.redemptions.count", 8),
        ("campaign.redemptions.count.monthly", 1),
        ("campaign.redemptions.customers_count.monthly", 4),
        ("campaign.orders.amount", 58500),
    ],
)
def test_limits_count_this_redemption_too(name: str, most: int) -> None:
    terms = {"campaign_id": "camp_1"}
    assert keys(rule(name, "$less_than_or_equal", most), terms, counts=COUNTS) == []
    assert keys(rule(name, "$less_than_or_equal", most - 1), terms, counts=COUNTS) == REDEMPTION


def test_what_a_voucher_has_no_campaign_for_it_counts_itself() -> None:
    assert keys(rule("campaign.redemptions.count", "$is", 3), counts=COUNTS) == []


@pytest.mark.parametrize("name", sorted(rule_names.RULE_NAMES))
def test_each_name_says_what_is_missing_or_fails_and_never_breaks(name: str) -> None:
    row = rule_names.RULE_NAMES[name]
    for operator in row.operators:
        value = _value(row, operator)
        definition = rule(name, operator, value, **({"property": "p"} if row.with_property else {}))
        for situation in ({"order": None, "customer_named": False}, {"order": order(None)}, {"order": order(100)}, {}):
            found = keys(definition, **situation)
            assert set(found) <= {
                *("missing_customer", "missing_order", "missing_amount", "missing_order_items"),
                *("customer_rules_violated", "order_rules_violated", "redemption_rules_violated"),
            }


def _value(row: rule_names.RuleName, operator: str) -> Any:
    for value in (1, "x", "2026-03-01", True, "2026-01-05T08:00:00Z;P1D;PT2H", "18:00;20:00;2,3",
                  "2026-01-05T08:00:00Z;2026-02-05T08:00:00Z", MUG):  # fmt: skip
        try:
            definitions.read_tree(rule(row.name, operator, value, property="p"))
        except DefinitionError:
            continue
        return value
    raise AssertionError(f"{row.name} {operator} takes no value")


@pytest.mark.parametrize(
    ("definition", "situation", "key"),
    [
        (meta("customer.metadata", "tier", "$is", "gold"), {"customer_named": False}, "missing_customer"),
        (rule("redemption.count.per_customer", "$is", 1), {"customer_named": False}, "missing_customer"),
        (rule("publication.redeemable_by_linked_customer", "$is", True), {"customer_named": False}, "missing_customer"),
        (meta("order.metadata", "city", "$is", "Rome"), {"order": None}, "missing_order"),
        (rule("order.items.any", "$is", MUG), {"order": None}, "missing_order"),
        (rule("order.items.any", "$is", MUG), {"order": order(100)}, "missing_order_items"),
        (rule("product.id", "$is", MUG), {"order": order(100)}, "missing_order_items"),
        (rule("order.initial_amount", "$is", 1), {"order": order(None)}, "missing_amount"),
    ],
)
def test_what_a_rule_needs_and_nobody_gave(definition: dict[str, Any], situation: dict[str, Any], key: str) -> None:
    assert keys(definition, **situation) == [key]


@pytest.mark.parametrize("value", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-99-99", "x" * 39, 7])
@pytest.mark.parametrize("operator", ["$is_days_ago", "$dow", "$timeframe", "$timeframe_daily_hours", "$after", "$is"])
def test_dates_at_the_edge_of_the_calendar_are_survived(value: Any, operator: str) -> None:
    asked = {"$timeframe": "2026-01-05T09:00:00Z;P1D;PT1H", "$timeframe_daily_hours": "09:00;10:00;2"}
    wanted: Any = asked.get(operator, "2026-03-01" if operator in ("$after", "$is") else 1)
    metadata = {"metadata": {"p": value}}
    west = ZoneInfo("Pacific/Pago_Pago")
    state = cart(line("mug", 1, 1), data=metadata)
    assert keys(meta("order.metadata", "p", operator, wanted), order=state, zone=west) in ([], ORDER)


def test_only_the_holder_where_a_rule_says_so() -> None:
    linked = rule("publication.redeemable_by_linked_customer", "$is", True)
    assert keys(linked, {"holder_id": "cust_1"}) == []
    assert keys(linked, {"holder_id": "cust_2"}) == REDEMPTION
    assert keys(linked) == REDEMPTION


def test_what_qualifications_ignore_holds() -> None:
    both = {**rule("order.amount", "$is", 1), "2": {"name": "customer.segment", "conditions": {"$is": ["seg_1"]}}}
    assert keys(both, ignored_rules=rule_names.IGNORED_BY_QUALIFICATIONS) == CLIENT
    assert keys(both, ignored_rules=rule_names.NOT_ABOUT_CUSTOMERS) == CLIENT
    assert keys(rule("campaign.orders.amount_discounted", "$is", 0),
                ignored_rules=rule_names.IGNORED_BY_QUALIFICATIONS) == []  # fmt: skip


def test_needs_are_what_the_rules_read() -> None:
    definition = {
        **rule("redemption.count.per_customer.daily", "$is", 1),
        "2": {"name": "campaign.orders.amount", "conditions": {"$is": [1]}},
        "3": {"name": "customer.segment", "conditions": {"$in": ["seg_1", "seg_2"]}},
        "4": {"name": "order.items.any", "conditions": {"$is": [SHIRTS, MUG]}},
    }
    discount = {"type": "UNIT", "unit_off": 1, "unit_type": "prod_1"}
    terms = voucher(discount, rule_sets=(rule_set(definition),), campaign_id="camp_1")
    found = needs.of([terms])
    assert found.counts == {Count("v_1", by="customer", period="daily"), Count("camp_1", "orders_amount")}
    assert (found.segments, found.collections, found.unit_types) == ({"seg_1", "seg_2"}, {"pc_shirts"}, {"prod_1"})
    assert needs.of([voucher()]).nothing


@pytest.mark.parametrize(
    ("definition", "problem"),
    [
        (rule("customer.metadata", "$is", 1), "Rule 'customer.metadata' must have a 'property'"),
        (rule("product.metadata", "$is", 1), "Rule 'product.metadata' must have a 'property'"),
        (meta("order.metadata", "a", "$is", {}), "not a text, number or boolean"),
        (meta("order.metadata", "a", "$count", -1), "not a whole number from 0"),
        (meta("order.metadata", "a", "$after", "soon"), "not a date"),
        (meta("order.metadata", "a", "$dow", 7), "not a weekday from 0 to 6"),
        (meta("order.metadata", "a", "$timeframe", "2026-01-01;P1D"), "not 3 parts"),
        (meta("order.metadata", "a", "$timeframe", "2026-01-01;P1D;1h"), "ISO 8601 duration"),
        (meta("order.metadata", "a", "$timeframe_daily_hours", "25:00;26:00;1"), "'start_time'"),
        (rule("order.items.any", "$is", {"object": "planet", "id": "x"}), "allowed values"),
        (rule("order.items.any", "$is", {"object": "product"}), "required property 'id'"),
        (rule("order.items.any", "$more_than", MUG), "unknown operator '$more_than'"),
        (rule("product.discount_applicable", "$is", 5), "not true or false"),
        (rule("product.metadata.discount_applicable", "$is", 5), "not true or false"),
        (rule("redemption.count.per_customer", "$is", "x"), "not a number"),
        (rule("order.amount", "$is", "9" * 5000), "not a number"),
    ],
)
def test_rules_that_cannot_be_meant(definition: dict[str, Any], problem: str) -> None:
    with pytest.raises(DefinitionError) as refused:
        definitions.read_tree(definition)
    assert problem in str(refused.value)


def test_rules_nested_too_deep_are_refused() -> None:
    deep: dict[str, Any] = rule("order.amount", "$is", 1)
    for _ in range(10):
        deep = rule("order.amount", "$is", 1, rules=deep)
    with pytest.raises(DefinitionError, match="nested deeper"):
        definitions.read_tree(deep)

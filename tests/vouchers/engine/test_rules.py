"""Every reason of a refusal, in order; and the definitions that rules are read from."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.vouchers.engine.build import NOON, amount, facts, gift, order, rule_set, segment, voucher
from vouchers.engine import definitions, needs, rules
from vouchers.engine.definitions import DefinitionError
from vouchers.engine.terms import Validity

LATER = NOON + timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("_case", "terms", "situation", "keys"),
    [
        ("nothing against it", {}, {}, []),
        ("the last instant counts", {"validity": Validity(expiration_date=NOON)}, {}, []),
        ("after it", {"validity": Validity(expiration_date=NOON)}, {"at": LATER}, ["voucher_expired"]),
        ("the first instant counts", {"validity": Validity(start_date=NOON)}, {}, []),
        ("before it", {"validity": Validity(start_date=LATER)}, {}, ["voucher_not_active"]),
        ("switched off", {"active": False}, {}, ["voucher_disabled"]),
        ("campaign switched off", {"campaign_active": False}, {}, ["voucher_disabled"]),
        ("wrong weekday", {"validity": Validity(day_of_week=(0,))}, {}, ["voucher_not_active_now"]),
        ("one use left", {"quantity": 3, "redeemed_quantity": 2}, {}, []),
        ("none left", {"quantity": 3, "redeemed_quantity": 3}, {}, ["quantity_exceeded"]),
        (
            "the last one is held",
            {"quantity": 3, "redeemed_quantity": 2, "held_quantity": 1},
            {},
            ["quantity_exceeded"],
        ),
        ("never any", {"quantity": 0}, {}, ["quantity_exceeded"]),
        ("unlimited", {"quantity": None, "redeemed_quantity": 10**6}, {}, []),
        (
            "all reasons, in order",
            {"active": False, "validity": Validity(expiration_date=NOON), "quantity": 1, "redeemed_quantity": 1},
            {"at": LATER},
            ["voucher_disabled", "voucher_expired", "quantity_exceeded"],
        ),
    ],
)
def test_refusals(_case: str, terms: dict[str, Any], situation: dict[str, Any], keys: list[str]) -> None:
    assert [refusal.key for refusal in rules.refusals(voucher(**terms), facts(**situation))] == keys


@pytest.mark.parametrize(
    ("_case", "balance", "situation", "keys"),
    [
        ("enough", 5000, {"credits": 5000}, []),
        ("more than the balance", 5000, {"credits": 5001}, ["gift_amount_exceeded"]),
        ("empty, none asked", 0, {}, []),
        ("empty, some asked", 0, {"credits": 1}, ["gift_amount_exceeded"]),
        ("no order", 5000, {"order": None}, ["missing_amount"]),
        ("order without amount", 5000, {"order": order(None)}, ["missing_amount"]),
    ],
)
def test_refusals_of_a_gift_card(_case: str, balance: int, situation: dict[str, Any], keys: list[str]) -> None:
    assert [refusal.key for refusal in rules.refusals(gift(balance), facts(**situation))] == keys


VIP = {"1": segment("seg_vip")}
FIFTY = {"1": amount("$more_than_or_equal", 5000)}
INSIDE = {"customer_named": True, "segments": frozenset({"seg_vip"})}
OUTSIDE = {"customer_named": True}


@pytest.mark.parametrize(
    ("_case", "definition", "situation", "keys"),
    [
        ("member", VIP, INSIDE, []),
        ("not a member", VIP, OUTSIDE, ["customer_rules_violated"]),
        ("nobody named", VIP, {}, ["missing_customer"]),
        ("nobody named, negative operator", {"1": segment("seg_vip", op="$is_not")}, {}, ["missing_customer"]),
        ("negative operator", {"1": segment("seg_vip", op="$is_not")}, INSIDE, ["customer_rules_violated"]),
        ("any of several", {"1": segment("seg_a", "seg_vip", op="$in")}, INSIDE, []),
        ("none of several", {"1": segment("seg_a", "seg_b", op="$not_in")}, INSIDE, []),
        ("older spelling", {"1": {"name": "customer_segment", "conditions": {"$is": ["seg_x"]}}}, INSIDE,
         ["customer_rules_violated"]),
        ("amount reached", FIFTY, {"order": order(5000)}, []),
        ("amount missed", FIFTY, {"order": order(4999)}, ["order_rules_violated"]),
        ("earlier discounts count", FIFTY, {"order": order(5500, discount=501)}, ["order_rules_violated"]),
        ("no order", FIFTY, {"order": None}, ["missing_order"]),
        ("no amount", FIFTY, {"order": order(None)}, ["missing_amount"]),
        ("number as text", {"1": amount("$is", "10000")}, {}, []),
        ("spelling of the examples", {"1": amount("$greater_than_or_equal", 10000)}, {}, []),
        ("two operators, both must hold",
         {"1": {"name": "order.amount", "conditions": {"$more_than": [5], "$less_than": [10000]}}}, {},
         ["order_rules_violated"]),
        ("in", {"1": amount("$in", 1, 10000)}, {}, []),
        ("not in", {"1": amount("$not_in", 1, 10000)}, {}, ["order_rules_violated"]),
        ("or: one suffices", VIP | {"2": amount("$is", 10000), "logic": "1 or 2"}, OUTSIDE, []),
        ("or: one suffices, nobody named", VIP | {"2": amount("$is", 10000), "logic": "1 or 2"}, {}, []),
        ("or: all that failed", VIP | {"2": amount("$is", 1), "logic": "1 or 2"}, OUTSIDE,
         ["customer_rules_violated", "order_rules_violated"]),
        ("numeric order, not the logic's", VIP | {"2": amount("$is", 1), "logic": "2 and 1"}, OUTSIDE,
         ["customer_rules_violated", "order_rules_violated"]),
        ("what is missing comes first", {"1": amount("$is", 1), "2": segment("s")}, {},
         ["missing_customer", "order_rules_violated"]),
        ("not mentioned, not asked", VIP | {"2": amount("$is", 10000), "logic": "2"}, OUTSIDE, []),
        ("no rules", {"logic": ""}, {}, []),
        ("nested holds", {"1": segment("seg_vip", rules={"1": amount("$is", 10000)})}, INSIDE, []),
        ("nested fails", {"1": segment("seg_vip", rules={"1": amount("$is", 1)})}, INSIDE, ["order_rules_violated"]),
    ],
)  # fmt: skip
def test_rule_sets(_case: str, definition: dict[str, Any], situation: dict[str, Any], keys: list[str]) -> None:
    terms = voucher(rule_sets=(rule_set(definition),))
    assert [refusal.key for refusal in rules.refusals(terms, facts(**situation))] == keys


EXAMPLE = {
    "1": segment("seg_vip", error={"message": "VIP only"}),
    "2": amount("$more_than_or_equal", 5000),
    "logic": "1 AND 2",
}


def test_the_failing_rules_own_message_wins_over_the_sets() -> None:
    terms = voucher(rule_sets=(rule_set(EXAMPLE, error="Offer not available"),))
    outside = rules.refusals(terms, facts(customer_named=True))
    assert [refusal.custom_message for refusal in outside] == ["VIP only"]
    small = rules.refusals(terms, facts(order=order(4999), **INSIDE))
    assert [(refusal.key, refusal.custom_message) for refusal in small] == [
        ("order_rules_violated", "Offer not available")
    ]
    assert rules.refusals(terms, facts(**INSIDE)) == []


def test_a_refusal_keeps_what_was_demanded_beside_what_was_found() -> None:
    terms = voucher(rule_sets=(rule_set(EXAMPLE),))
    refusal = rules.refusals(terms, facts(order=order(4999), **INSIDE))[0]
    assert refusal.facts == {
        "rule_id": "val_1",
        "rule": 2,
        "name": "order.amount",
        "conditions": {"$more_than_or_equal": [5000]},
        "found": 4999,
    }
    assert refusal.details == "Discount Coupon cannot be redeemed because of violated validation rules: val_1"


def test_all_rule_sets_must_pass() -> None:
    terms = voucher(rule_sets=(rule_set(VIP, public_id="val_1"), rule_set(FIFTY, public_id="val_2")))
    found = rules.refusals(terms, facts(order=order(1), **OUTSIDE))
    assert [refusal.facts["rule_id"] for refusal in found] == ["val_1", "val_2"]


@pytest.mark.parametrize(
    ("definition", "problem"),
    [
        ([], "Property .rules should be an object"),
        ({"1": 5}, "Property .rules.1 should be an object"),
        ({"a": amount("$is", 1)}, "unexpected key 'a'"),
        ({"0": amount("$is", 1)}, "unexpected key '0'"),
        ({"1": {"conditions": {}}}, "should have required property 'name'"),
        ({"1": {"name": "order.weight", "conditions": {"$is": [1]}}}, "Rule 'order.weight' is not supported"),
        ({"1": {"name": "custom_event.metadata", "conditions": {"$is": [1]}}},
         "Rule 'custom_event.metadata' must have a 'property'"),
        ({"1": {"name": "order.amount"}}, "must have 'conditions'"),
        ({"1": {"name": "order.amount", "conditions": {}}}, "at least one operator"),
        ({"1": amount("$starts_with", 1)}, "unknown operator '$starts_with'"),
        ({"1": {"name": "order.amount", "conditions": {"$is": 5}}}, "should be an array"),
        ({"1": amount("$is")}, "at least one value"),
        ({"1": amount("$is", 1, 2)}, "exactly one value"),
        ({"1": amount("$is", "ten")}, "not a number"),
        ({"1": amount("$is", True)}, "not a number"),
        ({"1": amount("$is", "NaN")}, "not a number"),
        ({"1": segment("$x", op="$more_than")}, "unknown operator '$more_than'"),
        ({"1": {"name": "customer.segment", "conditions": {"$is": [5]}}}, "not an id"),
        ({"1": amount("$is", 1), "logic": "1 and 2"}, "names rule 2, which is not there"),
        ({"1": amount("$is", 1), "logic": "1 and"}, "Property .rules.logic ends too early"),
        ({"1": amount("$is", 1), "logic": 5}, "Property .rules.logic should be a string"),
        ({"1": amount("$is", 1, rules={"1": amount("$no", 1)})}, ".rules.1.rules.1.conditions"),
        ({"1": amount("$is", 1, error="no")}, "Property .rules.1.error should be an object"),
        ({str(n): amount("$is", 1) for n in range(1, 102)}, "more than 100 rules"),
    ],
)  # fmt: skip
def test_definitions_that_are_refused(definition: Any, problem: str) -> None:
    with pytest.raises(DefinitionError) as refused:
        definitions.read_tree(definition)
    assert problem in str(refused.value)


def test_missing_logic_is_filled_in_and_the_rest_is_kept_as_sent() -> None:
    sent = {"1": amount("$greater_than", 1), "2": segment("seg_a", "seg_b", op="$in", rules={})}
    tree = definitions.read_tree(sent)
    assert definitions.completed(sent, tree) == {**sent, "logic": "1 and 2"}
    assert definitions.completed({"logic": ""}, definitions.read_tree({"logic": ""})) == {"logic": ""}
    assert definitions.completed({}, definitions.read_tree({})) == {}
    assert needs.segment_ids(tree) == ["seg_a", "seg_b"]

"""Every refusal key has words, and the facts stand beside the rule."""

from __future__ import annotations

import ast
from datetime import UTC

import pytest

from config.paths import BASE_DIR
from vouchers.reasons import TITLES, Voice, conditions_in_words, explain, rule_in_words, title_of

VOICE = Voice(
    money=lambda amount: f"{(amount or 0) / 100:.2f}",
    moment=lambda at: f"{at.astimezone(UTC):%d.%m.%Y}",
    segments={"seg_1": "VIP"},
)


@pytest.mark.parametrize(
    ("key", "facts", "title", "fact"),
    [
        ("quantity_exceeded", {"quantity": 1, "redeemed_quantity": 1}, "All uses are taken", "Redeemed 1 of 1."),
        ("voucher_disabled", {"disabled": "campaign"}, "Its campaign is switched off", ""),
        ("voucher_disabled", {"disabled": "voucher"}, "The code is switched off", ""),
        ("voucher_expired", {"expiration_date": "2026-01-31T00:00:00Z"}, "Expired", "It ended on 31.01.2026."),
        ("voucher_not_active", {"start_date": "2026-01-31T00:00:00Z"}, "Not valid yet", "It starts on 31.01.2026."),
        (
            "voucher_not_active_now",
            {"outside": "validity_day_of_week"},
            "Not valid at this hour",
            "It does not count on this weekday.",
        ),
        (
            "customer_rules_violated",
            {"name": "customer.segment", "conditions": {"$in": ["seg_1", "seg_2"]}, "found": []},
            "The customer is not in the segment",
            "Rule: one of “VIP”, “seg_2”. This customer is not in it.",
        ),
        (
            "customer_rules_violated",
            {"name": "customer.segment", "conditions": {"$is_not": ["seg_1"]}, "found": ["seg_1"]},
            "The customer is in a segment that is left out",
            "Rule: “VIP”. This customer is in “VIP”.",
        ),
        (
            "order_rules_violated",
            {"name": "order.amount", "conditions": {"$more_than_or_equal": [10000]}, "found": 8000},
            "The order is too small",
            "Rule: at least 100.00. This order: 80.00.",
        ),
        (
            "order_rules_violated",
            {"name": "order.amount", "conditions": {"$less_than": [100]}, "found": 100},
            "The order is too large",
            "Rule: less than 1.00. This order: 1.00.",
        ),
        (
            "gift_amount_exceeded",
            {"credits": 500, "balance": 300},
            "More than the gift card's balance",
            "Asked for 5.00, left on the card: 3.00.",
        ),
        (
            "order_rules_violated",
            {"name": "bundle", "missing": [{"id": "jam", "object": "product", "item_quantity": 2}]},
            "The order does not fit",
            "The bundle is not complete: 2 × “jam” missing.",
        ),
        (
            "promotion_inactive",
            {"expiration_date": "2026-01-31T00:00:00Z"},
            "The promotion is switched off or over",
            "It ended on 31.01.2026.",
        ),
        (
            "promotion_not_active_now",
            {"outside": "validity_day_of_week"},
            "The promotion does not count now",
            "It does not count on this weekday.",
        ),
        ("something_new", {}, "Refused: something new", ""),
        ("", {}, "Refused", ""),
    ],
)
def test_reasons_in_words(key, facts, title, fact):
    words = explain({"key": key, "facts": facts}, VOICE)
    assert (words.title, words.fact) == (title, fact)


@pytest.mark.parametrize("reason", [{}, {"key": None}, {"key": "voucher_expired", "facts": None}, {"facts": []}])
def test_attempts_that_kept_little_still_have_words(reason):
    assert explain(reason, VOICE).title


def test_every_key_of_the_engine_has_words():
    keys = {
        node.args[0].value
        for path in (BASE_DIR / "vouchers/engine").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Refusal"
        if node.args and isinstance(node.args[0], ast.Constant)
    }
    assert keys
    assert {key for key in keys if key not in TITLES} == set()


@pytest.mark.parametrize(
    ("name", "conditions", "sentence"),
    [
        ("customer.segment", {"$is": ["seg_1"]}, "Customer is in “VIP”"),
        ("customer.segment", {"$not_in": ["seg_1", "seg_2"]}, "Customer is not in “VIP” or “seg_2”"),
        (
            "order.amount",
            {"$more_than": [100], "$less_than_or_equal": [900]},
            "Order amount is more than 1.00 and Order amount is at most 9.00",
        ),
    ],
)
def test_stored_conditions_in_words(name, conditions, sentence):
    assert conditions_in_words(name, conditions, VOICE) == sentence


def test_unknown_keys_are_shown_as_they_are():
    assert title_of("brand_new_key") == "Refused: brand new key"


@pytest.mark.parametrize(
    ("logic", "sentences"),
    [
        ("1 AND 2", ["Customer is in “VIP”", "Order amount is exactly 1.00"]),
        ("", ["Customer is in “VIP”", "Order amount is exactly 1.00"]),
        ("1 OR 2", ["1. Customer is in “VIP”", "2. Order amount is exactly 1.00", "Needed: 1 or 2"]),
    ],
)
def test_stored_rules_in_words(logic, sentences):
    rules = {
        "2": {"name": "order.amount", "conditions": {"$is": [100]}},
        "1": {"name": "customer.segment", "conditions": {"$is": ["seg_1"]}},
        "logic": logic,
    }
    assert rule_in_words(rules, VOICE) == sentences

"""Rules as rows of a form: what goes there and back, and what stays JSON."""

from __future__ import annotations

import pytest

from vouchers import rule_rows
from vouchers.rule_rows import Row, Sheet


def rule(name, conditions, **more):
    return {"name": name, "conditions": conditions, "rules": {}, **more}


@pytest.mark.parametrize(
    "rules",
    [
        {},
        {"1": rule("customer.segment", {"$is": ["seg_1"]}), "logic": "1"},
        {
            "1": rule("order.amount", {"$more_than_or_equal": [10050]}, error={"message": "More, please"}),
            "2": rule("redemption.count.per_customer", {"$less_than_or_equal": [1]}),
            "logic": "1 AND 2",
        },
        {
            "1": rule("customer.metadata", {"$in": ["gold", 5, True, "7"]}, property="tier"),
            "2": rule("publication.redeemable_by_linked_customer", {"$is": [True]}),
            "3": rule("order.items.any", {"$is": [{"id": "pc_1", "object": "products_collection"}]}),
            "logic": "1 AND (2 OR 3)",
        },
        {
            "1": {
                "name": "order.items.any",
                "conditions": {"$is": [{"id": "prod_mug", "object": "product"}]},
                "rules": {"1": rule("order.items.aggregated_quantity", {"$more_than_or_equal": [2]}), "logic": "1"},
            },
            "logic": "1",
        },
    ],
)
def test_rules_come_back_as_they_were(rules):
    sheet = rule_rows.read(rules)
    assert sheet is not None
    written, problems = rule_rows.write(sheet)
    assert written == rules
    assert problems.found == {}


@pytest.mark.parametrize(
    "rules",
    [
        {"1": rule("order.amount", {"$more_than": [1], "$less_than": [5]})},
        {"2": rule("order.amount", {"$more_than": [1]})},
        {"1": rule("order.metadata", {"$is": ["a, b"]}, property="k")},
        {"1": rule("order.items.any", {"$is": [{"id": "prod_1", "effect": "X"}]})},
        {"1": "text"},
        {"1": rule("order.items.any", {"$is": ["p"]}) | {"rules": {str(n): rule("a", {"$is": [1]}) for n in (1, 2)}}},
    ],
)  # fmt: skip
def test_what_rows_cannot_say_stays_json(rules):
    assert rule_rows.read(rules) is None


@pytest.mark.parametrize(
    ("logic", "match"),
    [("1 and 2 and 3", "all"), ("", "all"), ("1 OR 2 OR 3", "any"), ("(1 or 2) and 3", "own"), ("3 and 1", "own")],
)
def test_how_rows_are_joined(logic, match):
    rules = {str(number): rule("order.amount", {"$is": [100]}) for number in (1, 2, 3)}
    sheet = rule_rows.read({**rules, "logic": logic})
    assert sheet is not None
    assert sheet.match == match


def test_what_is_missing_is_said_row_by_row():
    rows = (Row(), Row(name="order.amount", operator="$is", values=("x", "1.005")), Row(name="order.metadata"))
    _, problems = rule_rows.write(Sheet(rows))
    assert problems.found == {
        1: ["Choose what the condition is about.", "Choose how it is compared."],
        2: ["“x” is not a number.", "“1.005” has more than two decimals."],
        3: ["Say which key of the metadata.", "Choose how it is compared."],
    }

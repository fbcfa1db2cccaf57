"""Several redeemables of one request."""

from __future__ import annotations

from typing import Any

import pytest

from tests.vouchers.engine.build import amount, facts, gift, order, rule_set, voucher
from vouchers.engine.stacking import Candidate, StackingRules, evaluate, read_stacking_rules
from vouchers.engine.terms import VoucherTerms


def percent(off: int, **fields: Any) -> VoucherTerms:
    return voucher({"type": "PERCENT", "percent_off": off}, **fields)


TEN = Candidate("TEN", percent(10))
OFF = Candidate("OFF", percent(10, active=False))
UNKNOWN = Candidate("NOBODY", None)
OVER_100 = Candidate("BIG", percent(20, rule_sets=(rule_set({"1": amount("$more_than", 10000)}),)))


@pytest.mark.parametrize(
    ("_case", "candidates", "statuses", "valid"),
    [
        ("one", [TEN], ["APPLICABLE"], True),
        ("one that is off", [OFF], ["INAPPLICABLE"], False),
        ("unknown first, the rest is skipped", [UNKNOWN, TEN], ["INAPPLICABLE", "SKIPPED"], False),
        ("unknown second, the first stays applicable", [TEN, UNKNOWN], ["APPLICABLE", "INAPPLICABLE"], False),
        ("more than the limit", [TEN] * 7, ["APPLICABLE"] * 5 + ["SKIPPED"] * 2, True),
    ],
)
def test_all_mode(_case: str, candidates: list[Candidate], statuses: list[str], valid: bool) -> None:
    stack = evaluate(candidates, facts(), StackingRules())
    assert ([outcome.status for outcome in stack.outcomes], stack.valid) == (statuses, valid)


def test_a_skip_tells_why() -> None:
    after_failure = evaluate([UNKNOWN, TEN], facts(), StackingRules()).outcomes[1]
    over_limit = evaluate([TEN] * 6, facts(), StackingRules()).outcomes[5]
    assert after_failure.skip is not None and after_failure.skip.key == "preceding_validation_failed"
    assert over_limit.skip is not None and over_limit.skip.key == "applicable_redeemables_limit_exceeded"


def test_an_unknown_code_is_a_404_that_names_it() -> None:
    refusal = evaluate([UNKNOWN], facts(), StackingRules()).outcomes[0].refusals[0]
    assert (refusal.code, refusal.key, refusal.details) == (404, "not_found", "Cannot find voucher with id NOBODY")


@pytest.mark.parametrize(
    ("candidates", "statuses", "total"),
    [([TEN, OVER_100], ["APPLICABLE", "INAPPLICABLE"], 9450), ([OVER_100, TEN], ["APPLICABLE", "APPLICABLE"], 7560)],
)
def test_w30_rules_see_the_order_after_earlier_discounts(
    candidates: list[Candidate], statuses: list[str], total: int
) -> None:
    stack = evaluate(candidates, facts(order=order(10500)), StackingRules(application_mode="PARTIAL"))
    assert [outcome.status for outcome in stack.outcomes] == statuses
    assert stack.valid and stack.order is not None and stack.order.total_amount == total


def test_stacked_gift_and_percentage() -> None:
    stack = evaluate(
        [Candidate("G", gift(500)), Candidate("P", percent(20))], facts(order=order(5000)), StackingRules()
    )
    children = [outcome.effect.order for outcome in stack.outcomes if outcome.effect is not None]
    assert [(c.discount_amount, c.applied_discount_amount, c.total_amount) for c in children if c is not None] == [
        (500, 500, 4500),
        (1400, 900, 3600),
    ]
    assert stack.order is not None
    assert (stack.order.discount_amount, stack.order.applied_discount_amount) == (1400, 1400)


def test_without_order_a_discount_is_applicable_and_there_is_no_order() -> None:
    stack = evaluate([TEN], facts(order=None), StackingRules())
    assert (stack.valid, stack.order) == (True, None)


def test_no_effect_is_redeemed_anyway_unless_the_project_says_skip() -> None:
    fixed = Candidate("F", voucher({"type": "FIXED", "fixed_amount": 20000}))
    assert evaluate([fixed], facts(), StackingRules()).outcomes[0].status == "APPLICABLE"
    skipped = evaluate([fixed], facts(), read_stacking_rules({"redeemables_no_effect_rule": "SKIP"}))
    assert (skipped.outcomes[0].status, skipped.valid) == ("SKIPPED", False)


def test_defaults_are_the_wires() -> None:
    rules = read_stacking_rules({})
    assert (rules.redeemables_limit, rules.applicable_limit, rules.application_mode) == (30, 5, "ALL")
    assert rules == StackingRules()

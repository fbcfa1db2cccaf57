"""Who goes with whom: categories, limits, sorting, modes, and what a redeemable without effect becomes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.vouchers.engine.build import amount, facts, gift, order, rule_set, voucher
from tests.vouchers.engine.build_cart import applies, cart, line
from vouchers.engine.stacking import Candidate, Stack, evaluate, read_stacking_rules
from vouchers.engine.terms import CategoryTerms, VoucherTerms


def one(name: str, category: str | None = None, hierarchy: int = 0, **fields: Any) -> Candidate:
    known = None if category is None else CategoryTerms(category, category, hierarchy)
    return Candidate(name, voucher({"type": "AMOUNT", "amount_off": 100}, category=known, **fields))


def decide(candidates: list[Candidate], **rules: Any) -> Stack:
    return evaluate(candidates, facts(order=order(10000)), read_stacking_rules(rules))


def told(stack: Stack) -> list[tuple[str, str]]:
    return [
        (o.candidate.id, o.skip.key if o.skip else o.refusals[0].key if o.refusals else "yes") for o in stack.outcomes
    ]


EXCLUSIVE = {"exclusive_categories": ["never"], "joint_categories": ["always"]}
OUT = "exclusion_rules_not_met"
OVER = "applicable_redeemables_limit_exceeded"
PER_CATEGORY = "applicable_redeemables_per_category_limit_exceeded"
EXCLUSIVE_OVER = "applicable_exclusive_redeemables_limit_exceeded"
EXCLUSIVE_PER_CATEGORY = "applicable_exclusive_redeemables_per_category_limit_exceeded"


@pytest.mark.parametrize(
    ("_case", "candidates", "rules", "expected"),
    [
        ("common with common", [one("A", "a"), one("B", "b"), one("C")], EXCLUSIVE,
         [("A", "yes"), ("B", "yes"), ("C", "yes")]),
        ("common next to an exclusive one, wherever it stands", [one("A", "a"), one("N", "never"), one("C")], EXCLUSIVE,
         [("A", OUT), ("N", "yes"), ("C", OUT)]),
        ("joint with all", [one("J", "always"), one("N", "never"), one("A", "a")], EXCLUSIVE,
         [("N", "yes"), ("A", OUT), ("J", "yes")]),
        ("joint with common, no exclusive one: as requested", [one("J", "always"), one("A", "a")], EXCLUSIVE,
         [("J", "yes"), ("A", "yes")]),
        ("joint ones are not moved where the project says so", [one("J", "always"), one("N", "never")],
         EXCLUSIVE | {"grouped_redeemables_sorting_rule": "INCLUDE_JOINT"}, [("J", "yes"), ("N", "yes")]),
        ("an exclusive one that is off excludes nobody, and fails by itself",
         [one("A", "a"), one("N", "never", active=False)], EXCLUSIVE, [("A", "yes"), ("N", "voucher_disabled")]),
        ("one of a category", [one("A", "a"), one("B", "a"), one("C", "c")], {},
         [("A", "yes"), ("B", PER_CATEGORY), ("C", "yes")]),
        ("a category with a limit of its own", [one("A", "a"), one("B", "a"), one("C", "a")],
         {"applicable_redeemables_category_limits": {"a": 2}}, [("A", "yes"), ("B", "yes"), ("C", PER_CATEGORY)]),
        ("uncategorised ones count for no category", [one(name) for name in "ABCDEF"], {},
         [*((name, "yes") for name in "ABCDE"), ("F", OVER)]),
        ("two exclusive ones of two categories", [one("A", "never"), one("B", "ever")],
         {"exclusive_categories": ["never", "ever"]}, [("A", "yes"), ("B", EXCLUSIVE_OVER)]),
        ("within limits they go together", [one("A", "never"), one("B", "ever")],
         {"exclusive_categories": ["never", "ever"], "applicable_exclusive_redeemables_limit": 2},
         [("A", "yes"), ("B", "yes")]),
        ("but not two of one category", [one("A", "never"), one("B", "never")],
         {"exclusive_categories": ["never"], "applicable_exclusive_redeemables_limit": 2,
          "applicable_redeemables_per_category_limit": 2}, [("A", "yes"), ("B", EXCLUSIVE_PER_CATEGORY)]),
        ("by hierarchy, none last, ties as requested",
         [one("X"), one("B", "b", 2), one("A", "a", 1), one("C", "c", 2)],
         {"redeemables_sorting_rule": "CATEGORY_HIERARCHY"},
         [("A", "yes"), ("B", "yes"), ("C", "yes"), ("X", "yes")]),
        ("all: the first refusal skips what follows", [one("A"), one("B", active=False), one("C")], {},
         [("A", "yes"), ("B", "voucher_disabled"), ("C", "preceding_validation_failed")]),
        ("partial: it does not", [one("A"), one("B", active=False), one("C")],
         {"redeemables_application_mode": "PARTIAL"}, [("A", "yes"), ("B", "voucher_disabled"), ("C", "yes")]),
    ],
)  # fmt: skip
def test_who_applies(_case: str, candidates: list[Candidate], rules: dict[str, Any], expected: list[Any]) -> None:
    assert told(decide(candidates, **rules)) == expected


@pytest.mark.parametrize(
    ("_case", "candidates", "mode", "valid"),
    [
        ("skips by limits do not make all invalid", [one(name) for name in "ABCDEFG"], "ALL", True),
        ("exclusion neither", [one("A", "a"), one("N", "never")], "ALL", True),
        ("one refusal does", [one("A"), one("B", active=False)], "ALL", False),
        ("one that applies is enough", [one("A"), one("B", active=False)], "PARTIAL", True),
        ("none is not", [one("A", active=False), one("B", active=False)], "PARTIAL", False),
    ],
)
def test_validity(_case: str, candidates: list[Candidate], mode: str, valid: bool) -> None:
    assert decide(candidates, redeemables_application_mode=mode, **EXCLUSIVE).valid is valid


NOTHING = {"type": "FIXED", "fixed_amount": 99999}


@pytest.mark.parametrize(
    ("_case", "rules", "status"),
    [
        ("by default it is redeemed anyway", {}, "APPLICABLE"),
        ("skipped by the project", {"redeemables_no_effect_rule": "SKIP"}, "SKIPPED"),
        ("skipped by its category", {"no_effect_skip_categories": ["a"]}, "SKIPPED"),
        ("kept by its category", {"redeemables_no_effect_rule": "SKIP", "no_effect_redeem_anyway_categories": ["a"]},
         "APPLICABLE"),
    ],
)  # fmt: skip
def test_without_effect(_case: str, rules: dict[str, Any], status: str) -> None:
    nothing = Candidate("F", voucher(NOTHING, category=CategoryTerms("a")))
    found = decide([nothing], **rules)
    assert [outcome.status for outcome in found.outcomes] == [status]
    if status == "SKIPPED":
        assert told(found) == [("F", "no_effect")]


def test_free_units_without_a_price_are_an_effect() -> None:
    shipping = voucher({"type": "UNIT", "unit_off": 1, "unit_type": "prod_5h1pp1ng"})
    found = decide([Candidate("S", shipping)], redeemables_no_effect_rule="SKIP")
    assert [outcome.status for outcome in found.outcomes] == ["APPLICABLE"]


def test_the_mode_of_percentages_may_differ_by_category() -> None:
    def percent(name: str, category: str) -> Candidate:
        return Candidate(name, voucher({"type": "PERCENT", "percent_off": 10}, category=CategoryTerms(category)))

    rules = {"initial_amount_mode_categories": ["first"]}
    found = decide([percent("A", "a"), percent("B", "first"), percent("C", "c")], **rules)
    assert [o.effect.applied for o in found.outcomes if o.effect] == [1000, 1000, 800]


def test_once_is_about_lines_not_about_the_order() -> None:
    every = applies(everything=True)
    items = voucher({"type": "AMOUNT", "amount_off": 100, "effect": "APPLY_TO_ITEMS"}, rule_sets=(every,))
    whole = voucher({"type": "AMOUNT", "amount_off": 50, "effect": "APPLY_TO_ORDER"})
    state = cart(line("a", 1, 1000))
    candidates = [Candidate("A", items), Candidate("B", whole), Candidate("C", items)]
    rules = read_stacking_rules({"redeemables_products_application_mode": "ONCE"})
    found = evaluate(candidates, facts(order=state), rules)
    assert [o.effect.applied for o in found.outcomes if o.effect] == [100, 50, 0]


def test_the_total_after_the_discount_may_be_limited() -> None:
    definition = {"1": {"name": "order.total_amount", "conditions": {"$more_than_or_equal": [9950]}}}
    limited = Candidate("A", voucher({"type": "AMOUNT", "amount_off": 100}, rule_sets=(rule_set(definition),)))
    assert told(decide([limited])) == [("A", "order_rules_violated")]
    enough = voucher({"type": "AMOUNT", "amount_off": 50}, rule_sets=(rule_set(definition),))
    assert told(decide([Candidate("A", enough)])) == [("A", "yes")]


def test_a_gift_card_is_judged_by_the_credits_that_it_would_spend() -> None:
    definition = {"1": {"name": "redemption.gift.amount", "conditions": {"$less_than_or_equal": [500]}}}
    card = gift(5000, rule_sets=(rule_set(definition),))
    assert told(decide([Candidate("G", card, credits=500)])) == [("G", "yes")]
    assert told(decide([Candidate("G", card, credits=501)])) == [("G", "redemption_rules_violated")]


def test_the_initial_amount_stays_while_the_amount_falls() -> None:
    both = rule_set({"1": amount("$more_than", 1000), "2": {"name": "order.initial_amount",
                                                            "conditions": {"$less_than": [1100]}}})  # fmt: skip
    coupon = voucher({"type": "AMOUNT", "amount_off": 10}, rule_sets=(both,))

    def run(*terms: VoucherTerms) -> list[str]:
        found = evaluate([Candidate(str(i), t) for i, t in enumerate(terms)], facts(order=order(1050)),
                         read_stacking_rules({"redeemables_application_mode": "PARTIAL"}))  # fmt: skip
        return [outcome.status for outcome in found.outcomes]

    assert run(coupon, gift(100)) == ["APPLICABLE", "APPLICABLE"]
    assert run(gift(100), coupon) == ["APPLICABLE", "INAPPLICABLE"]


def test_a_later_redeemable_does_not_show_units_that_an_earlier_one_added() -> None:
    free = voucher({"type": "UNIT", "unit_off": 1, "unit_type": "x", "effect": "ADD_NEW_ITEMS"})
    state = cart(line("x", 1, 500))
    found = evaluate([Candidate("A", free), Candidate("B", voucher())], facts(order=state), read_stacking_rules({}))
    shown = [o.effect.order for o in found.outcomes if o.effect is not None and o.effect.order is not None]
    assert [state.initial_amount_is_news for state in shown] == [True, False]
    assert (shown[1].initial_amount, shown[1].lines[0].initial_quantity) == (500, 1)


def test_a_line_without_price_after_a_discount_of_lines() -> None:
    items = voucher(
        {"type": "AMOUNT", "amount_off": 100, "effect": "APPLY_TO_ITEMS"}, rule_sets=(applies(everything=True),)
    )
    shipping = voucher({"type": "UNIT", "unit_off": 1, "unit_type": "prod_5h1pp1ng"})
    found = evaluate([Candidate("A", items), Candidate("B", shipping)], facts(order=cart(line("a", 1, 1000))),
                     read_stacking_rules({}))  # fmt: skip
    assert found.order is not None
    assert [one.applied_discount_amount for one in found.order.lines] == [100, None]


def test_units_that_two_redeemables_touched_count_once_in_the_end() -> None:
    items = voucher(
        {"type": "PERCENT", "percent_off": 10, "effect": "APPLY_TO_ITEMS"}, rule_sets=(applies(everything=True),)
    )
    found = evaluate([Candidate("A", items), Candidate("B", items)], facts(order=cart(line("a", 2, 1000))),
                     read_stacking_rules({}))  # fmt: skip
    assert found.order is not None
    assert [one.applied_discount_quantity for one in found.order.lines] == [2]

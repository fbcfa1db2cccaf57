"""The logic text: what it means, what it is refused for."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vouchers.engine import logic
from vouchers.engine.rule_terms import All, AnyOf, Logic, Ref


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("", All(())),
        ("   ", All(())),
        ("1", Ref(1)),
        ("1 and 2", All((Ref(1), Ref(2)))),
        ("1 AND 2 Or 3", AnyOf((All((Ref(1), Ref(2))), Ref(3)))),
        ("1 or 2 and 3", AnyOf((Ref(1), All((Ref(2), Ref(3)))))),
        ("(1 or 2) and (3)", All((AnyOf((Ref(1), Ref(2))), Ref(3)))),
        (" 1 AND 2 AND (  3 AND 4 )", All((Ref(1), Ref(2), All((Ref(3), Ref(4)))))),
        ("((12))", Ref(12)),
        ("1 and(2 or 3)and 4", All((Ref(1), AnyOf((Ref(2), Ref(3))), Ref(4)))),
    ],
)
def test_parse(text: str, tree: Logic) -> None:
    assert logic.parse(text) == tree


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("1 and", "ends too early"),
        ("and 1", "has an unexpected 'and'"),
        ("1 2", "has an unexpected '2'"),
        ("(1 or 2", "misses a ')'"),
        ("1)", "has an unexpected ')'"),
        ("()", "has an unexpected ')'"),
        ("1 xor 2", "has an unexpected 'xor 2'"),
        ("1and 2", "has an unexpected '1and 2'"),
        ("1 & 2", "has an unexpected '& 2'"),
        ("-1", "has an unexpected '-1'"),
        ("(" * 40 + "1" + ")" * 40, "is nested deeper than 32 levels"),
        ("1 and " * 2000 + "1", "is longer than 4000 characters"),
    ],
)
def test_refused(text: str, problem: str) -> None:
    with pytest.raises(logic.LogicError, match=problem.replace("(", r"\(").replace(")", r"\)")):
        logic.parse(text)


@given(st.recursive(st.integers(1, 4).map(str), lambda inner: st.one_of(
    st.tuples(inner, inner).map(lambda pair: f"({pair[0]} or {pair[1]})"),
    st.tuples(inner, inner).map(lambda pair: f"({pair[0]} and {pair[1]})"),
    st.tuples(inner, inner).map(lambda pair: f"{pair[0]} AND {pair[1]}"),
), max_leaves=12))  # fmt: skip
def test_logic_means_what_python_means(text: str) -> None:
    tree = logic.parse(text)
    for values in itertools.product([False, True], repeat=4):
        results = dict(enumerate(values, 1))
        names = {f"r{number}": value for number, value in results.items()}
        source = "".join(f"r{mark}" if mark.isdigit() else mark for mark in text.lower())
        assert logic.holds(tree, results) == eval(source, {}, names)


@pytest.mark.parametrize(("numbers", "text"), [([1], "1"), ([2, 1], "1 and 2"), ([3, 10, 2], "2 and 3 and 10")])
def test_missing_logic_is_all_of_them(numbers: list[int], text: str) -> None:
    assert logic.to_text(logic.every(numbers)) == text
    assert logic.parse(text) == logic.every(numbers)

"""Patterns, alphabets, and what cannot make a code."""

from __future__ import annotations

import re
from typing import Any

import pytest

from vouchers.engine import codes


@pytest.mark.parametrize(
    ("config", "pattern"),
    [
        (None, r"[0-9a-zA-Z]{8}"),
        ({}, r"[0-9a-zA-Z]{8}"),
        ({"length": 5}, r"[0-9a-zA-Z]{5}"),
        ({"prefix": "AB-", "pattern": "###-##", "postfix": "Z"}, r"AB-[0-9a-zA-Z]{3}-[0-9a-zA-Z]{2}Z"),
        ({"pattern": "10OFF-##", "length": 5, "charset": "01"}, r"10OFF-[01]{2}"),
        ({"initial_count": 5, "initialCount": 7}, r"[0-9a-zA-Z]{8}"),
    ],
)
def test_generated_codes_follow_their_configuration(config: Any, pattern: str) -> None:
    for _ in range(20):
        assert re.fullmatch(pattern, codes.generate(codes.parse_config(config)))


def test_random_characters_come_from_the_chooser() -> None:
    assert codes.generate(codes.parse_config({"pattern": "A#-#"}), choose=lambda marks: marks[0]) == "A0-0"


@pytest.mark.parametrize(
    ("config", "possible", "ignoring_case"),
    [({"length": 2, "charset": "ab"}, 4, 4), ({"length": 2, "charset": "aA"}, 4, 1), ({"charset": "aaa"}, 1, 1)],
)
def test_possible_codes_are_counted(config: Any, possible: int, ignoring_case: int) -> None:
    parsed = codes.parse_config(config)
    assert (parsed.possible(), parsed.possible(case_sensitive=False)) == (possible, ignoring_case)


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ("AB", "should be an object"),
        ({"length": 0}, ".code_config.length"),
        ({"length": True}, ".code_config.length"),
        ({"length": "8"}, ".code_config.length"),
        ({"length": 201}, ".code_config.length"),
        ({"pattern": "ABC"}, "at least one '#'"),
        ({"charset": 5}, ".code_config.charset"),
        ({"prefix": "A\x00"}, ".code_config.prefix"),
        ({"prefix": "A" * 150, "postfix": "B" * 60}, "longer than 200"),
    ],
)
def test_configurations_that_are_refused(config: Any, problem: str) -> None:
    with pytest.raises(codes.CodeConfigError, match=re.escape(problem)):
        codes.parse_config(config)


def test_readable_alphabet_has_no_look_alikes() -> None:
    assert not set(codes.READABLE) & set("01OIl")


def test_echo_counts_the_random_characters() -> None:
    assert codes.parse_config({"pattern": "10OFF-#######"}).to_wire()["length"] == 7

from __future__ import annotations

import re

import pytest

from config.kernel import ids


@pytest.mark.parametrize("prefix", ids.FORMATS)
def test_an_id_has_its_prefix_alphabet_and_length(prefix):
    kind, length = ids.FORMATS[prefix]
    alphabet = "[0-9a-f]" if kind == "hex" else "[0-9A-Za-z]"
    assert re.fullmatch(f"{re.escape(prefix)}{alphabet}{{{length}}}", ids.new(prefix))


@pytest.mark.parametrize("prefix", ["r_", "evcus_"])
def test_hex_ids_are_strictly_increasing(prefix):
    made = [ids.new(prefix) for _ in range(2000)]
    assert made == sorted(set(made))


def test_alphanumeric_ids_begin_with_the_time():
    assert ids.base62(0, 3) == "000"
    assert ids.base62(61, 1) == "z"
    assert ids.base62(62, 2) == "10"
    assert [ids.base62(n, 2) for n in range(200)] == sorted(ids.base62(n, 2) for n in range(200))


def test_an_unknown_prefix_is_a_fault():
    with pytest.raises(KeyError):
        ids.new("nope_")

from __future__ import annotations

import os
import re
import threading
from collections import Counter

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


def test_no_two_threads_and_no_two_processes_draw_the_same_bytes() -> None:
    ids.new("cust_")  # a page is begun
    drawn: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: drawn.extend(ids._random.take(8) for _ in range(2_000))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(drawn)) == len(drawn) == 8_000
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        os.write(writer, ids._random.take(16))
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reader, 16) != ids._random.take(16)
    os.close(reader)
    os.close(writer)


def test_every_character_is_as_likely_as_any_other() -> None:
    counts = Counter(ids._characters(62_000))
    assert set(counts) == set(ids.ALPHABET)
    assert (
        sum((count - 1000) ** 2 / 1000 for count in counts.values()) < 130
    )  # chi-square, 61 degrees: once in a million

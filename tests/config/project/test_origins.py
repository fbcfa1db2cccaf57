from __future__ import annotations

import pytest

from config.kernel.errors import InvalidPayload
from config.project import origins

SHOP = ["https://shop.example"]


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://shop.example", True),
        ("https://shop.example:443", True),
        ("HTTPS://SHOP.EXAMPLE", True),
        ("https://shop.example/", True),
        ("null", False),
        ("", False),
        ("https://shop.example.evil.test", False),
        ("https://evilshop.example", False),
        ("https://shop.example:8443", False),
        ("http://shop.example", False),
        ("https://user@shop.example", False),
        ("https://shop.example.", False),
        ("https://shop.example#x", False),
        ("https://xn--shp-tna.example", False),
        ("https://sub.shop.example", False),
        ("https://shop.example:notaport", False),
    ],
)
def test_only_the_exact_origin_is_allowed(origin, allowed):
    assert origins.is_allowed(origin, SHOP) is allowed


@pytest.mark.parametrize(
    ("origin", "entry", "allowed"),
    [
        ("https://a.shop.example", ".shop.example", True),
        ("https://shop.example", ".shop.example", True),
        ("https://a.b.shop.example", "https://.shop.example", True),
        ("http://a.shop.example", "https://.shop.example", False),
        ("https://evilshop.example", ".shop.example", False),
        ("http://localhost:8124", "http://localhost:8124", True),
        ("http://localhost:8125", "http://localhost:8124", False),
        ("https://shop.example", "shop.example", True),
        ("http://shop.example:3000", "shop.example", True),
        ("https://anything.test", "*", True),
        ("null", "*", False),
    ],
)
def test_entries(origin, entry, allowed):
    assert origins.is_allowed(origin, [entry]) is allowed


@pytest.mark.parametrize("entry", ["https://a b", "https://user@shop.example", "null", "https://shop.example/path", ""])
def test_an_entry_that_is_no_origin_is_refused(entry):
    with pytest.raises(InvalidPayload):
        origins.parse_origin(entry)


def test_entries_are_kept_as_given():
    assert [origins.parse_origin(text) for text in ("*", " https://shop.example/ ", ".shop.example")] == [
        *("*", "https://shop.example", ".shop.example")
    ]

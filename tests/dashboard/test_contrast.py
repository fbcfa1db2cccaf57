"""The colours of the stylesheet, recomputed: text at least 4.5:1, borders of fields and marks of charts 3:1."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

CSS = (Path(__file__).parents[2] / "static/css/studio.css").read_text()
PAIR = re.compile(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);")
TOKENS = {name: (light, dark) for name, light, dark in PAIR.findall(CSS)}
TEXT = [
    *[(ink, ground) for ink in ("ink", "ink-2") for ground in ("bg", "panel", "hover", "sunken")],
    *[("accent", ground) for ground in ("bg", "panel", "accent-soft", "sunken")],
    *[(tone, f"{tone}-soft") for tone in ("ok", "bad", "warn")],
    *[(tone, "panel") for tone in ("ok", "bad", "warn")],
    *[("ink", f"{tone}-soft") for tone in ("accent", "ok", "bad", "warn")],
    ("on-accent", "accent"),
    ("on-accent", "accent-strong"),
    ("on-bad", "bad"),
]
SHAPES = [("field", "panel"), ("chart-0", "panel"), ("chart-1", "panel"), ("accent", "panel"), ("bad", "panel")]


def luminance(colour: str) -> float:
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_black_on_white_is_21_to_1():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize(("theme", "side"), [("light", 0), ("dark", 1)])
@pytest.mark.parametrize(("ink", "ground"), TEXT)
def test_text_is_readable_in_both_themes(ink, ground, theme, side):
    assert contrast(TOKENS[ink][side], TOKENS[ground][side]) >= 4.5


@pytest.mark.parametrize(("theme", "side"), [("light", 0), ("dark", 1)])
@pytest.mark.parametrize(("mark", "ground"), SHAPES)
def test_borders_of_fields_and_charts_are_seen_in_both_themes(mark, ground, theme, side):
    assert contrast(TOKENS[mark][side], TOKENS[ground][side]) >= 3

"""Bars per day as plain geometry: numbers in, rectangles out. The template draws them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

STEPS: Final = (1, 2, 5)
TOP, BOTTOM, LEFT, RIGHT = 12, 26, 44, 16


@dataclass(frozen=True)
class Day:
    """What happened on a day; one value for each series, drawn one on the other."""

    day: date
    values: tuple[int, ...]

    @property
    def words(self) -> str:
        """3 Nov."""
        return f"{self.day.day} {self.day:%b}"


@dataclass(frozen=True)
class Bar:
    """One rectangle."""

    x: float
    y: float
    width: float
    height: float
    series: int


@dataclass(frozen=True)
class Mark:
    """A word at a place: of the grid's height, or of a day."""

    at: float
    words: str


@dataclass(frozen=True)
class Stack:
    """All rectangles of one day, and what a reader hears."""

    words: str
    bars: tuple[Bar, ...]
    today: bool


@dataclass(frozen=True)
class Chart:
    """A drawing of `width` × `height`."""

    width: int
    height: int
    left: int
    right: int
    floor: int
    grid: tuple[Mark, ...]
    days: tuple[Mark, ...]
    stacks: tuple[Stack, ...]


def ceiling(most: int) -> tuple[int, int]:
    """The top of the scale and the step of its grid lines, at most 5 of them: ceiling(437) == (500, 100)."""
    size = 1
    while True:
        for step in (size * factor for factor in STEPS):
            if step * 5 >= most:
                return max(step, -(-most // step) * step), step
        size *= 10


def bars(days: Sequence[Day], names: Sequence[str], *, width: int, height: int, marks: int, today: date) -> Chart:
    """Stacked bars. names: of the series. marks: how many days get their date below."""
    top, step = ceiling(max((sum(day.values) for day in days), default=0))
    floor, room = height - BOTTOM, height - BOTTOM - TOP
    slot = (width - LEFT - RIGHT) / max(1, len(days))
    every = max(1, round(len(days) / marks))
    stacks = []
    for index, day in enumerate(days):
        drawn, below = [], 0
        for series, value in enumerate(day.values):
            if value:
                high = value / top * room
                y = floor - (below + value) / top * room
                drawn.append(
                    Bar(
                        round(LEFT + index * slot + slot * 0.14, 1),
                        round(y, 1),
                        round(slot * 0.72, 1),
                        round(high, 1),
                        series,
                    )
                )
            below += value
        told = ", ".join(f"{value:,} {name}" for name, value in zip(names, day.values, strict=True))
        stacks.append(Stack(f"{day.words}: {told}", tuple(drawn), day.day == today))
    return Chart(
        width=width,
        height=height,
        left=LEFT,
        right=width - RIGHT,
        floor=floor,
        grid=tuple(Mark(round(floor - value / top * room, 1), f"{value:,}") for value in range(0, top + 1, step)),
        days=tuple(
            Mark(round(LEFT + (index + 0.5) * slot, 1), day.words)
            for index, day in enumerate(days)
            if (len(days) - 1 - index) % every == 0
        ),
        stacks=tuple(stacks),
    )

"""What higher apps record under an anonymous token, and how it gets to the customer who turned out to be behind it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from config.project.models import Project
from customers.models import Customer


@dataclass(frozen=True, slots=True)
class Claim:
    """What a claim did. kept_apart: tokens that belong to another real profile and were left alone."""

    moved: int = 0
    kept_apart: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mover:
    """move: (project, token, customer, when the token was issued) → rows moved; idempotent.

    waiting: an SQL condition with the places of project and token: whether there is anything to move.
    """

    move: Callable[[Project, str, Customer, datetime], int]
    waiting: str


movers: Final[list[Mover]] = []
"""Higher apps add theirs in AppConfig.ready(); events move with this app."""

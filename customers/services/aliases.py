"""Other values that stand for a customer: higher apps say how to read theirs, e.g. tracking its tokens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from config.project.models import Project
from customers.models import Customer


@dataclass(frozen=True, slots=True)
class Meant:
    """Whom a value means: a stored customer, or the source id under which one will be stored."""

    customer: Customer | None
    source_id: str | None


Reader = Callable[[Project, str], Meant | None]
"""Whom the value means in this project, or None where it is no such value."""

readers: Final[list[Reader]] = []
"""Added to in AppConfig.ready()."""


Settler = Callable[[Project, str, Customer, datetime], None]
"""Told that a write named the customer by the value: (project, value, customer, at); in the write's transaction."""

settlers: Final[list[Settler]] = []
"""Added to in AppConfig.ready()."""


def settle(project: Project, value: str, customer: Customer, at: datetime) -> None:
    """Let those apps take note that the value means this customer, who is stored now."""
    for settler in settlers:
        settler(project, value, customer, at)


def read(project: Project, value: str) -> Meant | None:
    """What the first reader that knows the value makes of it."""
    return next((meant for reader in readers if (meant := reader(project, value)) is not None), None)

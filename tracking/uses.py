"""Who uses a product, a SKU or a collection: the apps above say so, so that nothing in use is deleted.

`FINDERS.append(find)` from the app's registrations; `find` returns what names the object, for the message.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from config.kernel.errors import ResourceInUse
from config.project.models import Project


@dataclass(frozen=True, slots=True)
class Use:
    """One thing that names an object of the catalogue. type: the wire's word, `validation_rules`."""

    type: str
    id: str


Finder = Callable[[Project, Sequence[str]], Sequence[Use]]
"""Project and public ids → what names one of them."""
FINDERS: Final[list[Finder]] = []


def require_unused(*, project: Project, resource_type: str, public_id: str, also: Sequence[str] = ()) -> None:
    """Raise ResourceInUse naming what uses the object. also: public ids of what would go with it."""
    uses = [use for find in FINDERS for use in find(project, [public_id, *also])]
    if uses:
        names = ", ".join(use.id for use in uses)
        raise ResourceInUse(
            f"Resource {resource_type} with id {public_id} is in use by {uses[0].type}s with ids [{names}]",
            resource_id=public_id,
            resource_type=resource_type,
        )

"""Stacking rules as the management API shows them."""

from __future__ import annotations

import copy
from typing import Any

from config.kernel.instants import to_wire
from vouchers.models import StackingRules
from vouchers.stacking_rules import WHOLE


def render_stacking_rules(stored: StackingRules | None) -> dict[str, Any]:
    """All rules; id and dates where the project has some of its own."""
    wire = copy.deepcopy({**WHOLE, **(stored.rules if stored else {})})
    if stored is not None:
        wire |= {"id": stored.public_id, "created_at": to_wire(stored.created_at)}
        if stored.updated_at is not None:
            wire["updated_at"] = to_wire(stored.updated_at)
    return wire

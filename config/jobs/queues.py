"""The queues of the worker. Each has slots of its own, so a long import never keeps a short job waiting."""

from __future__ import annotations

from typing import Final

SHORT: Final = "short"
"""Seconds at most: metadata updates, small bulk calls, evaluation of segments."""
LONG: Final = "long"
"""Imports, exports, generation of codes."""
UPKEEP: Final = "upkeep"
"""Periodic work; never more than a second or two."""

SLOTS: Final = {SHORT: 2, LONG: 2, UPKEEP: 1}
"""How many jobs of a queue one worker process runs at once."""

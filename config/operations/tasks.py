"""What every worker does beside its queues."""

from __future__ import annotations

from config.jobs import loops
from config.project import audit

loops.register(loops.Loop("audit.seal", audit.seal_some, pause=1.0))

"""What vouchers tell the apps below them; imported once, when all apps are ready."""

from __future__ import annotations

from tracking.services import identities, recounts
from vouchers.services import claims

identities.movers.append(claims.move_redemptions)
recounts.facts.append(claims.facts_of)

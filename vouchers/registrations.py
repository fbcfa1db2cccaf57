"""What vouchers tell the apps below them; imported once, when all apps are ready."""

from __future__ import annotations

from config.exports import kinds
from tracking.services import identities, recounts
from vouchers import exports
from vouchers.services import claims

identities.movers.append(claims.move_redemptions)
recounts.facts.append(claims.facts_of)
kinds.register(exports.VOUCHER)
kinds.register(exports.REDEMPTION)

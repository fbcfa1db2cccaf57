"""What vouchers tell the apps below them; imported once, when all apps are ready."""

from __future__ import annotations

from config.exports import kinds
from customers import erasing
from segments import uses
from tracking.services import identities, recounts
from vouchers import exports
from vouchers.services import claims, erasure, validation_rules

identities.movers.append(claims.move_redemptions)
recounts.facts.append(claims.facts_of)
kinds.register(exports.VOUCHER)
kinds.register(exports.REDEMPTION)
uses.FINDERS.append(validation_rules.uses_of_segment)
erasing.erasers.append(erasure.erase)

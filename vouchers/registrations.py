"""What vouchers tell the apps below them; imported once, when all apps are ready."""

from __future__ import annotations

from config.exports import kinds
from config.project.models import Project
from customers import erasing
from segments import uses
from tracking import uses as catalogue
from tracking.services import activity, moving, recounts
from tracking.services.moving import Mover
from vouchers import exports, publication_fields, transaction_exports
from vouchers.models import Campaign
from vouchers.services import catalogue_uses, claims, erasure, holders, validation_rules

moving.movers.append(Mover(claims.move_redemptions, claims.REDEMPTIONS_WAIT))
moving.movers.append(Mover(claims.move_sessions, claims.SESSIONS_WAIT))
recounts.facts.append(claims.facts_of)
recounts.facts.append(holders.facts_of)
kinds.register(exports.VOUCHER)
kinds.register(exports.REDEMPTION)
kinds.register(publication_fields.PUBLICATION)
kinds.register(transaction_exports.KIND)
uses.FINDERS.append(validation_rules.uses_of_segment)
catalogue.FINDERS.append(catalogue_uses.of_articles)
erasing.erasers.append(erasure.erase)


def campaign_row(project: Project, public_id: str) -> int | None:
    """The row id of a campaign, for filters on events."""
    return Campaign.objects.of(project).filter(public_id=public_id).values_list("pk", flat=True).first()


activity.campaign_finders.append(campaign_row)

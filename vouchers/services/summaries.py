"""A campaign in numbers, from the rows themselves. Source: campaigns and promotions, section 11."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Sum

from tracking.models.tallies import ValidationTally, quarter_of
from vouchers.models import Campaign, Publication, Redemption, Voucher, VoucherTransaction

Kind = Campaign.CampaignType
SUCCESS = Q(result="SUCCESS")
FAILURE = Q(result="FAILURE")
REDEEMED = Q(kind=Redemption.Kind.REDEMPTION)
UNDONE = Q(kind=Redemption.Kind.ROLLBACK)
MANUAL = Q(details__balance__operation_type="MANUAL")


def of(*, campaign: Campaign, since: datetime | None, until: datetime | None) -> dict[str, int]:
    """The counters of the campaign's kind. since, until: both count."""
    numbers = _redemptions(campaign, since, until)
    if campaign.campaign_type == Kind.PROMOTION:
        return numbers
    numbers |= _vouchers(campaign, since, until) | _publications(campaign, since, until)
    if (campaign.voucher or {}).get("type") == Voucher.Type.GIFT:
        return {name: value for name, value in numbers.items() if "discounted" not in name} | _credits(
            campaign, since, until
        )
    if campaign.campaign_type == Kind.REFERRAL_PROGRAM:
        numbers["referred_customers"] = 0
    return numbers


def _within(rows: QuerySet[Any], since: datetime | None, until: datetime | None, column: str = "created_at") -> Any:
    if since is not None:
        rows = rows.filter(**{f"{column}__gte": since})
    return rows if until is None else rows.filter(**{f"{column}__lte": until})


def _redemptions(campaign: Campaign, since: datetime | None, until: datetime | None) -> dict[str, int]:
    rows = _within(Redemption.objects.of(campaign.project).filter(campaign=campaign), since, until)
    found = rows.aggregate(
        redemptions=Count("pk", filter=REDEEMED),
        redemptions_succeeded=Count("pk", filter=REDEEMED & SUCCESS),
        redemptions_failed=Count("pk", filter=REDEEMED & FAILURE),
        rollbacks=Count("pk", filter=UNDONE),
        rollbacks_succeeded=Count("pk", filter=UNDONE & SUCCESS),
        rollbacks_failed=Count("pk", filter=UNDONE & FAILURE),
        orders_amount=Sum("order_amount", filter=REDEEMED & SUCCESS),
        orders_rolledback_amount=Sum("order_amount", filter=UNDONE & SUCCESS),
        discounted_amount=Sum("discount_amount", filter=REDEEMED & SUCCESS),
        rolledback_discounted_amount=Sum("discount_amount", filter=UNDONE & SUCCESS),
    )
    counted = {name: int(value or 0) for name, value in found.items()}
    counted["rolledback_discounted_amount"] = abs(counted["rolledback_discounted_amount"])
    return counted | _validations(campaign, since, until)


def _validations(campaign: Campaign, since: datetime | None, until: datetime | None) -> dict[str, int]:
    """How often a code or tier was validated: whole quarters of an hour, also those in which the bounds lie."""
    rows = ValidationTally.objects.of(campaign.project).filter(campaign_id=campaign.pk)
    rows = _within(rows, since and quarter_of(since), until, "quarter")
    found = rows.aggregate(succeeded=Sum("succeeded"), failed=Sum("failed"))
    succeeded, failed = int(found["succeeded"] or 0), int(found["failed"] or 0)
    return {
        "validations": succeeded + failed,
        "validations_succeeded": succeeded,
        "validations_failed": failed,
    }


def _vouchers(campaign: Campaign, since: datetime | None, until: datetime | None) -> dict[str, int]:
    rows = Voucher.objects.filter(campaign=campaign)
    return {
        "vouchers_created": _within(rows, since, until).count(),
        "vouchers_deleted": _within(rows.exclude(deleted_at=None), since, until, "deleted_at").count(),
    }


def _publications(campaign: Campaign, since: datetime | None, until: datetime | None) -> dict[str, int]:
    rows = _within(Publication.objects.of(campaign.project).filter(campaign=campaign), since, until)
    return dict(
        rows.aggregate(
            publications=Count("pk"),
            publications_succeeded=Count("pk", filter=SUCCESS),
            publications_failed=Count("pk", filter=FAILURE),
        )
    )


def _credits(campaign: Campaign, since: datetime | None, until: datetime | None) -> dict[str, int]:
    """What became of a gift campaign's credits, from the ledger."""
    kinds = VoucherTransaction.Type
    added, removed = Q(type=kinds.ADDITION), Q(type=kinds.REMOVAL)
    rows = _within(VoucherTransaction.objects.filter(voucher__campaign=campaign), since, until)
    found = rows.aggregate(
        created_vouchers_amount=Sum("amount", filter=added & ~MANUAL),
        amount_added=Sum("amount", filter=added & MANUAL),
        amount_redeemed=Sum("amount", filter=Q(type=kinds.REDEMPTION)),
        amount_rolledback=Sum("amount", filter=Q(type=kinds.REFUND)),
        amount_subtracted=Sum("amount", filter=removed),
    )
    binned = _within(Voucher.objects.filter(campaign=campaign).exclude(deleted_at=None), since, until, "deleted_at")
    left = F("gift_amount") - F("gift_subtracted_amount") - F("redeemed_amount")
    deleted = binned.aggregate(amount=Sum(left))["amount"]
    return {name: abs(int(value or 0)) for name, value in found.items()} | {"amount_deleted": int(deleted or 0)}

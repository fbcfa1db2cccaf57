"""Campaigns in words: how one stands, what it gives, when it is open, and how much of its budget is used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.utils import timezone

from config.dashboard import kit
from config.project.models import Project
from vouchers import windows
from vouchers.dashboard import words
from vouchers.engine.terms import Validity
from vouchers.models import Campaign, PromotionTier, ValidationRule
from vouchers.reports import Sums

TYPES: Final = {
    Campaign.CampaignType.DISCOUNT_COUPONS: "Discount codes",
    Campaign.CampaignType.GIFT_VOUCHERS: "Gift cards",
    Campaign.CampaignType.PROMOTION: "Promotion",
    Campaign.CampaignType.LOYALTY_PROGRAM: "Loyalty programme",
    Campaign.CampaignType.REFERRAL_PROGRAM: "Referral programme",
}
KINDS: Final = {
    Campaign.Type.STATIC: "Unique codes",
    Campaign.Type.AUTO_UPDATE: "Unique codes, more when published",
    Campaign.Type.STANDALONE: "One code for everybody",
}
DAYS: Final = ("Sundays", "Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays")


def standing(campaign: Campaign, at: datetime) -> tuple[str, str, str]:
    """Tone, word, and a hint about the time: ("ok", "Active", "ends in 2 days")."""
    if campaign.vouchers_generation_status == "IN_PROGRESS":
        return "run", "Making codes", ""
    if campaign.vouchers_generation_status == "MODIFYING":
        return "run", "Changing codes", ""
    if not campaign.active:
        return "off", "Disabled", ""
    start, end = campaign.start_date, campaign.expiration_date
    if end is not None and end < at:
        return "off", "Ended", kit.relative(end, at)
    if start is not None and start > at:
        return "wait", "Scheduled", f"starts {kit.relative(start, at)}"
    if end is not None:
        return "ok", "Active", f"ends {kit.relative(end, at)}"
    return "ok", "Active", ""


def tier_standing(tier: PromotionTier, campaign: Campaign, at: datetime) -> tuple[str, str]:
    """Tone and word of how a tier stands in its campaign."""
    terms = validity_of(tier, campaign)
    if not tier.active or not campaign.active:
        return "off", "Disabled"
    if terms.expiration_date is not None and terms.expiration_date < at:
        return "off", "Ended"
    if terms.start_date is not None and terms.start_date > at:
        return "wait", "Scheduled"
    return "ok", "Active"


def gives(campaign: Campaign, project: Project, tiers: Iterable[PromotionTier] = ()) -> str:
    """What a code of it gives; of a promotion what its tiers do."""
    if campaign.campaign_type == Campaign.CampaignType.PROMOTION:
        told = [words.discount_in_words((tier.action or {}).get("discount") or {}, project) for tier in tiers]
        return " · ".join(told[:3]) + (f" · {len(told) - 3} more" if len(told) > 3 else "") if told else "No tiers yet"
    template = campaign.voucher or {}
    if template.get("gift"):
        return f"Gift card of {kit.money_text(template['gift'].get('amount'), project.currency)}"
    if template.get("loyalty_card"):
        return kit.plural(int(template["loyalty_card"].get("points") or 0), "point", "points")
    return words.discount_in_words(template.get("discount") or {}, project)


def validity_of(row: Campaign | PromotionTier, parent: Campaign | None = None) -> Validity:
    """The engine's view of its times; a tier without its own has those of its campaign."""

    def own(name: str) -> Any:
        value = getattr(row, name)
        return getattr(parent, name) if value is None and parent is not None else value

    days = own("validity_day_of_week")
    return Validity(
        start_date=own("start_date"),
        expiration_date=own("expiration_date"),
        timeframe=own("validity_timeframe"),
        day_of_week=None if days is None else tuple(days),
        hours=own("validity_hours"),
    )


def times(terms: Validity) -> list[str]:
    """When, as sentences."""
    told = []
    if terms.start_date or terms.expiration_date:
        parts = [
            f"from {_moment(terms.start_date)}" if terms.start_date else "",
            f"to {_moment(terms.expiration_date)}" if terms.expiration_date else "without end",
        ]
        told.append(_begun(" ".join(part for part in parts if part)))
    if terms.day_of_week is not None:
        told.append(
            f"Only on {_listed([DAYS[day] for day in terms.day_of_week])}" if terms.day_of_week else "On no day"
        )
    for opening in (terms.hours or {}).get("daily") or ():
        days = opening.get("days_of_week")
        on = "" if days is None or len(days) == 7 else f" on {_listed([DAYS[day] for day in days])}"
        told.append(f"From {opening.get('start_time')} to {opening.get('expiration_time')}{on}")
    if terms.timeframe is not None:
        told.append(
            f"For {terms.timeframe.get('duration')} every {terms.timeframe.get('interval')}, counted from its start"
        )
    return told or ["At any time"]


def openings(terms: Validity, at: datetime, project: Project) -> list[str]:
    """The next three open windows, spelled out."""
    zone = ZoneInfo(project.timezone)
    try:
        found = windows.upcoming(terms, at, zone)
    except ValueError:
        return []
    return [f"{_span(begin, zone)} – {_span(end, zone) if end else 'without end'}" for begin, end in found]


def _begun(sentence: str) -> str:
    """With a capital letter; the names of months keep theirs."""
    return sentence[:1].upper() + sentence[1:]


def _span(at: datetime, zone: ZoneInfo) -> str:
    local = at.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b %Y, %H:%M}"


def _moment(at: datetime) -> str:
    local = timezone.localtime(at)
    return f"{local.day} {local:%b %Y, %H:%M}"


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


@dataclass(frozen=True)
class Budget:
    """A limit of the campaign and how much of it is used."""

    label: str
    used: int
    limit: int
    words: str


COUNTED: Final = {
    "campaign.redemptions.count": ("Redemptions", "succeeded", False),
    "campaign.orders.amount_discounted": ("Discount given", "discount", True),
    "campaign.orders.amount": ("Orders", "revenue", True),
}


def budgets(rules: Iterable[ValidationRule], sums: Sums, project: Project) -> list[Budget]:
    """The limits that its rules set on the whole campaign. Redemptions rolled back do not count."""
    found = []
    for rule in rules:
        for fact in words.conditions_of(rule.rules):
            label, name, is_money = COUNTED.get(str(fact["name"]), ("", "", False))
            limit = _limit(fact["conditions"])
            if not label or limit is None:
                continue
            used = getattr(sums, name) - (sums.rolled_back if name == "succeeded" else 0)
            shown = [kit.money_text(n, project.currency) if is_money else kit.number(n) for n in (used, limit)]
            found.append(Budget(label, max(0, used), limit, f"{shown[0]} of {shown[1]}"))
    return found


def _limit(conditions: Mapping[str, Any]) -> int | None:
    for operator, less in (("$less_than_or_equal", 0), ("$less_than", 1)):
        values = conditions.get(operator)
        if isinstance(values, list) and values and isinstance(values[0], int | float):
            return int(values[0]) - less
    return None

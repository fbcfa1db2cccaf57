"""The campaigns of the made-up shop: made through the services, with their codes, tiers and publications."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction

from config.jobs import runner
from config.jobs.models import AsyncAction
from config.operations.demonstration import offers
from config.project.models import Project
from segments.models import Segment
from vouchers import tasks
from vouchers.models import Campaign, Category, PromotionTier
from vouchers.publishing import parse_publish
from vouchers.services import campaigns, categories, publications, validation_rules

SEASONAL, LOYALTY, REGULARS = "Seasonal", "Loyalty", "Thank you, regulars"
BACK: Final = {"pattern": "BACK-#####", "charset": "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"}


def run(project: Project, regulars: Segment, opened: datetime, at: datetime) -> None:
    """Each campaign only if it is not there yet. at: the present."""
    if Campaign.objects.of(project).exists():
        return
    seasonal, loyalty = (
        categories.create(project=project, data={"name": name, "hierarchy": place}, at=opened)
        for place, name in enumerate((SEASONAL, LOYALTY), start=1)
    )
    _season(project, seasonal, opened, at)
    _welcome_back(project, loyalty, regulars, opened)
    _gift_cards(project, opened)
    _basket(project, seasonal, opened)


def tier_ids(project: Project) -> list[str]:
    """The tiers that shoppers may redeem, the best one first."""
    return list(PromotionTier.objects.of(project).order_by("-hierarchy").values_list("public_id", flat=True))


def hand_out(project: Project, customers: list[str], at: datetime) -> None:
    """Publish a code of the regulars' campaign to each of them. customers: source ids."""
    for source_id in customers:
        body = {"campaign": {"name": REGULARS}, "customer": {"source_id": source_id}, "channel": "newsletter"}
        publications.publish(project=project, request=parse_publish(body), at=at)


def _season(project: Project, category: Category, opened: datetime, at: datetime) -> None:
    discount = {"type": "PERCENT", "percent_off": 15, "amount_limit": 4000, "effect": "APPLY_TO_ORDER"}
    budget = {"1": offers.limit("campaign.orders.amount_discounted", 60_000), "logic": "1"}
    rule = validation_rules.create(project=project, data={"name": "Budget of 600.00", "rules": budget}, at=opened)
    body = {
        "name": "Season's sale",
        "description": "One code for everybody, on posters and in the newsletter.",
        "campaign_type": "DISCOUNT_COUPONS",
        "type": "STANDALONE",
        "category_id": category.public_id,
        "start_date": opened,
        "expiration_date": at + timedelta(days=2, hours=5),
        "voucher": {"type": "DISCOUNT_VOUCHER", "discount": discount, "code": offers.SEASON},
        "validation_rules": [rule.public_id],
    }
    campaigns.create(project=project, data=body, at=opened)


def _welcome_back(project: Project, category: Category, regulars: Segment, opened: datetime) -> None:
    rules = {
        "1": {"name": "customer.segment", "conditions": {"$is": [regulars.public_id]}},
        "2": offers.limit("campaign.redemptions.customers_count", 1),
        "logic": "1 AND 2",
    }
    data = {"name": "Regulars, once each", "rules": rules, "error": {"message": "Thank you: you have had this one"}}
    rule = validation_rules.create(project=project, data=data, at=opened)
    body = {
        "name": REGULARS,
        "campaign_type": "DISCOUNT_COUPONS",
        "type": "AUTO_UPDATE",
        "join_once": True,
        "category_id": category.public_id,
        "vouchers_count": 150,
        "voucher": {
            "type": "DISCOUNT_VOUCHER",
            "discount": {"type": "AMOUNT", "amount_off": 1000, "effect": "APPLY_TO_ORDER"},
            "redemption": {"quantity": 1},
            "code_config": BACK,
        },
        "validation_rules": [rule.public_id],
    }
    _with_codes(project, body, opened)


def _gift_cards(project: Project, opened: datetime) -> None:
    body = {
        "name": "Gift cards",
        "campaign_type": "GIFT_VOUCHERS",
        "type": "AUTO_UPDATE",
        "vouchers_count": 25,
        "voucher": {
            "type": "GIFT_VOUCHER",
            "gift": {"amount": 2500},
            "code_config": {"pattern": "CARD-####-####", "charset": BACK["charset"]},
        },
    }
    _with_codes(project, body, opened)


def _with_codes(project: Project, body: dict[str, Any], opened: datetime) -> None:
    """The codes are made here and at once, not by the worker, who would make them today."""
    with transaction.atomic():
        campaigns.create(project=project, data=body, at=opened)
        action = AsyncAction.objects.of(project).order_by("-pk").first()
        if action is None or action.type != "CAMPAIGN.VOUCHERS_GENERATE":
            return
        runner.keep(action)
    runner.run_now(action, tasks.generate_codes, at=opened)


def _basket(project: Project, category: Category, opened: datetime) -> None:
    tiers = []
    for name, percent, minimum in (("5 % from 60.00", 5, 6_000), ("8 % from 150.00", 8, 15_000)):
        condition = {"name": "order.amount", "conditions": {"$more_than_or_equal": [minimum]}}
        data = {"name": f"Order for {name}", "rules": {"1": condition, "logic": "1"}}
        rule = validation_rules.create(project=project, data=data, at=opened)
        discount = {"type": "PERCENT", "percent_off": percent, "effect": "APPLY_TO_ORDER"}
        tiers.append(
            {
                "name": name,
                "banner": f"Larger baskets save {percent} %",
                "action": {"discount": discount},
                "validation_rules": [rule.public_id],
            }
        )
    body = {
        "name": "Basket rewards",
        "description": "Applies by itself in the cart; no code to type.",
        "campaign_type": "PROMOTION",
        "category_id": category.public_id,
        "promotion": {"tiers": tiers},
    }
    campaigns.create(project=project, data=body, at=opened)

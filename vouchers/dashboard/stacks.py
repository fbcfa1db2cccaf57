"""Stacks of a promotion: which tiers go together, and in which order."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from config.dashboard.base import Crumb
from config.project.permissions import Permission
from vouchers.dashboard import campaign_words, words
from vouchers.dashboard.campaigns import PROMOTIONS, CampaignPage
from vouchers.models import Campaign, PromotionStack
from vouchers.services import tiers


class StackPage(CampaignPage):
    """One stack; deleting it leaves its tiers."""

    template_name = "dashboard/campaigns/stack.html"
    tab = "campaign-tiers"

    def get(self, request: HttpRequest, public_id: str, **kwargs: str) -> HttpResponse:
        campaign = self.found(public_id)
        stack = tiers.stack_of(project=self.project, campaign=campaign, public_id=kwargs["stack_id"])
        known = {tier.public_id: tier for tier in campaign.tiers.all()}
        lines = [
            (
                known[one],
                words.discount_in_words((known[one].action or {}).get("discount") or {}, self.project),
                campaign_words.tier_standing(known[one], campaign, self.at),
            )
            for one in stack.tier_ids
            if one in known
        ]
        return self.render(self.around(campaign) | self.head(campaign, stack) | {"stack": stack, "lines": lines})

    def head(self, campaign: Campaign, stack: PromotionStack) -> dict[str, Any]:
        """Title and way."""
        way = (PROMOTIONS, Crumb("Campaigns", reverse("dashboard:campaigns")))
        tab = Crumb(campaign.name, reverse("dashboard:campaign-tiers", args=[campaign.public_id]))
        return {"title": stack.name, "crumbs": (*way, tab)}


class StackDelete(CampaignPage):
    """Remove a stack."""

    permission = Permission.EDIT_VOUCHERS

    def get(self, request: HttpRequest, public_id: str, **kwargs: str) -> HttpResponse:
        return redirect("dashboard:campaign-tiers", public_id)

    def post(self, request: HttpRequest, public_id: str, **kwargs: str) -> HttpResponse:
        campaign = self.found(public_id)
        stack = tiers.stack_of(project=self.project, campaign=campaign, public_id=kwargs["stack_id"])
        with transaction.atomic():
            before = {"name": stack.name, "tiers": stack.tier_ids}
            tiers.delete_stack(project=self.project, stack=stack, at=self.at, cause=self.cause)
            self.note("promotion_stack.deleted", "promotion_stack", stack.public_id, name=stack.name, before=before)
        messages.success(request, f"Stack {stack.name} is deleted; its tiers stay.")
        return redirect("dashboard:campaign-tiers", public_id)

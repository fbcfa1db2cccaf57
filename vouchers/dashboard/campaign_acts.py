"""What one does with a campaign: switch it, delete it, add codes, and look after the tiers of a promotion."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from config.dashboard import kit, lists
from config.dashboard.base import Crumb, put_on_form, sentence_of
from config.kernel.errors import DomainError, NotFound
from config.project import audit
from config.project.permissions import Permission
from vouchers import worked_example
from vouchers.dashboard import words
from vouchers.dashboard.campaigns import PROMOTIONS, CampaignPage
from vouchers.dashboard.draft_forms import MOST_CODES, WhatForm, local
from vouchers.models import Campaign, PromotionTier, Redemption, ValidationRule, Voucher
from vouchers.services import campaigns, tiers

MOST_RULES: Final = 500
TIER: Final = ("name", "banner", "action", "hierarchy", "active", "start_date", "expiration_date")
"""What the audit log keeps of a tier."""


class Act(CampaignPage):
    """Something that is done by POST; a GET leads to the campaign."""

    permission = Permission.EDIT_VOUCHERS

    def get(self, request: HttpRequest, public_id: str, **kwargs: str) -> HttpResponse:
        return redirect("dashboard:campaign", public_id)


class CampaignSwitch(Act):
    """Enable or disable; disabling can be taken back at once."""

    def post(self, request: HttpRequest, public_id: str) -> HttpResponse:
        campaign, active = self.found(public_id), request.POST.get("active") == "on"
        before = {"active": campaign.active}
        try:
            with transaction.atomic():
                campaigns.switch(project=self.project, campaign=campaign, active=active, at=self.at, cause=self.cause)
                action = "campaign.enabled" if active else "campaign.disabled"
                self.note(action, "campaign", public_id, name=campaign.name, before=before, after={"active": active})
        except DomainError as error:
            messages.error(request, f"Not changed: {sentence_of(error)}")
            return redirect("dashboard:campaign", public_id)
        if active:
            messages.success(request, f"Campaign {campaign.name} is enabled.")
        url = reverse("dashboard:campaign", args=[public_id])
        return redirect(url if active else f"{url}?disabled=1")


class CampaignDelete(Act):
    """Delete, after saying what goes with it."""

    template_name = "dashboard/campaigns/delete.html"

    def get(self, request: HttpRequest, public_id: str, **kwargs: str) -> HttpResponse:
        return self.ask(self.found(public_id))

    def ask(self, campaign: Campaign, problem: str = "", status: int = 200) -> HttpResponse:
        codes = lists.capped_count(Voucher.objects.filter(campaign=campaign, deleted_at=None))
        used = lists.capped_count(Redemption.objects.of(self.project).filter(campaign=campaign, result="SUCCESS"))
        more = f"more than {lists.COUNT_LIMIT:,}"
        counts = [
            ("codes", more if codes is None else kit.number(codes)),
            ("tiers", kit.number(campaign.tiers.count())),
            ("redemptions, which stay in the reports without it", more if used is None else kit.number(used)),
        ]
        return self.render(self.around(campaign) | {"counts": counts, "problem": problem}, status=status)

    def post(self, request: HttpRequest, public_id: str) -> HttpResponse:
        campaign = self.found(public_id)
        if request.POST.get("typed", "").strip() != campaign.name:
            return self.ask(campaign, "That is not its name.", status=400)
        try:
            with transaction.atomic():
                campaigns.delete(project=self.project, campaign=campaign, force=False, at=self.at, cause=self.cause)
                self.note("campaign.deleted", "campaign", public_id, name=campaign.name, before={"name": campaign.name})
        except DomainError as error:
            return self.ask(campaign, sentence_of(error), status=400)
        messages.success(request, f"Campaign {campaign.name} is deleted. Its codes go in the background.")
        return redirect("dashboard:campaigns")


class CodesForm(forms.Form):
    """How many codes more, or which one."""

    code = forms.CharField(label="One code", required=False, max_length=200, strip=True)
    count = forms.IntegerField(
        label="How many", required=False, min_value=1, max_value=MOST_CODES,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if not self.errors and bool(values.get("code")) == bool(values.get("count")):
            self.add_error("count", "Say how many codes, or type one.")
        return values


class CampaignCodes(Act):
    """Add codes: one that is typed, or many made in the background."""

    template_name = "dashboard/campaigns/codes.html"
    tab = "campaign-vouchers"

    def get(self, request: HttpRequest, public_id: str, **kwargs: str) -> HttpResponse:
        return self.render(self.around(self.found(public_id)) | {"form": CodesForm(initial={"count": 100})})

    def post(self, request: HttpRequest, public_id: str) -> HttpResponse:
        campaign, form = self.found(public_id), CodesForm(request.POST)
        if form.is_valid():
            try:
                return self.add(request, campaign, form.cleaned_data)
            except DomainError as error:
                put_on_form(form, error)
        return self.render(self.around(campaign) | {"form": form}, status=400)

    def add(self, request: HttpRequest, campaign: Campaign, values: dict[str, Any]) -> HttpResponse:
        """One now, or a task whose progress one can watch."""
        with transaction.atomic():
            if values["code"]:
                voucher = campaigns.add_voucher(
                    project=self.project, campaign=campaign, data={}, code=values["code"], at=self.at, cause=self.cause
                )
                self.note("voucher.created", "voucher", voucher.public_id, name=voucher.code)
                messages.success(request, f"Code {voucher.code} is added.")
                return redirect("dashboard:campaign-vouchers", campaign.public_id)
            action = campaigns.add_vouchers(
                project=self.project, campaign=campaign, count=values["count"], data={}, at=self.at, cause=self.cause
            )
            self.note("campaign.codes_added", "campaign", campaign.public_id, name=campaign.name, after=values)
        return redirect("dashboard:task", action.public_id)


class TierForm(WhatForm):
    """One discount of a promotion, who gets it, and when."""

    fixed: ClassVar[tuple[str, ...]] = ()
    field_order = ("name", "banner")

    hierarchy = forms.IntegerField(
        label="Place", required=False, min_value=1, max_value=1000, help_text="The lowest is tried first.",
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )  # fmt: skip
    start = forms.DateTimeField(
        label="From", required=False, widget=forms.DateTimeInput(attrs={"type": "datetime-local"})
    )
    end = forms.DateTimeField(label="To", required=False, widget=forms.DateTimeInput(attrs={"type": "datetime-local"}))
    rules = forms.MultipleChoiceField(
        label="Rules", required=False, choices=(), widget=forms.SelectMultiple(attrs={"size": 5}),
        help_text="All of them must hold. None chosen: every order gets it.",
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("kind", "gift_amount", "description", "category"):
            del self.fields[name]
        for name in ("start", "end"):
            field = self.fields[name]
            if isinstance(field, forms.DateTimeField):
                field.input_formats = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]

    def tier(self) -> dict[str, Any]:
        """The body that the services take."""
        values = self.cleaned_data
        return {
            "name": values["name"],
            "banner": values["banner"] or None,
            "action": {"discount": self.discount()},
            "start_date": values["start"],
            "expiration_date": values["end"],
            "validation_rules": list(values["rules"]),
            **({} if values["hierarchy"] is None else {"hierarchy": values["hierarchy"]}),
        }


class TierNew(Act):
    """Add a tier."""

    template_name = "dashboard/campaigns/tier.html"
    tab = "campaign-tiers"

    def form(self, *args: Any, **kwargs: Any) -> TierForm:
        rows = ValidationRule.objects.of(self.project).order_by("-id").values_list("public_id", "name")
        return TierForm(*args, choices={"rules": list(rows[:MOST_RULES])}, **kwargs)

    def show(
        self, campaign: Campaign, form: TierForm, tier: PromotionTier | None = None, status: int = 200
    ) -> HttpResponse:
        crumbs = (
            PROMOTIONS,
            Crumb("Campaigns", reverse("dashboard:campaigns")),
            Crumb(campaign.name, reverse("dashboard:campaign-tiers", args=[campaign.public_id])),
        )
        stored = (tier.action or {}).get("discount") if tier is not None and not form.is_bound else None
        discount = form.discount() if form.is_bound and form.is_valid() else stored
        preview = {
            "step": "what",
            "told": words.discount_in_words(discount, self.project) if discount else "",
            "example": worked_example.of_discount(discount) if discount else None,
        }
        title = {"title": f"Edit {tier.name}" if tier else "New tier", "crumbs": crumbs}
        return self.render(self.around(campaign) | title | {"form": form, "tier": tier} | preview, status=status)

    def get(self, request: HttpRequest, public_id: str, **kwargs: str) -> HttpResponse:
        return self.show(self.found(public_id), self.form())

    def post(self, request: HttpRequest, public_id: str) -> HttpResponse:
        campaign, form = self.found(public_id), self.form(request.POST)
        if request.POST.get("act") == "refresh":
            return self.show(campaign, form)
        if form.is_valid():
            try:
                with transaction.atomic():
                    tier = tiers.create(
                        project=self.project, campaign=campaign, data=form.tier(), at=self.at, cause=self.cause
                    )
                    after = audit.facts(tier, TIER)
                    self.note("promotion_tier.created", "promotion_tier", tier.public_id, name=tier.name, after=after)
            except DomainError as error:
                put_on_form(form, error)
            else:
                messages.success(request, f"Tier {tier.name} is added.")
                return redirect("dashboard:campaign-tiers", public_id)
        return self.show(campaign, form, status=400)


class TierAct(Act):
    """Something done with one tier."""

    def tier(self, campaign: Campaign, tier_id: str) -> PromotionTier:
        """The campaign's tier of that id. Raises NotFound."""
        found = tiers.find(project=self.project, public_id=tier_id)
        if found.campaign_id != campaign.pk:
            raise NotFound.of("promotion_tier", tier_id)
        return found


class TierEdit(TierAct, TierNew):
    """Change a tier."""

    def initial(self, tier: PromotionTier) -> dict[str, Any]:
        """A stored tier as if it had been typed."""
        discount = (tier.action or {}).get("discount") or {}
        amounts = {
            name: f"{discount[name] / 100:.2f}"
            for name in ("amount_limit", "amount_off", "fixed_amount")
            if isinstance(discount.get(name), int)
        }
        rules = tier.rule_assignments.select_related("rule").order_by("pk")
        return {
            "name": tier.name,
            "banner": tier.banner or "",
            "discount_type": discount.get("type") or "PERCENT",
            "percent_off": discount.get("percent_off"),
            "target": discount.get("effect") or "APPLY_TO_ORDER",
            "unit_off": discount.get("unit_off"),
            "unit_type": discount.get("unit_type"),
            "hierarchy": tier.hierarchy,
            "start": local(tier.start_date),
            "end": local(tier.expiration_date),
            "rules": [row.rule.public_id for row in rules],
            **amounts,
        }

    def get(self, request: HttpRequest, public_id: str, **kwargs: str) -> HttpResponse:
        campaign = self.found(public_id)
        tier = self.tier(campaign, kwargs["tier_id"])
        return self.show(campaign, self.form(initial=self.initial(tier)), tier)

    def post(self, request: HttpRequest, public_id: str, **kwargs: str) -> HttpResponse:
        campaign = self.found(public_id)
        tier, form = self.tier(campaign, kwargs["tier_id"]), self.form(request.POST)
        if request.POST.get("act") == "refresh":
            return self.show(campaign, form, tier)
        if form.is_valid():
            try:
                with transaction.atomic():
                    before = audit.facts(tier, TIER)
                    changed = tiers.update(
                        project=self.project, tier=tier, data=form.tier(), at=self.at, cause=self.cause
                    )
                    after = audit.facts(changed, TIER)
                    self.note(
                        "promotion_tier.changed",
                        "promotion_tier",
                        tier.public_id,
                        name=tier.name,
                        before=before,
                        after=after,
                    )
            except DomainError as error:
                put_on_form(form, error)
            else:
                messages.success(request, f"Tier {changed.name} is saved.")
                return redirect("dashboard:campaign-tiers", public_id)
        return self.show(campaign, form, tier, status=400)


class TierSwitch(TierAct):
    """Enable or disable a tier."""

    def post(self, request: HttpRequest, public_id: str, **kwargs: str) -> HttpResponse:
        campaign, active = self.found(public_id), request.POST.get("active") == "on"
        tier = self.tier(campaign, kwargs["tier_id"])
        with transaction.atomic():
            tiers.switch(project=self.project, tier=tier, active=active, at=self.at, cause=self.cause)
            action = "promotion_tier.enabled" if active else "promotion_tier.disabled"
            before, after = {"active": tier.active}, {"active": active}
            self.note(action, "promotion_tier", tier.public_id, name=tier.name, before=before, after=after)
        messages.success(request, f"Tier {tier.name} is {'enabled' if active else 'disabled'}.")
        return redirect("dashboard:campaign-tiers", public_id)


class TierDelete(TierAct):
    """Remove a tier; its redemptions stay."""

    def post(self, request: HttpRequest, public_id: str, **kwargs: str) -> HttpResponse:
        tier = self.tier(self.found(public_id), kwargs["tier_id"])
        with transaction.atomic():
            before = audit.facts(tier, TIER)
            tiers.delete(project=self.project, tier=tier, at=self.at, cause=self.cause)
            self.note("promotion_tier.deleted", "promotion_tier", tier.public_id, name=tier.name, before=before)
        messages.success(request, f"Tier {tier.name} is deleted.")
        return redirect("dashboard:campaign-tiers", public_id)

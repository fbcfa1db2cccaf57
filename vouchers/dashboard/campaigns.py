"""Campaigns: the list, and one campaign's pages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from config.dashboard import kit, lists
from config.dashboard.base import Crumb, Page
from config.dashboard.lists import Column, Filter, ListSpec, Sort, Tab
from config.kernel.errors import NotFound
from config.project.models import Project
from config.project.permissions import Permission
from segments import services as segments
from segments.models import Segment
from vouchers import reports
from vouchers.dashboard import campaign_words, trends, words
from vouchers.dashboard.lists import redemption_list, redemptions_of, voucher_list, vouchers_of
from vouchers.models import (
    Campaign,
    CampaignDraft,
    Category,
    PromotionStack,
    PromotionTier,
    RuleAssignment,
    ValidationRule,
)
from vouchers.reasons import rule_in_words
from vouchers.reports import Sums

PROMOTIONS: Final = Crumb("Promotions")
MOST_CATEGORIES: Final = 200
MOST_TIERS: Final = 200
MOST_STACKS: Final = 100
MOST_DRAFTS: Final = 10
DAYS: Final = 30


def campaigns_of(project: Project) -> QuerySet[Campaign]:
    """What the list shows of each campaign."""
    tiers = PromotionTier.objects.only("action", "campaign_id", "hierarchy").order_by("hierarchy", "pk")
    return (
        Campaign.objects.of(project)
        .filter(deleted_at=None)
        .select_related("category")
        .prefetch_related(Prefetch("tiers", queryset=tiers))
    )


def campaign_list(
    project: Project, at: datetime, sums: dict[int, Sums], categories: Sequence[Category]
) -> ListSpec[Campaign]:
    """The campaigns of a project. sums: filled when the rows are known."""
    begun, ended = Q(start_date=None) | Q(start_date__lte=at), Q(expiration_date__lt=at)
    choices = tuple((category.public_id, category.name) for category in categories)
    return ListSpec(
        one="campaign",
        many="campaigns",
        columns=(
            Column("Name", _name_cell),
            Column("Status", lambda row: _status_cell(row, at)),
            Column("Gives", lambda row: campaign_words.gives(row, project, row.tiers.all())),
            Column("Codes", lambda row: _codes(row), number=True),
            Column("Redeemed", lambda row: kit.number(_sums(sums, row).succeeded), number=True),
            Column("Success", lambda row: _rate(_sums(sums, row)), number=True),
            Column("Category", lambda row: row.category.name if row.category else kit.NONE, on_phone=False),
            Column("Created", lambda row: kit.moment(row.created_at, at), sort="created", on_phone=False),
        ),
        sorts=(Sort("created", "Created", "created_at", descending=True),),
        tabs=(
            Tab("", "All"),
            Tab("active", "Active", Q(active=True) & begun & ~ended),
            Tab("scheduled", "Scheduled", Q(active=True, start_date__gt=at)),
            Tab("ended", "Ended", ended),
            Tab("disabled", "Disabled", Q(active=False)),
        ),
        filters=(
            Filter(
                "type",
                "Type",
                lambda rows, value: rows.filter(campaign_type=value),
                choices=tuple((key.value, label) for key, label in campaign_words.TYPES.items()),
            ),
            Filter("category", "Category", lambda rows, value: rows.filter(category__public_id=value), choices=choices),
        ),
        search=lambda rows, text: rows.filter(Q(name__istartswith=text) | Q(public_id=text)),
        search_hint="Name starts with…",
    )


def _sums(sums: dict[int, Sums], row: Campaign) -> Sums:
    return sums.get(row.pk) or Sums()


def _rate(sums: Sums) -> Any:
    return kit.NONE if sums.rate is None else f"{sums.rate} %"


def _codes(row: Campaign) -> Any:
    if row.campaign_type == Campaign.CampaignType.PROMOTION:
        return kit.plural(len(row.tiers.all()), "tier", "tiers")
    return kit.number(row.vouchers_count or 0)


def _name_cell(row: Campaign) -> Any:
    name = kit.link(reverse("dashboard:campaign", args=[row.public_id]), row.name, row=True)
    return kit.with_note(name, campaign_words.TYPES.get(Campaign.CampaignType(row.campaign_type), row.campaign_type))


def _status_cell(row: Campaign, at: datetime) -> Any:
    tone, word, hint = campaign_words.standing(row, at)
    return format_html(
        "<span>{}</span>", kit.with_note(kit.status(tone, word), hint)
    )  # one box in the cards of a phone


class CampaignList(Page):
    """All campaigns."""

    permission = Permission.SEE_VOUCHERS
    section = "campaigns"
    template_name = "dashboard/campaigns/list.html"
    title = "Campaigns"
    crumbs = (PROMOTIONS,)

    def get(self, request: HttpRequest) -> HttpResponse:
        categories = list(Category.objects.of(self.project).order_by("name")[:MOST_CATEGORIES])
        sums: dict[int, Sums] = {}
        spec = campaign_list(self.project, self.at, sums, categories)
        listing = lists.read(spec, campaigns_of(self.project), request.GET.dict())
        sums.update(reports.usage_of(project=self.project, campaigns=listing.rows, at=self.at))
        shown = CampaignDraft.objects.of(self.project).order_by("-updated_at")[:MOST_DRAFTS]
        found = list(shown) if self.may(Permission.EDIT_VOUCHERS) else []
        return self.render({"listing": listing, "empty": self.empty(), "drafts": found})

    def empty(self) -> dict[str, Any]:
        return {
            "icon": "flag",
            "title": "No campaigns yet",
            "text": "A campaign is a set of codes, or of automatic promotions, under common terms.",
            "actions": [{"url": reverse("dashboard:campaign-new"), "label": "New campaign"}]
            if self.may(Permission.EDIT_VOUCHERS)
            else [],
        }


class CampaignPage(Page):
    """What the pages of one campaign share."""

    permission = Permission.SEE_VOUCHERS
    section = "campaigns"
    tab: ClassVar[str] = ""

    def found(self, public_id: str) -> Campaign:
        """The campaign of that id. Raises NotFound."""
        rows = Campaign.objects.of(self.project).filter(deleted_at=None).select_related("category")
        if "\0" in public_id or (row := rows.filter(public_id=public_id).first()) is None:
            raise NotFound.of("campaign", public_id)
        return row

    def get(self, request: HttpRequest, public_id: str) -> HttpResponse:
        campaign = self.found(public_id)
        return self.render(self.around(campaign) | self.body(campaign, request))

    def body(self, campaign: Campaign, request: HttpRequest) -> dict[str, Any]:
        """What the tab shows."""
        raise NotImplementedError

    def around(self, campaign: Campaign) -> dict[str, Any]:
        """Title, way, tabs and what the buttons need."""
        is_promotion = campaign.campaign_type == Campaign.CampaignType.PROMOTION
        second = ("campaign-tiers", "Tiers") if is_promotion else ("campaign-vouchers", "Vouchers")
        tabs = (
            *(("campaign", "Summary"), second, ("campaign-rules", "Rules"), ("campaign-redemptions", "Redemptions")),
            *(("campaign-activity", "Activity"), ("campaign-metadata", "Metadata")),
        )
        return {
            "title": campaign.name,
            "crumbs": (PROMOTIONS, Crumb("Campaigns", reverse("dashboard:campaigns"))),
            "campaign": campaign,
            "is_promotion": is_promotion,
            "standing": campaign_words.standing(campaign, self.at),
            "kind": campaign_words.TYPES.get(Campaign.CampaignType(campaign.campaign_type), campaign.campaign_type),
            "parts": [
                (label, reverse(f"dashboard:{name}", args=[campaign.public_id]), name == self.tab)
                for name, label in tabs
            ],
        }

    def rules(self, campaign: Campaign) -> list[ValidationRule]:
        """The rules that guard every code of it."""
        rows = RuleAssignment.objects.filter(campaign=campaign).select_related("rule").order_by("pk")
        return [row.rule for row in rows]


class Summary(CampaignPage):
    """What it gives, to whom, when, how much is used, and how it goes."""

    template_name = "dashboard/campaigns/summary.html"
    tab = "campaign"

    def body(self, campaign: Campaign, request: HttpRequest) -> dict[str, Any]:
        rules = self.rules(campaign)
        voice = words.voice_of(self.project, [fact for rule in rules for fact in words.conditions_of(rule.rules)])
        today = timezone.localtime(self.at).date()
        first = today - timedelta(days=DAYS - 1)
        recent = reports.usage_between(project=self.project, first=first, last=today, at=self.at, campaign=campaign)
        total = reports.usage_of(project=self.project, campaigns=[campaign], at=self.at)[campaign.pk]
        terms = campaign_words.validity_of(campaign)
        tiers = list(campaign.tiers.order_by("hierarchy", "pk")[:MOST_TIERS])
        return {
            "gives": campaign_words.gives(campaign, self.project, tiers),
            "codes": campaign_words.KINDS.get(Campaign.Type(campaign.type), campaign.type),
            "conditions": [sentence for rule in rules for sentence in rule_in_words(rule.rules, voice)],
            "audience": self.audience(rules),
            "times": campaign_words.times(terms),
            "openings": campaign_words.openings(terms, self.at, self.project),
            "budgets": campaign_words.budgets(rules, total, self.project),
            "numbers": self.numbers(campaign, total),
            "has_usage": bool(recent.days),
            **trends.drawings(recent, today),
            "refusals": trends.refusals(recent, reverse("dashboard:campaign-redemptions", args=[campaign.public_id])),
        }

    def numbers(self, campaign: Campaign, total: Sums) -> list[tuple[str, Any]]:
        """The figures on top."""
        rate = "–" if total.rate is None else f"{total.rate} %"
        codes = [("Codes", kit.number(campaign.vouchers_count or 0))] if campaign.voucher else []
        return [
            *codes,
            ("Redeemed", kit.number(total.succeeded)),
            ("Refused", kit.number(total.refused)),
            ("Success rate", rate),
            ("Discount given", kit.money_text(total.discount, self.project.currency)),
        ]

    def audience(self, rules: list[ValidationRule]) -> str:
        """How many customers are in the segment that a rule asks for, where it asks for one."""
        wanted = {one for rule in rules for one in rule.segment_ids}
        if len(wanted) != 1:
            return ""
        segment = Segment.objects.of(self.project).filter(public_id__in=wanted).first()
        if segment is None:
            return ""
        count = lists.capped_count(segments.members(segment, self.at))
        number = (
            f"more than {lists.COUNT_LIMIT:,} customers"
            if count is None
            else kit.plural(count, "customer", "customers")
        )
        return f"“{segment.name}” has {number} now."


class CampaignVouchers(CampaignPage):
    """Its codes."""

    template_name = "dashboard/campaigns/vouchers.html"
    tab = "campaign-vouchers"

    def body(self, campaign: Campaign, request: HttpRequest) -> dict[str, Any]:
        rows = vouchers_of(self.project).filter(campaign=campaign)
        listing = lists.read(voucher_list(self.project, self.at, of_campaign=True), rows, request.GET.dict())
        empty = {
            "icon": "ticket",
            "title": "No codes yet",
            "text": "They come with “Add codes”, or when one is published.",
        }
        return {"listing": listing, "empty": empty}


class CampaignRules(CampaignPage):
    """What its codes demand."""

    template_name = "dashboard/campaigns/rules.html"
    tab = "campaign-rules"

    def body(self, campaign: Campaign, request: HttpRequest) -> dict[str, Any]:
        rules = self.rules(campaign)
        voice = words.voice_of(self.project, [fact for rule in rules for fact in words.conditions_of(rule.rules)])
        return {"rules": [(rule, rule_in_words(rule.rules, voice)) for rule in rules]}


class CampaignRedemptions(CampaignPage):
    """Attempts with its codes or tiers."""

    template_name = "dashboard/campaigns/redemptions.html"
    tab = "campaign-redemptions"

    def body(self, campaign: Campaign, request: HttpRequest) -> dict[str, Any]:
        rows = redemptions_of(self.project).filter(campaign=campaign)
        listing = lists.read(redemption_list(self.project, self.at), rows, request.GET.dict())
        empty = {"icon": "receipt", "title": "No attempts yet", "text": "Redemptions and refused attempts appear here."}
        return {"listing": listing, "empty": empty}


class CampaignMetadata(CampaignPage):
    """What the shop keeps about it."""

    template_name = "dashboard/campaigns/metadata.html"
    tab = "campaign-metadata"

    def body(self, campaign: Campaign, request: HttpRequest) -> dict[str, Any]:
        return {}


class CampaignActivity(CampaignPage):
    """Who changed what, from the audit log."""

    template_name = "dashboard/campaigns/activity.html"
    tab = "campaign-activity"

    def body(self, campaign: Campaign, request: HttpRequest) -> dict[str, Any]:
        return {"entries": trends.changes(self.project, "campaign", campaign.public_id)}


def stacks_of(campaign: Campaign) -> list[tuple[PromotionStack, list[PromotionTier]]]:
    """The campaign's stacks, newest first, each with its tiers in the order in which they apply."""
    known = {tier.public_id: tier for tier in campaign.tiers.all()}
    rows = PromotionStack.objects.filter(campaign=campaign).select_related("category").order_by("-created_at", "-pk")
    return [(row, [known[one] for one in row.tier_ids if one in known]) for row in rows[:MOST_STACKS]]


class CampaignTiers(CampaignPage):
    """The tiers of a promotion, in their order, and the stacks of them."""

    template_name = "dashboard/campaigns/tiers.html"
    tab = "campaign-tiers"

    def body(self, campaign: Campaign, request: HttpRequest) -> dict[str, Any]:
        rows = campaign.tiers.order_by("hierarchy", "pk")[:MOST_TIERS]
        told = [
            (
                row,
                words.discount_in_words((row.action or {}).get("discount") or {}, self.project),
                campaign_words.tier_standing(row, campaign, self.at),
                campaign_words.times(campaign_words.validity_of(row, campaign)),
            )
            for row in rows
        ]
        return {"tiers": told, "stacks": stacks_of(campaign)}

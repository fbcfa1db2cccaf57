"""The search in the sidebar: five groups of five, each found by one probe of an index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Q
from django.db.models.functions import Lower
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from config.dashboard.base import Page
from config.project.permissions import Permission
from customers.models import Customer
from customers.payloads import email_key
from segments.models import Segment
from tracking.models import Order
from vouchers.dashboard import campaign_words, words
from vouchers.engine import codes
from vouchers.models import Campaign, Redemption, Voucher

MOST: Final = 5
LONGEST: Final = 200


@dataclass(frozen=True)
class Hit:
    """Something that was found."""

    title: str
    note: str
    url: str


@dataclass(frozen=True)
class Group:
    """What was found of one kind. more: the list that shows the rest."""

    label: str
    icon: str
    hits: list[Hit]
    more: str = ""


class Search(Page):
    """An exact code, a customer, a campaign, a segment, an order or a redemption. One hit alone is opened at once."""

    permission = Permission.USE_DASHBOARD
    template_name = "dashboard/search.html"
    title = "Search"

    def get(self, request: HttpRequest) -> HttpResponse:
        text = request.GET.get("q", "").replace("\x00", "").strip()[:LONGEST]
        groups = [group for group in (self.groups(text) if text else []) if group.hits]
        if len(groups) == 1 and len(groups[0].hits) == 1:
            return redirect(groups[0].hits[0].url)
        return self.render({"text": text, "groups": groups})

    def groups(self, text: str) -> list[Group]:
        """What this person may see of it."""
        found: list[Group] = []
        for permission, search in (
            (Permission.SEE_VOUCHERS, self.vouchers),
            (Permission.SEE_CUSTOMERS, self.customers),
            (Permission.SEE_VOUCHERS, self.campaigns),
            (Permission.SEE_SEGMENTS, self.segments),
            (Permission.SEE_REDEMPTIONS, self.attempts),
        ):
            if self.may(permission):
                found.append(search(text))
        return found

    def vouchers(self, text: str) -> Group:
        """By the whole code, or its id."""
        key = codes.comparable(text, case_sensitive=self.project.case_sensitive_codes)
        rows = Voucher.objects.of(self.project).alive().select_related("campaign")
        rows = rows.filter(public_id=text) if text.startswith("v_") else rows.filter(code_key=key)
        hits = [
            Hit(row.code, words.gives(row, self.project), reverse("dashboard:voucher", args=[row.public_id]))
            for row in rows[:MOST]
        ]
        return Group("Vouchers", "ticket", hits)

    def customers(self, text: str) -> Group:
        """By id, or the beginning of source id, e-mail or name, whichever the text looks like."""
        rows = Customer.objects.of(self.project).alive().only("public_id", "name", "email", "source_id", "project_id")
        found = list(_customers(rows, text))
        hits = [
            Hit(
                row.name or row.email or row.source_id or row.public_id,
                row.email or row.source_id or "",
                reverse("dashboard:customer", args=[row.public_id]),
            )
            for row in found
        ]
        more = f"{reverse('dashboard:customers')}?q={text}" if len(hits) == MOST else ""
        return Group("Customers", "users", hits, more)

    def campaigns(self, text: str) -> Group:
        """By the beginning of the name."""
        rows = Campaign.objects.of(self.project).filter(deleted_at=None).annotate(key=Lower("name"))
        rows = rows.filter(public_id=text) if text.startswith("camp_") else rows.filter(key__startswith=text.lower())
        hits = [
            Hit(
                row.name,
                campaign_words.TYPES.get(Campaign.CampaignType(row.campaign_type), ""),
                reverse("dashboard:campaign", args=[row.public_id]),
            )
            for row in rows.order_by("key", "pk")[:MOST]
        ]
        return Group("Campaigns", "flag", hits)

    def segments(self, text: str) -> Group:
        """By the beginning of the name."""
        rows = Segment.objects.of(self.project).only("public_id", "name")
        rows = rows.filter(public_id=text) if text.startswith("seg_") else rows.filter(name__istartswith=text)
        hits = [
            Hit(row.name, "", reverse("dashboard:segment", args=[row.public_id])) for row in rows.order_by("-pk")[:MOST]
        ]
        return Group("Segments", "funnel", hits)

    def attempts(self, text: str) -> Group:
        """An order by its number or id, a redemption by its id."""
        if text.startswith(("r_", "rf_", "rr_", "rrf_")):
            found = Redemption.objects.of(self.project).filter(public_id=text)[:MOST]
            return Group(
                "Redemptions",
                "receipt",
                [Hit(row.public_id, row.code, reverse("dashboard:redemption", args=[row.public_id])) for row in found],
            )
        if not self.may(Permission.SEE_ORDERS):
            return Group("Orders", "cart", [])
        orders = Order.objects.of(self.project).only("public_id", "source_id", "status")
        orders = orders.filter(public_id=text) if text.startswith("ord_") else orders.filter(source_id=text)
        hits = [
            Hit(
                row.source_id or row.public_id,
                row.status.capitalize(),
                reverse("dashboard:order", args=[row.public_id]),
            )
            for row in orders[:MOST]
        ]
        return Group("Orders", "cart", hits)


def _customers(rows: Any, text: str) -> Any:
    if text.startswith("cust_"):
        return rows.filter(public_id=text)[:MOST]
    if "@" in text:
        key = email_key(text) or ""
        return rows.filter(email_key__gte=key, email_key__lt=key + "\U0010ffff").order_by("email_key")[:MOST]
    named = rows.annotate(key=Lower("name")).filter(key__startswith=text.lower()).order_by("key", "pk")[:MOST]
    by_source = rows.filter(Q(source_id__startswith=text) | Q(source_id=text)).order_by("source_id")[:MOST]
    seen = {row.pk: row for row in [*by_source, *named]}
    return list(seen.values())[:MOST]

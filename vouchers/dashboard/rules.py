"""Validation rules: the list, and one rule with what it is assigned to."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from config.dashboard import kit, lists
from config.dashboard.base import Crumb, Page, sentence_of
from config.dashboard.lists import Column, ListSpec, Sort
from config.kernel.errors import DomainError
from config.project.permissions import Permission
from vouchers import audited
from vouchers.dashboard import words
from vouchers.models import RuleAssignment, ValidationRule
from vouchers.reasons import rule_in_words
from vouchers.services import validation_rules

PROMOTIONS = Crumb("Promotions")
MOST_SHOWN = 200


def rules_of(page: Page) -> QuerySet[ValidationRule]:
    """What the list shows of each rule."""
    return ValidationRule.objects.of(page.project).annotate(uses=Count("assignments"))


class RuleList(Page):
    """All validation rules."""

    permission = Permission.SEE_VOUCHERS
    section = "rules"
    template_name = "dashboard/rules/list.html"
    title = "Validation rules"
    crumbs = (PROMOTIONS,)

    def get(self, request: HttpRequest) -> HttpResponse:
        sentences: dict[int, str] = {}
        spec = ListSpec[ValidationRule](
            one="rule",
            many="rules",
            columns=(
                Column("Rule", lambda row: _name_cell(row, sentences.get(row.pk, ""))),
                Column("In use", _uses_cell),
                Column("Created", lambda row: kit.moment(row.created_at, self.at), sort="created", on_phone=False),
            ),
            sorts=(Sort("created", "Created", "created_at", descending=True),),
            search=lambda rows, text: rows.filter(name__istartswith=text),
            search_hint="Name starts with…",
        )
        listing = lists.read(spec, rules_of(self), request.GET.dict())
        voice = words.voice_of(self.project, [fact for row in listing.rows for fact in words.conditions_of(row.rules)])
        sentences.update({row.pk: " · ".join(rule_in_words(row.rules, voice)) for row in listing.rows})
        return self.render({"listing": listing, "empty": self.empty()})

    def empty(self) -> dict[str, Any]:
        return {
            "icon": "rule",
            "title": "No validation rules yet",
            "text": "A rule says who may redeem, with which order and how often. One rule can guard many campaigns.",
            "actions": [{"url": reverse("dashboard:rule-new"), "label": "New rule"}]
            if self.may(Permission.EDIT_VOUCHERS)
            else [],
        }


def _uses_cell(row: ValidationRule) -> Any:
    uses: int = getattr(row, "uses", 0)
    return kit.plural(uses, "time", "times") if uses else kit.muted("not used")


def _name_cell(row: ValidationRule, sentence: str) -> Any:
    name = kit.link(reverse("dashboard:rule", args=[row.public_id]), row.name, row=True)
    return kit.with_note(name, sentence[:240] or "No conditions")


class RulePage(Page):
    """One rule: what it demands, what it is assigned to."""

    permission = Permission.SEE_VOUCHERS
    section = "rules"
    template_name = "dashboard/rules/detail.html"

    def get(self, request: HttpRequest, public_id: str) -> HttpResponse:
        rule = validation_rules.find(project=self.project, public_id=public_id)
        bound = RuleAssignment.objects.of(self.project).filter(rule=rule)
        rows = bound.select_related("voucher", "campaign", "promotion_tier__campaign").order_by("-pk")
        assignments = list(rows[: MOST_SHOWN + 1])
        voice = words.voice_of(self.project, words.conditions_of(rule.rules))
        return self.render(
            {
                "title": rule.name,
                "crumbs": (PROMOTIONS, Crumb("Validation rules", reverse("dashboard:rules"))),
                "rule": rule,
                "sentences": rule_in_words(rule.rules, voice),
                "message": (rule.error or {}).get("message", ""),
                "lines": lines_of(self, rule),
                "assignments": [(row, *_target(row)) for row in assignments[:MOST_SHOWN]],
                "more": len(assignments) > MOST_SHOWN,
                "json": pretty(rule.rules),
            }
        )


def lines_of(page: Page, rule: ValidationRule) -> list[tuple[str, list[str]]]:
    """Which lines of an order an item discount touches: (heading, names)."""
    given = rule.applicable_to or {}
    parts = [("Only these", given.get("included") or []), ("Never these", given.get("excluded") or [])]
    ids = {str(entry.get("id")) for _, entries in parts for entry in entries if isinstance(entry, dict)}
    names = words.catalogue_names(page.project, ids) if ids else {}
    told: list[tuple[str, list[str]]] = [("All items", [])] if given.get("included_all") else []
    for heading, entries in parts:
        if entries:
            told.append(
                (heading, [names.get(str(e.get("id")), str(e.get("id") or e.get("source_id"))) for e in entries])
            )
    return told


def _target(row: RuleAssignment) -> tuple[str, str, str]:
    """What an assignment guards: kind, name, address."""
    if row.voucher is not None:
        return "Voucher", row.voucher.code, reverse("dashboard:voucher", args=[row.voucher.public_id])
    campaign = row.campaign or (row.promotion_tier.campaign if row.promotion_tier else None)
    if campaign is None:
        return row.related_object_type, row.related_object_id, ""
    url = reverse("dashboard:campaign", args=[campaign.public_id])
    if row.promotion_tier is not None:
        return "Promotion tier", f"{row.promotion_tier.name} of {campaign.name}", url
    return "Campaign", campaign.name, url


def pretty(value: Any) -> str:
    """JSON as people edit it."""
    return json.dumps(value, indent=2, ensure_ascii=False)


class RuleDelete(Page):
    """Delete a rule with its assignments."""

    permission = Permission.EDIT_VOUCHERS
    section = "rules"

    def get(self, request: HttpRequest, public_id: str) -> HttpResponse:
        return redirect("dashboard:rule", public_id)

    def post(self, request: HttpRequest, public_id: str) -> HttpResponse:
        rule = validation_rules.find(project=self.project, public_id=public_id)
        with transaction.atomic():
            before = audited.of_rule(rule)
            validation_rules.delete(project=self.project, rule=rule, at=self.at)
            self.note("validation_rule.deleted", "validation_rule", public_id, name=rule.name, before=before)
        messages.success(request, f"Rule {rule.name} is deleted. What it guarded is open to everybody again.")
        return redirect("dashboard:rules")


class RuleAssign(Page):
    """Bind the rule to a voucher, campaign or tier, or undo it."""

    permission = Permission.EDIT_VOUCHERS
    section = "rules"

    def get(self, request: HttpRequest, public_id: str) -> HttpResponse:
        return redirect("dashboard:rule", public_id)

    def post(self, request: HttpRequest, public_id: str) -> HttpResponse:
        rule = validation_rules.find(project=self.project, public_id=public_id)
        try:
            with transaction.atomic():
                after = self.change(request, rule)
                self.note("validation_rule.changed", "validation_rule", public_id, name=rule.name, after=after)
        except DomainError as error:
            messages.error(request, f"Not changed: {sentence_of(error)}")
        return redirect("dashboard:rule", public_id)

    def change(self, request: HttpRequest, rule: ValidationRule) -> dict[str, Any]:
        """Do what was asked, and return what the audit log keeps of it."""
        if undone := request.POST.get("undo", ""):
            validation_rules.unassign(project=self.project, rule=rule, public_id=undone, at=self.at)
            messages.success(request, "The rule does not guard it any more.")
            return {"unassigned": undone}
        kind, target = request.POST.get("kind", "voucher"), request.POST.get("target", "").strip()
        row = validation_rules.assign(
            project=self.project, rule=rule, related_object_type=kind, related_object_id=target, at=self.at
        )
        messages.success(request, "The rule guards it from now on.")
        return {"assigned": row.related_object_id}

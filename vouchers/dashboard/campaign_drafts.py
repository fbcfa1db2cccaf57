"""A campaign in four steps, kept as a draft at each; then a summary in words, and Publish."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.datastructures import MultiValueDict

from config.dashboard import kit, lists
from config.dashboard.base import Crumb, Page, sentence_of
from config.kernel.errors import DomainError, NotFound
from config.project import audit
from config.project.permissions import Permission
from segments import services as segments
from segments.models import Segment
from vouchers import worked_example
from vouchers.dashboard import campaign_words, words
from vouchers.dashboard.campaigns import PROMOTIONS, CampaignPage
from vouchers.dashboard.draft_forms import STEPS, CodesForm, StepForm, WhatForm, WhenForm, WhoForm, typed_of
from vouchers.engine import codes
from vouchers.engine.terms import Validity
from vouchers.models import Campaign, CampaignDraft, Category, ValidationRule, Voucher
from vouchers.reasons import rule_in_words
from vouchers.services import drafts

MOST_OFFERED: Final = 500
AUDITED: Final = (
    *("name", "campaign_type", "type", "voucher", "active", "start_date", "expiration_date", "join_once"),
    *("validity_day_of_week", "validity_hours", "description"),
)
"""What the audit log keeps of a campaign."""
SAMPLES: Final = 3


class DraftPage(Page):
    """What the steps share."""

    permission = Permission.EDIT_VOUCHERS
    section = "campaigns"

    def choices(self, step: str) -> dict[str, Sequence[tuple[str, str]]]:
        """What the menus of a step offer."""
        if step == "what":
            rows = Category.objects.of(self.project).order_by("name").values_list("public_id", "name")
            return {"category": list(rows[:MOST_OFFERED])}
        if step == "who":
            groups = Segment.objects.of(self.project).order_by("-id").values_list("public_id", "name")
            rules = ValidationRule.objects.of(self.project).order_by("-id").values_list("public_id", "name")
            return {"segments": list(groups[:MOST_OFFERED]), "rules": list(rules[:MOST_OFFERED])}
        return {}

    def form(self, step: str, typed: Mapping[str, Sequence[str]] | None, editing: Campaign | None) -> StepForm:
        """The form of a step, with what was typed; a step nobody opened yet has its defaults."""
        kind = STEPS[step][1]
        if typed is None:
            return kind(editing=editing, choices=self.choices(step))
        data = MultiValueDict({key: list(values) for key, values in typed.items()})
        initial = {
            name: data.getlist(name) if name in ("segments", "rules", "days") else data.get(name) for name in data
        }
        return kind(data, initial=initial, editing=editing, choices=self.choices(step))

    def forms(self, draft: CampaignDraft) -> dict[str, StepForm]:
        """All steps, checked; one that nobody opened counts with its defaults."""
        found = {}
        for step in STEPS:
            typed = draft.steps.get(step)
            if typed is None:
                typed = {
                    name: [str(field.initial)] for name, field in STEPS[step][1].base_fields.items() if field.initial
                }
            found[step] = self.form(step, typed, draft.campaign)
            found[step].is_valid()
        return found

    def show(self, step: str, form: StepForm, draft: CampaignDraft | None, *, status: int = 200) -> HttpResponse:
        """A step's page: the form, and beside it what it comes to."""
        preview = self.preview(step, form)
        steps = [
            (key, label, reverse("dashboard:draft-step", args=[draft.public_id, key]) if draft else "", key == step)
            for key, (label, _) in STEPS.items()
        ]
        editing = draft.campaign if draft else None
        return self.render(
            {
                "title": f"Edit {editing.name}" if editing else draft.name if draft else "New campaign",
                "crumbs": (PROMOTIONS, Crumb("Campaigns", reverse("dashboard:campaigns"))),
                "form": form,
                "step": step,
                "steps": steps,
                "draft": draft,
                "editing": editing,
                "template_of_step": f"dashboard/campaigns/_step_{step}.html",
                **preview,
            },
            template="dashboard/campaigns/step.html",
            status=status,
        )

    def preview(self, step: str, form: StepForm) -> dict[str, Any]:
        """What the step comes to, as far as it can be told."""
        if not form.is_bound:
            return {}
        form.is_valid()
        if isinstance(form, WhatForm):
            discount, gift = form.discount(), form.gift()
            example = worked_example.of_gift(gift["amount"]) if gift else None
            if discount and not gift:
                example = worked_example.of_discount(discount)
            told = f"Gift card of {kit.money_text(gift['amount'], self.project.currency)}" if gift else ""
            return {
                "example": example,
                "told": told or (words.discount_in_words(discount, self.project) if discount else ""),
            }
        if isinstance(form, CodesForm):
            return samples(form, case_sensitive=self.project.case_sensitive_codes)
        if isinstance(form, WhoForm):
            return self.audience(form)
        if isinstance(form, WhenForm):
            terms = validity_of(form.terms())
            return {
                "times": campaign_words.times(terms),
                "openings": campaign_words.openings(terms, self.at, self.project),
            }
        return {}

    def audience(self, form: WhoForm) -> dict[str, Any]:
        """How many customers each chosen segment has, and the conditions as sentences."""
        chosen = Segment.objects.of(self.project).filter(public_id__in=form.cleaned_data.get("segments") or [])
        counts = []
        for segment in chosen.order_by("name")[:3]:
            count = lists.capped_count(segments.members(segment, self.at))
            number = f"more than {lists.COUNT_LIMIT:,}" if count is None else kit.number(count)
            counts.append((segment.name, number))
        return {"counts": counts, "conditions": self.conditions(form)}

    def conditions(self, form: WhoForm) -> list[str]:
        """What is demanded, as sentences."""
        body = form.rule("", on_items=False)
        if body is None:
            return []
        voice = words.voice_of(self.project, words.conditions_of(body["rules"]))
        return rule_in_words(body["rules"], voice)


def samples(form: CodesForm, *, case_sensitive: bool) -> dict[str, Any]:
    """Three codes, and how many there could be."""
    values = form.cleaned_data
    if values.get("type") == "STANDALONE" or "pattern" in form.errors:
        return {}
    config = codes.parse_config(form.config(values))
    return {
        "samples": [codes.generate(config) for _ in range(SAMPLES)],
        "possible": config.possible(case_sensitive=case_sensitive),
    }


def validity_of(terms: Mapping[str, Any]) -> Validity:
    """The engine's view of what the form says."""
    days = terms["validity_day_of_week"]
    return Validity(
        start_date=terms["start_date"],
        expiration_date=terms["expiration_date"],
        day_of_week=None if days is None else tuple(days),
        hours=terms["validity_hours"],
    )


def typed_in(data: QueryDict) -> dict[str, list[str]]:
    """What was typed into a step, without the page's own fields."""
    return {key: list(values) for key, values in data.lists() if key not in ("csrfmiddlewaretoken", "act", "go")}


class CampaignNew(DraftPage):
    """The first step of a new campaign; the draft begins when it is sent."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.show("what", self.form("what", None, None), None)

    def post(self, request: HttpRequest) -> HttpResponse:
        typed = typed_in(request.POST)
        form = self.form("what", typed, None)
        if request.POST.get("act") == "refresh":
            return self.show("what", form, None)
        if not form.is_valid():
            return self.show("what", form, None, status=400)
        draft = drafts.begin(project=self.project, steps={"what": typed}, at=self.at, user=self.user)
        return redirect(next_of(draft, "what", request.POST.get("go", "")))


def next_of(draft: CampaignDraft, step: str, wanted: str) -> str:
    """Where a saved step leads: the step that was asked for, else the following one, at last the summary."""
    names = list(STEPS)
    following = names[names.index(step) + 1] if step != names[-1] else ""
    target = wanted if wanted in STEPS else "" if wanted == "review" else following
    if target:
        return reverse("dashboard:draft-step", args=[draft.public_id, target])
    return reverse("dashboard:draft", args=[draft.public_id])


class DraftStep(DraftPage):
    """One step of a draft. What was typed is kept even where something is wrong with it."""

    def get(self, request: HttpRequest, public_id: str, step: str) -> HttpResponse:
        self.known(step)
        draft = drafts.find(project=self.project, public_id=public_id)
        return self.show(step, self.form(step, draft.steps.get(step), draft.campaign), draft)

    def known(self, step: str) -> None:
        """Raises NotFound: there is no such step."""
        if step not in STEPS:
            raise NotFound.of("step", step)

    def post(self, request: HttpRequest, public_id: str, step: str) -> HttpResponse:
        self.known(step)
        draft = drafts.find(project=self.project, public_id=public_id)
        typed = typed_in(request.POST)
        form = self.form(step, typed, draft.campaign)
        if request.POST.get("act") == "refresh":
            return self.show(step, form, draft)
        drafts.save_step(draft=draft, step=step, typed=typed, at=self.at)
        if not form.is_valid():
            return self.show(step, form, draft, status=400)
        return redirect(next_of(draft, step, request.POST.get("go", "")))


class DraftReview(DraftPage):
    """The draft in words; sending it publishes."""

    template_name = "dashboard/campaigns/review.html"

    def get(self, request: HttpRequest, public_id: str) -> HttpResponse:
        return self.review(drafts.find(project=self.project, public_id=public_id))

    def review(self, draft: CampaignDraft, refusal: str = "", status: int = 200) -> HttpResponse:
        forms = self.forms(draft)
        what, who, when = forms["what"], forms["who"], forms["when"]
        assert isinstance(what, WhatForm) and isinstance(who, WhoForm) and isinstance(when, WhenForm)
        terms = validity_of(when.terms())
        return self.render(
            {
                "title": f"Edit {draft.campaign.name}" if draft.campaign else draft.name,
                "crumbs": (PROMOTIONS, Crumb("Campaigns", reverse("dashboard:campaigns"))),
                "draft": draft,
                "editing": draft.campaign,
                "forms": forms,
                "refusal": refusal,
                "steps": [
                    (key, label, reverse("dashboard:draft-step", args=[draft.public_id, key]), False)
                    for key, (label, _) in STEPS.items()
                ],
                "open_problems": [
                    (STEPS[step][0], reverse("dashboard:draft-step", args=[draft.public_id, step]), first_problem(form))
                    for step, form in forms.items()
                    if form.errors
                ],
                **self.preview("what", what),
                **self.preview("codes", forms["codes"]),
                **self.audience(who),
                "times": campaign_words.times(terms),
                "openings": campaign_words.openings(terms, self.at, self.project),
                "values": {name: form.cleaned_data for name, form in forms.items()},
                "effect": effect_on_codes(draft.campaign) if draft.campaign else None,
            },
            status=status,
        )

    def post(self, request: HttpRequest, public_id: str) -> HttpResponse:
        draft = drafts.find(project=self.project, public_id=public_id)
        forms = self.forms(draft)
        if any(form.errors for form in forms.values()):
            return self.review(draft, status=400)
        editing = draft.campaign
        try:
            before = audit.facts(editing, AUDITED) if editing else None
            data, rule, rule_ids = body_of(forms, editing)
            made = drafts.publish(
                draft=draft,
                data=data,
                rule=rule,
                rule_ids=rule_ids,
                at=self.at,
                request_id=request.META.get("REQUEST_ID", ""),
                cause=self.cause,
            )
            action = "campaign.changed" if editing else "campaign.created"
            self.note(
                action, "campaign", made.public_id, name=made.name, before=before, after=audit.facts(made, AUDITED)
            )
        except DomainError as error:
            return self.review(draft, refusal=sentence_of(error), status=400)
        messages.success(request, f"Campaign {made.name} is {'changed' if editing else 'published'}.")
        return redirect("dashboard:campaign", made.public_id)


def first_problem(form: StepForm) -> str:
    """What is wrong with a step, in one sentence."""
    name, sentences = next(iter(form.errors.items()))
    label = form.fields[name].label if name in form.fields else ""
    return f"{label}: {sentences[0]}" if label else str(sentences[0])


def effect_on_codes(campaign: Campaign) -> tuple[str, str]:
    """How many codes a change reaches, and how many keep what they have."""
    rows = Voucher.objects.filter(campaign=campaign, deleted_at=None)
    free = lists.capped_count(rows.filter(publish_count=0, redeemed_quantity=0))
    whole = lists.capped_count(rows)
    kept = None if whole is None or free is None else whole - free
    more = f"more than {lists.COUNT_LIMIT:,}"
    return (more if free is None else kit.number(free), more if kept is None else kit.number(kept))


def body_of(
    forms: Mapping[str, StepForm], editing: Campaign | None
) -> tuple[dict[str, Any], dict[str, Any] | None, list[str]]:
    """What the services take: the campaign as on the wire, the rule made for it, and the rules that exist."""
    what, code, who, when = (forms[step] for step in STEPS)
    assert isinstance(what, WhatForm) and isinstance(who, WhoForm) and isinstance(when, WhenForm)
    values, coded, terms = what.cleaned_data, code.cleaned_data, when.terms()
    discount, gift = what.discount(), what.gift()
    data: dict[str, Any] = {
        "description": values["description"] or None,
        "category_id": values["category"] or None,
        **terms,
    }
    if when.cleaned_data.get("days_after"):
        data["activity_duration_after_publishing"] = f"P{when.cleaned_data['days_after']}D"
    is_promotion = values["kind"] == "PROMOTION"
    if not is_promotion:
        data |= {"join_once": coded["join_once"], "type": coded["type"]}
    if editing is not None:
        if coded["type"] == "STANDALONE":
            data.pop("type", None)
            data.pop("join_once", None)
        if not is_promotion:
            data |= {"gift": gift} if gift else {"discount": discount}
        return data, None, []
    data |= {"name": values["name"]}
    if is_promotion:
        tier = {"name": values["name"], "banner": values["banner"] or None, "action": {"discount": discount}}
        data |= {"campaign_type": "PROMOTION", "promotion": {"tiers": [tier]}}
    else:
        voucher = {"type": "GIFT_VOUCHER", "gift": gift} if gift else {"type": "DISCOUNT_VOUCHER", "discount": discount}
        voucher["redemption"] = {"quantity": who.cleaned_data.get("uses")}
        if coded["type"] == "STANDALONE":
            voucher |= {"code": coded["code"]} if coded["code"] else {}
        else:
            voucher["code_config"] = CodesForm.config(coded)
            data["vouchers_count"] = coded["quantity"]
        data |= {"campaign_type": "GIFT_VOUCHERS" if gift else "DISCOUNT_COUPONS", "voucher": voucher}
    on_items = str((discount or {}).get("effect", "")).startswith("APPLY_TO_ITEMS")
    return data, who.rule(values["name"], on_items=on_items), list(who.cleaned_data.get("rules") or [])


class DraftDiscard(DraftPage):
    """Throw a draft away."""

    def get(self, request: HttpRequest, public_id: str) -> HttpResponse:
        return redirect("dashboard:draft", public_id)

    def post(self, request: HttpRequest, public_id: str) -> HttpResponse:
        drafts.discard(draft=drafts.find(project=self.project, public_id=public_id))
        messages.success(request, "The draft is thrown away.")
        return redirect("dashboard:campaigns")


class CampaignDraftFrom(CampaignPage):
    """Begin a draft with what a campaign says: to change it, or as a copy without its codes and counters."""

    permission = Permission.EDIT_VOUCHERS
    copy = False

    def get(self, request: HttpRequest, public_id: str) -> HttpResponse:
        return redirect("dashboard:campaign", public_id)

    def post(self, request: HttpRequest, public_id: str) -> HttpResponse:
        campaign = self.found(public_id)
        steps = typed_of(campaign, copy=self.copy)
        target = None if self.copy else campaign
        draft = drafts.begin(project=self.project, steps=steps, at=self.at, user=self.user, campaign=target)
        return redirect("dashboard:draft-step", draft.public_id, "what")

"""What the builder asks while it is used, as JSON: how many, who, why, which values, which customer."""

from __future__ import annotations

import time
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.urls import reverse

from config.api import limits, wire_json
from config.dashboard import kit
from config.dashboard.base import Page, sentence_of
from config.kernel.errors import DomainError, InvalidPayload
from config.project.permissions import Permission
from customers import fields
from customers.models import Customer
from customers.services import profiles
from segments import services
from segments.dashboard import values

PREVIEWS: Final = (5, 1)
"""Counts of each phase a person may ask for, in so many seconds: the page itself waits a quarter of one."""
GROUPS: Final = {"all": "All of these", "any": "Any of these", "none": "None of these", "not": "Not this"}


class Answer(Page):
    """An answer for the builder; a count has a time limit of its own."""

    permission = Permission.SEE_SEGMENTS

    def body(self, request: HttpRequest) -> dict[str, Any]:
        """The JSON that was sent. Raises InvalidPayload."""
        try:
            body = wire_json.load(request.body)
        except wire_json.MalformedJson as error:
            raise InvalidPayload(str(error)) from None
        if not isinstance(body, dict):
            raise InvalidPayload("Payload should be an object")
        return body

    def refuse_shortly(self, error: DomainError) -> JsonResponse:
        """A refusal as JSON: the script shows its own words."""
        return JsonResponse({"message": error.details or error.message}, status=400)


class Preview(Answer):
    """How many match, exactly or about, and five of them."""

    def post(self, request: HttpRequest) -> HttpResponse:
        try:
            body = self.body(request)
        except DomainError as error:
            return refused(error)
        phase = 2 if body.get("phase") == 2 else 1
        if not limits.hit(f"segments.preview.{phase}.{self.user.pk}", PREVIEWS, time.time()).allowed:
            return JsonResponse({"message": "Too many counts at once. Wait a second."}, status=429)
        found = services.preview(project=self.project, filter=body.get("filter"), at=self.at, phase=phase)
        own = {
            "sample": [member(customer) for customer in found.sample],
            "words": number_of(found),
            "said": said_of(found),
            "note": note_of(found),
            "notes": [self.empties_note(found.empties, body)] if found.empties else [],
            "more": phase == 1 and not found.problems,
        }
        own["markup"] = render_to_string("dashboard/segments/_sample.html", own)
        return JsonResponse(found.as_json() | own)

    def empties_note(self, paths: tuple[str, ...], body: dict[str, Any]) -> str:
        """Which conditions alone leave nobody."""
        table = fields.of(self.project)
        names = [path.removeprefix(".filter.").split(".conditions.")[0] for path in paths]
        labels = [field.label if (field := table.get(name)) else "a group" for name in names]
        return f"No customer matches what is asked of {' or of '.join(dict.fromkeys(labels))}."


class Why(Answer):
    """Whether one customer is in, condition by condition with what the customer has."""

    def post(self, request: HttpRequest) -> HttpResponse:
        try:
            body = self.body(request)
            customer = profiles.find(project=self.project, identifier=str(body.get("customer", "")))
            found = services.why_filter(project=self.project, filter=body.get("filter"), customer=customer, at=self.at)
        except DomainError as error:
            return refused(error)
        markup = render_to_string("dashboard/segments/_why.html", {"why": found})
        return JsonResponse(found.as_json() | {"tree": in_words(found.tree), "markup": markup})


class Values(Answer):
    """What a field's value may be: the most frequent ones."""

    def get(self, request: HttpRequest) -> HttpResponse:
        found = values.frequent(project=self.project, key=request.GET.get("field", ""), at=self.at)
        return JsonResponse({"values": [{"value": value, "label": label} for value, label in found]})


class Customers(Answer):
    """Customers to choose from, by the beginning of name, e-mail or source id."""

    def get(self, request: HttpRequest) -> HttpResponse:
        text = request.GET.get("q", "").strip()
        found = values.customers(project=self.project, text=text)
        items = [
            {"value": row.public_id, "label": name_of(row), "note": row.email or row.source_id or ""} for row in found
        ]
        return JsonResponse({"items": items})


def refused(error: DomainError) -> JsonResponse:
    """A refusal for the script, which shows words of its own."""
    return JsonResponse({"message": sentence_of(error)}, status=400)


def name_of(customer: Customer) -> str:
    """What a customer is called here."""
    return customer.name or customer.email or customer.source_id or customer.public_id


def member(customer: Customer) -> dict[str, str]:
    """One of the sample."""
    place = ", ".join(part for part in (customer.city, customer.country) if part)
    return {
        "name": name_of(customer),
        "about": " · ".join(part for part in (customer.email, place) if part),
        "url": reverse("dashboard:customer", args=[customer.public_id]),
    }


def in_words(tree: dict[str, Any]) -> dict[str, Any]:
    """The tree of verdicts with words at its groups too."""
    if "rules" not in tree:
        return tree
    return tree | {"words": GROUPS[tree["match"]], "rules": [in_words(rule) for rule in tree["rules"]]}


def number_of(found: services.Preview) -> str:
    """102,859; about 620,000; a dash where nothing could be counted."""
    return kit.number(found.count) if found.exact or found.count is None else f"about {kit.number(found.count)}"


def said_of(found: services.Preview) -> str:
    """What is said aloud once the number stays."""
    if found.count is None:
        return note_of(found)
    return f"{number_of(found)} {'customer matches' if found.count == 1 else 'customers match'}"


def note_of(found: services.Preview) -> str:
    """The share in words, or why there is no number."""
    if found.problems:
        return "Not counted: the definition has a mistake."
    if found.count is None or found.share is None:
        return "Counting takes too long right now."
    percent = found.share * 100
    if 0 < percent < 0.1:
        return "Less than 0.1 % of all customers"
    return f"{percent:.1f} % of all customers".replace(".0 %", " %")

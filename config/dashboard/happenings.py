"""What happened to a customer, in words: one row of the timeline for each event or attempt to redeem."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.urls import reverse

from config.dashboard import kit
from config.project.models import Project
from tracking.models import Event
from vouchers.dashboard import words
from vouchers.models import Redemption

Data = Mapping[str, Any]


@dataclass(frozen=True)
class Happening:
    """One row of the timeline."""

    at: datetime
    icon: str
    title: str
    tone: str = ""
    text: str = ""
    url: str = ""
    data: Data = field(default_factory=dict)


@dataclass(frozen=True)
class Kind:
    """How a type of event is told."""

    title: str
    icon: str = "bolt"
    tone: str = ""
    text: Callable[[Data], str] = lambda data: ""


def _named(key: str) -> Callable[[Data], str]:
    def text(data: Data) -> str:
        part = data.get(key)
        name = (part.get("name") or part.get("code") or part.get("id")) if isinstance(part, Mapping) else part
        return "" if name is None else str(name)

    return text


def _published(data: Data) -> str:
    """The code; earlier events had it beside the publication."""
    publication = data.get("publication")
    inside = publication.get("voucher") if isinstance(publication, Mapping) else None
    return _named("voucher")(data) or _named("voucher")({"voucher": inside})


KINDS: Final[Mapping[str, Kind]] = {
    "customer.created": Kind("Customer was added", "user", "run"),
    "customer.updated": Kind("Profile changed", "pencil"),
    "customer.deleted": Kind("Customer was deleted", "trash", "bad"),
    "customer.order.created": Kind("Order placed", "cart", "run"),
    "customer.order.updated": Kind("Order changed", "cart"),
    "customer.order.paid": Kind("Order paid", "cart", "ok"),
    "customer.order.fulfilled": Kind("Order fulfilled", "cart", "ok"),
    "customer.order.canceled": Kind("Order canceled", "cart", "bad"),
    "customer.segment.entered": Kind("Entered a segment", "funnel", "run", _named("segment")),
    "customer.segment.left": Kind("Left a segment", "funnel", "", _named("segment")),
    "customer.publication.succeeded": Kind("A code was published to them", "ticket", "run", _published),
    "customer.publication.failed": Kind("Publishing a code failed", "ticket", "bad"),
    "customer.holder.assignment.created": Kind("Holds a code", "ticket", "", _named("voucher")),
    "customer.holder.assignment.deleted": Kind("Holds a code no more", "ticket", "", _named("voucher")),
    "customer.validation.succeeded": Kind("Checked a code: valid", "search"),
    "customer.validation.failed": Kind("Checked a code: not valid", "search"),
}


PROFILE: Final = ("customer.created", "customer.updated", "customer.deleted")
"""Of these one wants to know who did it."""


def told(row: Event | Redemption, project: Project, names: Mapping[str, str] | None = None) -> Happening:
    """The row in words. names: of people by their `user_…` id."""
    return _attempt(row, project) if isinstance(row, Redemption) else _event(row, names or {})


def actor_of(event: Event) -> str:
    """The `user_…` id of the person in the dashboard who did it, "" for others."""
    return str(_source(event, "user").get("id") or "")


def _source(event: Event, part: str) -> Mapping[str, Any]:
    found = event.source.get(part) if isinstance(event.source, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _by(event: Event, names: Mapping[str, str]) -> str:
    """Who did it, as far as one knows."""
    if actor := actor_of(event):
        return f"by {names.get(actor, 'a former member')}"
    key = _source(event, "api_key").get("name")
    return f"with the key “{key}”" if key else ""


def _event(event: Event, names: Mapping[str, str]) -> Happening:
    if event.type == "customer.custom_event":
        return Happening(event.created_at, "bolt", f"Did “{event.name}”", "run", data=event.data)
    kind = KINDS.get(event.type)
    if kind is None:
        title = event.type.removeprefix("customer.").replace(".", " ").replace("_", " ").capitalize()
        return Happening(event.created_at, "bolt", title, data=event.data)
    text = _by(event, names) if event.type in PROFILE else kind.text(event.data)
    return Happening(event.created_at, kind.icon, kind.title, kind.tone, text, data=event.data)


def _attempt(row: Redemption, project: Project) -> Happening:
    url = reverse("dashboard:redemption", args=[row.public_id])
    code = row.code or (row.voucher.code if row.voucher else "a code")
    if row.kind == Redemption.Kind.ROLLBACK:
        return Happening(row.created_at, "undo", f"Redemption of {code} was rolled back", "", url=url)
    if row.result == Redemption.Result.FAILURE:
        return Happening(row.created_at, "close", f"{code} was refused", "bad", words.first_reason(row), url)
    amount = row.amount if row.amount is not None else row.discount_amount
    given = f"{kit.money_text(amount, project.currency)} off" if amount else ""
    undone = " Rolled back later." if row.status == Redemption.Status.ROLLED_BACK else ""
    return Happening(row.created_at, "check", f"Redeemed {code}", "ok", f"{given}{undone}".strip(), url)

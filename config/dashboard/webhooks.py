"""Settings › Webhooks: where the project's events go, what was sent, and what came back."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

from django.contrib import messages
from django.db import transaction
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.safestring import SafeString

from config.dashboard import kit, lists
from config.dashboard.base import Crumb, Page, put_on_form
from config.dashboard.lists import Column, Filter, ListSpec, Sort, Tab
from config.dashboard.passwords import PasswordAgain
from config.dashboard.webhook_forms import WebhookForm
from config.kernel.errors import DomainError, NotFound
from config.project import encryption, webhook_secrets
from config.project.permissions import Permission
from config.webhooks import services
from config.webhooks.catalogue import TYPES
from config.webhooks.models import Delivery, Webhook

SETTINGS: Final = Crumb("Settings")
State = Delivery.State


def state_of(webhook: Webhook) -> tuple[str, str]:
    """Tone and word."""
    if webhook.active:
        return "ok", "On"
    return ("bad", "Switched off after failures") if webhook.disabled_reason else ("off", "Off")


def outcome_of(delivery: Delivery) -> tuple[str, str]:
    """Tone and word."""
    if delivery.state == State.DELIVERED:
        return "ok", "Delivered"
    if delivery.state == State.FAILED:
        return "bad", "Given up"
    return ("warn", "Will be tried again") if delivery.last_at else ("wait", "Waiting")


def answer_of(delivery: Delivery) -> str:
    """What the last attempt met."""
    if delivery.last_status is not None:
        return f"HTTP {delivery.last_status}"
    return delivery.last_error or "–"


def delivery_list(at: datetime) -> ListSpec[Delivery]:
    """What was sent to one webhook."""
    return ListSpec(
        one="delivery",
        many="deliveries",
        columns=(
            Column("Event", _event_cell),
            Column("State", lambda row: kit.status(*outcome_of(row))),
            Column("Answer", answer_of),
            Column("Attempts", lambda row: row.attempts, number=True, on_phone=False),
            Column("When", lambda row: kit.moment(row.created_at, at)),
        ),
        sorts=(Sort("created", "When", "created_at", descending=True),),
        tabs=(
            Tab("", "All"),
            Tab("failed", "Given up", Q(state=State.FAILED)),
            Tab("waiting", "Waiting", Q(state=State.WAITING)),
        ),
        filters=(
            Filter(
                "type", "Event", lambda rows, value: rows.filter(type=value),
                choices=tuple((name, name) for name in sorted(TYPES)),
            ),
        ),
    )  # fmt: skip


def _event_cell(row: Delivery) -> SafeString:
    address = reverse("dashboard:webhook-delivery", args=[row.webhook.public_id, row.public_id])
    return kit.with_note(kit.link(address, row.type, row=True), kit.mono(row.public_id))


class WebhooksPage(Page):
    """What the pages of webhooks share."""

    permission = Permission.MANAGE_PROJECT
    section = "webhooks"
    crumbs: ClassVar[tuple[Crumb, ...]] = (SETTINGS, Crumb("Webhooks"))

    def find(self, public_id: str) -> Webhook:
        """The webhook of the address. Raises NotFound."""
        return services.find(project=self.project, public_id=public_id)

    def way(self, webhook: Webhook | None = None) -> dict[str, Any]:
        """Where one came from."""
        steps = [SETTINGS, Crumb("Webhooks", reverse("dashboard:webhooks"))]
        if webhook is not None:
            steps.append(Crumb(webhook.target_url, reverse("dashboard:webhook", args=[webhook.public_id])))
        return {"crumbs": tuple(steps)}


class WebhookList(WebhooksPage):
    """Every webhook, with what became of its deliveries in a day."""

    template_name = "dashboard/webhooks/list.html"
    title = "Webhooks"
    crumbs = (SETTINGS,)

    def get(self, request: HttpRequest) -> HttpResponse:
        recent = Q(deliveries__created_at__gte=self.at - timedelta(days=1))
        rows = Webhook.objects.of(self.project).annotate(
            sent=Count("deliveries", filter=recent),
            waiting=Count("deliveries", filter=recent & Q(deliveries__state=State.WAITING)),
            given_up=Count("deliveries", filter=recent & Q(deliveries__state=State.FAILED)),
        )
        lines = [{"webhook": row, "state": state_of(row)} for row in rows.order_by("-pk")]
        return self.render({"lines": lines})


class WebhookNew(WebhooksPage):
    """Make one."""

    template_name = "dashboard/webhooks/form.html"
    title = "New webhook"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.render(self.way() | {"form": WebhookForm(initial={"active": True})})

    def post(self, request: HttpRequest) -> HttpResponse:
        form = WebhookForm(request.POST)
        if form.is_valid():
            try:
                with transaction.atomic():
                    webhook = services.create(project=self.project, body=form.body(), at=self.at)
                    self.note(
                        "webhook.created", "webhook", webhook.public_id, name=webhook.target_url,
                        after=services.facts(webhook),
                    )  # fmt: skip
            except DomainError as error:
                put_on_form(form, error)
            else:
                messages.success(request, "The webhook is on. Events from now on are sent to it.")
                return redirect("dashboard:webhook", webhook.public_id)
        return self.render(self.way() | {"form": form}, status=400)


class WebhookPage(WebhooksPage):
    """One webhook: its facts and its delivery log."""

    template_name = "dashboard/webhooks/page.html"

    def get(self, request: HttpRequest, public_id: str) -> HttpResponse:
        webhook = self.find(public_id)
        rows = Delivery.objects.filter(webhook=webhook).select_related("webhook").defer("payload")
        listing = lists.read(delivery_list(self.at), rows, request.GET.dict())
        empty = {"icon": "bolt", "title": "Nothing was sent yet", "text": "Events appear here as they happen."}
        context = {
            "webhook": webhook, "state": state_of(webhook), "listing": listing, "empty": empty,
            "title": webhook.target_url,
        }  # fmt: skip
        return self.render(self.way() | context)


class WebhookEdit(WebhooksPage):
    """Change one, or remove it."""

    template_name = "dashboard/webhooks/form.html"
    title = "Edit webhook"

    def get(self, request: HttpRequest, public_id: str) -> HttpResponse:
        webhook = self.find(public_id)
        return self.show(webhook, WebhookForm(initial=WebhookForm.values_of(webhook)))

    def post(self, request: HttpRequest, public_id: str) -> HttpResponse:
        webhook = self.find(public_id)
        before = services.facts(webhook)
        if request.POST.get("do") == "delete":
            with transaction.atomic():
                services.delete(project=self.project, webhook=webhook)
                self.note("webhook.deleted", "webhook", public_id, name=webhook.target_url, before=before)
            messages.success(request, "The webhook is removed, with its delivery log.")
            return redirect("dashboard:webhooks")
        form = WebhookForm(request.POST)
        if form.is_valid():
            try:
                with transaction.atomic():
                    webhook = services.update(project=self.project, webhook=webhook, body=form.body(), at=self.at)
                    self.note(
                        "webhook.changed", "webhook", public_id, name=webhook.target_url,
                        before=before, after=services.facts(webhook),
                    )  # fmt: skip
            except DomainError as error:
                put_on_form(form, error)
            else:
                messages.success(request, "Saved.")
                return redirect("dashboard:webhook", public_id)
        return self.show(webhook, form, status=400)

    def show(self, webhook: Webhook, form: WebhookForm, *, status: int = 200) -> HttpResponse:
        """The form, with the way to remove the webhook."""
        return self.render(self.way(webhook) | {"form": form, "webhook": webhook}, status=status)


class WebhookSecret(WebhooksPage):
    """The project's signing secret, shown or rotated for whoever knows the password."""

    template_name = "dashboard/webhooks/secret.html"
    title = "Signing secret"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.render(self.way() | {"form": PasswordAgain(user=self.user)})

    def post(self, request: HttpRequest) -> HttpResponse:
        form = PasswordAgain(request.POST, user=self.user)
        if not form.is_valid():
            return self.render(self.way() | {"form": form}, status=400)
        if request.POST.get("do") == "rotate":
            trace = {"at": self.at, "actor": self.user, "request_id": request.META.get("REQUEST_ID", "")}
            secret = webhook_secrets.rotate(project=self.project, **trace)
            self.project.refresh_from_db()
        else:
            self.note("webhook_secret.shown", "project", self.project.public_id, name=self.project.name)
            secret = encryption.decrypt(self.project.webhook_token)
        former = self.project.previous_webhook_valid_until
        return self.render(
            self.way() | {"secret": secret, "former_until": former if former and former > self.at else None}
        )


class DeliveryPage(WebhooksPage):
    """One delivery: what was sent, what came back, and a way to send it again."""

    template_name = "dashboard/webhooks/delivery.html"

    def get(self, request: HttpRequest, public_id: str, delivery_id: str) -> HttpResponse:
        delivery = self.delivery(public_id, delivery_id)
        context = {
            "delivery": delivery,
            "state": outcome_of(delivery),
            "answer": answer_of(delivery),
            "payload": json.loads(delivery.payload),
            "title": delivery.type,
        }
        return self.render(self.way(delivery.webhook) | context)

    def post(self, request: HttpRequest, public_id: str, delivery_id: str) -> HttpResponse:
        delivery = self.delivery(public_id, delivery_id)
        services.replay(project=self.project, delivery=delivery, at=self.at)
        self.note("webhook_delivery.replayed", "webhook", public_id, name=delivery.public_id)
        words = "It is sent again." if delivery.webhook.active else "It is sent as soon as the webhook is on again."
        messages.success(request, words)
        return redirect("dashboard:webhook-delivery", public_id, delivery_id)

    def delivery(self, public_id: str, delivery_id: str) -> Delivery:
        """The delivery of the address. Raises NotFound."""
        rows = Delivery.objects.of(self.project).filter(webhook__public_id=public_id, public_id=delivery_id)
        delivery = rows.select_related("webhook").first()
        if delivery is None:
            raise NotFound.of("delivery", delivery_id)
        return delivery

"""Webhooks in the management API. Source: webhooks and events, section 5."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from drf_spectacular.helpers import forced_singular_serializer
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from config.api.auditing import note
from config.api.lists import envelope
from config.api.managed import ManagedViewSet, body_of
from config.kernel import instants
from config.webhooks import services
from config.webhooks.models import Webhook


class WebhookObject(serializers.Serializer[Webhook]):
    """A webhook."""

    id = serializers.CharField()
    target_url = serializers.CharField()
    events = serializers.ListField(child=serializers.CharField())
    active = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField(required=False)
    object = serializers.ChoiceField(["webhook"])


class WebhookList(serializers.Serializer[Any]):
    """All webhooks of a project."""

    object = serializers.ChoiceField(["list"])
    data_ref = serializers.ChoiceField(["data"])
    data = WebhookObject(many=True)  # type: ignore[assignment]
    total = serializers.IntegerField()


class WebhookBody(serializers.Serializer[Any]):
    """What is created or changed."""

    target_url = serializers.CharField(max_length=services.LONGEST_URL)
    events = serializers.ListField(child=serializers.CharField(max_length=80), min_length=1)
    active = serializers.BooleanField(required=False, allow_null=True)


def render(webhook: Webhook) -> dict[str, Any]:
    """The wire's webhook; `updated_at` only once it was changed."""
    changed = {} if webhook.updated_at is None else {"updated_at": instants.to_wire(webhook.updated_at)}
    return {
        "id": webhook.public_id,
        "target_url": webhook.target_url,
        "events": webhook.events,
        "active": webhook.active,
        "created_at": instants.to_wire(webhook.created_at),
        **changed,
        "object": "webhook",
    }


class WebhookViewSet(ManagedViewSet[Webhook]):
    """`/management/v1/projects/{projectId}/webhooks`."""

    queryset = Webhook.objects.none()
    serializer_class = WebhookObject

    @extend_schema(responses={200: forced_singular_serializer(WebhookList)})  # type: ignore[no-untyped-call]
    def list(self, request: Request, project_id: str) -> Response:
        data = [render(row) for row in Webhook.objects.of(self.project()).order_by("-pk")]
        return Response(envelope("data", data, len(data)))

    @extend_schema(request=WebhookBody, responses={200: WebhookObject})
    def create(self, request: Request, project_id: str) -> Response:
        with transaction.atomic():
            webhook = services.create(project=self.project(), body=body_of(request), at=instants.now())
            note(request, "webhook.created", "webhook", webhook.public_id, after=services.facts(webhook))
        return Response(render(webhook))

    def retrieve(self, request: Request, project_id: str, public_id: str) -> Response:
        return Response(render(services.find(project=self.project(), public_id=public_id)))

    @extend_schema(request=WebhookBody, responses={200: WebhookObject})
    def update(self, request: Request, project_id: str, public_id: str) -> Response:
        project = self.project()
        webhook = services.find(project=project, public_id=public_id)
        before = services.facts(webhook)
        with transaction.atomic():
            webhook = services.update(project=project, webhook=webhook, body=body_of(request), at=instants.now())
            note(request, "webhook.changed", "webhook", public_id, before=before, after=services.facts(webhook))
        return Response(render(webhook))

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, project_id: str, public_id: str) -> Response:
        project = self.project()
        webhook = services.find(project=project, public_id=public_id)
        with transaction.atomic():
            services.delete(project=project, webhook=webhook)
            note(request, "webhook.deleted", "webhook", public_id, before=services.facts(webhook))
        return Response(status=204)

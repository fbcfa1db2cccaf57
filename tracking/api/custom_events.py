"""Custom events: sent by the shop's backend or by its pages, and their schemas in the management API."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from django.db import transaction
from django.http.response import HttpResponseBase
from drf_spectacular.helpers import forced_singular_serializer
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.api import idempotency, limits, tracking_cookie
from config.api.auditing import note
from config.api.authentication import ClientKeyAuthentication, ClientSwitch, access_of
from config.api.lists import envelope
from config.api.managed import ManagedViewSet, body_of
from config.kernel import instants
from tracking import custom_events
from tracking.custom_events import EventData
from tracking.models import EventSchema
from tracking.services import custom_events as service
from tracking.services import event_schemas, visitors
from tracking.services.custom_events import Tracked


class EventBody(serializers.Serializer[Any]):
    """What happened, and to whom."""

    event = serializers.CharField(max_length=custom_events.LONGEST_NAME)
    customer = serializers.DictField(required=False, allow_null=True)
    tracking_id = serializers.CharField(required=False, allow_null=True)
    referral = serializers.DictField(required=False, allow_null=True)
    loyalty = serializers.DictField(required=False, allow_null=True)
    metadata = serializers.DictField(required=False, allow_null=True)


class EventAnswer(serializers.Serializer[Any]):
    """The event as it was taken."""

    object = serializers.ChoiceField(["event"])
    type = serializers.CharField()
    customer = serializers.DictField()
    referral = serializers.DictField(allow_null=True)
    loyalty = serializers.DictField(allow_null=True)
    metadata = serializers.DictField()


EVENT_SCHEMA: Final[dict[str, Any]] = {
    "parameters": [idempotency.PARAMETER],
    "request": EventBody,
    "responses": {200: EventAnswer},
}


@extend_schema_view(post=extend_schema(tags=["events"], operation_id="track_event", **EVENT_SCHEMA))
class EventView(APIView):
    """`POST /v1/events`."""

    scope: ClassVar[str] = "events"

    def post(self, request: Request) -> HttpResponseBase:
        return idempotency.once(request, lambda: self.track(request))

    def track(self, request: Request) -> Response:
        """Record it now."""
        access = access_of(request)
        data = custom_events.parse_event(request.data)
        tracked = service.track(
            project=access.project,
            data=data,
            at=instants.now(),
            cookie=tracking_cookie.read(request),
            from_client=access.is_client,
            cause=access.cause,
        )
        return self.answer(request, data, tracked)

    def answer(self, request: Request, data: EventData, tracked: Tracked) -> Response:
        """What the caller may see of it."""
        return Response(custom_events.answer(data, tracked.customer))


@extend_schema_view(post=extend_schema(tags=["client"], operation_id="client_track_event", **EVENT_SCHEMA))
class ClientEventView(EventView):
    """`POST /client/v1/events`: shows of the customer only what this call sent, and keeps the visitor's cookie."""

    authentication_classes = (ClientKeyAuthentication,)
    permission_classes = (ClientSwitch,)
    throttle_classes = (limits.ClientRate,)
    scope: ClassVar[str] = "client_events"
    client_switch: ClassVar[str] = "client_events_enabled"

    def answer(self, request: Request, data: EventData, tracked: Tracked) -> Response:
        response = Response(custom_events.answer(data, visitors.shown(tracked.customer, data.customer)))
        if tracked.token is not None:
            tracking_cookie.write(response, request, tracked.token)
        return response


class EventSchemaObject(serializers.Serializer[EventSchema]):
    """What the metadata of one custom event looks like."""

    id = serializers.CharField()
    name = serializers.CharField()
    schema = serializers.DictField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField(allow_null=True)
    object = serializers.ChoiceField(["custom-event-schema"])


class EventSchemaList(serializers.Serializer[Any]):
    """All schemas of events."""

    object = serializers.ChoiceField(["list"])
    data_ref = serializers.ChoiceField(["data"])
    data = EventSchemaObject(many=True)  # type: ignore[assignment]
    total = serializers.IntegerField()


class EventSchemaBody(serializers.Serializer[Any]):
    """What is created or changed; `name` only when it is created."""

    name = serializers.CharField(max_length=custom_events.LONGEST_NAME, required=False)
    schema = serializers.DictField()


def render(schema: EventSchema) -> dict[str, Any]:
    """The wire's schema."""
    return {
        "id": schema.public_id,
        "name": schema.name,
        "schema": {"properties": schema.properties},
        "created_at": instants.to_wire(schema.created_at),
        "updated_at": instants.to_wire_or_none(schema.updated_at),
        "object": "custom-event-schema",
    }


class EventSchemaViewSet(ManagedViewSet[EventSchema]):
    """`/management/v1/projects/{projectId}/custom-event-schemas`."""

    queryset = EventSchema.objects.none()
    serializer_class = EventSchemaObject

    @extend_schema(responses={200: forced_singular_serializer(EventSchemaList)})  # type: ignore[no-untyped-call]
    def list(self, request: Request, project_id: str) -> Response:
        data = [render(row) for row in EventSchema.objects.of(self.project()).order_by("-pk")]
        return Response(envelope("data", data, len(data)))

    @extend_schema(request=EventSchemaBody, responses={200: EventSchemaObject})
    def create(self, request: Request, project_id: str) -> Response:
        with transaction.atomic():
            schema = event_schemas.create(project=self.project(), body=body_of(request), at=instants.now())
            note(request, "event_schema.created", "event_schema", schema.public_id, after=event_schemas.facts(schema))
        return Response(render(schema))

    def retrieve(self, request: Request, project_id: str, public_id: str) -> Response:
        return Response(render(event_schemas.find(project=self.project(), public_id=public_id)))

    @extend_schema(request=EventSchemaBody, responses={200: EventSchemaObject})
    def update(self, request: Request, project_id: str, public_id: str) -> Response:
        project = self.project()
        schema = event_schemas.find(project=project, public_id=public_id)
        before = event_schemas.facts(schema)
        with transaction.atomic():
            schema = event_schemas.update(project=project, schema=schema, body=body_of(request), at=instants.now())
            after = event_schemas.facts(schema)
            note(request, "event_schema.changed", "event_schema", public_id, before=before, after=after)
        return Response(render(schema))

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, project_id: str, public_id: str) -> Response:
        project = self.project()
        schema = event_schemas.find(project=project, public_id=public_id)
        with transaction.atomic():
            event_schemas.delete(project=project, schema=schema)
            note(request, "event_schema.deleted", "event_schema", public_id, before=event_schemas.facts(schema))
        return Response(status=204)

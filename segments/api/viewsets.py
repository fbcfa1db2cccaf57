"""`/v1/segments`. Source: segments.md section 3."""

from __future__ import annotations

from typing import ClassVar

from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from config.api.auditing import note
from config.api.authentication import access_of
from config.api.routing import IDENTIFIER
from config.kernel import instants
from config.project import audit
from segments import payloads, services
from segments.api.filters import SegmentFilter, fields_of
from segments.api.serializers import SegmentBody, SegmentObject
from segments.models import Segment
from segments.rendering import render_segment
from segments.services import activity
from tracking.api.activity import COMMON, Activity, answer, parse_asked

IDENTIFIED = OpenApiParameter("id", str, OpenApiParameter.PATH, description="`seg_…`")


@extend_schema_view(list=extend_schema(operation_id="list_segments"))
class SegmentViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[Segment]):
    """Segments: fixed lists of customers, and filters that describe them."""

    queryset = Segment.objects.none()
    serializer_class = SegmentObject
    filterset_class = SegmentFilter
    filter_fields = staticmethod(fields_of)
    lookup_url_kwarg = "id"
    lookup_value_regex = IDENTIFIER
    scope: ClassVar[str] = "segments"
    data_ref: ClassVar[str] = "data"
    orders: ClassVar[dict[str, str]] = {"created_at": "created_at"}

    def get_queryset(self) -> QuerySet[Segment]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return Segment.objects.of(access_of(self.request).project)

    @extend_schema(operation_id="create_segment", request=SegmentBody, responses={200: SegmentObject})
    def create(self, request: Request) -> Response:
        """Create a segment of listed customers, or one that a filter describes."""
        data = payloads.parse_segment(request.data)
        with transaction.atomic():
            segment = services.create(
                project=access_of(request).project,
                name=data.name,
                type=data.type,
                filter=data.filter,
                customers=data.customers,
                metadata=data.metadata,
                at=instants.now(),
            )
            after = audit.facts(segment, ("name", "type", "definition"))
            note(request, "segment.created", "segment", segment.public_id, after=after)
        return Response(render_segment(segment))

    @extend_schema(operation_id="get_segment", parameters=[IDENTIFIED], responses={200: SegmentObject})
    def retrieve(self, request: Request, id: str) -> Response:
        """One segment."""
        return Response(render_segment(services.find(project=access_of(request).project, identifier=id)))

    @extend_schema(operation_id="delete_segment", parameters=[IDENTIFIED], responses={204: None})
    def destroy(self, request: Request, id: str) -> Response:
        """Delete a segment that nothing uses."""
        project = access_of(request).project
        segment = services.find(project=project, identifier=id)
        with transaction.atomic():
            services.delete(project=project, identifier=id)
            before = audit.facts(segment, ("name", "type", "definition"))
            note(request, "segment.deleted", "segment", segment.public_id, before=before)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        operation_id="list_segment_activities",
        parameters=[IDENTIFIED, *COMMON],
        responses={200: Activity},
        filters=False,
    )
    @action(detail=True, methods=["get"], pagination_class=None, filter_backends=[])
    def activities(self, request: Request, id: str) -> Response:
        """What was done to the segment; its members' entries are in their own activity."""
        asked = parse_asked(request)
        segment = services.find(project=access_of(request).project, identifier=id)
        rows, has_more = activity.of(segment, asked)
        return Response(answer(rows, has_more=has_more))

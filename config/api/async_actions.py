"""`/v1/async-actions`: what became of work that goes on in the background. Source: imports-exports-async.md §1."""

from __future__ import annotations

from typing import Any, ClassVar

import django_filters
from django.db.models import QuerySet
from django.http import FileResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import NotAuthenticated
from rest_framework.pagination import BasePagination
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from config.api.authentication import access_of
from config.api.filters import InstantFilter
from config.api.lists import DEFAULT_LIMIT, MOST_PER_PAGE, envelope, parse_limit
from config.jobs import files, rendering
from config.jobs.models import AsyncAction, JobFile
from config.kernel.errors import NotFound


class AsyncActionItem(serializers.Serializer[AsyncAction]):
    """One action in a list; the answer itself is made by `config.jobs.rendering`."""

    id = serializers.CharField()
    type = serializers.CharField()
    status = serializers.ChoiceField(AsyncAction.Status.choices)
    operation_status = serializers.ChoiceField(AsyncAction.OperationStatus.choices)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField(allow_null=True)
    request_id = serializers.CharField(allow_null=True)
    progress = serializers.IntegerField(min_value=0, max_value=100)
    processing_time = serializers.IntegerField(required=False, help_text="Milliseconds; absent until it has ended.")
    object = serializers.ChoiceField(["async_action"])

    def to_representation(self, instance: AsyncAction) -> dict[str, Any]:
        return rendering.render(instance, with_result=False)


class AsyncActionObject(AsyncActionItem):
    """One action with its result."""

    result = serializers.JSONField(allow_null=True)

    def to_representation(self, instance: AsyncAction) -> dict[str, Any]:
        wire = rendering.render(instance)
        if wire["result"] and "reports" in wire["result"]:
            address = f"/v1/async-actions/{instance.public_id}/report?token={files.token_of(instance)}"
            wire["result"] = wire["result"] | {"reports": [self.context["request"].build_absolute_uri(address)]}
        return wire


class AsyncActionFilter(django_filters.FilterSet):
    """`end_date`: the `created_at` of the last one seen, to go on from there."""

    end_date = InstantFilter(field_name="created_at", lookup_expr="lt", label="Only those scheduled before.")


class NewestFirst(BasePagination):
    """`limit` and `has_more`; the wire pages by `end_date`."""

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        limit = parse_limit(request.query_params)
        rows = list(queryset.order_by("-created_at", "-pk")[: limit + 1])
        self.has_more = len(rows) > limit
        return rows[:limit]

    def get_paginated_response(self, data: Any) -> Response:
        return Response(envelope("async_actions", data, has_more=self.has_more))

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "object",
            "required": ["object", "data_ref", "async_actions", "has_more"],
            "properties": {
                "object": {"type": "string", "enum": ["list"]},
                "data_ref": {"type": "string", "enum": ["async_actions"]},
                "async_actions": schema,
                "has_more": {"type": "boolean"},
            },
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        limit = {"type": "integer", "minimum": 1, "maximum": MOST_PER_PAGE, "default": DEFAULT_LIMIT}
        return [{"name": "limit", "in": "query", "required": False, "schema": limit}]


class AsyncActionViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[AsyncAction]):
    """Work in the background: its state, and its result when it has ended."""

    queryset = AsyncAction.objects.none()
    filterset_class = AsyncActionFilter
    pagination_class = NewestFirst
    lookup_field = "public_id"
    lookup_url_kwarg = "id"
    lookup_value_regex = "[^/]+"
    scope: ClassVar[str] = "async-actions"

    def get_queryset(self) -> QuerySet[AsyncAction]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        actions = AsyncAction.objects.of(access_of(self.request).project).exclude(type=AsyncAction.EXPORT)
        return actions.defer("parameters", "result") if self.action == "list" else actions.select_related("project")

    def get_serializer_class(self) -> type[AsyncActionItem]:
        return AsyncActionItem if self.action == "list" else AsyncActionObject

    def get_permissions(self) -> Any:
        return [AllowAny()] if self.action == "report" else super().get_permissions()

    def perform_authentication(self, request: Request) -> None:
        """A report needs its token only, not the keys."""
        if self.action != "report":
            super().perform_authentication(request)

    @extend_schema(
        operation_id="get_async_action_report",
        parameters=[OpenApiParameter("token", str, required=True, description="From the action's `reports`.")],
        responses={(200, "text/plain"): str},
        filters=False,
    )
    @action(detail=True, methods=["get"], url_path="report", pagination_class=None)
    def report(self, request: Request, id: str) -> FileResponse:
        """What became of each resource of a bulk call, as CSV; for a week."""
        found = AsyncAction.objects.select_related("project").filter(public_id=id).first()
        if found is None or not files.opens(found, request.query_params.get("token", "")):
            raise NotAuthenticated
        report = files.find(found, JobFile.Kind.REPORT)
        if report is None or not files.path_of(report).exists():
            raise NotFound.of("report", id)
        return FileResponse(
            files.path_of(report).open("rb"),
            as_attachment=True,
            filename=f"report-{id}.csv",
            content_type="text/plain; charset=utf-8",
        )

    def get_object(self) -> AsyncAction:
        action = self.get_queryset().filter(public_id=self.kwargs["id"]).first()
        if action is None:
            raise NotFound.of("async_action", self.kwargs["id"])
        return action

"""`/v1/exports`: CSV files of customers, vouchers, redemptions and so on. Source: imports-exports-async.md §2."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from django.db import transaction
from django.http import FileResponse, HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, viewsets
from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from config.api.auditing import note
from config.api.authentication import access_of
from config.api.lists import PagePagination
from config.exports import files, services
from config.jobs.models import Export
from config.kernel import instants
from config.kernel.errors import InvalidPayload
from config.project import audit

BY_LINK: Final = audit.Actor("link", "", "Download link")
"""Whoever has the link; nobody knows who that is."""


class ExportObject(serializers.Serializer[Export]):
    """An export as on the wire."""

    id = serializers.CharField()
    object = serializers.ChoiceField(["export"])
    created_at = serializers.DateTimeField()
    status = serializers.ChoiceField(Export.Status.choices)
    channel = serializers.CharField()
    exported_object = serializers.CharField()
    parameters = serializers.DictField()
    result = serializers.DictField(allow_null=True)
    user_id = serializers.CharField(allow_null=True)

    def to_representation(self, instance: Export) -> dict[str, Any]:
        return render(instance, self.context["request"])


class ExportBody(serializers.Serializer[Any]):
    """What is asked for."""

    exported_object = serializers.CharField()
    parameters = serializers.DictField(required=False)


class ParametersBody(serializers.Serializer[Any]):
    """What is asked for where the address says what is exported."""

    parameters = serializers.DictField(required=False)


def render(export: Export, request: Request) -> dict[str, Any]:
    """The wire's export; the link works for whoever has it, until the export is deleted."""
    status = services.status_of(export)
    url = request.build_absolute_uri(f"/v1/exports/{export.public_id}?token={files.token_of(export)}")
    return {
        "id": export.public_id,
        "object": "export",
        "created_at": instants.to_wire(export.created_at),
        "status": status,
        "channel": export.channel,
        "exported_object": export.exported_object,
        "parameters": {"filters": {"junction": "and"}} | export.parameters,
        "result": {"url": url} if status == Export.Status.DONE else None,
        "user_id": export.user.public_id if export.user else None,
    }


class ExportViewSet(viewsets.GenericViewSet[Export]):
    """Create, list, get (with `token`: the file), delete."""

    scope = "exports"
    queryset = Export.objects.none()
    serializer_class = ExportObject
    pagination_class = PagePagination
    data_ref = "exports"
    orders: ClassVar = {"created_at": "created_at", "status": "status"}
    lookup_field = "public_id"

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return Export.objects.of(access_of(self.request).project).select_related("project", "action", "user")

    def get_permissions(self) -> Any:
        downloads = self.action == "retrieve" and "token" in self.request.query_params
        return [AllowAny()] if downloads else super().get_permissions()

    def perform_authentication(self, request: Request) -> None:
        """A download needs the token only, not the keys."""
        if not (request.method == "GET" and "token" in request.query_params and "public_id" in self.kwargs):
            super().perform_authentication(request)

    def list(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(request=ExportBody, responses={200: ExportObject})
    def create(self, request: Request) -> Response:
        exported = request.data.get("exported_object") if isinstance(request.data, dict) else None
        return Response(render(_start(request, exported, parameters_of(request)), request))

    @extend_schema(
        parameters=[OpenApiParameter("token", str, description="Answers the CSV file instead; no keys needed.")],
        responses={200: ExportObject, (200, "text/plain"): str},
    )
    def retrieve(self, request: Request, public_id: str) -> Response | FileResponse | HttpResponse:
        if "token" in request.query_params:
            return self._download(public_id, request.query_params["token"])
        return Response(render(services.find(project=access_of(request).project, public_id=public_id), request))

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, public_id: str) -> Response:
        export = services.find(project=access_of(request).project, public_id=public_id)
        with transaction.atomic():
            before = {"object": export.exported_object, "rows": export.rows}
            services.delete(export=export)
            note(request, "export.deleted", "export", public_id, name=export.title, before=before)
        return Response(status=204)

    def _download(self, public_id: str, token: str) -> FileResponse:
        export = Export.objects.select_related("project").filter(public_id=public_id, status=Export.Status.DONE).first()
        if export is None or not files.opens(export, token) or not files.path_of(export).exists():
            raise NotAuthenticated
        audit.record(
            project=export.project,
            actor=BY_LINK,
            action="export.downloaded",
            object_type="export",
            object_id=export.public_id,
            name=export.title,
            after={"rows": export.rows},
            at=instants.now(),
            channel=audit.Channel.API,
            request_id=self.request.META.get("REQUEST_ID", ""),
        )
        return FileResponse(
            files.path_of(export).open("rb"),
            as_attachment=True,
            filename=f"{export.exported_object}-{export.public_id}.csv",
            content_type="text/plain; charset=utf-8",
        )


def start_export(request: Request, exported_object: str, parameters: dict[str, Any] | None = None) -> Response:
    """`POST /v1/orders/export` and its like: the body holds `parameters` only. parameters: these instead."""
    asked = parameters_of(request) if parameters is None else parameters
    return Response(render(_start(request, exported_object, asked), request))


def parameters_of(request: Request) -> dict[str, Any]:
    """The body's `parameters`. Raises InvalidPayload."""
    body = request.data if isinstance(request.data, dict) else {}
    parameters = body.get("parameters")
    if parameters is not None and not isinstance(parameters, dict):
        raise InvalidPayload("Property .parameters should be object")
    return parameters or {}


def _start(request: Request, exported_object: object, parameters: dict[str, Any]) -> Export:
    access = access_of(request)
    with transaction.atomic():
        export = services.start(
            project=access.project,
            exported_object=exported_object,
            parameters=parameters,
            at=instants.now(),
            request_id=access.group_id,
        )
        after = {
            "object": export.exported_object,
            "fields": parameters.get("fields"),
            "filter": parameters.get("filters"),
        }
        note(request, "export.created", "export", export.public_id, after=after)
    return export

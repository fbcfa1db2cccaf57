"""Metadata schemas: read at `/v1` in camel case, written at `/management/v1` in snake case."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.helpers import forced_singular_serializer
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from config.api.auditing import note
from config.api.authentication import access_of
from config.api.lists import envelope
from config.api.managed import ManagedViewSet, body_of
from config.kernel import instants
from config.kernel.errors import NotFound
from config.project import schemas
from config.project.models import MetadataSchema

_CAMEL = {
    "object_type": "objectType",
    "min_length": "minLength",
    "max_length": "maxLength",
    "exact_length": "exactLength",
}


class SchemaObject(serializers.Serializer[MetadataSchema]):
    """A metadata schema."""

    id = serializers.CharField()
    related_object = serializers.CharField()
    properties = serializers.DictField(child=serializers.DictField())
    allow_defined_only = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField(allow_null=True)
    object = serializers.ChoiceField(["metadata_schema"])


class SchemaList(serializers.Serializer[Any]):
    """The schemas at `/v1`."""

    object = serializers.ChoiceField(["list"])
    data_ref = serializers.ChoiceField(["schemas"])
    schemas = SchemaObject(many=True)
    total = serializers.IntegerField()


class ManagedSchemaList(serializers.Serializer[Any]):
    """The schemas at `/management/v1`."""

    object = serializers.ChoiceField(["list"])
    data_ref = serializers.ChoiceField(["data"])
    data = SchemaObject(many=True)  # type: ignore[assignment]
    total = serializers.IntegerField()


class SchemaBody(serializers.Serializer[Any]):
    """What is created or changed."""

    related_object = serializers.CharField(max_length=64)
    properties = serializers.DictField(child=serializers.DictField())
    allow_defined_only = serializers.BooleanField(required=False, allow_null=True)


def render(schema: MetadataSchema, *, camel: bool) -> dict[str, Any]:
    """The wire's schema; camel: the spelling of `/v1`."""
    properties = {
        key: {_CAMEL.get(name, name) if camel else name: part for name, part in definition.items()}
        for key, definition in schema.properties.items()
    }
    return {
        "id": schema.public_id,
        "related_object": schema.related_object,
        "properties": properties,
        "allow_defined_only": schema.allow_defined_only,
        "created_at": instants.to_wire(schema.created_at),
        "updated_at": instants.to_wire_or_none(schema.updated_at),
        "object": "metadata_schema",
    }


class MetadataSchemaViewSet(viewsets.GenericViewSet[MetadataSchema]):
    """`/v1/metadata-schemas`: read by kind of object."""

    scope: ClassVar[str] = "metadata-schemas"
    queryset = MetadataSchema.objects.none()
    serializer_class = SchemaObject
    pagination_class = None
    filterset_class = None
    lookup_field = "related_object"

    def get_queryset(self) -> QuerySet[MetadataSchema]:
        return MetadataSchema.objects.of(access_of(self.request).project).order_by("related_object")

    @extend_schema(responses={200: forced_singular_serializer(SchemaList)})  # type: ignore[no-untyped-call]
    def list(self, request: Request) -> Response:
        rows = [render(schema, camel=True) for schema in self.get_queryset()]
        return Response(envelope("schemas", rows, len(rows)))

    def retrieve(self, request: Request, related_object: str) -> Response:
        schema = self.get_queryset().filter(related_object__iexact=related_object).first()
        if schema is None:
            raise NotFound.of("metadata schema", related_object)
        return Response(render(schema, camel=True))


class ManagedMetadataSchemaViewSet(ManagedViewSet[MetadataSchema]):
    """`/management/v1/projects/{projectId}/metadata-schemas`."""

    queryset = MetadataSchema.objects.none()
    serializer_class = SchemaObject

    @extend_schema(responses={200: forced_singular_serializer(ManagedSchemaList)})  # type: ignore[no-untyped-call]
    def list(self, request: Request, project_id: str) -> Response:
        rows = MetadataSchema.objects.of(self.project()).order_by("related_object")
        data = [render(schema, camel=False) for schema in rows]
        return Response(envelope("data", data, len(data)))

    @extend_schema(request=SchemaBody, responses={200: SchemaObject})
    def create(self, request: Request, project_id: str) -> Response:
        with transaction.atomic():
            schema = schemas.create(project=self.project(), body=body_of(request), at=instants.now())
            note(request, "metadata_schema.created", "metadata_schema", schema.public_id, after=schemas.facts(schema))
        return Response(render(schema, camel=False))

    def retrieve(self, request: Request, project_id: str, public_id: str) -> Response:
        return Response(render(schemas.find(project=self.project(), public_id=public_id), camel=False))

    @extend_schema(request=SchemaBody, responses={200: SchemaObject})
    def update(self, request: Request, project_id: str, public_id: str) -> Response:
        project = self.project()
        schema = schemas.find(project=project, public_id=public_id)
        before = schemas.facts(schema)
        with transaction.atomic():
            schema = schemas.update(project=project, schema=schema, body=body_of(request), at=instants.now())
            note(
                request,
                "metadata_schema.changed",
                "metadata_schema",
                public_id,
                before=before,
                after=schemas.facts(schema),
            )
        return Response(render(schema, camel=False))

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, project_id: str, public_id: str) -> Response:
        project = self.project()
        schema = schemas.find(project=project, public_id=public_id)
        with transaction.atomic():
            schemas.delete(project=project, schema=schema)
            note(request, "metadata_schema.deleted", "metadata_schema", public_id, before=schemas.facts(schema))
        return Response(status=204)

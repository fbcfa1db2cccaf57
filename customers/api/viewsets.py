"""`/v1/customers`. Source: customers.md."""

from __future__ import annotations

from typing import Any, BinaryIO, ClassVar, cast

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from config.api.auditing import note, note_started
from config.api.authentication import access_of
from config.api.parsing import WireJsonParser
from config.api.routing import IDENTIFIER
from config.kernel import instants
from config.kernel.errors import InvalidPayload
from config.project import audit
from customers import audited, bulk, fields, imports, lookups, services
from customers.api.filters import CustomerFilter
from customers.api.paging import CustomerPagination
from customers.api.serializers import (
    AsyncActionStarted,
    BulkItem,
    CustomerBody,
    CustomerCreateBody,
    CustomerObject,
    ErasureObject,
    ImportBody,
    MetadataBody,
)
from customers.models import Customer
from customers.payloads import CustomerData, parse_customer
from customers.rendering import render_customer, render_erasure

IDENTIFIED = OpenApiParameter(
    "id", str, OpenApiParameter.PATH, description="The `cust_…` id, the source id or a tracking id, URL-encoded."
)


@extend_schema_view(list=extend_schema(operation_id="list_customers"))
class CustomerViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[Customer]):
    """Customers: profiles with what they did in numbers."""

    queryset = Customer.objects.none()
    serializer_class = CustomerObject
    filterset_class = CustomerFilter
    filter_fields = staticmethod(fields.of)
    pagination_class = CustomerPagination
    lookup_url_kwarg = "id"
    lookup_value_regex = IDENTIFIER
    scope: ClassVar[str] = "customers"
    data_ref: ClassVar[str] = "customers"
    orders: ClassVar[dict[str, str]] = {
        "created_at": "created_at",
        "updated_at": "updated_at",
        "source_id": "source_id",
    }
    nullable_orders: ClassVar[frozenset[str]] = frozenset({"updated_at", "source_id"})
    default_order: ClassVar[str] = "-created_at"

    def get_queryset(self) -> QuerySet[Customer]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return Customer.objects.of(access_of(self.request).project).alive()

    @extend_schema(operation_id="create_customer", request=CustomerCreateBody, responses={200: CustomerObject})
    def create(self, request: Request) -> Response:
        """Create a customer, or update the one with this `id` or `source_id`."""
        project = access_of(request).project
        if request.data == {}:
            raise InvalidPayload("The payload cannot be empty")
        data = lookups.with_resolved_source(project=project, data=parse_customer(request.data, ""))
        with transaction.atomic():
            before = audited.facts(self.stored(data))
            customer = services.upsert(project=project, data=data, at=instants.now(), cause=access_of(request).cause)
            self.noted(request, customer, before)
        return Response(render_customer(customer))

    def stored(self, data: CustomerData) -> Customer | None:
        """Whom the body means, if there is one already."""
        named = next((key for key in (data.id, data.source_id) if isinstance(key, str)), None)
        project = access_of(self.request).project
        return None if named is None else services.find_or_none(project=project, identifier=named)

    def noted(self, request: Request, customer: Customer, before: dict[str, Any]) -> None:
        """Write a change into the audit log; a call that changed nothing leaves no trace."""
        after = audited.facts(customer)
        if before != after:
            action = "customer.changed" if before else "customer.created"
            note(request, action, "customer", customer.public_id, before=before, after=after)

    @extend_schema(operation_id="get_customer", parameters=[IDENTIFIED], responses={200: CustomerObject})
    def retrieve(self, request: Request, id: str) -> Response:
        """One customer."""
        return Response(render_customer(lookups.find(project=access_of(request).project, identifier=id)))

    @extend_schema(
        operation_id="update_customer",
        parameters=[IDENTIFIED],
        request=CustomerBody,
        responses={200: CustomerObject},
    )
    def update(self, request: Request, id: str) -> Response:
        """Change a customer; what is not sent stays as it is."""
        project = access_of(request).project
        data = parse_customer(request.data, "")
        customer = lookups.find(project=project, identifier=id)
        before = audited.facts(customer)
        with transaction.atomic():
            changed = services.update(
                project=project, customer=customer, data=data, at=instants.now(), cause=access_of(request).cause,
                identifier=id,
            )  # fmt: skip
            self.noted(request, changed, before)
        return Response(render_customer(changed))

    @extend_schema(operation_id="delete_customer", parameters=[IDENTIFIED], responses={204: None})
    def destroy(self, request: Request, id: str) -> Response:
        """Delete a customer."""
        project = access_of(request).project
        customer = lookups.find(project=project, identifier=id)
        with transaction.atomic():
            services.delete(project=project, customer=customer, at=instants.now(), cause=access_of(request).cause)
            note(request, "customer.deleted", "customer", customer.public_id, before=audited.facts(customer))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        operation_id="import_customers_csv",
        request={"multipart/form-data": ImportBody},
        responses={202: AsyncActionStarted},
    )
    @action(detail=False, methods=["post"], url_path="importCSV", parser_classes=[MultiPartParser, WireJsonParser])
    def import_csv(self, request: Request) -> Response:
        """Import a CSV file in the background; profiles it names are overwritten."""
        access = access_of(request)
        upload = request.data.get("file") if hasattr(request.data, "get") else None
        if not isinstance(upload, UploadedFile) or upload.file is None:
            raise InvalidPayload("Payload should have required property 'file'")
        with transaction.atomic():
            started = imports.start_from_api(
                project=access.project,
                content=cast(BinaryIO, upload.file),
                given_name=upload.name or "",
                at=instants.now(),
                limit=settings.BODY_LIMIT,
                request_id=access.group_id,
            )
            note_started(request, "customer.import_started", started)
        return Response({"async_action_id": started.public_id}, status=status.HTTP_202_ACCEPTED)

    @extend_schema(operation_id="update_customers", request=BulkItem(many=True), responses={202: AsyncActionStarted})
    @action(detail=False, methods=["post"], url_path="bulk/async")
    def bulk_update(self, request: Request) -> Response:
        """Create or update many customers in the background, each named by its `source_id`."""
        access = access_of(request)
        with transaction.atomic():
            started = bulk.start_update(
                project=access.project, body=request.data, at=instants.now(), request_id=access.group_id
            )
            note_started(request, "customer.bulk_started", started)
        return Response({"async_action_id": started.public_id}, status=status.HTTP_202_ACCEPTED)

    @extend_schema(operation_id="update_customers_metadata", request=MetadataBody, responses={202: AsyncActionStarted})
    @action(detail=False, methods=["post"], url_path="metadata/async")
    def metadata_update(self, request: Request) -> Response:
        """Give many customers the same metadata in the background; unknown ones are created."""
        access = access_of(request)
        with transaction.atomic():
            started = bulk.start_metadata(
                project=access.project, body=request.data, at=instants.now(), request_id=access.group_id
            )
            note_started(request, "customer.metadata_started", started)
        return Response({"async_action_id": started.public_id}, status=status.HTTP_202_ACCEPTED)

    @extend_schema(
        operation_id="delete_customer_permanently",
        parameters=[IDENTIFIED],
        request=None,
        responses={200: ErasureObject},
    )
    @action(detail=True, methods=["post"], url_path="permanent-deletion")
    def permanent_deletion(self, request: Request, id: str) -> Response:
        """Erase a person from everything, also after an ordinary delete; amounts stay."""
        access = access_of(request)
        erasure = services.erase(
            project=access.project,
            identifier=id,
            at=instants.now(),
            actor=audit.of_key(access.key),
            request_id=access.group_id,
        )
        return Response(render_erasure(erasure))

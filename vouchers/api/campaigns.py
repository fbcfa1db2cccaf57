"""`/v1/campaigns`. Source: campaigns and promotions, sections 1 to 5 and 11."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from config.api.auditing import note
from config.api.authentication import access_of
from config.api.exports import ExportObject, ParametersBody, parameters_of, start_export
from config.api.fields import parse, parse_each
from config.api.filtering import by_filters
from config.api.lists import DEFAULT_LIMIT, MOST_PER_PAGE, envelope, parse_limit, parse_order
from config.api.parameters import path_id
from config.api.parsing import WireJsonParser
from config.api.resources import ScopedViewSet
from config.api.routing import IDENTIFIER
from config.api.uploads import UploadBody
from config.kernel import instants
from config.kernel.errors import Forbidden, InvalidPayload, InvalidQueryParams
from tracking.api.serializers import StartedShape
from vouchers import audited, code_files, transaction_exports
from vouchers.api import campaign_bodies as bodies
from vouchers.api import schemas
from vouchers.api.campaign_filters import LEDGER, CampaignFilterSet, of_campaigns, read_campaign_filters
from vouchers.api.vouchers import voucher_answer
from vouchers.models import Campaign, VoucherTransaction
from vouchers.rendering.campaigns import render_campaign, render_simple_campaign
from vouchers.rendering.transactions import render_transaction
from vouchers.services import campaign_imports, campaigns, summaries, vouchers

COUNT = OpenApiParameter("vouchers_count", int, description="How many codes to make; 1 unless said.")
FORCE = OpenApiParameter("force", bool, description="Delete for good.")
ID = path_id("campaign_id")
LEDGER_KINDS = (Campaign.CampaignType.GIFT_VOUCHERS, Campaign.CampaignType.LOYALTY_PROGRAM)


@extend_schema(tags=["campaigns"], responses=bodies.CampaignShape)
class CampaignViewSet(ScopedViewSet):
    """`/v1/campaigns`: a campaign is found by its id or its name."""

    scope = "campaigns"
    lookup_field = "campaign_id"
    serializer_class = schemas.Shape
    queryset = Campaign.objects.all()
    filterset_class = CampaignFilterSet
    filter_fields = staticmethod(of_campaigns)
    read_filters = staticmethod(read_campaign_filters)
    data_ref = "campaigns"
    orders: ClassVar[Mapping[str, str]] = {"created_at": "created_at", "updated_at": "updated_at"}

    def get_queryset(self) -> Any:
        return super().get_queryset().alive()

    def found(self) -> Campaign:
        """The campaign of the path."""
        return campaigns.find(project=self.project, identifier=self.kwargs["campaign_id"])

    def answer(self, campaign: Campaign) -> Response:
        """The campaign with all that is shown of it."""
        return Response(render_campaign(Campaign.objects.for_wire().get(pk=campaign.pk)))

    @extend_schema(responses=bodies.CampaignShape(many=True))
    def list(self, request: Request) -> Response:
        rows = self.page(request, self.get_queryset().for_wire())
        return self.get_paginated_response([render_campaign(row) for row in rows])

    @extend_schema(request=bodies.CampaignBody)
    def create(self, request: Request) -> Response:
        body = parse(bodies.CampaignBody, request.data)
        request_id = access_of(request).group_id
        with transaction.atomic():
            row = campaigns.create(
                project=self.project, data=body, at=instants.now(), request_id=request_id, cause=self.cause
            )
            after = audited.of_campaign(row)
            note(request, "campaign.created", "campaign", row.public_id, name=row.name, after=after)
        return self.answer(row)

    @extend_schema(parameters=[ID])
    def retrieve(self, request: Request, campaign_id: str) -> Response:
        return self.answer(self.found())

    @extend_schema(request=bodies.CampaignUpdateBody, parameters=[ID])
    def update(self, request: Request, campaign_id: str) -> Response:
        stored = self.found()
        body = parse(bodies.CampaignUpdateBody, request.data)
        before, request_id = audited.of_campaign(stored), access_of(request).group_id
        with transaction.atomic():
            row = campaigns.update(
                project=self.project,
                campaign=stored,
                data=body,
                at=instants.now(),
                request_id=request_id,
                cause=self.cause,
            )
            after = audited.of_campaign(row)
            note(request, "campaign.changed", "campaign", row.public_id, name=row.name, before=before, after=after)
        return self.answer(row)

    @extend_schema(parameters=[ID, FORCE], responses={202: StartedShape})
    def destroy(self, request: Request, campaign_id: str) -> Response:
        force = request.query_params.get("force", "").lower() == "true"
        row, request_id = self.found(), access_of(request).group_id
        before, public_id = audited.of_campaign(row), row.public_id
        with transaction.atomic():
            started = campaigns.delete(
                project=self.project,
                campaign=row,
                force=force,
                at=instants.now(),
                request_id=request_id,
                cause=self.cause,
            )
            note(request, "campaign.deleted", "campaign", public_id, name=row.name, before=before)
        return Response({"async_action_id": started.public_id}, status=202)

    @extend_schema(request=None, parameters=[ID], responses={200: bodies.EmptyShape})
    @action(detail=True, methods=["post"])
    def enable(self, request: Request, campaign_id: str) -> Response:
        return self._switch(active=True)

    @extend_schema(request=None, parameters=[ID], responses={200: bodies.EmptyShape})
    @action(detail=True, methods=["post"])
    def disable(self, request: Request, campaign_id: str) -> Response:
        return self._switch(active=False)

    def _switch(self, *, active: bool) -> Response:
        row = self.found()
        before, words = {"active": row.active}, "campaign.enabled" if active else "campaign.disabled"
        with transaction.atomic():
            campaigns.switch(project=self.project, campaign=row, active=active, at=instants.now(), cause=self.cause)
            note(self.request, words, "campaign", row.public_id, name=row.name, before=before, after={"active": active})
        return Response({})

    @extend_schema(
        operation_id="campaigns_add_vouchers",
        request=bodies.AddedBody,
        parameters=[ID, COUNT],
        responses={200: schemas.VoucherShape, 202: StartedShape},
    )
    @action(detail=True, methods=["post"], url_path="vouchers")
    def add_vouchers(self, request: Request, campaign_id: str) -> Response:
        """One code is answered; more are made in the background."""
        row = self.found()
        body, count = parse(bodies.AddedBody, request.data or {}), _count_of(request)
        if count == 1:
            return self._add_one(row, body, None)
        request_id = access_of(request).group_id
        started = campaigns.add_vouchers(
            project=self.project,
            campaign=row,
            count=count,
            data=body,
            at=instants.now(),
            request_id=request_id,
            cause=self.cause,
        )
        return Response({"async_action_id": started.public_id}, status=202)

    @extend_schema(
        operation_id="campaigns_add_voucher_as",
        request=bodies.AddedBody,
        parameters=[ID, path_id("code")],
        responses=schemas.VoucherShape,
    )
    @action(detail=True, methods=["post"], url_path=f"vouchers/(?P<code>{IDENTIFIER})")
    def add_code(self, request: Request, campaign_id: str, code: str) -> Response:
        """A given code."""
        row = self.found()
        return self._add_one(row, parse(bodies.AddedBody, request.data or {}), code)

    def _add_one(self, campaign: Campaign, body: dict[str, Any], code: str | None) -> Response:
        with transaction.atomic():
            voucher = campaigns.add_voucher(
                project=self.project, campaign=campaign, data=body, code=code, at=instants.now(), cause=self.cause
            )
            after = audited.of_voucher(voucher)
            note(self.request, "voucher.created", "voucher", voucher.public_id, after=after)
        return voucher_answer(vouchers.find(project=self.project, identifier=voucher.public_id))

    @extend_schema(
        operation_id="campaigns_import",
        request=bodies.ImportedBody(many=True),
        parameters=[ID],
        responses={202: StartedShape},
    )
    @action(detail=True, methods=["post"], url_path="import")
    def import_codes(self, request: Request, campaign_id: str) -> Response:
        """Codes made elsewhere."""
        row = self.found()
        items = parse_each(bodies.ImportedBody, request.data)
        campaign_imports.check(self.project, items)
        return self._import(row, items, from_file=False, status=202)

    @extend_schema(
        operation_id="campaigns_import_csv",
        request={"multipart/form-data": UploadBody},
        parameters=[ID],
        responses={200: StartedShape},
    )
    @action(detail=True, methods=["post"], url_path="importCSV", parser_classes=[MultiPartParser, WireJsonParser])
    def import_csv(self, request: Request, campaign_id: str) -> Response:
        """Codes made elsewhere, from a CSV file."""
        row = self.found()
        upload = request.data.get("file") if hasattr(request.data, "get") else None
        if not isinstance(upload, UploadedFile):
            raise InvalidPayload("Payload should have required property 'file'")
        content = upload.read(settings.BODY_LIMIT + 1)
        if len(content) > settings.BODY_LIMIT:
            raise InvalidPayload(f"Property .file cannot be larger than {settings.BODY_LIMIT} bytes")
        return self._import(row, code_files.read(content), from_file=True, status=200)

    def _import(self, campaign: Campaign, items: Any, *, from_file: bool, status: int) -> Response:
        started = campaigns.start_import(
            project=self.project,
            campaign=campaign,
            items=items,
            from_file=from_file,
            at=instants.now(),
            request_id=access_of(self.request).group_id,
        )
        return Response({"async_action_id": started.public_id}, status=status)

    @extend_schema(
        parameters=[
            ID,
            OpenApiParameter("start_date", str, description="The first instant that counts."),
            OpenApiParameter("end_date", str, description="The last instant that counts."),
        ],
        responses=bodies.SummaryShape,
    )
    @action(detail=True, methods=["get"])
    def summary(self, request: Request, campaign_id: str) -> Response:
        """What became of the campaign, in numbers."""
        row = self.found()
        since, until = (_instant(request, name) for name in ("start_date", "end_date"))
        numbers = summaries.of(campaign=row, since=since, until=until)
        return Response({"object": "campaign_summary", "campaign": render_simple_campaign(row), **numbers})

    @extend_schema(
        parameters=[
            ID,
            OpenApiParameter("limit", {"type": "integer", "minimum": 1, "maximum": MOST_PER_PAGE,
                                       "default": DEFAULT_LIMIT}),
            OpenApiParameter("order", str, enum=["id", "-id"], default="-id"),
            OpenApiParameter("starting_after_id", str, description="The id of the last one seen."),
        ],
        responses=bodies.TransactionsShape,
        filters=False,
    )  # fmt: skip
    @action(detail=True, methods=["get"], pagination_class=None, filterset_class=None)
    def transactions(self, request: Request, campaign_id: str) -> Response:
        """What moved the credits of the campaign's gift cards."""
        row = self.found()
        limit = parse_limit(request.query_params)
        order, column = parse_order(request.query_params, {"id": "pk"}, "-id")
        if row.campaign_type not in LEDGER_KINDS:
            return Response(envelope("data", [], 0, has_more=False))
        lines = VoucherTransaction.objects.of(self.project).filter(voucher__campaign=row)
        lines = by_filters(request, lines, _Ledger)
        if cursor := request.query_params.get("starting_after_id"):
            seen = lines.filter(public_id=cursor).values_list("pk", flat=True).first()
            lines = (
                lines.none()
                if seen is None
                else lines.filter(**{"pk__lt" if order.startswith("-") else "pk__gt": seen})
            )
        lines = lines.select_related("voucher__campaign", "related_transaction")
        found = list(lines.order_by(column)[: limit + 1])
        data, more = [render_transaction(line) for line in found[:limit]], len(found) > limit
        extra = {"more_starting_after": data[-1]["id"]} if more else {}
        return Response(envelope("data", data, has_more=more, **extra))

    @extend_schema(
        operation_id="campaigns_export_transactions",
        request=ParametersBody,
        responses={200: ExportObject},
        parameters=[ID],
    )
    @action(detail=True, methods=["post"], url_path="transactions/export")
    def export_transactions(self, request: Request, campaign_id: str) -> Response:
        """Write the ledgers of the campaign's cards into a CSV file."""
        row = self.found()
        if row.campaign_type not in LEDGER_KINDS:
            raise Forbidden("Transactions are allowed only for loyalty or gift campaigns")
        asked = transaction_exports.of_campaign(row.public_id, parameters_of(request))
        return start_export(request, transaction_exports.KIND.name, asked)


class _Ledger:
    """What the list of transactions may be filtered by."""

    @staticmethod
    def filter_fields(project: Any) -> Any:
        return LEDGER


def _count_of(request: Request) -> int:
    text = request.query_params.get("vouchers_count") or "1"
    if not (text.isascii() and text.isdecimal()) or len(text) > 9:
        raise InvalidQueryParams("Property .vouchers_count should be integer")
    count = int(text)
    if not 1 <= count <= bodies.COUNT_MOST:
        raise InvalidQueryParams(f"Property .vouchers_count should be between 1 and {bodies.COUNT_MOST}")
    return count


def _instant(request: Request, name: str) -> Any:
    text = request.query_params.get(name)
    if not text:
        return None
    try:
        return instants.parse_instant(text)
    except ValueError:
        raise InvalidQueryParams(f"Property .{name} cannot be recognized as a ISO-8601 compliant date") from None

"""`/v1/vouchers`. Source: vouchers.md §8 to §11."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from django.conf import settings
from django.db import transaction
from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.api import idempotency
from config.api.auditing import note
from config.api.authentication import access_of
from config.api.exports import ExportObject, ParametersBody, parameters_of, start_export
from config.api.fields import parse, parse_each
from config.api.idempotency import once
from config.api.lists import envelope, parse_limit, parse_order, parse_page
from config.api.parameters import path_id
from config.api.parsing import WireJsonParser
from config.api.resources import ScopedViewSet
from config.api.uploads import file_of
from config.imports import doors
from config.imports.subjects import Options
from config.jobs.models import AsyncAction
from config.kernel import instants
from config.kernel.errors import InvalidPayload
from vouchers import audited, bulk, tasks, transaction_exports
from vouchers.api import ledger_shapes, schemas, serializers
from vouchers.api.filter_fields import of_vouchers, read_voucher_filters
from vouchers.api.filters import VoucherFilterSet
from vouchers.columns import TABLE
from vouchers.errors import InvalidAddBalanceParams
from vouchers.models import Redemption, RuleAssignment, Voucher
from vouchers.rendering import render_redemption, render_voucher
from vouchers.rendering.transactions import render_balance, render_transaction
from vouchers.services import balances, files, issuing, ledgers, sessions, vouchers

PAGE_PARAMETERS = (
    OpenApiParameter("limit", {"type": "integer", "minimum": 1, "maximum": 100, "default": 10}),
    OpenApiParameter("page", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 1}),
)
EMPTY = ledger_shapes.EmptyShape
LEDGER_PARAMETERS = (
    OpenApiParameter("limit", {"type": "integer", "minimum": 1, "maximum": 100, "default": 10}),
    OpenApiParameter("order", str, enum=["id", "-id"], default="-id"),
    OpenApiParameter("starting_after_id", str, description="The id of the last one seen."),
)


def voucher_answer(voucher: Voucher) -> Response:
    """The voucher as single look-ups show it: with its assignments, and its campaign's."""
    return Response(render_voucher(voucher, RuleAssignment.objects.all().applying_to(voucher)))


@extend_schema(tags=["vouchers"], responses=schemas.VoucherShape)
class VoucherViewSet(ScopedViewSet):
    """`/v1/vouchers`: a code is found by itself or by its id."""

    scope = "vouchers"
    lookup_field = "code"
    queryset = Voucher.objects.all()
    filterset_class = VoucherFilterSet
    filter_fields = staticmethod(of_vouchers)
    read_filters = staticmethod(read_voucher_filters)
    data_ref = "vouchers"
    orders: ClassVar[Mapping[str, str]] = {"created_at": "created_at", "updated_at": "updated_at", "code": "code"}

    def get_queryset(self) -> Any:
        return super().get_queryset().alive()

    def found(self) -> Voucher:
        """The voucher of the path."""
        return vouchers.find(project=self.project, identifier=self.kwargs["code"])

    @extend_schema(responses=schemas.VoucherShape(many=True))
    def list(self, request: Request) -> Response:
        rows = self.page(request, self.get_queryset().for_wire())
        return self.get_paginated_response([render_voucher(row) for row in rows])

    @extend_schema(request=serializers.VoucherCreateBody)
    def create(self, request: Request) -> Response:
        return self._create(request, code=None)

    @extend_schema(
        operation_id="vouchers_create_as", request=serializers.VoucherCreateBody, parameters=[path_id("code")]
    )
    def create_as(self, request: Request, code: str) -> Response:
        return self._create(request, code=code)

    def _create(self, request: Request, *, code: str | None) -> Response:
        body = parse(serializers.VoucherCreateBody, request.data)
        with transaction.atomic():
            voucher = issuing.create(project=self.project, data=body, code=code, at=instants.now(), cause=self.cause)
            note(request, "voucher.created", "voucher", voucher.public_id, after=audited.of_voucher(voucher))
        return voucher_answer(voucher)

    @extend_schema(parameters=[path_id("code")])
    def retrieve(self, request: Request, code: str) -> Response:
        return voucher_answer(self.found())

    @extend_schema(request=serializers.VoucherUpdateBody, parameters=[path_id("code")])
    def update(self, request: Request, code: str) -> Response:
        body = parse(serializers.VoucherUpdateBody, request.data)
        stored = self.found()
        before = audited.of_voucher(stored)
        with transaction.atomic():
            voucher = vouchers.update(
                project=self.project, voucher=stored, data=body, at=instants.now(), cause=self.cause
            )
            after = audited.of_voucher(voucher)
            note(request, "voucher.changed", "voucher", voucher.public_id, before=before, after=after)
        return voucher_answer(voucher)

    @extend_schema(
        parameters=[path_id("code"), OpenApiParameter("force", bool, description="Delete for good, free the code.")],
        responses={204: None},
    )
    def destroy(self, request: Request, code: str) -> Response:
        force = request.query_params.get("force", "").lower() == "true"
        voucher = self.found()
        public_id, before = voucher.public_id, audited.of_voucher(voucher)
        with transaction.atomic():
            vouchers.delete(project=self.project, voucher=voucher, force=force, at=instants.now(), cause=self.cause)
            note(request, "voucher.deleted", "voucher", public_id, before=before, after={"force": force})
        return Response(status=204)

    @extend_schema(request=None, parameters=[path_id("code")])
    @action(detail=True, methods=["post"])
    def enable(self, request: Request, code: str) -> Response:
        return self._switch(active=True)

    @extend_schema(request=None, parameters=[path_id("code")])
    @action(detail=True, methods=["post"])
    def disable(self, request: Request, code: str) -> Response:
        return self._switch(active=False)

    def _switch(self, *, active: bool) -> Response:
        stored = self.found()
        before = {"active": stored.active}
        with transaction.atomic():
            voucher = vouchers.switch(
                project=self.project, voucher=stored, active=active, at=instants.now(), cause=self.cause
            )
            after = {"active": voucher.active}
            action = "voucher.enabled" if active else "voucher.disabled"
            note(self.request, action, "voucher", voucher.public_id, before=before, after=after)
        return voucher_answer(voucher)

    @extend_schema(
        operation_id="vouchers_enable_many", request=serializers.CodesBody, responses=ledger_shapes.EmptyShape
    )
    @action(detail=False, methods=["post"], url_path="enable")
    def enable_many(self, request: Request) -> Response:
        """The older call: all that the body names."""
        return self._switch_many(request, active=True)

    @extend_schema(
        operation_id="vouchers_disable_many", request=serializers.CodesBody, responses=ledger_shapes.EmptyShape
    )
    @action(detail=False, methods=["post"], url_path="disable")
    def disable_many(self, request: Request) -> Response:
        """The older call: all that the body names."""
        return self._switch_many(request, active=False)

    def _switch_many(self, request: Request, *, active: bool) -> Response:
        names = parse(serializers.CodesBody, request.data)["vouchers"]
        with transaction.atomic():
            vouchers.switch_many(
                project=self.project, identifiers=names, active=active, at=instants.now(), cause=self.cause
            )
            note(request, "voucher.enabled" if active else "voucher.disabled", "voucher", "", after={"codes": names})
        return Response({})

    @extend_schema(
        operation_id="vouchers_change_balance",
        request=serializers.BalanceBody,
        responses=ledger_shapes.BalanceShape,
        parameters=[path_id("code"), idempotency.PARAMETER],
    )
    @action(detail=True, methods=["post"])
    def balance(self, request: Request, code: str) -> HttpResponseBase:
        """Add credits to a gift card, or take some away."""
        return once(request, lambda: self._change_balance(request))

    def _change_balance(self, request: Request) -> Response:
        body, voucher = read_balance(request.data), self.found()
        with transaction.atomic():
            row = balances.adjust(
                project=self.project,
                voucher=voucher,
                amount=body["amount"],
                at=instants.now(),
                source_id=body.get("source_id"),
                source=request.headers.get("X-Voucherify-Channel", "")[:200] or "API",
                reason=body.get("reason"),
                cause=self.cause,
            )
            after = {"amount": row.amount, "balance": row.balance, "reason": row.reason}
            note(request, "voucher.balance_changed", "voucher", voucher.public_id, after=after)
        return Response(render_balance(row))

    @extend_schema(
        operation_id="vouchers_list_transactions",
        responses=ledger_shapes.VoucherTransactionsShape,
        parameters=[path_id("code"), *LEDGER_PARAMETERS],
        filters=False,
    )
    @action(detail=True, methods=["get"])
    def transactions(self, request: Request, code: str) -> Response:
        """What was added to a gift card and what was spent of it."""
        query = request.query_params
        order, _ = parse_order(query, {"id": "pk"}, "-id")
        rows, more = ledgers.page(
            voucher=self.found(),
            limit=parse_limit(query),
            newest_first=order.startswith("-"),
            after=query.get("starting_after_id") or None,
        )
        following: dict[str, Any] = {"more_starting_after": rows[-1].public_id} if more else {}
        return Response(envelope("data", [render_transaction(row) for row in rows], has_more=more, **following))

    @extend_schema(
        operation_id="vouchers_list_redemptions",
        responses=ledger_shapes.VoucherRedemptionListShape,
        parameters=[path_id("code"), *PAGE_PARAMETERS],
        filters=False,
    )
    @action(detail=True, methods=["get"])
    def redemptions(self, request: Request, code: str) -> Response:
        """The attempts on a code in pages: where `redemption.url` of the voucher leads."""
        query = request.query_params
        limit, page = parse_limit(query), parse_page(query)
        rows = Redemption.objects.of(self.project).filter(voucher=self.found()).for_wire()
        total, start = rows.count(), (page - 1) * limit
        shown = rows.order_by("-created_at", "-pk")[start : start + limit]
        return Response(envelope("redemptions", [render_redemption(row) for row in shown], total))

    @extend_schema(
        operation_id="vouchers_export_transactions",
        request=ParametersBody,
        responses={200: ExportObject},
        parameters=[path_id("code")],
    )
    @action(detail=True, methods=["post"], url_path="transactions/export")
    def export_transactions(self, request: Request, code: str) -> Response:
        """Write the ledger into a CSV file."""
        asked = transaction_exports.of_voucher(self.found().code, parameters_of(request))
        return start_export(request, transaction_exports.KIND.name, asked)

    @extend_schema(
        operation_id="vouchers_import",
        request=serializers.VoucherImportItem(many=True),
        responses={202: ledger_shapes.StartedJobShape},
    )
    @action(detail=False, methods=["post"], url_path="import")
    def import_many(self, request: Request) -> Response:
        """Store many given codes in the background."""
        bulk.require_codes(request.data)
        parse_each(serializers.VoucherImportItem, request.data)
        return self._started(bulk.start_import, body=request.data)

    @extend_schema(
        operation_id="vouchers_import_csv",
        request={"multipart/form-data": ledger_shapes.VoucherFileBody},
        responses={202: ledger_shapes.StartedJobShape},
    )
    @action(detail=False, methods=["post"], url_path="importCSV", parser_classes=[MultiPartParser, WireJsonParser])
    def import_csv(self, request: Request) -> Response:
        """Import a CSV file of codes in the background; money is in major units, codes that exist are changed."""
        access, (content, given_name) = access_of(request), file_of(request)
        started = doors.start_from_api(
            project=access.project,
            subject=files.SUBJECT,
            task=tasks.import_file,
            target_of=TABLE.target_of,
            content=content,
            given_name=given_name,
            at=instants.now(),
            limit=settings.BODY_LIMIT,
            options=Options(webhooks=request.POST.get("webhooks_enable", "").lower() == "true"),
            request_id=access.group_id,
        )
        return Response({"async_action_id": started.public_id}, status=202)

    @extend_schema(
        operation_id="vouchers_update_many",
        request=serializers.VoucherMetadataItem(many=True),
        responses={202: ledger_shapes.StartedJobShape},
    )
    @action(detail=False, methods=["post"], url_path="bulk/async")
    def bulk_update(self, request: Request) -> Response:
        """Change the metadata of many codes in the background; unknown ones are not made."""
        items = parse_each(serializers.VoucherMetadataItem, request.data)
        return self._started(bulk.start_update, items=items)

    @extend_schema(
        operation_id="vouchers_update_metadata",
        request=serializers.CodesMetadataBody,
        responses={202: ledger_shapes.StartedJobShape},
    )
    @action(detail=False, methods=["post"], url_path="metadata/async")
    def metadata_update(self, request: Request) -> Response:
        """Give many codes the same metadata in the background."""
        body = parse(serializers.CodesMetadataBody, request.data)
        return self._started(bulk.start_metadata, codes=body["codes"], metadata=body["metadata"])

    def _started(self, start: Callable[..., AsyncAction], **what: Any) -> Response:
        access = access_of(self.request)
        action = start(project=access.project, at=instants.now(), request_id=access.group_id, **what)
        return Response({"async_action_id": action.public_id}, status=202)


@extend_schema(tags=["vouchers"])
class VoucherSessionView(APIView):
    """`DELETE /v1/vouchers/{code}/sessions/{key}`"""

    scope = "vouchers"

    @extend_schema(
        operation_id="vouchers_release_session",
        parameters=[path_id("code"), path_id("session_key")],
        responses={204: None},
    )
    def delete(self, request: Request, code: str, session_key: str) -> Response:
        """Free what a session holds of this voucher."""
        project = access_of(request).project
        voucher = vouchers.find(project=project, identifier=code)
        sessions.release(project=project, voucher=voucher, key=session_key, at=instants.now())
        return Response(status=204)


def read_balance(data: Any) -> dict[str, Any]:
    """The body of a change of balance. Raises InvalidAddBalanceParams for a bad amount, InvalidPayload for the rest."""
    if isinstance(data, Mapping) and data.get("amount") is None:
        raise InvalidAddBalanceParams("Payload should have required property 'amount'")
    try:
        return parse(serializers.BalanceBody, data)
    except InvalidPayload as error:
        if (error.details or "").startswith("Property .amount"):
            raise InvalidAddBalanceParams(error.details or "") from error
        raise

"""`GET /client/v1/vouchers`: what browsers may list where the project's switch is on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from config.api import limits
from config.api.authentication import ClientKeyAuthentication, ClientSwitch
from config.api.resources import ScopedViewSet
from vouchers.api import schemas
from vouchers.api.filters import VoucherFilterSet
from vouchers.models import Voucher
from vouchers.rendering import render_voucher


@extend_schema(tags=["client"])
class ClientVoucherViewSet(ScopedViewSet):
    """Vouchers of the project, or those that a customer holds; of the customer nothing but the id is shown."""

    authentication_classes = (ClientKeyAuthentication,)
    permission_classes = (ClientSwitch,)
    throttle_classes = (limits.ClientRate,)
    scope = "client_vouchers"
    client_switch = "client_list_vouchers_enabled"
    queryset = Voucher.objects.all()
    filterset_class = VoucherFilterSet
    data_ref = "vouchers"
    orders: ClassVar[Mapping[str, str]] = {"created_at": "created_at", "updated_at": "updated_at", "code": "code"}

    @extend_schema(operation_id="client_list_vouchers", responses=schemas.VoucherShape(many=True))
    def list(self, request: Request) -> Response:
        """As `GET /v1/vouchers`; `customer` is an id, a source id or a tracking id."""
        rows = self.page(request, self.get_queryset().alive().for_wire())
        return self.get_paginated_response([render_voucher(row) for row in rows])

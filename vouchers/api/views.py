"""The calls that are hot or no resource: validate and redeem. Parsed and rendered by plain functions."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.api.authentication import access_of
from vouchers.api import schemas
from vouchers.api.viewsets import path_id, voucher_redemptions
from vouchers.services import vouchers


@extend_schema(tags=["redemptions"], parameters=[path_id("code")])
class VoucherRedemptionView(APIView):
    """`/v1/vouchers/{code}/redemption`: the attempts on a code."""

    scope = "redemptions"

    @extend_schema(responses=schemas.VoucherRedemptionsShape)
    def get(self, request: Request, code: str) -> Response:
        return voucher_redemptions(vouchers.find(project=access_of(request).project, identifier=code))

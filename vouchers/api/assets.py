"""`/v1/assets/…`: codes as pictures. The id in the address is the secret that opens them. Source: vouchers.md §7."""

from __future__ import annotations

import uuid
from typing import Final

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from config.api.parameters import path_id
from config.kernel.errors import InvalidQueryParams, NotFound
from vouchers import pictures
from vouchers.models import Voucher

LARGEST: Final = 100
DEFAULT_SIZE: Final = 2
TYPES: Final = {"png": "image/png", "svg": "image/svg+xml"}
PARAMETERS: Final = [
    path_id("asset_id"),
    OpenApiParameter(
        "size",
        {"type": "integer", "minimum": 1, "maximum": LARGEST, "default": DEFAULT_SIZE},
        description="Pixels of one module.",
    ),
    OpenApiParameter("format", str, enum=list(TYPES), default="png"),
]
ANSWERS: Final = {(200, "image/png"): OpenApiTypes.BINARY, (200, "image/svg+xml"): OpenApiTypes.BINARY}


class AssetView(APIView):
    """What both pictures share."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    kind = "qr"

    def get_format_suffix(self, **kwargs: object) -> None:
        """`format` in the query is ours."""

    def perform_content_negotiation(self, request: Request, force: bool = False) -> tuple[BaseRenderer, str]:
        """Whatever is accepted, the picture comes; errors are JSON."""
        renderer = self.get_renderers()[0]
        return renderer, str(renderer.media_type)

    def draw(self, request: Request, asset_id: str) -> HttpResponse:
        """The picture of the voucher whose asset it is."""
        size, form = _size(request.query_params.get("size")), request.query_params.get("format") or "png"
        if form not in TYPES:
            raise InvalidQueryParams("Property .format should be equal to one of the allowed values [ png, svg ]")
        voucher = _voucher(asset_id)
        svg = form == "svg"
        if self.kind == "qr":
            picture = pictures.qr(voucher.code, size=size, svg=svg)
        else:
            text = voucher.code if pictures.can_be_barcode(voucher.code) else voucher.public_id
            picture = pictures.barcode(text, size=size, svg=svg)
        return HttpResponse(picture, content_type=TYPES[form])


class QrView(AssetView):
    """`GET /v1/assets/qr/{id}`"""

    @extend_schema(tags=["vouchers"], operation_id="get_qr_code", auth=[], parameters=PARAMETERS, responses=ANSWERS)
    def get(self, request: Request, asset_id: str) -> HttpResponse:
        """The code as a QR code."""
        return self.draw(request, asset_id)


class BarcodeView(AssetView):
    """`GET /v1/assets/barcode/{id}`"""

    kind = "barcode"

    @extend_schema(tags=["vouchers"], operation_id="get_barcode", auth=[], parameters=PARAMETERS, responses=ANSWERS)
    def get(self, request: Request, asset_id: str) -> HttpResponse:
        """The code as a barcode (Code 128); of a code that it cannot spell, the voucher's id, which works alike."""
        return self.draw(request, asset_id)


def _size(text: str | None) -> int:
    if not text:
        return DEFAULT_SIZE
    if not (text.isascii() and text.isdecimal() and len(text) <= 3 and 1 <= int(text) <= LARGEST):
        raise InvalidQueryParams(f"Property .size should be integer between 1 and {LARGEST}")
    return int(text)


def _voucher(asset_id: str) -> Voucher:
    try:
        key = uuid.UUID(asset_id)
    except ValueError:
        raise NotFound.of("asset", asset_id) from None
    found = Voucher.objects.filter(asset_id=key, deleted_at=None).only("code", "public_id").first()
    if found is None:
        raise NotFound.of("asset", asset_id)
    return found

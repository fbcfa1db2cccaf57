"""The yardstick of G4 to G6: the least that a Django REST framework view can do, on the same server and database.

`/read/<code>`: APIView, one indexed select, ModelSerializer. `/write/<code>`: APIView, one atomic statement that
updates a row and inserts another. `/insert/<code>`: APIView, one insertion.
"""

from __future__ import annotations

import os
from typing import Any

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection

os.environ.setdefault("TESSERA_PROCESS", "web")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
settings.MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]  # sets Content-Length
settings.ROOT_URLCONF = "bench.bare"
settings.REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "UNAUTHENTICATED_USER": None,
}
django.setup()

from django.urls import path  # noqa: E402
from rest_framework.request import Request  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.serializers import ModelSerializer  # noqa: E402
from rest_framework.views import APIView  # noqa: E402

from vouchers.models import Voucher  # noqa: E402

STATEMENT = """
    WITH used AS (
        UPDATE bench_codes SET used = used + 1 WHERE code = %s AND (most IS NULL OR used < most) RETURNING id
    )
    INSERT INTO bench_uses (code_id, body, created_at) SELECT id, %s, now() FROM used RETURNING id
"""


class VoucherSerializer(ModelSerializer[Voucher]):
    class Meta:
        model = Voucher
        fields = ("public_id", "code", "type", "discount", "active", "quantity", "redeemed_quantity", "metadata")


class Read(APIView):
    def get(self, request: Request, code: str) -> Response:
        return Response(VoucherSerializer(Voucher.objects.get(code_key=code)).data)

    post = get


class Write(APIView):
    def post(self, request: Request, code: str) -> Response:
        body: Any = request.data
        with connection.cursor() as cursor:
            cursor.execute(STATEMENT, [code, str(body)])
            return Response({"id": cursor.fetchone()[0], "code": code})


class Insert(APIView):
    def post(self, request: Request, code: str) -> Response:
        body: Any = request.data
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO bench_uses (code_id, body, created_at) VALUES (1, %s, now()) RETURNING id", [str(body)]
            )
            return Response({"id": cursor.fetchone()[0], "code": code})


urlpatterns = [
    path("read/<str:code>", Read.as_view()),
    path("write/<str:code>", Write.as_view()),
    path("insert/<str:code>", Insert.as_view()),
]
application = WSGIHandler()

"""Bodies before anybody reads them: size, chunked transfer, encodings, and what may not stand in an address."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from typing import IO, Any, Final
from urllib.parse import unquote_to_bytes

from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse

from config.api import envelope

QUERY_LIMIT: Final = 16_384
CHUNK: Final = 65_536
UPLOAD_PATHS: Final = ("/dashboard/", "/admin/")
"""Where files up to UPLOAD_LIMIT come in; everywhere else BODY_LIMIT holds."""


class BodyMiddleware:
    """Django under WSGI reads a chunked body as empty, and an empty redemption is valid here: so spool it first."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        refusal = self._refuse_address(request) or self._refuse_body(request)
        return refusal or self.get_response(request)

    def _refuse_address(self, request: HttpRequest) -> HttpResponse | None:
        query = request.META.get("QUERY_STRING", "")
        if len(query) > QUERY_LIMIT:
            content = envelope.body(400, "Query too large", key="query_too_large", details="Query string too large")
            return envelope.response(content, 400)
        if "\x00" in request.path_info or b"\x00" in unquote_to_bytes(query):
            content = envelope.body(
                *(400, "Invalid query params"), key="invalid_query_params", details="Address contains U+0000"
            )
            return envelope.response(content, 400)
        return None

    def _refuse_body(self, request: HttpRequest) -> HttpResponse | None:
        if request.META.get("HTTP_CONTENT_ENCODING", "identity").lower() not in ("", "identity"):
            content = envelope.body(415, "Unsupported Media Type", key="unsupported_media_type")
            return envelope.response(content, 415)
        limit: int = settings.BODY_LIMIT
        if request.path_info.startswith(UPLOAD_PATHS):
            limit = settings.UPLOAD_LIMIT
        length = request.META.get("CONTENT_LENGTH", "")
        if length:
            if not (length.isascii() and length.isdecimal()):
                return envelope.response(envelope.body(400, "Invalid Content-Length"), 400)
            if int(length) > limit:
                return envelope.response(envelope.too_large(limit), 413)
        elif request.META.get("HTTP_TRANSFER_ENCODING"):
            return self._spool(request, limit)
        return None

    def _spool(self, request: HttpRequest, limit: int) -> HttpResponse | None:
        """Read the chunked body to its end, and give the request a length."""
        if not isinstance(request, WSGIRequest):
            return None
        source: IO[bytes] = request.environ["wsgi.input"]
        spool: Any = tempfile.SpooledTemporaryFile(max_size=1_048_576)  # noqa: SIM115  closed with the request
        size = 0
        while chunk := source.read(CHUNK):
            size += len(chunk)
            if size > limit:
                spool.close()
                return envelope.response(envelope.too_large(limit), 413)
            spool.write(chunk)
        spool.seek(0)
        request.META["CONTENT_LENGTH"] = str(size)
        request.environ["wsgi.input"] = spool
        request._stream = spool
        return None

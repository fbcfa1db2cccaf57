"""Answers: JSON by orjson, whatever was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from config.api import wire_json

UNTYPED: Final = ("", "text/plain", "application/x-www-form-urlencoded")
"""What clients say that mean JSON, or send nothing at all."""


class WireJsonRenderer(BaseRenderer):
    """Compact JSON as on the wire."""

    media_type = "application/json"
    format = "json"
    charset = None
    render_style = "binary"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return b"" if data is None else wire_json.dump(data)


class AlwaysJson(BaseContentNegotiation):
    """Real clients send all kinds of Accept headers and expect JSON; the first parser that takes the type reads."""

    def select_parser(self, request: Request, parsers: Any) -> BaseParser | None:
        media_type = (request.content_type or "").split(";")[0].strip().lower()
        by_type: dict[str, BaseParser] = {parser.media_type: parser for parser in parsers}
        return by_type.get(media_type) or (by_type.get("application/json") if media_type in UNTYPED else None)

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type

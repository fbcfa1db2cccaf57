"""Bodies: JSON by orjson. An empty body is `{}`: real clients send POST with a JSON type and nothing in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from config.api import wire_json


class MalformedBody(ParseError):
    """The body is not JSON; answered in the wire's own form."""


class WireJsonParser(BaseParser):
    """Parses within the limits of `wire_json`."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        text = stream.read()
        if not text.strip():
            return {}
        try:
            return wire_json.load(text)
        except wire_json.MalformedJson as error:
            raise MalformedBody(str(error)) from None

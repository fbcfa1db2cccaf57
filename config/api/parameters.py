"""Pieces of the published schema that several views name."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter


def path_id(name: str) -> OpenApiParameter:
    """A path parameter that takes more than one kind of identifier."""
    return OpenApiParameter(name, str, OpenApiParameter.PATH)

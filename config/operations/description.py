"""`/api/schema/` and `/api/docs/`: the API's description, made once a process."""

from __future__ import annotations

import functools

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.negotiation import DefaultContentNegotiation

from config.api import wire_json


@functools.cache
def document() -> bytes:
    """The OpenAPI description as JSON."""
    return wire_json.dump(SchemaGenerator().get_schema(request=None, public=True))  # type: ignore[no-untyped-call]


@require_safe
def schema(request: HttpRequest) -> HttpResponse:
    """The description for machines."""
    return HttpResponse(document(), content_type="application/vnd.oai.openapi+json")


class Docs(SpectacularSwaggerSplitView):
    """The description for people. The split view keeps its script in a file of its own, as our CSP demands."""

    url_name = "schema"
    content_negotiation_class = DefaultContentNegotiation

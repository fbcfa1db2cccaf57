"""`/v1/segments`, and a customer's segments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.urls import URLPattern, URLResolver, re_path

from config.api.routing import IDENTIFIER, WireRouter
from segments.api.views import CustomerSegmentsView
from segments.api.viewsets import SegmentViewSet

router = WireRouter()
router.register("segments", SegmentViewSet, basename="segment")

urlpatterns: Sequence[URLPattern | URLResolver | Any] = [
    re_path(rf"^customers/(?P<customer_id>{IDENTIFIER})/segments/?$", CustomerSegmentsView.as_view()),
    *router.urls,
]

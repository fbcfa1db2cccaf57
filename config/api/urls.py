"""The foundations' own resources: tokens, background work and exports."""

from __future__ import annotations

from django.urls import re_path

from config.api.async_actions import AsyncActionViewSet
from config.api.exports import ExportViewSet
from config.api.metadata_schemas import MetadataSchemaViewSet
from config.api.oauth import IntrospectView, RevokeView, TokenView
from config.api.routing import WireRouter

router = WireRouter()
router.register("async-actions", AsyncActionViewSet, basename="async-action")
router.register("exports", ExportViewSet, basename="export")
router.register("metadata-schemas", MetadataSchemaViewSet, basename="metadata-schema")

urlpatterns = [
    re_path(r"^oauth/token/?$", TokenView.as_view()),
    re_path(r"^oauth/introspect/?$", IntrospectView.as_view()),
    re_path(r"^oauth/token/revoke/?$", RevokeView.as_view()),
    *router.urls,
]

"""The foundations' own resources: background work and exports."""

from __future__ import annotations

from config.api.async_actions import AsyncActionViewSet
from config.api.exports import ExportViewSet
from config.api.metadata_schemas import MetadataSchemaViewSet
from config.api.routing import WireRouter

router = WireRouter()
router.register("async-actions", AsyncActionViewSet, basename="async-action")
router.register("exports", ExportViewSet, basename="export")
router.register("metadata-schemas", MetadataSchemaViewSet, basename="metadata-schema")

urlpatterns = router.urls

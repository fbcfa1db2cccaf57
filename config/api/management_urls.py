"""`/management/v1`: what sets a project up."""

from __future__ import annotations

from config.api.metadata_schemas import ManagedMetadataSchemaViewSet
from config.api.routing import WireRouter

router = WireRouter()
router.register(
    "projects/(?P<project_id>[^/]+)/metadata-schemas", ManagedMetadataSchemaViewSet, basename="managed-metadata-schema"
)

urlpatterns = router.urls

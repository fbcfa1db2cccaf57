"""`/management/v1`: what sets a project up."""

from __future__ import annotations

from config.api.metadata_schemas import ManagedMetadataSchemaViewSet
from config.api.projects import ProjectViewSet
from config.api.routing import WireRouter
from config.api.webhooks import WebhookViewSet

router = WireRouter()
router.register("projects", ProjectViewSet, basename="managed-project")
router.register(
    "projects/(?P<project_id>[^/]+)/metadata-schemas", ManagedMetadataSchemaViewSet, basename="managed-metadata-schema"
)
router.register("projects/(?P<project_id>[^/]+)/webhooks", WebhookViewSet, basename="managed-webhook")

urlpatterns = router.urls

"""`/management/v1`: schemas of custom events."""

from __future__ import annotations

from config.api.routing import WireRouter
from tracking.api.custom_events import EventSchemaViewSet

router = WireRouter()
router.register(
    "projects/(?P<project_id>[^/]+)/custom-event-schemas", EventSchemaViewSet, basename="managed-event-schema"
)

urlpatterns = router.urls

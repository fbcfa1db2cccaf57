"""`/management/v1`: what vouchers add to the setting up of a project."""

from __future__ import annotations

from config.api.routing import WireRouter
from vouchers.api.categories import ManagedStackingRulesViewSet

router = WireRouter()
router.register(
    "projects/(?P<project_id>[^/]+)/stacking-rules", ManagedStackingRulesViewSet, basename="managed-stacking-rules"
)

urlpatterns = router.urls

"""`/v1/customers` on a router. Apps above add what stands below a customer in their own lists, before this one."""

from __future__ import annotations

from config.api.routing import WireRouter
from customers.api.viewsets import CustomerViewSet

router = WireRouter()
router.register("customers", CustomerViewSet, basename="customer")

urlpatterns = router.urls

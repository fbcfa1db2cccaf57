"""What tracking answers: products, SKUs, collections, orders, and activity below a customer; events: `event_urls`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.urls import URLPattern, URLResolver, include, path, re_path

from config.api.routing import IDENTIFIER, WireRouter
from tracking.api.catalogue import ProductSkuViewSet, ProductViewSet, SkuViewSet
from tracking.api.collections import CollectionViewSet
from tracking.api.orders import OrderViewSet
from tracking.api.views import CustomerActivitiesView, CustomerActivityView

router = WireRouter()
router.register(rf"products/(?P<product_id>{IDENTIFIER})/skus", ProductSkuViewSet, basename="product-sku")
router.register("products", ProductViewSet, basename="product")
router.register("product-collections", CollectionViewSet, basename="product-collection")
router.register("orders", OrderViewSet, basename="order")
router.register("skus", SkuViewSet, basename="sku")

urlpatterns: Sequence[URLPattern | URLResolver | Any] = [
    re_path(rf"^customers/(?P<customer_id>{IDENTIFIER})/activity/?$", CustomerActivityView.as_view()),
    re_path(rf"^customers/(?P<customer_id>{IDENTIFIER})/activities/?$", CustomerActivitiesView.as_view()),
    path("", include(router.urls)),
]

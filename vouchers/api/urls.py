"""Addresses of vouchers, validation rules, validations and redemptions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.urls import URLPattern, URLResolver, include, path, re_path
from rest_framework.routers import Route

from config.api.routing import IDENTIFIER, WireRouter
from vouchers.api.assets import BarcodeView, QrView
from vouchers.api.campaigns import CampaignViewSet
from vouchers.api.categories import CategoryViewSet
from vouchers.api.client_views import ClientValidateView, VoucherValidateView
from vouchers.api.client_vouchers import ClientVoucherViewSet
from vouchers.api.rollbacks import RollbacksView, RollbackView
from vouchers.api.views import (
    ClientRedeemView,
    ClientRedemptionView,
    ClientValidationView,
    ValidationView,
    VoucherRedemptionView,
)
from vouchers.api.viewsets import (
    AllAssignmentsViewSet,
    RedemptionViewSet,
    RuleAssignmentViewSet,
    ValidationRuleViewSet,
)
from vouchers.api.vouchers import VoucherSessionView, VoucherViewSet

CODE = rf"(?P<code>{IDENTIFIER})"
REDEMPTION = rf"(?P<redemption_id>{IDENTIFIER})"
ONE = rf"(?P<rule_id>{IDENTIFIER})"


class VoucherRouter(WireRouter):
    """A voucher can also be created at its own address."""

    routes = [  # noqa: RUF012  typed by its base
        route._replace(mapping={**route.mapping, "post": "create_as"})
        if isinstance(route, Route) and "{lookup}" in route.url
        else route
        for route in WireRouter.routes
    ]


hot = WireRouter()
hot.register("redemptions", RedemptionViewSet, basename="redemption")

router = VoucherRouter()
router.register("validation-rules-assignments", AllAssignmentsViewSet, basename="validation-rules-assignment")
router.register(rf"validation-rules/{ONE}/assignments", RuleAssignmentViewSet, basename="rule-assignment")
router.register("validation-rules", ValidationRuleViewSet, basename="validation-rule")
router.register("campaigns", CampaignViewSet, basename="campaign")
router.register("categories", CategoryViewSet, basename="category")
router.register("vouchers", VoucherViewSet, basename="voucher")

urlpatterns: Sequence[URLPattern | URLResolver | Any] = [
    re_path(r"^v1/validations/?$", ValidationView.as_view()),
    re_path(r"^client/v1/validate/?$", ClientValidateView.as_view()),
    re_path(rf"^v1/redemptions/{REDEMPTION}/rollback/?$", RollbackView.as_view()),
    re_path(rf"^v1/redemptions/{REDEMPTION}/rollbacks/?$", RollbacksView.as_view()),
    path("v1/", include(hot.urls)),
    re_path(rf"^v1/vouchers/{CODE}/validate/?$", VoucherValidateView.as_view()),
    re_path(r"^client/v1/validations/?$", ClientValidationView.as_view()),
    re_path(r"^client/v1/redemptions/?$", ClientRedemptionView.as_view()),
    re_path(r"^client/v1/vouchers/?$", ClientVoucherViewSet.as_view({"get": "list"})),
    re_path(r"^client/v1/redeem/?$", ClientRedeemView.as_view()),
    re_path(rf"^v1/vouchers/{CODE}/sessions/(?P<session_key>{IDENTIFIER})/?$", VoucherSessionView.as_view()),
    re_path(r"^v1/assets/qr/(?P<asset_id>[^/]+)/?$", QrView.as_view()),
    re_path(r"^v1/assets/barcode/(?P<asset_id>[^/]+)/?$", BarcodeView.as_view()),
    re_path(rf"^v1/vouchers/{CODE}/redemption/?$", VoucherRedemptionView.as_view()),
    path("", include("vouchers.api.promotion_urls")),
    path("v1/", include(router.urls)),
]

"""Addresses of promotions, publications and qualifications."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path, re_path

from config.api.routing import IDENTIFIER, WireRouter
from vouchers.api.older_promotions import (
    CampaignQualificationView,
    ClientPromotionsValidationView,
    PromotionsValidationView,
    TierRedemptionView,
    TierValidationView,
    VoucherQualificationView,
)
from vouchers.api.promotions import (
    AllStacksViewSet,
    CampaignTierViewSet,
    ClientTierViewSet,
    StackViewSet,
    TierViewSet,
)
from vouchers.api.publications import (
    ClientPublishView,
    CreatePublicationView,
    LegacyPublishView,
    PublicationViewSet,
    VoucherPublicationViewSet,
)
from vouchers.api.qualifications import ClientQualificationView, QualificationView

CAMPAIGN = rf"(?P<campaign_id>{IDENTIFIER})"
TIER = rf"(?P<tier_id>{IDENTIFIER})"

router = WireRouter()
router.register("promotions/stacks", AllStacksViewSet, basename="promotion-stack")
router.register("promotions/tiers", TierViewSet, basename="promotion-tier")
router.register(f"promotions/{CAMPAIGN}/tiers", CampaignTierViewSet, basename="campaign-tier")
router.register(f"promotions/{CAMPAIGN}/stacks", StackViewSet, basename="campaign-stack")
router.register("publications", PublicationViewSet, basename="publication")

urlpatterns: list[URLPattern | URLResolver] = [
    re_path(r"^client/v1/promotions/tiers/?$", ClientTierViewSet.as_view({"get": "list"})),
    re_path(r"^client/v1/publish/?$", ClientPublishView.as_view()),
    re_path(r"^v1/publications/create/?$", CreatePublicationView.as_view()),
    re_path(r"^v1/vouchers/publish/?$", LegacyPublishView.as_view()),
    re_path(
        rf"^v1/vouchers/(?P<code>{IDENTIFIER})/publications/?$",
        VoucherPublicationViewSet.as_view({"get": "list"}),
    ),
    re_path(r"^v1/qualifications/?$", QualificationView.as_view()),
    re_path(r"^client/v1/qualifications/?$", ClientQualificationView.as_view()),
    re_path(r"^v1/campaigns/qualification/?$", CampaignQualificationView.as_view()),
    re_path(r"^v1/vouchers/qualification/?$", VoucherQualificationView.as_view()),
    re_path(r"^v1/promotions/validation/?$", PromotionsValidationView.as_view()),
    re_path(r"^client/v1/promotions/validation/?$", ClientPromotionsValidationView.as_view()),
    re_path(rf"^v1/promotions/tiers/{TIER}/validation/?$", TierValidationView.as_view()),
    re_path(rf"^v1/promotions/tiers/{TIER}/redemption/?$", TierRedemptionView.as_view()),
    path("v1/", include(router.urls)),
]

"""Addresses of vouchers and redemptions in the dashboard."""

from django.urls import path

from vouchers.dashboard.views import (
    RedemptionList,
    RedemptionPage,
    VoucherList,
    VoucherNew,
    VoucherPage,
    VoucherSwitch,
)

urlpatterns = [
    path("vouchers/", VoucherList.as_view(), name="vouchers"),
    path("vouchers/new/", VoucherNew.as_view(), name="voucher-new"),
    path("vouchers/<str:public_id>/", VoucherPage.as_view(), name="voucher"),
    path("vouchers/<str:public_id>/switch/", VoucherSwitch.as_view(), name="voucher-switch"),
    path("redemptions/", RedemptionList.as_view(), name="redemptions"),
    path("redemptions/<str:public_id>/", RedemptionPage.as_view(), name="redemption"),
]

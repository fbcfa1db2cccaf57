"""What stands below a customer: a customer's identifier may hold slashes, so it comes before the customer itself."""

from __future__ import annotations

from django.urls import re_path

from config.api.routing import IDENTIFIER
from vouchers.api.held import CustomerRedeemablesView

urlpatterns = [
    re_path(rf"^customers/(?P<customer_id>{IDENTIFIER})/redeemables/?$", CustomerRedeemablesView.as_view()),
]

"""The only list of URL prefixes."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

handler404 = "config.dashboard.faults.not_found"
handler500 = "config.dashboard.faults.server_error"

urlpatterns: list[URLPattern | URLResolver] = [
    # First what is asked most: every request searches from the top.
    path("", include("tracking.api.event_urls")),
    path("", include("vouchers.api.urls")),
    path("v1/", include("config.api.urls")),
    # A customer's identifier may hold slashes: paths below a customer come before the customer itself.
    path("v1/", include("vouchers.api.customer_urls")),
    path("v1/", include("segments.api.urls")),
    path("v1/", include("tracking.api.urls")),
    path("v1/", include("customers.api.urls")),
    path("client/v1/", include("tracking.api.client_urls")),
    path("", include("config.operations.urls")),
    path("management/v1/", include("config.api.management_urls")),
    path("management/v1/", include("tracking.api.management_urls")),
    path("management/v1/", include("vouchers.api.management_urls")),
    path("admin/", admin.site.urls),
    path("dashboard/", include("config.dashboard.urls")),
    path("", RedirectView.as_view(pattern_name="dashboard:home")),
]

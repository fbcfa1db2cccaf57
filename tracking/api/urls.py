"""What tracking answers below a customer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.urls import URLPattern, URLResolver, re_path

from config.api.routing import IDENTIFIER
from tracking.api.views import CustomerActivitiesView, CustomerActivityView

urlpatterns: Sequence[URLPattern | URLResolver | Any] = [
    re_path(rf"^customers/(?P<customer_id>{IDENTIFIER})/activity/?$", CustomerActivityView.as_view()),
    re_path(rf"^customers/(?P<customer_id>{IDENTIFIER})/activities/?$", CustomerActivitiesView.as_view()),
]

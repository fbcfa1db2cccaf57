"""What browsers ask of tracking, below `/client/v1`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.urls import URLPattern, URLResolver, re_path

from tracking.api.client_customers import ClientCustomerView

urlpatterns: Sequence[URLPattern | URLResolver | Any] = [
    re_path(r"^customers/?$", ClientCustomerView.as_view()),
]

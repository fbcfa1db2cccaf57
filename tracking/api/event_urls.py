"""Events, asked more often than anything else: their addresses are the first that are looked at."""

from __future__ import annotations

from django.urls import re_path

from tracking.api.custom_events import ClientEventView, EventView

urlpatterns = [
    re_path(r"^v1/events/?$", EventView.as_view()),
    re_path(r"^client/v1/events/?$", ClientEventView.as_view()),
]

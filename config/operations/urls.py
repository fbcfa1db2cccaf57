"""Addresses for machines that watch, and for developers who read."""

from __future__ import annotations

from django.urls import path

from config.operations.browser_page import browser
from config.operations.description import Docs, schema
from config.operations.health import healthz, livez
from config.operations.metrics import metrics

urlpatterns = [
    path("livez", livez, name="livez"),
    path("healthz", healthz, name="healthz"),
    path("metrics", metrics, name="metrics"),
    path("api/schema/", schema, name="schema"),
    path("docs/browser/", browser, name="browser-docs"),
    path("api/docs/", Docs.as_view(), name="docs"),
]

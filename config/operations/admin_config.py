"""Django's admin behind the dashboard's door. A module of its own: `apps.py` may name one configuration only."""

from __future__ import annotations

from django.contrib.admin import apps


class OperatorsAdminConfig(apps.AdminConfig):
    """`django.contrib.admin` with our site."""

    default_site = "config.dashboard.operators.OperatorsSite"

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class DashboardConfig(AppConfig):
    name = "config.dashboard"
    label = "dashboard"

    def ready(self) -> None:
        import_module("config.dashboard.exportables").register()  # needs the models of all apps, so it waits until now

from django.apps import AppConfig


class DashboardConfig(AppConfig):
    name = "config.dashboard"
    label = "dashboard"

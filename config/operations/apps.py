from django.apps import AppConfig


class OperationsConfig(AppConfig):
    """What operators use: preparation of a start, demonstration data, health, metrics, the API's description."""

    name = "config.operations"
    label = "operations"
    default_auto_field = "django.db.models.BigAutoField"

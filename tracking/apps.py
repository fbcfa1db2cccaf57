from __future__ import annotations

from importlib import import_module
from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate

from config.kernel import instants
from tracking.services import partitions


def make_partitions(sender: AppConfig, using: str, **kwargs: Any) -> None:
    """Every `migrate` leaves the months of the event log in place."""
    partitions.ensure_partitions(at=instants.now())


class TrackingConfig(AppConfig):
    name = "tracking"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        post_migrate.connect(make_partitions, sender=self)
        import_module("tracking.registrations")  # needs the models, so it waits until now

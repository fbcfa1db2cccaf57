"""`manage.py worker`: run the queues until told to stop."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from config.jobs import worker


class Command(BaseCommand):
    help = "Runs imports, exports and all other background work until SIGINT or SIGTERM."

    def handle(self, *args: Any, **options: Any) -> None:
        worker.run()

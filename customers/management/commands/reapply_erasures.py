"""After a restore of a backup: erase again whoever was erased since it was made."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from customers import services


class Command(BaseCommand):
    help = "Erase again everybody who has a certificate of permanent deletion; run it after every restore."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{services.reapply()} persons erased again")

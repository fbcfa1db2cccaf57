"""`manage.py verify_audit`: walk every project's audit chain and name the first row that is not as it was written."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.project import audit
from config.project.models import Project


class Command(BaseCommand):
    help = "Checks the audit log of every project and of the installation. Fails with the first broken row."

    def handle(self, *args: Any, **options: Any) -> None:
        chains: list[Project | None] = [None, *Project.objects.order_by("pk")]
        for project in chains:
            name = f"project {project.public_id}" if project else "the installation"
            if (broken := audit.verify(project)) is not None:
                raise CommandError(f"The audit log of {name} is broken at entry {broken.number}: {broken.reason}.")
        self.stdout.write(f"{len(chains)} audit logs hold.")

"""`manage.py recount`: compare every counter of every customer with the facts it counts."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.kernel import instants
from config.project.models import Project
from tracking.services import recounts


class Command(BaseCommand):
    help = "Compare the counters of customers (orders, redemptions, gifts, events) with the facts; report differences."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--project", help="Only this project (proj_…).")
        parser.add_argument("--fix", action="store_true", help="Set right what is wrong.")

    def handle(self, *args: Any, project: str | None, fix: bool, **options: Any) -> None:
        projects = Project.objects.filter(public_id=project) if project else Project.objects.all()
        found = 0
        for one in projects:
            for difference in recounts.differences(project=one, at=instants.now(), fix=fix):
                found += 1
                self.stdout.write(
                    f"{one.public_id} {difference.customer} {difference.counter}:"
                    f" counted {difference.counted}, facts {difference.facts}"
                )
        self.stdout.write(f"{found} differences{' mended' if fix and found else ''}")
        if found and not fix:
            raise CommandError("Counters differ from facts; --fix sets them right.")

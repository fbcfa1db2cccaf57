"""`manage.py demonstration`: a project full of made-up people who shop."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from config.kernel import instants
from config.operations import demonstration, sandbox
from config.project.models import Project


class Command(BaseCommand):
    help = "Fills a project with customers from a CSV file, segments, vouchers and three months of redemptions."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--project", default="", metavar="ID", help=f"The project's id (default: the one named {sandbox.NAME})."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = {"public_id": options["project"]} if options["project"] else {"name": sandbox.NAME}
        project = Project.objects.filter(**chosen).first()
        if project is None:
            raise CommandError("There is no such project.")
        with connection.cursor() as cursor:
            cursor.execute("SET synchronous_commit = off")  # made-up data may be lost in a crash
        demonstration.fill(project, at=instants.now(), say=self._say)
        if not options["project"]:
            (Path(settings.DATA_DIR) / sandbox.DEMONSTRATED).touch()

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()

"""`manage.py create_project NAME`: a project with its keys, which are printed once and never again."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from config.kernel import instants
from config.kernel.errors import DomainError
from config.project import audit, services


class Command(BaseCommand):
    help = "Makes a project with a key pair of each kind and prints their secrets, which are stored hashed only."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument(
            "--origin", action="append", default=[], metavar="URL", help="Allow this origin for the client keys."
        )
        parser.add_argument(
            "--client-side",
            default="",
            metavar="all|SWITCH,…",
            help=f"Turn on for browsers: {', '.join(services.SWITCHES)}; `all` also lets them change stored customers.",
        )
        parser.add_argument("--timezone", default="UTC", help="The project's time zone (default: UTC).")
        parser.add_argument("--json", action="store_true", help="Print one JSON object and nothing else.")

    def handle(self, *args: Any, **options: Any) -> None:
        at = instants.now()
        switches = [part.strip() for part in options["client_side"].split(",") if part.strip()]
        try:
            with transaction.atomic():
                made = services.create_project(
                    name=options["name"],
                    at=at,
                    origins=options["origin"],
                    client_side=switches,
                    timezone=options["timezone"],
                )
                services.welcome_admins(project=made.project, at=at)
                audit.record(
                    project=made.project,
                    actor=audit.SYSTEM,
                    action="project.created",
                    object_type="project",
                    object_id=made.project.public_id,
                    name=made.project.name,
                    after=audit.facts(made.project, ("name", "timezone", "client_trusted_domains")),
                    at=at,
                    channel=audit.Channel.COMMAND,
                )
        except DomainError as error:
            raise CommandError(error.details or error.message) from error
        values = made.as_json()
        if options["json"]:
            self.stdout.write(json.dumps(values))
            return
        for name, value in values.items():
            self.stdout.write(f"{name:<17}{value}")
        self.stdout.write("The secrets are stored hashed and cannot be shown again.")

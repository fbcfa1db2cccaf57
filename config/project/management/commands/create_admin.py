"""`manage.py create_admin EMAIL`: somebody who may do everything, for unattended set-up."""

from __future__ import annotations

import json
import os
import secrets
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.kernel import instants
from config.kernel.errors import DomainError
from config.project import accounts, audit, services


class Command(BaseCommand):
    help = "Makes an operator. The password comes from ADMIN_PASSWORD; without it a fresh one is made and printed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--json", action="store_true", help="Print one JSON object and nothing else.")

    def handle(self, *args: Any, **options: Any) -> None:
        given = os.environ.get("ADMIN_PASSWORD", "")
        password = given or secrets.token_urlsafe(15)
        try:
            admin = services.create_admin(email=options["email"], password=password, at=instants.now())
            if not given:
                accounts.note_printed_password(user=admin)
            audit.record(
                project=None,
                actor=audit.SYSTEM,
                action="user.created",
                object_type="user",
                object_id=admin.public_id,
                name=admin.email,
                after={"role": "operator"},
                at=instants.now(),
                channel=audit.Channel.COMMAND,
            )
        except DomainError as error:
            raise CommandError(error.details or error.message) from error
        values = {"email": admin.email} | ({} if given else {"password": password})
        if options["json"]:
            self.stdout.write(json.dumps(values))
            return
        for name, value in values.items():
            self.stdout.write(f"{name:<10}{value}")

"""`manage.py prepare`: bring a data folder to where web and worker can start; quick when there is nothing to do."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from config.kernel import instants
from config.operations import sandbox, static_files

LOCK = 0x7E55E2A


class Command(BaseCommand):
    help = "Migrates, collects static files, and makes the project Sandbox on a first start. Used by `make run`."

    def handle(self, *args: Any, **options: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])  # two starts at once take turns
            try:
                first = self._prepare()
            finally:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
        self.stdout.write(f"first: {'yes' if first else 'no'}")

    def _prepare(self) -> bool:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            self._say("Preparing the database")
            call_command("migrate", interactive=False, verbosity=0)
        if static_files.collect_if_changed():
            self._say("Collected the static files")
        address = settings.PUBLIC_URL or f"http://localhost:{os.environ.get('PORT', '8000')}"
        file = Path(settings.DATA_DIR) / "sandbox.json"
        return sandbox.create(file=file, address=address, at=instants.now()) is not None

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()

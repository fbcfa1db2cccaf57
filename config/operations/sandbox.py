"""The first project of a fresh installation, and the file that keeps its secrets."""

from __future__ import annotations

import json
import os
import secrets
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from django.db import transaction

from config.project import accounts, services
from config.project.models import Project

NAME: Final = "Sandbox"
EMAIL: Final = "admin@example.com"
DEMONSTRATED: Final = "demonstrated"
"""A file in the data folder that says that the project Sandbox has its demonstration data."""
ORIGINS: Final = ("http://localhost:3000", "http://localhost:8080", "http://127.0.0.1:8080")
"""What a developer's page is usually served from; the instance's own address is added."""


def create(*, file: Path, address: str, at: datetime) -> Project | None:
    """Make the project Sandbox and an admin where there is no project yet, and write the secrets to `file` (mode 600).

    Returns None when there is a project already. The file is written before the commit: a crash between the two leaves
    keys of a project that does not exist, and the next start writes the file anew.
    """
    with transaction.atomic():
        if Project.objects.exists():
            return None
        password = secrets.token_urlsafe(12)
        admin = services.create_admin(email=EMAIL, password=password, at=at)
        accounts.note_printed_password(user=admin)
        origins = list(dict.fromkeys([address, address.replace("localhost", "127.0.0.1"), *ORIGINS]))
        made = services.create_project(name=NAME, at=at, origins=origins, is_sandbox=True, admin=admin)
        _write(file, {"address": address, "email": EMAIL, "password": password, **made.as_json(), "origins": origins})
    return made.project


def _write(file: Path, content: dict[str, Any]) -> None:
    fresh = file.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        json.dump(content, out, indent=2)
        out.write("\n")
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(file)

"""People who are signed in, by role."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from config.project.models import Member, Project
from tests.factories import make_member, make_project


@pytest.fixture(autouse=True)
def quick_passwords(settings: Any) -> None:
    """Argon2 takes a tenth of a second for each person."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def project(db: None) -> Project:
    return make_project(currency="EUR", timezone="Europe/Berlin")


@pytest.fixture
def sign_in(project: Project) -> Callable[..., Client]:
    """sign_in("viewer") → a browser of a person of that role in the test's project."""

    def _sign_in(role: str = Member.Role.ADMIN) -> Client:
        client = Client()
        client.force_login(make_member(project, role, f"{role}@shop.example"))
        return client

    return _sign_in


@pytest.fixture
def marketer(sign_in: Callable[..., Client]) -> Client:
    return sign_in(Member.Role.USER)

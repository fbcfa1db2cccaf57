"""Fixtures for all tests. What starts the database is in `tests/environment.py`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
from django.conf import settings
from django.test.utils import override_settings

from config.webhooks import outbox


@pytest.fixture(scope="session", autouse=True)
def plain_static_files() -> Iterator[None]:
    """Pages are rendered without collected files; only the browser tests meet the real, hashed ones."""
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    with override_settings(STORAGES={**settings.STORAGES, "staticfiles": plain}):
        yield


@pytest.fixture(scope="session", autouse=True)
def webhooks_are_looked_for_once() -> Iterator[None]:
    """Or statements would be counted differently on a slow machine."""
    with patch.object(outbox, "FRESH_SECONDS", 3600.0):
        yield


@pytest.fixture
def data_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder of this test for uploads and exports."""
    with override_settings(DATA_DIR=tmp_path, UPLOAD_DIR=tmp_path / "uploads"):
        yield tmp_path

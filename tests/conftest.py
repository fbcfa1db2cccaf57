"""Fixtures for all tests. What starts the database is in `tests/environment.py`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.test.utils import override_settings


@pytest.fixture(scope="session", autouse=True)
def plain_static_files() -> Iterator[None]:
    """Pages are rendered without collected files; only the browser tests meet the real, hashed ones."""
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    with override_settings(STORAGES={**settings.STORAGES, "staticfiles": plain}):
        yield


@pytest.fixture
def data_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder of this test for uploads and exports."""
    with override_settings(DATA_DIR=tmp_path, UPLOAD_DIR=tmp_path / "uploads"):
        yield tmp_path

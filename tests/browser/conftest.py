"""A real Chromium against a real server with the collected, hashed static files. A page that logs an error fails.

Set CHROMIUM to a browser that is not on the path. Where there is none the tests are skipped, except with CI=true.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.staticfiles import handlers
from django.core.management import call_command
from django.test import Client
from django.test.utils import override_settings
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Response, sync_playwright
from pytest_django.live_server_helper import LiveServer

from config.dashboard import kit
from config.project.models import Project
from tests.factories import make_member, make_project

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
]
MISSING = "NO CHROMIUM: THE BROWSER TESTS DID NOT RUN. Install chromium, or name it in CHROMIUM."
REFUSALS = (400, 403, 404, 409)
"""Statuses a page may answer with on purpose; Chromium logs them for the document itself."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.django_db(transaction=True))
            if CHROMIUM is None and os.environ.get("CI") != "true":
                item.add_marker(pytest.mark.skip(reason=MISSING))


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.fail(MISSING)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture(scope="package")
def server(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """Serves the collected files through WhiteNoise, as production does; the finders know no hashed names."""
    folder = tmp_path_factory.mktemp("static")
    storages = {**settings.STORAGES, "staticfiles": {"BACKEND": "config.static.Storage"}}
    with (
        pytest.MonkeyPatch.context() as patch,
        override_settings(STORAGES=storages, STATIC_ROOT=folder, MEDIA_URL="/media/"),
    ):
        call_command("collectstatic", interactive=False, verbosity=0)
        patch.setattr(handlers, "StaticFilesHandler", lambda application: application)
        kit.forget_addresses()
        started = LiveServer("127.0.0.1")
        yield started
        started.stop()
    kit.forget_addresses()


@pytest.fixture
def project() -> Project:
    return make_project(currency="EUR", timezone="Europe/Berlin")


@pytest.fixture
def open_page(
    browser: Browser, server: LiveServer, project: Project, data_folder: Path
) -> Iterator[Callable[..., Page]]:
    """open_page(role="viewer", width=390, …) → a page of a person who is signed in; role=None: of a stranger.

    The test fails if the page logged an error, threw, or met the content security policy. expected: parts of messages
    that this page is made to log.
    """
    contexts: list[BrowserContext] = []
    problems: list[str] = []

    def _open(
        role: str | None = "admin",
        *,
        width: int = 1440,
        height: int = 900,
        expected: tuple[str, ...] = (),
        **options: Any,
    ) -> Page:
        context = browser.new_context(
            base_url=server.url, viewport={"width": width, "height": height}, reduced_motion="reduce", **options
        )
        contexts.append(context)
        if role is not None:
            client = Client()
            client.force_login(make_member(project, role, f"{role}-{len(contexts)}@shop.example"))
            value = client.cookies[settings.SESSION_COOKIE_NAME].value
            context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": value, "url": server.url}])
        page = context.new_page()
        _watch(page, problems, expected)
        return page

    yield _open
    for context in contexts:
        context.close()
    assert problems == []


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    """An admin at a desk."""
    return open_page()


def _watch(page: Page, problems: list[str], expected: tuple[str, ...]) -> None:
    documents: dict[str, int] = {}

    def answered(response: Response) -> None:
        if response.request.is_navigation_request():
            documents[response.url] = response.status

    def logged(message: ConsoleMessage) -> None:
        if any(part in message.text for part in expected):
            return
        refused = documents.get(message.location.get("url", "")) in REFUSALS
        if message.type in ("error", "warning") and not (refused and "Failed to load resource" in message.text):
            problems.append(f"{message.type}: {message.text} ({message.location.get('url')})")

    page.on("response", answered)
    page.on("console", logged)
    page.on("pageerror", lambda error: problems.append(f"thrown: {error}"))

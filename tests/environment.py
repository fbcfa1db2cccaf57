"""The environment of a test run: a data folder and an embedded PostgreSQL of its own.

Loaded before Django's settings are (`-p tests.environment`), because they read the environment. The process that the
person started runs the server; xdist's workers inherit its address and make a database each.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path

import pytest

from config import embedded
from config.paths import BASE_DIR

DEFAULTS = {
    "TESSERA_PROCESS": "web",
    "DATA_DIR": str(Path(__file__).resolve().parent.parent / ".data-test"),
    "CLIENT_RATE": "off",
    "API_RATE": "off",
    "IDLE_IN_TRANSACTION_TIMEOUT_MS": "120000",  # a test is one transaction, and a busy machine takes its time
    "GATHER_EVENTS": "false",
    "DJANGO_ALLOW_ASYNC_UNSAFE": "1",  # Playwright's loop runs in the thread that also uses the ORM
}

for name, value in DEFAULTS.items():
    os.environ.setdefault(name, value)
EMBEDDED = not os.environ.get("DATABASE_URL")
"""Whether this process runs the server; false in xdist's workers, who find the address in the environment."""
if EMBEDDED:
    os.environ["DATABASE_URL"] = embedded.database_url(Path(os.environ["DATA_DIR"]))

_running = ExitStack()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    (BASE_DIR / ".static").mkdir(exist_ok=True)  # WhiteNoise warns where the folder is missing, and warnings fail
    if EMBEDDED and not (config.option.collectonly or config.option.help or config.option.version):
        _running.enter_context(embedded.server(Path(os.environ["DATA_DIR"]), for_tests=True))


def pytest_unconfigure() -> None:
    _running.close()

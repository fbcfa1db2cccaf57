"""`/livez` and `/healthz`: is this process there, and may it be sent requests."""

from __future__ import annotations

import functools
import logging
import threading
import time
from dataclasses import asdict, dataclass
from typing import Any, Final

import psycopg
from django.db import connections
from django.db.migrations.loader import MigrationLoader
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

log = logging.getLogger("tessera.health")

FRESH_SECONDS: Final = 2.0
PATIENCE_SECONDS: Final = 0.8
WORKER_LATE_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Findings:
    """What a probe saw; each is `ok` or says what is wrong in a word."""

    database: str
    migrations: str = "unknown"
    worker: str = "unknown"

    @property
    def healthy(self) -> bool:
        """A late worker does not make the web unhealthy."""
        return self.database == "ok" and self.migrations == "ok"


class Probe:
    """Asks the database on a connection of its own, in a thread of its own, at most every two seconds.

    The answer never waits for the pool and never longer than PATIENCE_SECONDS; an older finding is not reused.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: Findings | None = None
        self._found_at = 0.0
        self._running: threading.Event | None = None

    def findings(self) -> Findings:
        """The state now, or `late` where the database does not say in time."""
        with self._lock:
            if self._found is not None and time.monotonic() - self._found_at < FRESH_SECONDS:
                return self._found
            if self._running is None:
                self._running = threading.Event()
                threading.Thread(target=self._look, args=[self._running], name="health", daemon=True).start()
            running = self._running
        if not running.wait(PATIENCE_SECONDS):
            return Findings("late")
        with self._lock:
            return self._found or Findings("unknown")

    def forget(self) -> None:
        """Look again at the next question; for tests."""
        with self._lock:
            self._found = None

    def _look(self, running: threading.Event) -> None:
        found = look()
        with self._lock:
            self._found, self._found_at, self._running = found, time.monotonic(), None
        running.set()


def look() -> Findings:
    """Ask the database; never raises."""
    try:
        with psycopg.connect(**_parameters(), autocommit=True) as connection:
            try:
                applied = {(app, name) for app, name in connection.execute("SELECT app, name FROM django_migrations")}
                row = connection.execute(
                    "SELECT extract(epoch FROM now() - max(last_heartbeat))::float8 FROM procrastinate_workers"
                ).fetchone()
            except psycopg.errors.UndefinedTable:
                return Findings("ok", migrations="missing", worker="unknown")
    except psycopg.Error as error:
        log.warning("the health probe cannot reach the database: %s", type(error).__name__)
        return Findings("unreachable")
    age = row[0] if row else None
    worker = "none" if age is None else "late" if age > WORKER_LATE_SECONDS else "ok"
    return Findings("ok", "ok" if known_migrations() <= applied else "missing", worker)


@functools.cache
def known_migrations() -> frozenset[tuple[str, str]]:
    """Every migration this version of the code has."""
    loader = MigrationLoader(None)
    return frozenset((app, name) for app, name in loader.disk_migrations)


def _parameters() -> dict[str, Any]:
    parameters: dict[str, Any] = connections["default"].get_connection_params()
    kept = {
        key: value for key, value in parameters.items() if key not in ("pool", "cursor_factory", "context", "options")
    }
    return kept | {"connect_timeout": 2, "options": "-c statement_timeout=2000"}


probe: Final = Probe()


@require_safe
def livez(request: HttpRequest) -> JsonResponse:
    """This process answers; nothing else is asked."""
    return JsonResponse({"status": "ok"})


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 when requests may come here, else 503; the worker's state is told and does not count."""
    found = probe.findings()
    status = "ok" if found.healthy else "unavailable"
    headers = {} if found.healthy else {"Retry-After": "2"}
    return JsonResponse({"status": status, **asdict(found)}, status=200 if found.healthy else 503, headers=headers)

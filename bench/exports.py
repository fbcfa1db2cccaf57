"""G15 and the memory of G3: an export of customers, from the job's start to the finished file.

    BENCH_ONLY=exports BENCH_ROWS=1000000 make bench

The yardstick is PostgreSQL alone: COPY of the same columns, read and thrown away.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

from django.conf import settings
from django.db import connection

from bench import imports
from bench.table import Line
from config.exports import services as exports
from config.exports import writer
from config.exports.requests import kind_of, parse
from config.exports.tasks import write_export
from config.jobs import runner
from config.kernel import instants
from config.paths import BASE_DIR
from config.project import services
from config.project.models import Project

FIELDS = ["id", "source_id", "name", "email", "phone", "address_city", "created_at", "orders_total_amount"]
COLUMNS = "public_id, source_id, name, email, phone, city, created_at, orders_total_amount, metadata ->> 'region'"


def measure(rows: int) -> list[Line]:
    """Export `rows` customers."""
    project = services.create_project(name="Bench", at=instants.now()).project
    imports.fill(project, rows)
    stored = rows - rows // 100
    yardstick = stored / min(_yardstick(project) for _ in range(3))
    first = min(_first_bytes(project) for _ in range(3))
    took, peak = min(_ours(project) for _ in range(3))
    ours = stored / took
    what = f"export of {stored:,} customers"
    return [
        Line("G15", what, f"{ours:,.0f}/s", f"{yardstick:,.0f}/s", f"{100 * ours / yardstick:.0f} %", "16 %"),
        Line("G15", f"first bytes of the {what}", f"{first * 1000:.0f} ms", "200 ms", ""),
        Line("G3", f"memory of the {what} over an idle process", f"{peak:.0f} MB", "150 MB", ""),
    ]


def _yardstick(project: Project) -> float:
    started = time.perf_counter()
    select = f"SELECT {COLUMNS} FROM customers_customer WHERE project_id = {project.pk}"
    with connection.cursor() as cursor, cursor.copy(f"COPY ({select}) TO STDOUT (FORMAT csv)") as copy:
        for _ in copy:
            pass
    return time.perf_counter() - started


def _first_bytes(project: Project) -> float:
    """Seconds until the first block of rows."""
    started = time.perf_counter()
    parameters = {"fields": [*FIELDS, "metadata.region"]}
    request = parse(project=project, kind=kind_of("customer"), parameters=parameters, at=instants.now())
    for piece in writer.pieces(request, safe_cells=True):
        for _ in piece:
            return time.perf_counter() - started
    return 0.0


def _ours(project: Project) -> tuple[float, float]:
    """Seconds of the job, and megabytes over an idle process."""
    export = exports.start(
        project=project,
        exported_object="customer",
        parameters={"fields": [*FIELDS, "metadata.region"]},
        at=instants.now(),
    )
    action = export.action
    assert action is not None
    seconds, peak = _child(str(action.pk))
    _, idle = _child("idle")
    export.refresh_from_db()
    action.refresh_from_db()
    assert export.status == "DONE", action.failure
    exports.delete(export=export)
    return seconds, peak - idle


def _child(what: str) -> tuple[float, float]:
    """Seconds and peak megabytes of a process of its own."""
    command = f"from bench.exports import run_child; run_child({what!r})"
    answer = subprocess.run(
        [sys.executable, "manage.py", "shell", "--no-imports", "-c", command],
        env={**os.environ, "DATABASE_URL": settings.DATABASE_URL},
        cwd=BASE_DIR,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    seconds, kilobytes = answer.stdout.split()[-2:]
    return float(seconds), int(kilobytes) / 1024


def run_child(what: str) -> None:
    """Work on one action, or on nothing, and say how long it took and how large the process grew."""
    started = time.perf_counter()
    if what != "idle":
        runner.run(write_export.func.__wrapped__, action_id=int(what))  # type: ignore[attr-defined]
    sys.stdout.write(f"{time.perf_counter() - started} {imports.peak_kilobytes()}\n")

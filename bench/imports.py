"""G1, G2 and the memory of G3: a CSV import of customers end to end, against raw COPY + INSERT … ON CONFLICT.

    BENCH_ONLY=imports BENCH_ROWS=1000000 make bench

The yardstick gets its rows as finished COPY text, so it is PostgreSQL alone: staging table, upsert, same table, same
indexes, batches of 10,000. Ours is everything between the upload's bytes and the action being done, in a process of
its own, with 1 % bad rows.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, BinaryIO, cast

import orjson
from django.conf import settings
from django.db import connection, transaction
from import_export import resources
from tablib import Dataset

from bench.table import Line
from config.imports.runner import run_import
from config.imports.subjects import Options
from config.jobs import runner
from config.jobs.models import AsyncAction
from config.kernel import ids, instants
from config.paths import BASE_DIR
from config.project import services
from config.project.models import Project
from customers import imports
from customers.models import Customer
from customers.services.importing import SUBJECT

YARDSTICK_BATCH = 10_000
RESOURCE_ROWS = 20_000
RESOURCE_TIMED = 4_000
"""Of these; its time is proportional to the rows."""
CITIES = ("Berlin", "Köln", "Houston", "Seattle", "Jacksonville", "Los Angeles", "Hattiesburg", "Madison")
HEADER = "Name,Source_id,Email,Phone,City,State,Country,Postal_code,Birthdate,customer_type,region,first_seen\n"


def measure(rows: int) -> list[Line]:
    """Import `rows` rows into an empty and into a full table, each beside its yardstick."""
    made = services.create_project(name="Bench", at=instants.now())
    lines = [_against_import_export(made.project, min(rows, RESOURCE_ROWS))]
    for turn, what in enumerate(("into an empty table", "into a full table, every row changed")):
        _clean(everything=turn == 0)
        yardstick = rows / _yardstick(made.project.pk, rows, turn)
        if turn == 0:
            _clean(everything=True)
            ours, peak = _ours(made.project, rows, turn)
        else:
            _clean(everything=False)
            ours, peak = _ours(made.project, rows, turn + 1)
        share = f"{100 * rows / ours / yardstick:.0f} %"
        lines.append(
            Line("G1", f"import {rows:,} rows {what}", f"{rows / ours:,.0f}/s", f"{yardstick:,.0f}/s", share, "60 %")
        )
        lines.append(Line("G3", f"memory of it over an idle process, {what}", f"{peak:.0f} MB", "150 MB", ""))
    return lines


class PlainResource(resources.ModelResource):
    """What django-import-export does in bulk mode with the same columns; metadata and address it cannot."""

    class Meta:
        model = Customer
        fields = ("project", "source_id", "name", "email", "phone", "birthdate", "public_id", "created_at")
        import_id_fields = ("source_id",)
        use_bulk = True
        batch_size = 1000


def _against_import_export(project: Project, rows: int) -> Line:
    """G2: its own import of the same rows; ours through the whole way."""
    _clean(everything=True)
    public_ids = ids.new_many("cust_", rows)
    data = Dataset(headers=list(PlainResource.Meta.fields))
    theirs_of = min(rows, RESOURCE_TIMED)
    for number in range(theirs_of):
        name, source_id, email, phone, *_, birthdate, _, _, _ = values(number, 0)
        data.append([project.pk, source_id, name, email, phone, birthdate, public_ids[number], "2026-01-01 00:00:00"])
    started = time.perf_counter()
    result = PlainResource().import_data(data, dry_run=False, raise_errors=True)
    theirs = (time.perf_counter() - started) * rows / theirs_of
    assert result.totals["new"] == theirs_of, result.totals
    _clean(everything=True)
    ours, _ = _ours(project, rows, 0)
    what = f"import {rows:,} rows, against django-import-export in bulk mode"
    return Line("G2", what, f"{rows / ours:,.0f}/s", f"{rows / theirs:,.0f}/s", f"{theirs / ours:.0f}×", "15×")


def values(number: int, turn: int) -> tuple[str, ...]:
    """One customer's cells; some of them change with every turn."""
    city = CITIES[number % len(CITIES)]
    return (
        *(f"Name {number} {turn}", f"crm-{number}", f"customer{number}@example.com", f"+49 30 {number}", city),
        *("State", "United States", f"{number % 90_000:05d}", f"19{number % 80 + 10}-0{number % 9 + 1}-15"),
        *("Corporate" if number % 3 else "Consumer", f"region {number % 7}", f"2015-10-{number % 28 + 1:02d}"),
    )


def write_file(target: BinaryIO, rows: int, turn: int) -> None:
    """The file of one turn; every hundredth row has a bad date."""
    text = io.TextIOWrapper(target, "utf-8", newline="", write_through=False)
    text.write(HEADER)
    for number in range(rows):
        cells = list(values(number, turn))
        if number % 100 == 99:
            cells[8] = "31/31/1990"
        text.write(",".join(cells) + "\n")
    text.detach()


def _yardstick(project: int, rows: int, turn: int) -> float:
    """Seconds of PostgreSQL alone."""
    batches = [
        _copy_text(range(start, min(start + YARDSTICK_BATCH, rows)), turn) for start in range(0, rows, YARDSTICK_BATCH)
    ]
    columns = "public_id, source_id, name, email, email_key, phone, birthdate, address, metadata"
    zeros = [column for column in _counters() if column != "gift_redemptions"]
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bench_staging")
        cursor.execute(
            "CREATE UNLOGGED TABLE bench_staging (public_id text, source_id text, name text, email text,"
            " email_key text, phone text, birthdate date, address jsonb, metadata jsonb)"
        )
        upsert = f"""
            INSERT INTO customers_customer (project_id, {columns}, system_metadata, nulled_fields, version, created_at,
                gift_redemptions, {", ".join(zeros)})
            SELECT {project}, {columns}, '{{}}', '{{}}', 1, now(), 0, {", ".join("0" for _ in zeros)} FROM bench_staging
            ON CONFLICT (project_id, source_id) WHERE deleted_at IS NULL DO UPDATE SET
                name = excluded.name, email = excluded.email, email_key = excluded.email_key, phone = excluded.phone,
                birthdate = excluded.birthdate, address = customers_customer.address || excluded.address,
                metadata = customers_customer.metadata || excluded.metadata, updated_at = now(),
                version = customers_customer.version + 1"""
        started = time.perf_counter()
        for batch in batches:
            with transaction.atomic():
                cursor.execute("TRUNCATE bench_staging")
                with cursor.copy(f"COPY bench_staging ({columns}) FROM STDIN") as copy:
                    copy.write(batch)
                cursor.execute(upsert)
        return time.perf_counter() - started


def _counters() -> list[str]:
    return [
        str(column.column)
        for column in Customer._meta.concrete_fields
        if column.get_default() == 0 and not column.primary_key and column.column != "version"
    ]


def _copy_text(numbers: range, turn: int) -> str:
    out = []
    for number, public_id in zip(numbers, ids.new_many("cust_", len(numbers)), strict=True):
        name, source_id, email, phone, city, state, country, postal_code, birthdate, kind, region, seen = values(
            number, turn
        )
        address = orjson.dumps({"city": city, "state": state, "country": country, "postal_code": postal_code}).decode()
        metadata = orjson.dumps({"customer_type": kind, "region": region, "first_seen": seen}).decode()
        out.append("\t".join((public_id, source_id, name, email, email, phone, birthdate, address, metadata)) + "\n")
    return "".join(out)


def _ours(project: Project, rows: int, turn: int) -> tuple[float, float]:
    """Seconds from the upload's bytes to the action being done, and megabytes over an idle process."""

    path = settings.DATA_DIR / "bench.csv"
    with path.open("wb") as target:
        write_file(target, rows, turn)
    started = time.perf_counter()
    with path.open("rb") as content:
        file = imports.upload(
            project=project, content=content, given_name="bench.csv", at=instants.now(), limit=1 << 40
        )
    mapping = imports.inspect(file).proposed_mapping
    action = imports.start(file, mapping=mapping, options=Options(), at=instants.now())
    prepared = time.perf_counter() - started
    seconds, peak = _child(str(action.pk))
    _, idle = _child("idle")
    action = AsyncAction.objects.get(pk=action.pk)
    expected = rows // 100
    assert action.status == "DONE", action.failure
    result = cast(dict[str, Any], action.result)
    assert (result["failed_count"], result["done_count"]) == (expected, rows - expected), result["message"]
    path.unlink()
    return prepared + seconds, peak - idle


def fill(project: Project, rows: int) -> None:
    """That many customers, less one in a hundred, by an import."""
    _clean(everything=True)
    _ours(project, rows, 0)
    _clean(everything=False)


def _child(what: str) -> tuple[float, float]:
    """Seconds and peak megabytes of a process of its own."""
    command = f"from bench.imports import run_child; run_child({what!r})"
    environment = {**os.environ, "DATABASE_URL": settings.DATABASE_URL}
    answer = subprocess.run(
        [sys.executable, "manage.py", "shell", "--no-imports", "-c", command],
        env=environment,
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
        runner.run(lambda run: run_import(run, SUBJECT), action_id=int(what))
    seconds = time.perf_counter() - started
    sys.stdout.write(f"{seconds} {peak_kilobytes()}\n")


def peak_kilobytes() -> int:
    """Of this program only: getrusage's figure starts with the parent's memory at the fork. Linux."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


def _clean(*, everything: bool) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        if everything:
            cursor.execute("TRUNCATE customers_customer CASCADE")
        cursor.execute("VACUUM ANALYZE customers_customer")
        cursor.execute("CHECKPOINT")

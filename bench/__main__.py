"""`make bench`: measure against yardsticks in the same run, print the table, assert nothing.

BENCH_ROWS (100000) rows of an import, an export and the pages, BENCH_SECONDS (5) of one round, BENCH_CUSTOMERS
(100000) the base of segments, BENCH_ROUNDS (30) of the engine, BENCH_CODES (200000) of a campaign; BENCH_ONLY names
one of the parts below.
Works in a database of its own, which is dropped at the end; never in the one of DATABASE_URL itself.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

from bench.table import Line, show
from config import embedded

PARTS = {
    "imports": ("BENCH_ROWS", "100000", int),
    "exports": ("BENCH_ROWS", "100000", int),
    "pages": ("BENCH_ROWS", "100000", int),
    "checkout": ("BENCH_SECONDS", "5", float),
    "segments": ("BENCH_CUSTOMERS", "100000", int),
    "engine": ("BENCH_ROUNDS", "30", int),
    "tracking": ("BENCH_SECONDS", "5", float),
    "codes": ("BENCH_CODES", "200000", int),
}


@contextmanager
def scratch_database(server: str) -> Iterator[str]:
    """A fresh database on that server, gone afterwards; yields its URL."""
    name = f"tessera_bench_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        try:
            parts = urlsplit(server)
            yield urlunsplit(parts._replace(path=f"/{name}"))
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def main() -> None:
    """Prepare the scratch database and run the parts."""
    data = Path(os.environ.get("DATA_DIR") or ".data-bench").resolve()
    only = os.environ.get("BENCH_ONLY", "")
    with ExitStack() as stack:
        server = os.environ.get("DATABASE_URL") or stack.enter_context(embedded.server(data))
        os.environ["DATABASE_URL"] = stack.enter_context(scratch_database(server))
        os.environ["DATA_DIR"] = str(data)
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        _set_up()
        lines: list[Line] = []
        for part, (setting, default, number) in PARTS.items():
            if only in ("", part):
                sys.stderr.write(f"measuring {part}\n")
                lines += importlib.import_module(f"bench.{part}").measure(number(os.environ.get(setting) or default))
        _close()
    sys.stdout.write(show(lines) + "\n")


def _set_up() -> None:
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def _close() -> None:
    from django.db import connections

    connections.close_all()
    for connection in connections.all():
        connection.close_pool()


if __name__ == "__main__":
    main()

"""The worker as a process: it works, survives a restart of PostgreSQL, and hands over when it is killed or stopped."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import mkdtemp

import psycopg
import pytest

from config import embedded
from config.paths import BASE_DIR

pytestmark = [pytest.mark.alone, pytest.mark.slow]

START_IMPORT = """
import io, sys
import django
django.setup()
from config.imports.subjects import Options
from config.kernel import instants
from config.project import services
from customers import imports
rows = int(sys.argv[1])
at = instants.now()
project = services.create_project(name="Worker", at=at).project
content = "Source_id,Name\\n" + "".join(f"crm-{number},Name {number}\\n" for number in range(rows))
file = imports.upload(project=project, content=io.BytesIO(content.encode()), given_name="c.csv", at=at)
print(imports.start(file, mapping=imports.inspect(file).proposed_mapping, options=Options(), at=at).pk)
"""


@pytest.fixture(scope="module")
def place() -> Iterator[dict[str, str]]:
    """The environment of processes that share a server and a database of their own."""
    data = Path(mkdtemp(prefix="tessera-worker-"))
    with embedded.server(data, for_tests=True) as url:
        environment = {name: value for name, value in os.environ.items() if name != "TESSERA_PROCESS"}
        environment |= {"DATA_DIR": str(data), "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "config.settings"}
        python(environment, "manage.py", "migrate", "--verbosity=0")
        yield environment


@pytest.fixture
def worker(place) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    started: list[tuple[subprocess.Popen[str], threading.Thread]] = []

    def start() -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "worker"], cwd=BASE_DIR, env=place, text=True, stderr=subprocess.PIPE
        )
        first = process.stderr.readline()
        # A worker that loses its database says so; a pipe that nobody reads would hold it up when it is full.
        reading = threading.Thread(target=process.stderr.read)
        reading.start()
        started.append((process, reading))
        assert '"worker started"' in first
        return process

    yield start
    for process, reading in started:
        process.kill()
        process.wait()
        reading.join()
        process.stderr.close()


def python(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=BASE_DIR, env=environment, check=True, capture_output=True, text=True
    )
    return done.stdout


def start_import(place: dict[str, str], rows: int) -> int:
    return int(python(place, "-c", START_IMPORT, str(rows)))


def ask(place: dict[str, str], statement: str, *values: object) -> tuple:
    with psycopg.connect(place["DATABASE_URL"]) as connection:
        row = connection.execute(statement, values).fetchone()
        assert row is not None
        return row


def wait_for(place: dict[str, str], action: int, *, seconds: float) -> tuple:
    """Status, rows done and attempts, once it has ended."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = ask(place, "SELECT status, rows_done, attempt FROM jobs_asyncaction WHERE id = %s", action)
        if found[0] in ("DONE", "FAILED"):
            return found
        time.sleep(0.1)
    raise AssertionError(f"still {found} after {seconds} s")


def restart_server(place: dict[str, str]) -> None:
    data = Path(place["DATA_DIR"])
    assert embedded._control(data, "restart", "-w", "-m", "immediate", "-l", str(data / "postgres.log")).returncode == 0


def test_a_worker_works_before_and_after_a_restart_of_postgresql_and_stops_when_told(place, worker):
    process = worker()
    assert wait_for(place, start_import(place, 50), seconds=30)[0] == "DONE"
    restart_server(place)
    assert wait_for(place, start_import(place, 60), seconds=60)[0] == "DONE"
    assert process.poll() is None
    process.terminate()
    assert process.wait(15) == 0


def test_the_import_of_a_killed_worker_is_ended_by_another_with_every_row_once(place, worker):
    """The tables are 20 000 rows and the kill comes at the first sign of progress, so some batches are in already."""
    rows = 20_000
    killed = worker()
    action = start_import(place, rows)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if ask(place, "SELECT status FROM jobs_asyncaction WHERE id = %s", action) == ("IN_PROGRESS",):
            break
        time.sleep(0.01)
    killed.kill()
    killed.wait()
    before = ask(place, "SELECT status FROM jobs_asyncaction WHERE id = %s", action)[0]
    worker()
    status, _, attempts = wait_for(place, action, seconds=90)
    assert status == "DONE"
    if before == "IN_PROGRESS":
        assert attempts == 2
    project = ask(place, "SELECT project_id FROM jobs_asyncaction WHERE id = %s", action)[0]
    counted = "SELECT count(*), count(DISTINCT source_id) FROM customers_customer WHERE project_id = %s"
    assert ask(place, counted, project) == (rows, rows)

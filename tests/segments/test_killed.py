"""The refresh as a process: killed in the middle again and again, it loses no entry and reports none twice."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import psycopg
import pytest

from config import embedded
from config.paths import BASE_DIR

pytestmark = [pytest.mark.alone, pytest.mark.slow]

PEOPLE, ROUNDS, KILLS = 3000, 60, 3

START = """
import sys
import django
django.setup()
from config.kernel import instants
from config.project import services as projects
from customers import services as customers
from customers.payloads import parse_customer
from segments import services
at = instants.now()
project = projects.create_project(name="Killed", at=at).project
rows = [parse_customer({"source_id": f"c{n}", "metadata": {"n": n % 7}}) for n in range(int(sys.argv[1]))]
customers.upsert_many(project=project, rows=rows, at=at)
for n in range(5):
    filter = {"junction": "and", "metadata.n": {"conditions": {"$is": [n]}}}
    services.create(project=project, name=f"S{n}", type="auto-update", filter=filter, at=at)
print(project.pk)
"""
LIVE = "SELECT count(*) FROM customers_customer WHERE project_id = %s AND (metadata ->> 'n')::int < 5"
DRIFT = """
SELECT count(*) FROM (
    SELECT c.id, 'S' || (c.metadata ->> 'n') AS name FROM customers_customer c
    WHERE c.project_id = %(project)s AND (c.metadata ->> 'n')::int < 5
) live FULL JOIN (
    SELECT m.customer_id AS id, s.name FROM segments_membership m JOIN segments_segment s ON s.id = m.segment_id
    WHERE s.project_id = %(project)s
) kept USING (id, name) WHERE live.* IS NULL OR kept.* IS NULL
"""
UNEVEN = """
SELECT count(*) FROM (
    SELECT customer_id, data -> 'segment' ->> 'name' AS name, type,
        lag(type) OVER (PARTITION BY customer_id, data -> 'segment' ->> 'name' ORDER BY created_at, id) AS former
    FROM tracking_event WHERE project_id = %s AND type LIKE 'customer.segment.%%'
) told WHERE type = former
"""
BALANCE = """
SELECT (SELECT count(*) FILTER (WHERE type LIKE '%%entered') - count(*) FILTER (WHERE type LIKE '%%left')
        FROM tracking_event WHERE project_id = %(project)s AND type LIKE 'customer.segment.%%'),
       (SELECT sum(entered) - sum("left") FROM segments_segmentday d JOIN segments_segment s ON s.id = d.segment_id
        WHERE s.project_id = %(project)s),
       (SELECT sum(filled) FROM segments_segmentday d JOIN segments_segment s ON s.id = d.segment_id
        WHERE s.project_id = %(project)s)
"""


@pytest.fixture(scope="module")
def place() -> Iterator[dict[str, str]]:
    """The environment of processes that share a server and a database of their own."""
    data = Path(mkdtemp(prefix="tessera-killed-"))
    with embedded.server(data, for_tests=True) as url:
        environment = {name: value for name, value in os.environ.items() if name != "TESSERA_PROCESS"}
        environment |= {"DATA_DIR": str(data), "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "config.settings"}
        python(environment, "manage.py", "migrate", "--verbosity=0")
        yield environment


def python(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=BASE_DIR, env=environment, check=True, capture_output=True, text=True
    )
    return done.stdout


def start_worker(place: dict[str, str]) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "manage.py", "worker"], cwd=BASE_DIR, env=place, text=True, stderr=subprocess.PIPE
    )
    assert '"worker started"' in process.stderr.readline()
    return process


def wait_until(connection: psycopg.Connection, statement: str, *, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if connection.execute(statement).fetchone() == (0,):
            return
        time.sleep(0.02)
    raise AssertionError(f"{statement}: still not 0 after {seconds} s")


def test_a_killed_refresh_loses_and_doubles_nothing(place):
    project = int(python(place, "-c", START, str(PEOPLE)))
    dice = random.Random(4)
    worker = start_worker(place)
    try:
        with psycopg.connect(place["DATABASE_URL"], autocommit=True) as connection:
            wait_until(connection, "SELECT count(*) FROM segments_segment WHERE filled_at IS NULL")
            assert connection.execute(BALANCE, {"project": project}).fetchone() == (
                0,
                0,
                members_now(connection, project),
            )
            for turn in range(ROUNDS):
                connection.execute(
                    "UPDATE customers_customer SET metadata = jsonb_build_object('n', (random() * 6)::int)"
                    " WHERE project_id = %s AND id %% 20 = %s",
                    [project, turn % 20],
                )
                if turn % (ROUNDS // KILLS) == 7:
                    time.sleep(dice.random() / 5)  # a moment that is sometimes within a batch, sometimes between two
                    worker.kill()
                    worker.communicate()
                    worker = start_worker(place)
            wait_until(connection, "SELECT count(*) FROM customers_changedcustomer")
            entered_less_left, days, filled = connection.execute(BALANCE, {"project": project}).fetchone()
            live = connection.execute(LIVE, [project]).fetchone()[0]
            assert connection.execute(DRIFT, {"project": project}).fetchone() == (0,)
            assert connection.execute(UNEVEN, [project]).fetchone() == (0,)
            assert (entered_less_left, days) == (live - filled, live - filled)
    finally:
        worker.kill()
        worker.communicate()


def members_now(connection: psycopg.Connection, project: int) -> int:
    return connection.execute(LIVE, [project]).fetchone()[0]

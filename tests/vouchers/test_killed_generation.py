"""The making of codes as a process, killed with SIGKILL at the boundaries of its work: it ends where it would have."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import psycopg
import pytest

from config import embedded
from config.paths import BASE_DIR

pytestmark = [pytest.mark.alone, pytest.mark.slow]

CODES = 400
START = """
import django
django.setup()
from config.jobs import runner
from config.jobs.models import AsyncAction
from config.kernel import instants
from config.project import services
from vouchers.services import campaigns
project = services.create_project(name="Shop", at=instants.now()).project
for name, term in (("D", {"discount": {"type": "AMOUNT", "amount_off": 5}}), ("G", {"gift": {"amount": 100}})):
    data = {"name": name, "vouchers_count": %d, "voucher": term}
    row = campaigns.create(project=project, data=data, at=instants.now())
    action = AsyncAction.objects.get(parameters__campaign=row.pk)
    runner.keep(action)
    print(action.pk)
"""
WORKER = """
import os, signal, sys
import django
django.setup()
from config.jobs import runner
from vouchers import tasks
from vouchers.services import generation, minting
generation.BATCH = 50
place, times, action = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
PLACES = {"copied": (minting, "load"), "committed": (generation, "_batch"), "ending": (generation, "set_status")}
if place in PLACES:
    module, name = PLACES[place]
    former, left = getattr(module, name), [times]
    def dying(*given, **named):
        answer = former(*given, **named)
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer
    setattr(module, name, dying)
runner.run(runner._functions[tasks.generate_codes.name], action_id=action)
"""


@pytest.fixture
def database() -> Iterator[str]:
    """A server of this test alone."""
    folder = Path(mkdtemp(prefix="tessera-codes-"))
    with embedded.server(folder, for_tests=True) as url:
        yield url


def run(url: str, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "config.settings"}
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=BASE_DIR, env=environment, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def test_a_killed_generation_makes_every_code_once(database: str) -> None:
    migrated = run(database, "import django; django.setup(); from django.core.management import call_command as c;"
                             "c('migrate', verbosity=0)")  # fmt: skip
    assert migrated.returncode == 0, migrated.stderr[-2000:]
    actions = run(database, START % CODES).stdout.split()
    assert len(actions) == 2
    for action in actions:
        for place, times in (("copied", "1"), ("copied", "3"), ("committed", "2"), ("ending", "1")):
            killed = run(database, WORKER, place, times, action)
            assert killed.returncode == -signal.SIGKILL, killed.stderr[-2000:]
        ended = run(database, WORKER, "none", "0", action)
        assert ended.returncode == 0, ended.stderr[-2000:]
    with psycopg.connect(database) as connection:
        counts = connection.execute(
            """SELECT c.name, c.vouchers_count, c.vouchers_generation_status, count(*), count(DISTINCT v.code_key),
                (SELECT count(*) FROM vouchers_vouchertransaction t JOIN vouchers_voucher w ON w.id = t.voucher_id
                 WHERE w.campaign_id = c.id)
            FROM vouchers_campaign c JOIN vouchers_voucher v ON v.campaign_id = c.id GROUP BY c.id ORDER BY c.name"""
        ).fetchall()
        states = connection.execute("SELECT status, result ->> 'done_count' FROM jobs_asyncaction").fetchall()
    assert counts == [("D", CODES, "DONE", CODES, CODES, 0), ("G", CODES, "DONE", CODES, CODES, CODES)]
    assert states == [("DONE", str(CODES))] * 2

"""The refresh as a process, killed at every boundary of its work: it ends where the same work without kills ends."""

from __future__ import annotations

import os
import signal
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

PEOPLE = 600
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
for name in ("Undisturbed", "Killed", "Control"):
    project = projects.create_project(name=name, at=at).project
    rows = [parse_customer({"source_id": str(n), "metadata": {"n": n % 7}}) for n in range(int(sys.argv[1]))]
    customers.upsert_many(project=project, rows=rows, at=at)
    for n in range(5):
        filter = {"junction": "and", "metadata.n": {"conditions": {"$is": [n]}}}
        services.create(project=project, name=f"S{n}", type="auto-update", filter=filter, at=at)
    print(project.pk)
"""
REFRESHER = """
import os, signal, sys
from contextlib import nullcontext
import django
django.setup()
from config.kernel import instants
from segments.services import differences, growth, refresh, reports, watches
refresh.BATCH, refresh.STRETCH = 40, 100
PLACES = {"taken": (refresh, "_take"), "compared": (differences, "write"), "told": (reports, "report"),
          "counted": (growth, "add"), "committed": (refresh, "_alone"), "watched": (watches, "renew"),
          "filled": (differences, "fill"), "ending": (refresh, "_unchanged")}

def arm(place, times):
    module, name = PLACES[place]
    former, left = getattr(module, name), [times]
    def dying(*given, **named):
        answer = former(*given, **named)
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer
    setattr(module, name, dying)

for line in sys.stdin:
    place, times, atomic = line.split()
    child = os.fork()
    if not child:
        if place in PLACES:
            arm(place, int(times))
        if atomic == "no":
            refresh.transaction = type("Open", (), {"atomic": staticmethod(nullcontext)})
            refresh._alone = lambda project, work, at: work(refresh.Project.objects.get(pk=project), at)
            if place == "committed":
                arm(place, int(times))
        while refresh.step(instants.now()):
            pass
        os._exit(0)
    _, status = os.waitpid(child, 0)
    print(os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0, flush=True)
"""
CHANGE = """
UPDATE customers_customer SET metadata = jsonb_build_object('n', (source_id::int * 3 + %(turn)s * 5) %% 7)
WHERE project_id = %(project)s AND source_id::int %% 5 = %(turn)s %% 5
"""
WAITING = """
SELECT (SELECT count(*) FROM customers_changedcustomer)
    + (SELECT count(*) FROM segments_segment WHERE filled_at IS NULL OR pass_to IS NOT NULL)
"""
MEMBERS = """
SELECT s.name, c.source_id FROM segments_membership m JOIN segments_segment s ON s.id = m.segment_id
JOIN customers_customer c ON c.id = m.customer_id WHERE s.project_id = %s ORDER BY 1, 2
"""
LIVE = """
SELECT 'S' || (metadata ->> 'n'), source_id FROM customers_customer
WHERE project_id = %s AND (metadata ->> 'n')::int < 5 ORDER BY 1, 2
"""
TOLD = """
SELECT c.source_id, e.data -> 'segment' ->> 'name', e.type FROM tracking_event e
JOIN customers_customer c ON c.id = e.customer_id
WHERE e.project_id = %s AND e.type LIKE 'customer.segment.%%' ORDER BY 1, 2, e.created_at, e.id
"""
DAYS = """
SELECT s.name, sum(d.filled), sum(d.entered), sum(d."left") FROM segments_segmentday d
JOIN segments_segment s ON s.id = d.segment_id WHERE s.project_id = %s GROUP BY 1 ORDER BY 1
"""
FILLING = [(place, times) for place in ("watched", "filled", "counted", "ending", "committed") for times in (1, 3)]
DIGESTING = [(place, times) for place in ("taken", "compared", "told", "counted", "committed") for times in (1, 3)]


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


class Refresher:
    """A process that forks one refreshing process after the other, each to work until nothing is left or it dies."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.connection = psycopg.connect(environment["DATABASE_URL"], autocommit=True)
        self.process = subprocess.Popen(
            [sys.executable, "-c", REFRESHER], cwd=BASE_DIR, env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def work(self, place: str = "never", times: int = 1, *, atomic: bool = True) -> int:
        """The signal it died of, or 0."""
        self.process.stdin.write(f"{place} {times} {'yes' if atomic else 'no'}\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def settle(self) -> None:
        """Work until nothing waits; a killed one's connection may hold the lock for a moment."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if self.connection.execute(WAITING).fetchone() == (0,):
                return
            assert self.work() == 0
        raise AssertionError("something waits for ever")

    def change(self, project: int, turn: int) -> None:
        self.connection.execute(CHANGE, {"project": project, "turn": turn})

    def end_state(self, project: int) -> list[list[tuple[object, ...]]]:
        """Members, events in the order of each customer and segment, and the day's numbers."""
        return [self.connection.execute(query, [project]).fetchall() for query in (MEMBERS, TOLD, DAYS)]

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()
        self.connection.close()


def test_a_refresh_killed_at_any_boundary_ends_where_an_undisturbed_one_ends(place):
    undisturbed, killed, control = map(int, python(place, "-c", START, str(PEOPLE)).split())
    refresher = Refresher(place)
    try:
        deaths = [refresher.work(*where) for where in FILLING]
        assert (
            deaths.count(signal.SIGKILL) >= len(FILLING) - 1
        )  # all projects are filled by then, so a last may find none
        refresher.settle()
        assert refresher.end_state(killed) == refresher.end_state(undisturbed)
        for turn in range(len(DIGESTING)):
            refresher.change(undisturbed, turn)
            refresher.settle()
        for turn, where in enumerate(DIGESTING):
            refresher.change(killed, turn)
            assert (where, refresher.work(*where)) == (where, signal.SIGKILL)
            refresher.settle()
        members, told, days = refresher.end_state(killed)
        assert [members, told, days] == refresher.end_state(undisturbed)
        assert members == refresher.connection.execute(LIVE, [killed]).fetchall()
        assert len(told) > PEOPLE
        for turn, where in enumerate(DIGESTING):  # without transactions the same kills lose and double
            refresher.change(control, turn)
            refresher.work(*where, atomic=False)
            refresher.settle()
        assert refresher.end_state(control) != [members, told, days]
    finally:
        refresher.close()

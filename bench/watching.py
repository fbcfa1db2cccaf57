"""G12 under load: how soon entries are seen, how fast a queue is worked off, what noting the changes costs writers.

Runs in the base of `bench.segments`, after its hundred auto-update segments were made.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection

from bench.table import Line
from bench.turns import milliseconds, run
from config.kernel import instants
from config.project.models import Project
from customers import watching
from customers.models import ChangedCustomer, Customer
from segments import services as segments
from segments.compiled import Conditions
from segments.models import Segment
from segments.services import differences, refresh, watches
from segments.services.differences import Within

CHANGES = 2_000
PER_SECOND = 200
CHANGE = """UPDATE customers_customer SET metadata = metadata
    || jsonb_build_object('vip', true, 'score', (metadata -> 'score')::numeric + 0.25) WHERE id = %s"""
"""All segments have to look again; one is entered, and of the hundred others one by every tenth customer."""
CHANGED = 10_000
MANY = 1_000


def measure(project: Project) -> list[Line]:
    """All lines."""
    return [*visible(project), *digested(project), *noted(project)]


def visible(project: Project) -> list[Line]:
    """From the commit of a change to the commit of its event, at 200 changes a second that concern all segments."""
    filter = {"junction": "and", "metadata.vip": {"conditions": {"$is": [True]}}}
    at = instants.now()
    segment = segments.create(project=project, name="VIP", type="auto-update", filter=filter, at=at)
    Segment.objects.filter(pk=segment.pk).update(pass_to=None, filled_at=at)
    ids = list(Customer.objects.of(project).order_by("-pk").values_list("pk", flat=True)[:CHANGES])
    _write_down(project, list(Segment.objects.of(project).auto_update()), ids, at)
    stop = threading.Event()
    committed: dict[int, datetime] = {}
    ended: dict[datetime, datetime] = {}

    def work() -> None:
        try:
            while not stop.is_set():
                begun = instants.now()
                if refresh.step(begun):
                    ended[begun] = instants.now()
                else:
                    stop.wait(0.1)
        finally:
            connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    begin = time.perf_counter()
    for number, pk in enumerate(ids):
        run(CHANGE, pk)
        committed[pk] = instants.now()
        time.sleep(max(0.0, begin + (number + 1) / PER_SECOND - time.perf_counter()))
    entered: dict[int, datetime] = {}
    end = time.monotonic() + 60
    while len(entered) < len(ids) and time.monotonic() < end:
        entered = dict(run("SELECT customer_id, entered_at FROM segments_membership WHERE segment_id = %s", segment.pk))
        time.sleep(0.05)
    stop.set()
    worker.join()
    waits = sorted((ended[entered[pk]] - committed[pk]) / timedelta(milliseconds=1) for pk in ids if pk in entered)
    p99 = waits[int(len(waits) * 0.99) - 1] if waits else float("nan")
    what = f"change to visible event, p99, {PER_SECOND}/s × 101 segments ({len(waits):,} of {len(ids):,})"
    return [Line("G12", what, f"{p99:.0f} ms", "–", f"p50 {statistics.median(waits):.0f} ms", "≤ 1000 ms")]


def digested(project: Project) -> list[Line]:
    """10,000 changed customers × a hundred and × a thousand segments, in which next to nobody enters or leaves."""
    at = instants.now()
    ids = list(Customer.objects.of(project).order_by("pk").values_list("pk", flat=True)[:CHANGED])
    lines = []
    for many in (100, MANY):
        rows = list(Segment.objects.of(project).auto_update().filter(name__startswith="G12"))
        template = rows[0]
        Segment.objects.bulk_create(_twin(template, number) for number in range(len(rows), many))
        rows = list(Segment.objects.of(project).auto_update().filter(name__startswith="G12"))
        _write_down(project, rows, ids, at)
        ChangedCustomer.objects.bulk_create(
            ChangedCustomer(project=project, customer_id=pk, keys=["metadata.score"], created_at=at) for pk in ids
        )
        taken = milliseconds(lambda: _digest(at))
        what = f"{len(ids):,} changed customers × {many:,} segments digested"
        rate = len(ids) / taken * 1000
        lines.append(Line("G12", what, f"{taken:,.0f} ms", "–", f"{rate:,.0f}/s", f"≥ {PER_SECOND}/s"))
    Segment.objects.of(project).filter(name__startswith="G12 more").delete()
    watches.renew(project)
    return lines


def _write_down(project: Project, rows: Sequence[Segment], ids: Sequence[int], at: datetime) -> None:
    """Who is in already, without the events of half a million who come in."""
    made = Conditions(project, at)
    for start in range(0, len(rows), differences.AT_ONCE):
        part = rows[start : start + differences.AT_ONCE]
        conditions = [made.of(row) for row in part]
        differences.write(project=project, segments=part, conditions=conditions, within=Within(ids), at=at)


def _twin(template: Segment, number: int) -> Segment:
    """The same about another score and city."""
    definition = (template.definition or "").replace("City 0", f"City {number}").replace("[0]", f"[{number % 1000}]")
    return Segment(
        project=template.project,
        name=f"G12 more {number}",
        type=template.type,
        definition=definition,
        fields_read=template.fields_read,
        pass_to=None,
        filled_at=template.filled_at,
        created_at=template.created_at,
    )


def _digest(at: datetime) -> None:
    while refresh.step(at):
        pass


def noted(project: Project) -> list[Line]:
    """What noting a change costs the writer: a counter of one customer, and many rows in one statement."""
    work = {
        "one update": (_loop(2_000), 2_000),
        "2,000 rows in one update": (BULK, 1),
    }
    taken: dict[tuple[str, str], list[float]] = {}
    for _ in range(5):
        for state, keys in WATCHED.items():
            run(f"ALTER TABLE customers_customer {'DISABLE' if state == BARE else 'ENABLE'} TRIGGER note_changed")
            watching.watch(project, keys)
            run(_loop(20))  # the function's plans
            for what, (statement, count) in work.items():
                taken.setdefault((state, what), []).append(milliseconds(lambda one=statement: run(one)) / count)  # type: ignore[misc]
            run("TRUNCATE customers_changedcustomer")
            run("VACUUM customers_customer")
    run("ALTER TABLE customers_customer ENABLE TRIGGER note_changed")
    watches.renew(project)
    middle = {key: statistics.median(values) for key, values in taken.items()}
    return [
        Line("G12", f"{what}, {state}", f"{middle[state, what]:.3f} ms", f"{middle[BARE, what]:.3f} ms",
             f"{middle[state, what] / middle[BARE, what]:.2f}×", "≤ 5 % of a redemption")
        for what in work for state in WATCHED if state != BARE
    ]  # fmt: skip


BARE = "without its trigger"
WATCHED: dict[str, list[str] | None] = {
    BARE: None,
    "nothing watched": None,
    "others watched": ["city", "metadata.tier"],
    "watched": ["redemptions_succeeded", "name"],
}
BULK = "UPDATE customers_customer SET name = name || '.' WHERE id <= (SELECT min(id) + 2000 FROM customers_customer)"


def _loop(times: int) -> str:
    return (
        "DO $$ DECLARE base bigint := (SELECT min(id) FROM customers_customer); BEGIN"
        f" FOR i IN 1..{times} LOOP UPDATE customers_customer SET redemptions_succeeded = redemptions_succeeded + 1"
        " WHERE id = base + i; END LOOP; END $$"
    )

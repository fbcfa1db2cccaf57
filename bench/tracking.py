"""Tracking and webhooks: events over HTTP, a merge, a long timeline, and deliveries of one sender."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta

from django.conf import settings
from django.db import connection

from bench import checkout, servers, shop
from bench.table import Line
from config.kernel import ids, instants
from config.project import services as projects
from config.project.models import Project
from config.webhooks import outbox, sender
from config.webhooks import services as webhooks
from config.webhooks.envelope import Happening
from config.webhooks.models import Delivery
from customers.models import Customer
from tracking import tokens
from tracking.models import TrackingIdentity
from tracking.services import events
from tracking.services.events import CUSTOM_EVENT, NewEvent

MERGED = 1_000
LONG = 100_000
DELIVERIES = 3_000


def measure(seconds: float) -> list[Line]:
    """All lines; seconds: of one round of one kind of request."""
    made = shop.make()
    environment = {"CLIENT_RATE": "off", "API_RATE": "off", "CLIENT_MISS_RATE": "off", "LOG_LEVEL": "WARNING"}
    with ExitStack() as stack:
        bare = stack.enter_context(servers.running("bench.bare:application", environment))
        ours = stack.enter_context(servers.running("config.wsgi:application", environment))
        found = checkout.rounds(made, {"bare insert": bare, "event": ours, "event client": ours}, seconds)
    yardstick = found["bare insert"].rate
    lines = [
        Line("events", f"{kind}, requests/s", f"{found[kind].rate:.0f}", f"{yardstick:.0f}",
             f"{100 * found[kind].rate / yardstick:.0f} %", "60 %")
        for kind in ("event", "event client")
    ]  # fmt: skip
    project = projects.create_project(name="Tracking", at=instants.now()).project
    return [*lines, _merge(project), _timeline(project), _webhooks(project)]


def _customer(project: Project) -> Customer:
    return Customer.objects.create(project=project, source_id=ids.new_uuid(), created_at=instants.now())


def _merge(project: Project) -> Line:
    times = []
    for _ in range(5):
        token, at = tokens.anonymous(), instants.now()
        TrackingIdentity.objects.create(project=project, token=token, created_at=at, last_seen_at=at)
        visits = [
            NewEvent(
                type=CUSTOM_EVENT, name=f"e{n % 10}", at=at + timedelta(milliseconds=n), data={"n": n}, token=token
            )
            for n in range(MERGED)
        ]
        events.record_many(project=project, events=visits)
        customer = _customer(project)
        began = time.perf_counter()
        events.claim(project=project, token=token, customer_id=customer.pk, since=at)
        times.append(1000 * (time.perf_counter() - began))
    return Line("merge", f"{MERGED:,} actions of a visitor", f"{statistics.median(times):.1f} ms", "–", "", "≤ 50 ms")


def _timeline(project: Project) -> Line:
    customer, at = _customer(project), instants.now()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO tracking_event (project_id, public_id, type, name, category, customer_id, token, campaign_type,
                data, source, group_id, created_at)
            SELECT %s, 'evcus_bench' || n, 'customer.custom_event', 'seen', 'ACTION', %s, '', '', '{"n": 1}', '{}', '',
                %s::timestamptz - n * interval '1 second'
            FROM generate_series(1, %s) AS n
            """,
            [project.pk, customer.pk, at, LONG],
        )
        cursor.execute("ANALYZE tracking_event")
    times = []
    for _ in range(20):
        began = time.perf_counter()
        rows, more = events.timeline(customer=customer, limit=50)
        times.append(1000 * (time.perf_counter() - began))
        assert len(rows) == 50
        assert more
    return Line("timeline", f"first page of {LONG:,} events", f"{statistics.median(times):.1f} ms", "–", "", "≤ 20 ms")


@contextmanager
def _receiver() -> Iterator[int]:
    """A receiver in another process; yields its port."""
    process = subprocess.Popen([sys.executable, "-m", "bench.receiver"], cwd=servers.ROOT, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


def _webhooks(project: Project) -> Line:
    settings.WEBHOOK_ALLOW_HTTP, settings.WEBHOOK_ALLOWED_NETWORKS = True, ["127.0.0.0/8"]
    with _receiver() as port:
        at = instants.now()
        body = {"target_url": f"http://127.0.0.1:{port}/hook", "events": ["customer.created"]}
        webhooks.create(project=project, body=body, at=at)
        happening = Happening(type="customer.created", at=at, data={"customer": {"id": "cust_1", "metadata": {"a": 1}}})
        outbox.record_many(project, [happening] * DELIVERIES)
        waiting = Delivery.objects.of(project).exclude(state=Delivery.State.DELIVERED)
        one = sender.Sender(instants.now)
        began = time.perf_counter()
        while waiting.exists():
            for _ in range(20):
                one.step()
        rate = DELIVERIES / (time.perf_counter() - began)
    return Line("webhooks", "deliveries/s, one sender", f"{rate:.0f}", "–", "", "≥ 500")

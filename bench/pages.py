"""G16, its part of customers: list and profile with many customers behind them.

    BENCH_ONLY=pages BENCH_ROWS=1000000 make bench

The time of a whole request inside the server, middlewares and template included, no network; the median of 20.
"""

from __future__ import annotations

import logging
import statistics
import time
from datetime import timedelta

from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse

from bench import imports
from bench.table import Line
from config.imports.models import ImportFile
from config.kernel import instants
from config.project import services
from config.project.models import Member, Project, User
from customers.models import Customer
from segments import services as segments
from tracking.services import events
from tracking.services.events import NewEvent

TURNS = 20
EVENTS = 2_000
BERLIN = {"junction": "and", "address.city": {"conditions": {"$is": ["Berlin"]}}}


def measure(rows: int) -> list[Line]:
    """Ask for each page."""
    logging.disable(logging.INFO)  # a line a request would drown the table
    call_command("collectstatic", interactive=False, verbosity=0)
    project = services.create_project(name="Bench", at=instants.now()).project
    imports.fill(project, rows)
    segment = segments.create(project=project, name="Berliners", type="passive", filter=BERLIN, at=instants.now())
    customer = Customer.objects.of(project).order_by("pk")[rows // 2]
    _live(project, customer)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    file = ImportFile.objects.of(project).latest("pk")
    browser = signed_in(project)
    listing = reverse("dashboard:customers")
    profile = ("customer", "customer-wallet", "customer-orders", "customer-segments", "customer-metadata")
    pages = {
        "list": listing,
        "list by name": f"{listing}?sort=name",
        "list, last changed": f"{listing}?sort=-changed",
        "list, by city": f"{listing}?city=Berlin",
        "list, search": f"{listing}?q=crm-77",
        "list, of a segment": f"{listing}?segment={segment.public_id}",
        "list, of an import": f"{listing}?import={file.public_id}",
        **{f"profile, {name}": reverse(f"dashboard:{name}", args=[customer.public_id]) for name in profile},
    }
    return [
        Line("G16", f"{name} at {rows:,} customers", f"{1000 * _median(browser, url):.0f} ms", "", "", "80 ms")
        for name, url in pages.items()
    ]


def _live(project: Project, customer: Customer) -> None:
    """One customer with a long history."""
    at = instants.now()
    new = [
        NewEvent(
            type="customer.custom_event",
            name=f"event {number % 9}",
            at=at - timedelta(minutes=number),
            data={"customer": {"id": customer.public_id}},
            customer_id=customer.pk,
        )
        for number in range(EVENTS)
    ]
    events.record_many(project=project, events=new)


def signed_in(project: Project) -> Client:
    """A browser of an admin of the project."""
    user = User.objects.create_user("bench@shop.example", "correct horse battery staple")
    Member.objects.create(project=project, user=user, role=Member.Role.ADMIN, created_at=instants.now())
    browser = Client(headers={"host": "localhost"})
    browser.force_login(user)
    return browser


def _median(browser: Client, url: str) -> float:
    took = []
    for _ in range(TURNS):
        started = time.perf_counter()
        answer = browser.get(url)
        took.append(time.perf_counter() - started)
        assert answer.status_code == 200, (url, answer.status_code)
    return statistics.median(took)

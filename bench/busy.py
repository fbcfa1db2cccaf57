"""G14, its second half: the dashboard while codes are being made. Part of `BENCH_ONLY=codes`.

A worker makes the codes of one campaign beside the web server; one browser goes through the pages as fast as they come,
until the job is done. The time of a request is that of its whole answer. What a cold server's first pages cost is not
asked here: each is opened twice before.
"""

from __future__ import annotations

import http.client
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from django.core.management import call_command
from django.db import connection
from django.urls import reverse

from bench import servers
from bench.pages import signed_in
from bench.table import Line
from config.jobs.models import AsyncAction
from config.project.models import Project
from vouchers.models import Campaign, Voucher

MOST: Final = "300 ms"
PATIENCE: Final = 60.0
"""Seconds until the worker has begun."""


def measure(project: Project, campaign: Campaign, code: Voucher) -> list[Line]:
    """Look at every page until the codes of the campaign, whose job is queued, are there. code: one that exists."""
    call_command("collectstatic", interactive=False, verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    action = AsyncAction.objects.get(parameters__campaign=campaign.pk)
    cookie = signed_in(project).cookies["sessionid"].value
    took: dict[str, list[float]] = {name: [] for name in pages(campaign, code, action)}
    with servers.running("config.wsgi:application", {"LOG_LEVEL": "ERROR"}) as port:
        for _ in range(2):
            for url in pages(campaign, code, action).values():
                ask(port, url, cookie)
        with _worker():
            _begun(action)
            while AsyncAction.objects.values_list("status", flat=True).get(pk=action.pk) == "IN_PROGRESS":
                for name, url in pages(campaign, code, action).items():
                    took[name].append(ask(port, url, cookie))
    action.refresh_from_db()
    if action.status != "DONE":
        raise RuntimeError(f"the job ended {action.status}: {action.failure}")
    return _lines(took, action.rows_done)


def pages(campaign: Campaign, code: Voucher, action: AsyncAction) -> Mapping[str, str]:
    """Name → address of what people look at meanwhile."""
    lists = ("home", "campaigns", "vouchers", "redemptions", "customers", "segments", "orders", "tasks", "rules")
    of_campaign = ("campaign", "campaign-vouchers", "campaign-redemptions", "campaign-activity")
    return {
        **{name: reverse(f"dashboard:{name}") for name in lists},
        **{name: reverse(f"dashboard:{name}", args=[campaign.public_id]) for name in of_campaign},
        "voucher": reverse("dashboard:voucher", args=[code.public_id]),
        "vouchers, search": f"{reverse('dashboard:vouchers')}?q={code.code[:5]}",
        "search": f"{reverse('dashboard:search')}?q={code.code[:4]}",
        "check": f"{reverse('dashboard:check')}?code={code.code}&amount=80",
        "task": reverse("dashboard:task", args=[action.public_id]),
    }


def ask(port: int, url: str, cookie: str) -> float:
    """Seconds of one answer."""
    browser = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    began = time.perf_counter()
    browser.request("GET", url, headers={"Host": "localhost", "Cookie": f"sessionid={cookie}"})
    answer = browser.getresponse()
    answer.read()
    took = time.perf_counter() - began
    browser.close()
    if answer.status != 200:
        raise RuntimeError(f"{url} answered {answer.status}")
    return took


def _lines(took: Mapping[str, list[float]], codes: int) -> list[Line]:
    slowest = max(took, key=lambda name: max(took[name]))
    every = [seconds for each in took.values() for seconds in each]
    told = f"{len(every)} requests for {len(took)} pages while {codes:,} codes are made"
    return [
        Line("G14", f"{told}: slowest ({slowest})", f"{1000 * max(took[slowest]):.0f} ms", "", "", MOST),
        Line("G14", f"{told}: median", f"{1000 * statistics.median(every):.0f} ms", "", "", MOST),
    ]


@contextmanager
def _worker() -> Iterator[None]:
    environment = {**os.environ, "TESSERA_PROCESS": "worker", "LOG_LEVEL": "ERROR"}
    process = subprocess.Popen(
        [sys.executable, "manage.py", "worker"], cwd=servers.ROOT, env=environment, stdout=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(60)


def _begun(action: AsyncAction) -> None:
    end = time.monotonic() + PATIENCE
    while AsyncAction.objects.values_list("status", flat=True).get(pk=action.pk) == "ENQUEUED":
        if time.monotonic() > end:
            raise RuntimeError("no worker took the job")
        time.sleep(0.02)

"""`/metrics` in the Prometheus text format, for the networks in METRICS_NETWORKS only."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Final

from django.conf import settings
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest, multiprocess
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from config.api.addresses import client_address, is_in
from config.jobs import stalled

JOBS: Final = """
    SELECT queue_name, count(*) FILTER (WHERE status = 'todo'), count(*) FILTER (WHERE status = 'doing'),
        count(*) FILTER (WHERE status = 'failed'),
        coalesce(extract(epoch FROM now() - min(coalesce(scheduled_at, event.at)) FILTER (WHERE status = 'todo')), 0)
    FROM procrastinate_jobs
    LEFT JOIN LATERAL (
        SELECT min(at) AS at FROM procrastinate_events WHERE job_id = procrastinate_jobs.id
    ) AS event ON true
    WHERE status IN ('todo', 'doing', 'failed') GROUP BY queue_name
"""
STALLED: Final = """
    SELECT count(*) FROM procrastinate_jobs AS job
    LEFT JOIN procrastinate_workers AS worker ON worker.id = job.worker_id
    WHERE job.status = 'doing' AND (worker.id IS NULL OR worker.last_heartbeat < now() - make_interval(secs => %s))
"""
OUTBOX: Final = """
    SELECT count(*), coalesce(extract(epoch FROM now() - min(d.next_at)), 0)
    FROM webhooks_delivery d JOIN webhooks_webhook w ON w.id = d.webhook_id AND w.active
    JOIN project_project p ON p.id = d.project_id AND p.deleted_at IS NULL WHERE d.state = 'WAITING'
"""
"""What waits to be sent, retries included, and for how long the oldest of it has been due."""
ACTIONS: Final = "SELECT status, count(*) FROM jobs_asyncaction GROUP BY status"


class DatabaseCollector(Collector):
    """What stands in the database: queues, webhooks and background actions. Asked at each scrape."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        jobs = GaugeMetricFamily("tessera_jobs", "Jobs in the queues.", labels=["queue", "status"])
        age = GaugeMetricFamily("tessera_job_age_seconds", "Age of the oldest waiting job.", labels=["queue"])
        dead = GaugeMetricFamily("tessera_jobs_stalled", "Running jobs whose worker is gone.")
        waiting = GaugeMetricFamily("tessera_webhook_deliveries_waiting", "Deliveries of webhooks still to be made.")
        outbox = GaugeMetricFamily("tessera_outbox_age_seconds", "How long the oldest delivery has been due.")
        actions = GaugeMetricFamily("tessera_async_actions", "Background actions by state.", labels=["status"])
        with connection.cursor() as cursor:
            cursor.execute(JOBS)
            for queue, todo, doing, failed, oldest in cursor.fetchall():
                for status, count in (("todo", todo), ("doing", doing), ("failed", failed)):
                    jobs.add_metric([queue, status], count)
                age.add_metric([queue], max(0.0, float(oldest)))
            cursor.execute(STALLED, [stalled.AFTER])
            dead.add_metric([], cursor.fetchone()[0])
            cursor.execute(OUTBOX)
            count, overdue = cursor.fetchone()
            waiting.add_metric([], count)
            outbox.add_metric([], max(0.0, float(overdue)))
            cursor.execute(ACTIONS)
            for status, count in cursor.fetchall():
                actions.add_metric([status], count)
        yield from (jobs, age, dead, waiting, outbox, actions)


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Whoever is not in METRICS_NETWORKS is told that there is no such page.

    A forwarded request without TRUSTED_PROXIES has come from who knows where, so it is refused too.
    """
    forwarded = "HTTP_X_FORWARDED_FOR" in request.META and not settings.TRUSTED_PROXIES
    if forwarded or not is_in(client_address(request), settings.METRICS_NETWORKS):
        raise Http404
    return HttpResponse(render(), content_type=CONTENT_TYPE_LATEST)


def render() -> bytes:
    """All processes of this machine's web server, and the database's gauges."""
    registry: CollectorRegistry = REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    stored = CollectorRegistry()
    stored.register(DatabaseCollector())
    return generate_latest(registry) + generate_latest(stored)

"""Health, metrics, the access log and the API's description."""

from __future__ import annotations

import json
import logging
import threading
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.db import connection
from django.test import Client, RequestFactory

from config.api import addresses
from config.kernel import instants
from config.logs import FIELDS, JsonFormatter
from config.operations import access_log, health, metrics
from config.webhooks import outbox, services
from config.webhooks.envelope import Happening
from tests.factories import make_shop

OK = health.Findings("ok", "ok", "ok")


@pytest.fixture(autouse=True)
def _fresh_probe():
    health.probe.forget()
    yield
    health.probe.forget()


def test_livez_answers_without_the_database():
    answer = Client().get("/livez")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize(
    ("found", "status"),
    [
        (OK, 200),
        (health.Findings("ok", "ok", "late"), 200),
        (health.Findings("ok", "ok", "none"), 200),
        (health.Findings("ok", "missing", "ok"), 503),
        (health.Findings("unreachable"), 503),
    ],
)
def test_healthz_depends_on_database_and_migrations_and_only_tells_about_the_worker(monkeypatch, found, status):
    monkeypatch.setattr(health, "look", lambda: found)
    answer = Client().get("/healthz")
    assert answer.status_code == status
    assert answer.json() == {
        "status": "ok" if status == 200 else "unavailable",
        "database": found.database,
        "migrations": found.migrations,
        "worker": found.worker,
    }
    assert answer.headers.get("Retry-After") == (None if status == 200 else "2")


def test_healthz_answers_in_time_when_the_database_hangs(monkeypatch):
    release = threading.Event()

    def hang() -> health.Findings:
        release.wait(10)
        return OK

    monkeypatch.setattr(health, "look", hang)
    answer = Client().get("/healthz")
    assert (answer.status_code, answer.json()["database"]) == (503, "late")
    running = health.probe._running
    release.set()
    if running is not None:
        assert running.wait(5)


def test_healthz_asks_once_for_many_questions(monkeypatch):
    asked = []
    monkeypatch.setattr(health, "look", lambda: asked.append(1) or OK)
    for _ in range(5):
        assert Client().get("/healthz").status_code == 200
    assert len(asked) == 1


def test_the_probe_sees_the_real_database(db):
    assert health.look() == health.Findings("ok", "ok", "none")


def test_the_probe_sees_a_worker_that_is_late(transactional_db):
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '31 seconds')")
    try:
        assert health.look().worker == "late"
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM procrastinate_workers")


def test_the_probe_says_so_when_nobody_answers(monkeypatch, caplog):
    def refuse(*_: object, **__: object) -> None:
        raise psycopg.OperationalError("password=secret")

    monkeypatch.setattr(psycopg, "connect", refuse)
    assert health.look() == health.Findings("unreachable")
    assert "secret" not in caplog.text


@pytest.mark.parametrize(
    ("networks", "proxies", "address", "forwarded", "status"),
    [
        (["127.0.0.0/8"], [], "127.0.0.1", "", 200),
        (["127.0.0.0/8"], [], "192.0.2.7", "", 404),
        (["127.0.0.0/8"], [], "127.0.0.1", "192.0.2.7", 404),
        (["127.0.0.0/8"], ["127.0.0.1"], "127.0.0.1", "192.0.2.7", 404),
        (["192.0.2.0/24"], ["127.0.0.1"], "127.0.0.1", "192.0.2.7", 200),
        (["192.0.2.0/24"], ["127.0.0.1"], "127.0.0.1", "192.0.2.7, 198.51.100.1", 404),
        (["::1/128"], [], "::1", "", 200),
        (["127.0.0.0/8"], [], "::ffff:127.0.0.1", "", 200),
        ([], [], "127.0.0.1", "", 404),
    ],
)
def test_metrics_are_for_their_networks_only(db, settings, networks, proxies, address, forwarded, status):
    settings.METRICS_NETWORKS, settings.TRUSTED_PROXIES = networks, proxies
    extra = {"HTTP_X_FORWARDED_FOR": forwarded} if forwarded else {}
    assert Client().get("/metrics", REMOTE_ADDR=address, **extra).status_code == status


def test_metrics_tell_requests_by_route_and_queues_and_no_ids(db):
    shop = make_shop()
    shop.server().get("/v1/async-actions/aa_13a0f2b6c4d1e08f55")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, args) VALUES ('long', 'tests.metrics', '{}')"
        )
    text = Client().get("/metrics").content.decode()
    assert 'tessera_requests_total{method="GET",route="v1/async-actions/<id>",status="404"}' in text
    assert 'tessera_jobs{queue="long",status="todo"} 1.0' in text
    assert "tessera_jobs_stalled 0.0" in text
    assert "aa_13a0f2b6c4d1e08f55" not in text
    assert shop.secrets["app_id"] not in text


def test_the_metrics_statements_fit_the_schema(db):
    assert {family.name for family in metrics.DatabaseCollector().collect()} == {
        "tessera_jobs",
        "tessera_job_age_seconds",
        "tessera_jobs_stalled",
        "tessera_webhook_deliveries_waiting",
        "tessera_outbox_age_seconds",
        "tessera_async_actions",
    }


def test_the_metrics_tell_what_webhooks_still_have_to_send(db):
    shop, at = make_shop(), instants.now()
    body = {"target_url": "https://shop.example/hook", "events": ["customer.created"]}
    hook = services.create(project=shop.project, body=body, at=at)
    told = Happening(type="customer.created", at=at - timedelta(minutes=5), data={})
    outbox.forget_everything()
    outbox.record_many(shop.project, [told, told])

    def gauges():
        names = ("tessera_webhook_deliveries_waiting", "tessera_outbox_age_seconds")
        found = {family.name: family.samples for family in metrics.DatabaseCollector().collect()}
        return [found[name][0].value for name in names]

    waiting, age = gauges()
    assert waiting == 2
    assert 200 < age < 400
    hook.active = False
    hook.save(update_fields=["active"])
    assert gauges() == [0, 0]


def test_the_address_believes_only_named_proxies(settings):
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]
    request = RequestFactory().get("/", REMOTE_ADDR="10.1.1.1", HTTP_X_FORWARDED_FOR="1.1.1.1, 203.0.113.9, 10.2.2.2")
    assert str(addresses.client_address(request)) == "203.0.113.9"
    settings.TRUSTED_PROXIES = []
    assert str(addresses.client_address(request)) == "10.1.1.1"


def test_a_request_leaves_one_line_with_its_id_route_project_and_key_and_nothing_typed(db, caplog):
    caplog.set_level(logging.INFO, "tessera.access")
    shop = make_shop()
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    answer = shop.server().get("/v1/async-actions?limit=5&email=ann@example.com", HTTP_TRACEPARENT=trace)
    (record,) = [record for record in caplog.records if record.name == "tessera.access"]
    line = json.loads(JsonFormatter().format(record))
    assert line["request_id"] == answer.headers["X-Request-Id"]
    assert (line["route"], line["method"], line["status"]) == ("v1/async-actions", "GET", 200)
    assert (line["project"], line["key_id"]) == (shop.project.public_id, shop.secrets["app_id"])
    assert line["trace_id"] == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert "ann@example.com" not in json.dumps(line)
    assert set(line) <= {"time", "level", "logger", "message", "exception", *FIELDS}


def test_a_forged_trace_id_is_not_logged(db, caplog):
    caplog.set_level(logging.INFO, "tessera.access")
    Client().get("/nowhere", HTTP_TRACEPARENT='00-"},{"injected')
    line = json.loads(JsonFormatter().format(caplog.records[-1]))
    assert (line["route"], line["status"]) == ("-", 404)
    assert "trace_id" not in line


@pytest.mark.parametrize(
    ("pattern", "template"),
    [
        ("v1/async-actions/(?P<id>[^/]+)/?\\Z", "v1/async-actions/<id>"),
        ("^customers/(?P<id>[^/]+(?:/[^/]+)*?)/?$", "customers/<id>"),
        ("dashboard/customers/<str:public_id>/", "dashboard/customers/<str:public_id>/"),
    ],
)
def test_routes_are_shown_as_templates(pattern, template):
    assert access_log._template(pattern) == template


def test_the_formatter_drops_every_field_that_is_not_allowed():
    record = logging.LogRecord("tessera", logging.INFO, "", 0, "done", None, None)
    record.email = "ann@example.com"
    record.rows = 5
    line = json.loads(JsonFormatter().format(record))
    assert line["rows"] == 5
    assert "email" not in line
    assert datetime.fromisoformat(line["time"]).tzinfo is not None
    assert datetime.fromisoformat(line["time"]).utcoffset() == datetime.now(UTC).utcoffset()


def test_the_description_names_every_path_once_and_its_keys():
    answer = Client().get("/api/schema/")
    description = json.loads(answer.content)
    assert description["openapi"].startswith("3.1")
    assert "/v1/async-actions/{id}" in description["paths"]
    assert {"X-App-Id", "X-App-Token"} <= set(description["components"]["securitySchemes"])


def test_the_page_of_the_description_has_no_inline_script_and_asks_no_foreign_host():
    page = Client().get("/api/docs/").content.decode()
    assert "https://" not in page
    assert "<script>" not in page
    script = Client().get("/api/docs/?script=")
    assert script.status_code == 200
    assert "/api/schema/" in script.content.decode()

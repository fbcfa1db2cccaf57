"""The outbox, claims, outcomes, and hostile receivers (T6)."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from socketserver import StreamRequestHandler, ThreadingTCPServer
from unittest.mock import Mock

import pytest
from django.db import OperationalError, connection, transaction

from config.kernel import instants
from config.project import encryption
from config.webhooks import deliveries, outbox, sender, services, signatures
from config.webhooks.deliveries import Outcome
from config.webhooks.envelope import Happening
from config.webhooks.models import Delivery, Webhook
from config.webhooks.sending import Answer
from tests.factories import ProjectFactory

AT = datetime(2026, 2, 3, 10, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_remembered():
    outbox.forget_everything()
    yield
    outbox.forget_everything()


def webhook(project, *types, url="https://shop.example/hook", **more):
    row = services.create(project=project, body={"target_url": url, "events": list(types), **more}, at=AT)
    outbox.forget(project)
    return row


def happening(type="customer.created", **more):
    return Happening(type=type, at=AT, data={"customer": {"id": "cust_1", "n": 1.0}}, entity_id="cust_1", **more)


def test_only_types_that_were_asked_for_are_written():
    project, other = ProjectFactory(), ProjectFactory(name="Other")
    one = webhook(project, "customer.created", "customer.updated")
    two = webhook(project, "customer.created")
    webhook(project, "customer.created", active=False)
    webhook(other, "customer.deleted")
    outbox.record_many(project, [happening(), happening("customer.deleted"), happening("customer.updated")])
    rows = Delivery.objects.order_by("pk")
    assert [(row.webhook_id, row.type) for row in rows] == [
        (one.pk, "customer.created"),
        (two.pk, "customer.created"),
        (one.pk, "customer.updated"),
    ]
    first, second = rows[0], rows[1]
    assert first.event_id == second.event_id != ""
    body = json.loads(first.payload)
    assert body["id"] == first.public_id
    assert body["source"]["id"] == one.public_id
    assert '"n":1}' in first.payload


def test_nothing_is_rendered_where_nobody_asked():
    project = ProjectFactory()

    def render():
        raise AssertionError("rendered")

    outbox.record(project, render, type="customer.created")
    assert not Delivery.objects.exists()


def test_a_delivery_goes_with_its_transaction():
    project = ProjectFactory()
    webhook(project, "customer.created")
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        outbox.record(project, happening())
        raise ZeroDivisionError
    assert not Delivery.objects.exists()


def claim(at=AT, **more):
    return deliveries.claim(at=at, **{"limit": 100, "each": 4, "held": {}, **more})


def test_a_worker_takes_at_most_four_of_a_webhook_and_nobody_takes_them_twice():
    project = ProjectFactory()
    busy, calm = webhook(project, "customer.created"), webhook(project, "customer.updated")
    outbox.record_many(project, [happening()] * 10 + [happening("customer.updated")])
    first = claim(held={busy.pk: 1})
    assert sorted(one.webhook for one in first) == [busy.pk] * 3 + [calm.pk]
    assert len(claim()) == 4
    assert {one.attempt for one in first} == {1}
    later = claim(at=AT + deliveries.CLAIM, each=100)
    assert len(later) == 11, "claims that ended are taken by another"


def outcome(claimed, status=None, error=""):
    return Outcome(claimed, Answer(status, "text", error, 12))


def test_a_success_ends_a_delivery():
    project = ProjectFactory()
    webhook(project, "customer.created")
    outbox.record(project, happening())
    deliveries.finish([outcome(claim()[0], 204)], at=AT, chance=0.5)
    row = Delivery.objects.get()
    assert (row.state, row.attempts, row.last_status, row.last_answer, row.last_ms) == ("DELIVERED", 1, 204, "text", 12)
    assert claim(at=AT + timedelta(days=2)) == []


def test_a_failure_waits_as_long_as_the_schedule_says_and_the_thirteenth_ends_it():
    project = ProjectFactory()
    hook = webhook(project, "customer.created")
    outbox.record(project, happening())
    at, waits = AT, []
    for _ in range(12):
        deliveries.finish([outcome(claim(at=at)[0], 500)], at=at, chance=0.5)
        row = Delivery.objects.get()
        waits.append((row.next_at - at).total_seconds() / 60)
        at = row.next_at
        assert row.state == "WAITING"
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 1440]
    deliveries.finish([outcome(claim(at=at)[0], None, "no answer within 10 seconds")], at=at, chance=0.5)
    row = Delivery.objects.get()
    assert (row.state, row.attempts, row.last_error) == ("FAILED", 13, "no answer within 10 seconds")
    hook.refresh_from_db()
    assert (hook.active, hook.disabled_at) == (False, at)
    assert not outbox.is_wanted(project, "customer.created")


def test_gone_switches_off_at_once():
    project = ProjectFactory()
    hook = webhook(project, "customer.created")
    outbox.record(project, happening())
    deliveries.finish([outcome(claim()[0], 410)], at=AT, chance=0.5)
    hook.refresh_from_db()
    assert (hook.active, hook.disabled_reason) == (False, "The receiver answered 410 Gone")
    assert Delivery.objects.get().state == "FAILED"


def test_the_answer_of_a_worker_that_was_thought_dead_changes_nothing():
    project = ProjectFactory()
    webhook(project, "customer.created")
    outbox.record(project, happening())
    old = claim()[0]
    new = claim(at=AT + deliveries.CLAIM)[0]
    deliveries.finish([outcome(new, 200)], at=AT, chance=0.5)
    deliveries.finish([outcome(old, 500)], at=AT, chance=0.5)
    assert Delivery.objects.get().state == "DELIVERED"


def test_what_was_taken_and_not_begun_is_given_back_untried():
    project = ProjectFactory()
    webhook(project, "customer.created")
    outbox.record(project, happening())
    deliveries.finish([Outcome(claim()[0], None)], at=AT, chance=0.5)
    assert claim()[0].attempt == 1


def test_a_replay_sends_the_same_bytes_again():
    project = ProjectFactory()
    webhook(project, "customer.created")
    outbox.record(project, happening())
    before = claim()[0]
    deliveries.finish([outcome(before, 200)], at=AT, chance=0.5)
    services.replay(project=project, delivery=Delivery.objects.get(), at=AT)
    after = claim()[0]
    assert (after.public_id, after.payload) == (before.public_id, before.payload)


def test_the_longest_due_comes_first_and_quick_webhooks_may_be_taken_ahead():
    project = ProjectFactory()
    early, late = webhook(project, "customer.created"), webhook(project, "customer.updated")
    outbox.record_many(project, [happening()] * 6 + [happening("customer.updated")] * 6)
    Delivery.objects.filter(webhook=late).update(next_at=AT - timedelta(minutes=1))
    assert [one.webhook for one in claim(limit=4)] == [late.pk] * 4
    taken = [one.webhook for one in claim(held={late.pk: 4, early.pk: -2})]
    assert sorted(taken) == [early.pk] * 6, "two more than four of one, none of the other"


@pytest.mark.alone
@pytest.mark.django_db(transaction=True)
def test_workers_that_claim_at_once_never_take_the_same():
    project = ProjectFactory()
    webhook(project, "customer.created")
    webhook(project, "customer.created", url="https://shop.example/other")
    outbox.record_many(project, [happening()] * 100)
    taken = []

    def work():
        try:
            for _ in range(20):
                taken.extend(one.pk for one in claim(limit=5, each=5))
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    taken += [one.pk for one in claim(limit=200, each=200)]
    assert len(taken) == len(set(taken)) == 200


def test_handing_back_what_somebody_else_took_meanwhile_changes_nothing():
    project = ProjectFactory()
    webhook(project, "customer.created")
    outbox.record(project, happening())
    slow = claim()[0]
    other = claim(at=AT + deliveries.CLAIM)[0]
    deliveries.finish([Outcome(slow, None)], at=AT, chance=0.5)
    assert Delivery.objects.get().attempts == other.attempt == 2
    deliveries.finish([outcome(other, 200)], at=AT, chance=0.5)
    assert Delivery.objects.get().state == "DELIVERED"


def test_a_closed_project_sends_nothing_more():
    project = ProjectFactory()
    webhook(project, "customer.created")
    outbox.record(project, happening())
    project.deleted_at = AT
    project.save(update_fields=["deleted_at"])
    assert claim(at=AT + timedelta(days=1)) == []
    project.deleted_at = None
    project.save(update_fields=["deleted_at"])
    assert len(claim(at=AT + timedelta(days=1))) == 1


def test_a_process_that_has_not_heard_of_a_webhooks_end_loses_nothing_of_its_own():
    project = ProjectFactory()
    hook = webhook(project, "customer.created")
    with transaction.atomic():
        rows = outbox.rows_of(project, [happening()])  # what another process remembers
        services.delete(project=project, webhook=hook)
        Delivery.objects.bulk_create(rows)
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # as COMMIT would
    assert claim() == []
    assert deliveries.forget(before=AT - timedelta(days=90)) == 1
    assert not Delivery.objects.exists()


def test_upkeep_drops_what_is_old_but_not_what_is_still_tried():
    project = ProjectFactory()
    hook = webhook(project, "customer.created")
    outbox.record_many(project, [happening()] * 4)
    done, due, tried, young = Delivery.objects.order_by("pk").values_list("pk", flat=True)
    Delivery.objects.exclude(pk=young).update(created_at=AT - timedelta(days=100), next_at=AT - timedelta(days=100))
    Delivery.objects.filter(pk=done).update(state=Delivery.State.DELIVERED)
    Delivery.objects.filter(pk=tried).update(next_at=AT)
    assert due
    assert deliveries.forget(before=AT - timedelta(days=90)) == 2
    assert sorted(Delivery.objects.values_list("pk", flat=True)) == [tried, young]
    assert hook.active


def test_nobody_replaces_our_own_headers():
    claimed = deliveries.Claimed(
        1, 1, "whs_1", "{}", 1, "https://shop.example/hook",
        '{"user-agent":"x","WEBHOOK-ID":"x","X-Shop":"1"}', encryption.encrypt("secret"),
    )  # fmt: skip
    headers = sender.message_of(claimed, 1_770_112_800).headers
    assert [headers[name] for name in ("User-Agent", "webhook-id", "X-Shop")] == [sender.USER_AGENT, "whs_1", "1"]
    assert len({name.lower() for name in headers}) == len(headers)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("broken", [{"target_url": "https://ä..b/hook"}, {"headers": []}])
def test_what_cannot_even_be_written_is_an_attempt_that_failed_and_holds_nothing(broken):
    project = ProjectFactory()
    hook = webhook(project, "customer.created")
    Webhook.objects.filter(pk=hook.pk).update(**broken)
    outbox.record(project, happening())
    one = sender.Sender(lambda: AT)
    run(one, lambda: Delivery.objects.get().last_at is not None)
    row = Delivery.objects.get()
    assert (row.state, row.attempts, row.last_error[:17]) == ("WAITING", 1, "could not be sent")
    assert not one._held


@pytest.mark.django_db(transaction=True)
def test_an_outcome_is_written_down_later_where_the_database_was_away(monkeypatch, inner_targets):
    project = ProjectFactory()
    with receivers("healthy") as [server]:
        webhook(project, "customer.created", url=f"http://127.0.0.1:{server.server_address[1]}/")
        outbox.record(project, happening())
        one = sender.Sender(instants.now)
        with monkeypatch.context() as patch:
            patch.setattr(deliveries, "finish", Mock(side_effect=OperationalError))
            with pytest.raises(OperationalError):
                run(one, lambda: False)
        run(one, lambda: Delivery.objects.get().state == "DELIVERED")
    assert len(server.bodies) == 1
    assert not one._held


class Receiver(ThreadingTCPServer):
    """A receiver that behaves as its kind says, and keeps what it was sent."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, kind: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.kind, self.bodies, self.heads, self.begun = kind, [], [], 0

    def handle_error(self, request, client_address):
        pass


class _Handler(StreamRequestHandler):
    def handle(self):
        server = self.server
        server.begun += 1
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = self.rfile.readline()
            if not line:
                return
            head += line
        length = next(
            int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
        )
        server.heads.append(head.decode())
        server.bodies.append(self.rfile.read(length).decode())
        match server.kind:
            case "healthy":
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            case "error":
                self.wfile.write(b"HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\nno\x00!")
            case "redirect":
                self.wfile.write(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")
            case "reset":
                self.connection.close()
            case "endless":
                self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
                for _ in range(20_000):
                    self.wfile.write(b"x" * 65_536)
            case "drip":
                self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
                for _ in range(100):
                    self.wfile.write(b"x")
                    self.wfile.flush()
                    time.sleep(0.05)
            case "hang":
                time.sleep(5)


@contextmanager
def receivers(*kinds):
    servers = [Receiver(kind) for kind in kinds]
    for server in servers:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield servers
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()


@pytest.fixture
def inner_targets(settings):
    settings.WEBHOOK_ALLOW_HTTP = True
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]


def run(one: sender.Sender, until, seconds=15.0):
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, "not in time"
        one.step()


@pytest.mark.alone
@pytest.mark.django_db(transaction=True)
def test_receivers_that_misbehave_hold_up_nobody_else(inner_targets, monkeypatch):
    monkeypatch.setattr("config.webhooks.sending.DEADLINE", 1.0)
    project = ProjectFactory()
    kinds = ("hang", "drip", "endless", "redirect", "error", "reset", "healthy")
    with receivers(*kinds) as servers:
        hooks = {
            server.kind: webhook(project, "customer.created", url=f"http://127.0.0.1:{server.server_address[1]}/hook")
            for server in servers
        }
        outbox.record_many(project, [happening()] * 20)
        healthy = servers[-1]
        began = time.monotonic()
        one = sender.Sender(instants.now)
        run(one, lambda: len(healthy.bodies) == 20, seconds=3.0)
        assert time.monotonic() - began < 3.0
        rest = Delivery.objects.exclude(webhook=hooks["healthy"])
        run(one, lambda: not rest.filter(last_at=None).exists(), seconds=20.0)
    errors = {
        kind: sorted(set(Delivery.objects.filter(webhook=hook).values_list("last_status", "last_error")))
        for kind, hook in hooks.items()
    }
    assert errors["healthy"] == [(200, "")]
    assert errors["error"] == [(500, "")]
    assert errors["redirect"] == [(302, "")]
    assert errors["endless"] == [(200, "")], "64 kB are enough"
    assert errors["hang"] == [(None, "no answer within 1 seconds")]
    assert errors["drip"] == [(None, "no answer within 1 seconds")]
    assert {status for status, _ in errors["reset"]} == {None}
    assert set(Delivery.objects.filter(webhook=hooks["error"]).values_list("last_answer", flat=True)) == {"no!"}
    assert not Delivery.objects.filter(webhook=hooks["hang"], state="DELIVERED").exists()


@pytest.mark.alone
@pytest.mark.django_db(transaction=True)
def test_what_arrives_is_signed_and_keeps_its_id_at_every_attempt(inner_targets):
    project = ProjectFactory(webhook_token=encryption.encrypt("secretKey"))
    with receivers("error") as [server]:
        webhook(
            project,
            "customer.created",
            url=f"http://127.0.0.1:{server.server_address[1]}/a?b=c",
            headers={"X-Shop": "1"},
        )
        outbox.record(project, happening())
        one = sender.Sender(instants.now)
        run(one, lambda: len(server.bodies) == 1)
        run(one, lambda: Delivery.objects.get().last_status == 500)
        Delivery.objects.update(next_at=AT)
        run(one, lambda: len(server.bodies) == 2)
        run(one, lambda: Delivery.objects.filter(attempts=2, next_at__gt=AT).exists())
    assert server.bodies[0] == server.bodies[1]
    head = dict(line.split(": ", 1) for line in server.heads[0].split("\r\n")[1:] if line)
    assert server.heads[0].startswith("POST /a?b=c HTTP/1.1")
    assert head["x-voucherify-signature"] == signatures.signature("secretKey", server.bodies[0])
    assert (head["X-Shop"], head["Content-Type"]) == ("1", "application/json")
    assert head["webhook-id"] == json.loads(server.bodies[0])["id"]


@pytest.mark.alone
@pytest.mark.django_db(transaction=True)
def test_a_sender_that_dies_loses_nothing(inner_targets, monkeypatch):
    project = ProjectFactory()
    with receivers("healthy") as [server]:
        webhook(project, "customer.created", url=f"http://127.0.0.1:{server.server_address[1]}/")
        outbox.record_many(project, [happening()] * 60)
        dying = sender.Sender(instants.now)
        dying.step()  # takes some, and is never asked again: what came back is lost with it
        assert Delivery.objects.filter(attempts=1).exists()
        Delivery.objects.update(next_at=AT)  # its claims end
        run(sender.Sender(instants.now), lambda: Delivery.objects.filter(state="DELIVERED").count() == 60)
    arrived = {json.loads(body)["id"] for body in server.bodies}
    assert arrived == set(Delivery.objects.values_list("public_id", flat=True))
    assert Webhook.objects.get().active

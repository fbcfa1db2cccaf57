"""Audited writes of one project do not wait for each other; only who seals waits for who seals."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections, transaction

from config.project import audit
from config.project.models import AuditEntry, AuditLink, AuditPending, Project
from tests.concurrency.threads import at_once
from tests.factories import NOW, make_shop

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.alone]


def record(project, number):
    return audit.record(
        project=project, actor=audit.SYSTEM, action="customer.changed", object_type="customer",
        object_id=f"cust_{number}", at=NOW, channel="api",
    )  # fmt: skip


def in_a_thread(work):
    """The outcome of `work` on a connection of its own; TimeoutError where it waits for somebody."""

    def run():
        try:
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result(timeout=10)


def test_a_second_audited_write_ends_while_the_first_is_still_open():
    shop = make_shop()
    with transaction.atomic():
        record(shop.project, 1)
        answer = in_a_thread(lambda: shop.server().post("/v1/customers", {"source_id": "ann"}).status_code)
        assert answer == 200
        assert in_a_thread(AuditEntry.objects.count) == 1
    assert AuditEntry.objects.count() == 2
    assert audit.verify(shop.project) is None


def test_a_lock_held_to_the_commit_would_make_it_wait():
    """The control: with the chain's lock taken by the writer, as it was, the second one waits."""
    shop = make_shop()

    def locked():
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s, 0)", [audit.LOCK])
            return cursor.fetchone()[0]

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, 0)", [audit.LOCK])
        assert in_a_thread(locked) is False
        assert in_a_thread(audit.seal_some) is False
        assert in_a_thread(lambda: record(Project.objects.get(pk=shop.project.pk), 1).pk) is not None


def test_an_entry_that_commits_late_is_chained_after_those_before_it():
    project = make_shop().project
    with transaction.atomic():
        late = record(project, 1)
        early = in_a_thread(lambda: record(project, 2))
        assert in_a_thread(audit.seal) == 1
    assert audit.seal() == 1
    assert [AuditLink.objects.get(entry=entry).number for entry in (early, late)] == [1, 2]
    assert audit.verify(project) is None


def test_many_writers_and_two_sealers_make_one_whole_chain():
    shop = make_shop()
    done = threading.Event()

    def work(index):
        if index < 2:
            while not done.is_set():
                audit.seal_some()
            return "sealed"
        try:
            for number in range(20):
                record(shop.project, 100 * index + number)
        finally:
            if index == 7:
                done.set()
        return "written"

    assert at_once(8, work) == {"written": 6, "sealed": 2}
    assert audit.verify(shop.project) is None
    assert (AuditLink.objects.count(), AuditPending.objects.count()) == (120, 0)

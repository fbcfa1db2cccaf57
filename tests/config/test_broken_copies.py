"""A connection that breaks under COPY is a broken connection like any other (reliability, T2 and T5)."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection, transaction

from config.api.errors import answer_database
from config.exports import writer
from config.jobs import runner
from config.jobs.models import AsyncAction
from customers import services as customers
from customers.models import Customer
from customers.payloads import CustomerData
from customers.services import loading
from tests.factories import NOW, make_project, make_voucher
from vouchers.models import Voucher
from vouchers.services import campaigns, generation, minting

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.alone]
MANY = [CustomerData(source_id=f"crm-{number}") for number in range(loading.COPY_FROM)]


def end_it() -> None:
    """The server ends this test's connection."""
    connection.ensure_connection()
    pid = connection.connection.info.backend_pid
    with psycopg.connect(**(connection.get_connection_params() | {"cursor_factory": None})) as other:
        other.autocommit = True
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


def broken(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> None:
    """Break the connection once, right before the rows are sent."""
    real = getattr(module, name)

    def breaking(*args: Any, **kwargs: Any) -> Any:
        monkeypatch.setattr(module, name, real)
        end_it()
        return real(*args, **kwargs)

    monkeypatch.setattr(module, name, breaking)


def test_rows_that_are_brought_in_by_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    project = make_project()
    broken(monkeypatch, loading, "copy_text")
    with pytest.raises(OperationalError) as lost, transaction.atomic():
        customers.upsert_many(project=project, rows=MANY, at=NOW)
    answer = answer_database(lost.value)
    assert answer is not None and answer[1] == 503
    connection.close_if_unusable_or_obsolete()
    assert not Customer.objects.exists()
    assert customers.upsert_many(project=project, rows=MANY, at=NOW).created == len(MANY)


def test_rows_that_are_read_by_copy() -> None:
    make_voucher(code="ONE")
    with pytest.raises(OperationalError) as lost:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        end_it()
        list(writer._copy(Voucher.objects.values_list("code")))
    answer = answer_database(lost.value)
    assert answer is not None and answer[1] == 503
    connection.close_if_unusable_or_obsolete()
    assert b"".join(writer._copy(Voucher.objects.values_list("code"))) == b"ONE\n"


def test_codes_that_are_made_go_on_with_the_next_attempt_of_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    voucher = {"type": "DISCOUNT_VOUCHER", "discount": {"type": "AMOUNT", "amount_off": 5}}
    campaigns.create(project=make_project(), data={"name": "C", "vouchers_count": 30, "voucher": voucher}, at=NOW)
    action = AsyncAction.objects.get()
    body = runner._functions["vouchers.generate_codes"]
    monkeypatch.setattr(generation, "BATCH", 20)
    broken(monkeypatch, minting, "_copy")
    with pytest.raises(OperationalError):
        runner.run(body, action_id=action.pk)
    connection.close_if_unusable_or_obsolete()
    action.refresh_from_db()
    assert (action.status, action.failure, Voucher.objects.count()) == ("IN_PROGRESS", "", 0)
    runner.run(body, action_id=action.pk)
    action.refresh_from_db()
    assert (action.status, Voucher.objects.count()) == ("DONE", 30)

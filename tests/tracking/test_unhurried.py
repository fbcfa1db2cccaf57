"""Events that nobody waits for: gathered, written together, and kept while the database is away."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.db import OperationalError

from tests.factories import NOW, make_customer, make_project
from tracking.models import Event, TrackingIdentity, ValidationTally
from tracking.models.tallies import quarter_of
from tracking.services import unhurried

pytestmark = pytest.mark.django_db(transaction=True)


def row(number: int, customer: int | None = None) -> tuple[Any, ...]:
    return (
        *(make_project().pk, f"evcus_{number}", "customer.validation.failed", customer, f"track_{number}"),
        *('{"n":"é"}', "{}", "v-1", NOW.isoformat()),
    )


@pytest.fixture
def gathering(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a web process, but the test is the thread that writes."""
    settings.GATHER_EVENTS = True
    monkeypatch.setattr(unhurried, "_start", lambda: None)


def test_what_was_gathered_is_written_with_one_statement(gathering: None, django_assert_num_queries: Any) -> None:
    customer = make_customer()
    rows = [row(1, customer.pk), row(2)]
    for one in rows:
        unhurried.add(one)
    assert Event.objects.count() == 0
    with django_assert_num_queries(1):
        unhurried.flush()
    found = Event.objects.order_by("pk").values_list("public_id", "customer_id", "token", "data", "created_at")
    assert list(found) == [
        ("evcus_1", customer.pk, "track_1", {"n": "é"}, NOW),
        ("evcus_2", None, "track_2", {"n": "é"}, NOW),
    ]


def test_events_wait_for_a_database_that_is_away_in_their_order(
    gathering: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        unhurried.add(row(number))
    with monkeypatch.context() as patch:

        def away(rows: Any) -> None:
            raise OperationalError("gone")

        patch.setattr(unhurried, "write", away)
        patch.setattr(unhurried, "PATIENCE", 0)
        unhurried._drain()
        assert Event.objects.count() == 0
    unhurried.flush()
    assert list(Event.objects.order_by("pk").values_list("public_id", flat=True)) == ["evcus_0", "evcus_1", "evcus_2"]


def test_when_too_many_wait_one_writes_its_own(gathering: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unhurried, "MOST", 1)
    unhurried.add(row(1))
    unhurried.add(row(2))
    assert Event.objects.get().public_id == "evcus_2"
    unhurried.flush()
    assert Event.objects.count() == 2


def test_what_was_gathered_of_a_visitor_who_became_a_customer_is_the_customers(gathering: None) -> None:
    customer, gone = make_customer(source_id="nora"), make_customer(source_id="gone", deleted_at=NOW)
    for number in range(3):
        unhurried.add(row(number))
    for number, whose in ((0, customer), (1, gone)):
        TrackingIdentity.objects.create(
            project=customer.project, token=f"track_{number}", customer=whose, created_at=NOW, last_seen_at=NOW
        )
    unhurried.flush()
    assert list(Event.objects.order_by("pk").values_list("customer_id", "token")) == [
        (customer.pk, ""),
        (None, "track_1"),
        (None, "track_2"),
    ]


def test_tallies_are_added_up_with_the_events_and_without_one(gathering: None, django_assert_num_queries: Any) -> None:
    later, silent = NOW.replace(minute=59, second=59).isoformat(), (*row(2)[:2], "", *row(2)[3:])
    for one in (
        (*row(1), [(7, True), (8, False)], 7, "DISCOUNT_COUPONS"),
        (*silent, [(7, True)], None, ""),
        (*silent[:8], later, [(7, False)], None, ""),
        row(3),
    ):
        unhurried.add(one)
    with django_assert_num_queries(1):
        unhurried.flush()
    assert list(Event.objects.order_by("pk").values_list("public_id", "campaign_id", "campaign_type")) == [
        ("evcus_1", 7, "DISCOUNT_COUPONS"),
        ("evcus_3", None, ""),
    ]
    unhurried.write([(*silent, [(7, False)], None, "")])
    assert list(
        ValidationTally.objects.order_by("campaign_id", "quarter").values_list(
            "campaign_id", "quarter", "succeeded", "failed"
        )
    ) == [(7, quarter_of(NOW), 2, 1), (7, NOW.replace(minute=45, second=0), 0, 1), (8, quarter_of(NOW), 0, 1)]


@pytest.mark.parametrize(
    ("at", "begins"), [("10:00:00", "10:00"), ("10:14:59.999", "10:00"), ("10:15:00", "10:15"), ("23:59:59", "23:45")]
)
def test_the_quarter_of_an_instant(at: str, begins: str) -> None:
    moment = datetime.fromisoformat(f"2026-02-03T{at}+00:00")
    assert quarter_of(moment) == datetime.fromisoformat(f"2026-02-03T{begins}:00+00:00")

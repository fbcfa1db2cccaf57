"""Events that nobody waits for: gathered, written together, and kept while the database is away."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError

from tests.factories import NOW, make_customer, make_project
from tracking.models import Event
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

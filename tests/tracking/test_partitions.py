import itertools
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from config.project.models import Project
from tracking.models import Event
from tracking.services import partitions

pytestmark = pytest.mark.django_db

FAR = datetime(2041, 11, 15, 12, tzinfo=UTC)


def test_months_cross_the_year_and_meet():
    found = list(partitions.months(datetime(2026, 12, 31, 23, 59, tzinfo=UTC)))
    assert [start.strftime("%Y-%m") for start, _ in found] == [
        *("2026-09", "2026-10", "2026-11", "2026-12", "2027-01", "2027-02", "2027-03")
    ]
    assert all(end == following for (_, end), (following, _) in itertools.pairwise(found))


def test_migrate_has_left_the_months_around_now_in_place():
    assert partitions.ensure_partitions(at=datetime.now(UTC)) == []


def test_missing_months_are_made_once_and_take_their_rows():
    made = partitions.ensure_partitions(at=FAR)
    assert made == [f"tracking_event_{month}" for month in
                    ("2041_08", "2041_09", "2041_10", "2041_11", "2041_12", "2042_01", "2042_02")]  # fmt: skip
    assert partitions.ensure_partitions(at=FAR + timedelta(days=1)) == []
    assert where(event(FAR)) == "tracking_event_2041_11"
    assert where(event(datetime(2041, 12, 1, tzinfo=UTC))) == "tracking_event_2041_12"
    assert not partitions.rows_in_default()


def test_indexes_reach_new_months():
    partitions.ensure_partitions(at=FAR)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_indexes WHERE tablename = 'tracking_event_2041_11'")
        assert cursor.fetchone()[0] == 6


def test_a_month_with_rows_in_the_default_partition_is_left_out_and_reported(caplog):
    assert where(event(FAR)) == "tracking_event_default"
    made = partitions.ensure_partitions(at=FAR)
    assert "tracking_event_2041_11" not in made
    assert len(made) == 6
    assert "2041-11" in caplog.text
    assert partitions.rows_in_default()


def event(at: datetime) -> Event:
    project, _ = Project.objects.get_or_create(name="p", defaults={"created_at": at})
    return Event.objects.create(project=project, type="customer.created", created_at=at)


def where(row: Event) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM tracking_event WHERE id = %s", [row.pk])
        return cursor.fetchone()[0]

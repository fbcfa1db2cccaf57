"""Daily sums: each attempt once, in the day of the project's zone, and exact whenever one looks."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from tests.dashboard.rows import make_redemption
from tests.factories import NOW, CampaignFactory, make_project
from vouchers import reports
from vouchers.models import DailyUse, Redemption
from vouchers.services import usage

pytestmark = pytest.mark.django_db


def test_every_attempt_is_added_once_however_often_it_runs():
    project = make_project(timezone="Europe/Berlin")
    for hours in range(0, 24 * 20, 5):
        make_redemption(project, created_at=NOW - timedelta(hours=hours), discount_amount=10, order_amount=100)
    usage.follow(at=NOW)
    usage.follow(at=NOW)
    make_redemption(project, created_at=NOW - timedelta(seconds=30), discount_amount=10)
    usage.follow(at=NOW + timedelta(minutes=5))
    found = reports.usage_between(project=project, first=date(2025, 12, 1), last=date(2026, 2, 3), at=NOW)
    total = found.total(found.first, found.last)
    assert total.succeeded == Redemption.objects.count() == 97
    assert total.discount == 970
    assert sum(DailyUse.objects.values_list("succeeded", flat=True)) == 97


def test_days_are_those_of_the_projects_zone_and_follow_it():
    project = make_project(timezone="Europe/Berlin")
    make_redemption(project, created_at=NOW.replace(hour=23, minute=30))
    usage.follow(at=NOW + timedelta(days=1))
    assert DailyUse.objects.get().day == date(2026, 2, 4)
    project.timezone = "America/New_York"
    project.save(update_fields=["timezone"])
    found = reports.usage_between(project=project, first=date(2026, 2, 1), last=date(2026, 2, 5), at=NOW)
    assert list(found.days) == [date(2026, 2, 3)]
    usage.follow(at=NOW + timedelta(days=1))
    assert DailyUse.objects.get().day == date(2026, 2, 3)


def test_a_stack_counts_its_codes_and_the_order_once():
    project = make_project()
    parent = make_redemption(
        project, related_object_type="redemption", order_amount=5000, discount_amount=1500, code=""
    )
    for amount in (500, 1000):
        make_redemption(project, parent=parent, order_amount=5000, discount_amount=amount)
    found = reports.usage_between(project=project, first=date(2026, 2, 3), last=date(2026, 2, 3), at=NOW)
    total = found.total(found.first, found.last)
    assert (total.succeeded, total.discount, total.revenue) == (2, 1500, 3500)


def test_a_rollback_takes_discount_and_revenue_back():
    project = make_project()
    campaign = CampaignFactory.create(project=project)
    row = make_redemption(project, order_amount=5000, discount_amount=500, campaign=campaign, status="ROLLED_BACK")
    make_redemption(
        project, kind="redemption_rollback", rolls_back=row, campaign=campaign, discount_amount=-500, order_amount=5000
    )
    sums = reports.usage_of(project=project, campaigns=[campaign], at=NOW)[campaign.pk]
    assert (sums.succeeded, sums.rolled_back, sums.discount, sums.revenue) == (1, 1, 0, 0)

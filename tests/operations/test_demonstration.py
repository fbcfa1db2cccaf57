"""The demonstration data: made through the services, true to its counters, and not made twice."""

from __future__ import annotations

import csv
import io
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import Count

from config.jobs.models import AsyncAction
from config.operations import demonstration
from config.operations.demonstration import offers, people, story
from customers.models import Customer
from segments import services as segments
from segments.models import Segment
from tests.factories import make_shop
from tracking.models import Order
from vouchers.models import Redemption, Voucher

AT = datetime(2026, 2, 3, 10, 0, tzinfo=UTC)


def test_the_people_are_the_same_at_every_call_and_nobody_twice():
    rows = list(csv.DictReader(io.StringIO(people.csv_file().decode())))
    assert people.csv_file() == people.csv_file()
    assert len(rows) == people.COUNT == len({row["Source_id"] for row in rows}) == len({row["Name"] for row in rows})
    assert {row["Email"].partition("@")[2] for row in rows} == {"example.com", ""}
    assert [person.source_id for person in people.people()] == [row["Source_id"] for row in rows]


def test_the_story_is_in_order_and_in_the_past():
    visits = list(story.visits(people.people(), AT))
    instants = [visit.at for visit in visits]
    assert instants == sorted(instants)
    assert AT - timedelta(days=story.DAYS + 1) < instants[0]
    assert instants[-1] < AT
    assert {visit.body["redeemables"][0]["id"] for visit in visits} >= {offers.CORP, offers.SUMMER, *offers.GIFTS}


@pytest.mark.slow
def test_the_shop_fills_with_redemptions_and_refusals_and_is_not_filled_twice(db, data_folder, monkeypatch):
    monkeypatch.setattr(story, "DAYS", 30)
    project = make_shop().project
    demonstration.fill(project, at=AT)

    assert Customer.objects.of(project).count() == people.COUNT
    assert set(AsyncAction.objects.of(project).values_list("status", flat=True)) == {"DONE"}
    assert not Customer.objects.of(project).filter(created_at__gt=AT - timedelta(days=story.DAYS)).exists()
    found = Counter(Redemption.objects.of(project).values_list("result", "failure_code"))
    assert found["SUCCESS", ""] > 50
    assert {"order_rules_violated", "customer_rules_violated", "voucher_expired"} <= {key for _, key in found}
    kept = Redemption.objects.of(project).filter(kind="redemption", status="SUCCEEDED")
    returned = Redemption.objects.of(project).filter(kind="redemption_rollback", result="SUCCESS")
    assert Order.objects.of(project).filter(status="PAID").count() == kept.count()
    assert returned.count() >= 1
    assert kept.filter(promotion_tier__isnull=False).exists()
    assert Voucher.objects.of(project).filter(holder__isnull=False).count() == 12
    codes = Voucher.objects.of(project).values_list("campaign__name").annotate(number=Count("pk"))
    assert dict(codes)["Thank you, regulars"] == 150

    corporate = Segment.objects.of(project).get(name=offers.CORPORATE["name"])
    members = list(segments.members(corporate, AT))
    assert members
    assert all(one.state == "California" and one.metadata["customer_type"] == "Corporate" for one in members)
    buyers = (
        Redemption.objects.of(project).filter(code=offers.CORP, result="SUCCESS").values_list("customer_id", flat=True)
    )
    assert set(buyers) <= {one.pk for one in members}

    for voucher in Voucher.objects.of(project):
        assert voucher.redeemed_quantity == voucher.redemptions.filter(kind="redemption", status="SUCCEEDED").count()
    for customer in Customer.objects.of(project):
        orders = customer.orders.filter(status="PAID")
        assert customer.orders_total_count == orders.count()
        done = customer.redemptions.filter(result="SUCCESS", kind="redemption")
        assert customer.redemptions_succeeded == done.count()

    before = [model.objects.of(project).count() for model in (Customer, Segment, Voucher, Redemption, Order)]
    demonstration.fill(project, at=AT)
    assert [model.objects.of(project).count() for model in (Customer, Segment, Voucher, Redemption, Order)] == before

"""Limits read sums and what came since: always what a count of the redemptions in force would say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.project.models import Project
from tests.dashboard.rows import make_redemption
from tests.factories import NOW, CampaignFactory, make_project, make_rule, make_voucher
from tracking.models import Order
from vouchers.engine.terms import Count
from vouchers.models import Campaign, LimitDay, LimitSums, Redemption
from vouchers.services import counts, limit_sums, validation_rules
from vouchers.services.channels import Channel

pytestmark = pytest.mark.django_db
KEY, USER = Channel("API", "app-1"), Channel("USER", "ann")
AT = NOW + timedelta(days=40)
"""Everything of these histories has happened by then, in the zone of the project and in that of the test."""


@pytest.fixture
def campaign() -> Campaign:
    row: Campaign = CampaignFactory.create(project=make_project(timezone="Europe/Berlin"))
    return row


def wanted(campaign: Campaign) -> list[Count]:
    subject = campaign.public_id
    sums = [Count(subject, what) for what in ("redemptions", "orders_amount", "discount_amount", "gift_amount")]
    periods = [Count(subject, period=period) for period in ("daily", "weekly", "monthly")]
    return [*sums, *periods, Count(subject, by="api_key"), Count(subject, by="user")]


def read(campaign: Campaign, at: datetime, channel: Channel = KEY, watch: bool = False) -> dict[Count, int]:
    subjects = counts.Subjects({}, {}, {campaign.public_id: campaign.pk})
    return counts.read(
        project=campaign.project,
        wanted=wanted(campaign),
        subjects=subjects,
        customer=None,
        channel=channel,
        at=at,
        watch=watch,
    )


def facts(campaign: Campaign, at: datetime, channel: Channel) -> dict[Count, int]:
    """The same in plain Python, from every row."""
    rows = [row for row in Redemption.objects.filter(campaign=campaign) if row.status == "SUCCEEDED"]
    rows = [row for row in rows if row.kind == "redemption"]
    orders: dict[int, int] = {}
    for row in rows:
        key = row.order_id or -row.pk
        orders[key] = max(orders.get(key, 0), row.order_amount or 0)
    found = dict.fromkeys(wanted(campaign), 0)
    for count in found:
        own = rows
        if count.period:
            start = counts.start_of(count.period, at, counts.ZoneInfo(campaign.project.timezone))
            own = [row for row in own if row.created_at >= start]
        if count.by:
            meant = (channel.type, channel.id) if (channel.type == "USER") is (count.by == "user") else None
            own = [row for row in own if (row.channel_type, row.channel_id) == meant]
        found[count] = {
            "redemptions": len(own),
            "discount_amount": sum(row.discount_amount for row in own),
            "gift_amount": sum(row.amount or 0 for row in own),
            "orders_amount": sum(orders.values()),
        }[count.what]
    return found


def play(campaign: Campaign, step: tuple[Any, ...], at: datetime) -> None:
    project: Project = campaign.project
    match step:
        case ("redeem", order, amount, credits, channel):
            values = {"public_id": f"ord_{order}", "amount": 1000}
            row = (
                None
                if order is None
                else Order.objects.get_or_create(project=project, **values, defaults={"created_at": at})[0]
            )
            make_redemption(
                project, campaign=campaign, order=row, order_amount=amount, amount=credits, discount_amount=7,
                channel_type=channel.type, channel_id=channel.id, created_at=at,
            )  # fmt: skip
        case ("refuse",):
            make_redemption(project, campaign=campaign, failure_code="voucher_expired", created_at=at)
        case ("roll back", index):
            rows = list(Redemption.objects.filter(kind="redemption", status="SUCCEEDED").order_by("pk"))
            if rows:
                row = rows[index % len(rows)]
                make_redemption(
                    project, kind="redemption_rollback", rolls_back=row, campaign=campaign, order=row.order,
                    discount_amount=-7, order_amount=row.order_amount, channel_type="API", channel_id="other",
                    amount=None if row.amount is None else -row.amount, created_at=at,
                )  # fmt: skip
                Redemption.objects.filter(pk=row.pk).update(status="ROLLED_BACK")
        case ("sum", minutes):
            for sums in LimitSums.objects.all():
                limit_sums.add(sums.pk, at=at + timedelta(minutes=minutes))


steps = st.one_of(
    st.tuples(
        st.just("redeem"),
        st.sampled_from((None, 1, 2)),
        st.sampled_from((None, 0, 500, 900)),
        st.sampled_from((None, 0, 300)),
        st.sampled_from((KEY, USER)),
    ),
    st.tuples(st.just("refuse")),
    st.tuples(st.just("roll back"), st.integers(0, 9)),
    st.tuples(st.just("sum"), st.sampled_from((0, 1))),
)


def test_sums_and_what_came_since_are_what_a_count_says(campaign: Campaign) -> None:
    limit_sums.watch(project=campaign.project, subjects=[("campaign_id", campaign.pk)])
    start = datetime(2026, 2, 28, 20, tzinfo=UTC)
    seen: set[bool] = set()

    @settings(max_examples=120, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(history=st.lists(steps, max_size=14), minutes=st.sampled_from((1, 45, 600)))
    def check(history: list[tuple[Any, ...]], minutes: int) -> None:
        with transaction.atomic():
            at = start
            for step in history:
                at += timedelta(minutes=minutes)
                play(campaign, step, at)
                for channel in (KEY, USER):
                    assert read(campaign, at, channel) == facts(campaign, at, channel)
            seen.add(LimitDay.objects.exists())
            transaction.set_rollback(True)

    check()
    assert seen == {True, False}


def test_what_is_summed_is_not_read_again(campaign: Campaign) -> None:
    for number in range(5):
        make_redemption(campaign.project, campaign=campaign, created_at=NOW + timedelta(minutes=number))
    limit_sums.watch(project=campaign.project, subjects=[("campaign_id", campaign.pk)])
    before = read(campaign, AT)
    assert limit_sums.follow(at=AT) == 1
    Redemption.objects.filter(created_at__lt=NOW + timedelta(minutes=3)).update(campaign=None)
    assert read(campaign, AT) == before
    assert limit_sums.follow(at=AT + timedelta(hours=1)) == 0, "too little has come since"
    limit_sums.forget(project=campaign.project)
    assert read(campaign, AT)[Count(campaign.public_id)] == 2


def test_another_zone_begins_anew(campaign: Campaign) -> None:
    make_redemption(campaign.project, campaign=campaign, created_at=AT.replace(hour=23, minute=30))
    limit_sums.watch(project=campaign.project, subjects=[("campaign_id", campaign.pk)])
    limit_sums.follow(at=AT + timedelta(days=1))
    first = LimitDay.objects.get().day
    campaign.project.timezone = "America/New_York"
    campaign.project.save(update_fields=["timezone"])
    assert read(campaign, AT + timedelta(days=1))[Count(campaign.public_id)] == 1
    limit_sums.follow(at=AT + timedelta(days=1))
    assert LimitDay.objects.get().day == first - timedelta(days=1)
    assert LimitSums.objects.get().timezone == "America/New_York"


def test_only_what_is_redeemed_often_is_summed(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limit_sums, "WORTH", 3)
    for _ in range(3):
        make_redemption(campaign.project, campaign=campaign)
    read(campaign, AT, watch=True)
    assert not LimitSums.objects.exists()
    make_redemption(campaign.project, campaign=campaign)
    read(campaign, AT)
    assert not LimitSums.objects.exists(), "a validation writes nothing"
    read(campaign, AT, watch=True)
    row = LimitSums.objects.get()
    assert (row.subject, row.subject_id, row.through) == ("campaign_id", campaign.pk, None)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        read(campaign, AT, watch=True)
    assert len(queries) == 1


def test_a_rule_that_comes_late_has_its_campaign_summed(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limit_sums, "WORTH", 3)
    few = CampaignFactory.create(project=campaign.project)
    rule = make_rule(project=campaign.project)
    for _ in range(4):
        make_redemption(campaign.project, campaign=campaign)
    for row in (campaign, few):
        validation_rules.assign(
            project=campaign.project,
            rule=rule,
            related_object_type="campaign",
            related_object_id=row.public_id,
            at=NOW,
        )
    voucher = make_voucher(project=campaign.project)
    validation_rules.assign(project=campaign.project, rule=rule, related_object_id=voucher.public_id, at=NOW)
    assert [row.subject_id for row in LimitSums.objects.all()] == [campaign.pk]

"""Limits that rules count, under many hands at once: for each customer, and for a campaign (reliability, T1)."""

from __future__ import annotations

import itertools
import threading
from datetime import timedelta
from typing import Any

import pytest

from config.project.models import Project
from tests.concurrency.test_redemptions import AT, redeem_once
from tests.concurrency.threads import at_once
from tests.dashboard.rows import make_redemption
from tests.factories import CampaignFactory, RuleAssignmentFactory, make_customer, make_project, make_rule, make_voucher
from vouchers.models import Campaign, Redemption, Voucher
from vouchers.services import candidates, counts, limit_sums

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.alone, pytest.mark.slow]
THREADS = 50
TOGETHER = 4
ONCE_EACH = {"1": {"name": "redemption.count.per_customer", "conditions": {"$less_than_or_equal": [1]}}}
TEN_IN_ALL = {"1": {"name": "campaign.redemptions.count", "conditions": {"$less_than_or_equal": [10]}}}


def once_each() -> Project:
    """A code without a limit of its own that every customer may redeem once."""
    project = make_project()
    make_customer(project=project, source_id="c-1")
    make_rule(make_voucher(project=project, code="CODE"), rules=ONCE_EACH)
    return project


def campaign_of(codes: int) -> Campaign:
    """Codes of a campaign that may be redeemed ten times in all."""
    campaign: Campaign = CampaignFactory.create()
    for number in range(codes):
        make_voucher(project=campaign.project, campaign=campaign, code=f"CODE-{number}")
    RuleAssignmentFactory.create(
        rule=make_rule(project=campaign.project, rules=TEN_IN_ALL),
        campaign=campaign,
        related_object_type="campaign",
        related_object_id=campaign.public_id,
    )
    return campaign


def test_one_customer_redeems_once_however_often_it_is_tried_at_once() -> None:
    project = once_each()
    assert at_once(THREADS, lambda _: redeem_once(project, 1)) == {
        "redeemed": 1,
        "redemption_rules_violated": THREADS - 1,
    }
    assert Redemption.objects.filter(result="SUCCESS").count() == Voucher.objects.get().redeemed_quantity == 1


def test_every_customer_redeems_once() -> None:
    project = once_each()
    outcomes = at_once(THREADS, lambda index: redeem_once(project, index % 5))
    assert outcomes == {"redeemed": 5, "redemption_rules_violated": THREADS - 5}


def test_a_campaign_gives_as_many_as_it_may_whichever_codes_are_tried() -> None:
    campaign = campaign_of(20)
    outcomes = at_once(THREADS, lambda index: redeem_once(campaign.project, index, f"CODE-{index % 20}"))
    assert outcomes == {"redeemed": 10, "redemption_rules_violated": THREADS - 10}


def test_a_limit_holds_while_its_sums_are_made_and_dropped() -> None:
    campaign = campaign_of(20)
    for number in range(6):
        make_redemption(campaign.project, campaign=campaign, created_at=AT - timedelta(hours=number + 1))
    limit_sums.watch(project=campaign.project, subjects=[("campaign_id", campaign.pk)])

    def work(index: int) -> str:
        if index % 5 == 0:
            limit_sums.follow(at=AT)
            return "summed"
        if index % 5 == 1:
            limit_sums.forget(project=campaign.project)
            return "forgotten"
        return redeem_once(campaign.project, index, f"CODE-{index % 20}")

    outcomes = at_once(THREADS, work)
    assert outcomes["redeemed"] == 4
    assert outcomes["redemption_rules_violated"] == THREADS * 3 // 5 - 4


def test_control_without_the_lock_of_the_voucher_a_customer_redeems_more_than_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    project, together, first = once_each(), threading.Barrier(TOGETHER), itertools.count()
    write = counts.read

    def unlocked(project: Project, keys: dict[str, str], customer_id: int | None) -> list[Voucher]:
        return candidates.matching(project, keys)

    def read(*args: Any, **kwargs: Any) -> Any:
        found = write(*args, **kwargs)
        if next(first) < TOGETHER:
            together.wait(timeout=30)
        return found

    monkeypatch.setattr(candidates, "locked", unlocked)
    monkeypatch.setattr(counts, "read", read)
    assert at_once(20, lambda _: redeem_once(project, 1))["redeemed"] > 1

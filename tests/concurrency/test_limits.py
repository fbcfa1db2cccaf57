"""Limits of validation rules under a race: they count under a lock, so exactly as many pass as are allowed (T1).

Codes of a campaign are different rows: what serialises them is the customer's row, or the campaign's.
"""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from config.project.models import Project
from tests.concurrency.threads import at_once
from tests.factories import NOW, CampaignFactory, make_customer, make_project, make_rule, make_voucher
from vouchers.errors import VoucherRefused
from vouchers.models import Redemption, RuleAssignment
from vouchers.payloads import parse_stackable
from vouchers.services import counts, redemptions

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.alone, pytest.mark.slow]
AT = NOW + timedelta(days=1)
THREADS = 50
TOGETHER = 4
REFUSED = "redemption_rules_violated"


def campaign_with(project: Project, name: str, most: int) -> None:
    """A campaign with a code for each thread, and a rule."""
    campaign = CampaignFactory(project=project)
    rule = make_rule(project=project, rules={"1": {"name": name, "conditions": {"$less_than_or_equal": [most]}}})
    RuleAssignment.objects.create(
        project=project,
        rule=rule,
        campaign=campaign,
        related_object_type="campaign",
        related_object_id=campaign.public_id,
        created_at=NOW,
    )
    for index in range(THREADS):
        make_voucher(project=project, campaign=campaign, code=f"CODE-{index}")


def race(project: Project, *, one_customer: bool, threads: int = THREADS) -> Counter[str]:
    def redeem(index: int) -> str:
        customer = {"source_id": "c-0" if one_customer else f"c-{index}"}
        request = parse_stackable(
            {
                "redeemables": [{"object": "voucher", "id": f"CODE-{index}"}],
                "customer": customer,
                "order": {"amount": 1000},
            }
        )
        try:
            redemptions.redeem(project=project, request=request, at=AT)
        except VoucherRefused as refused:
            return refused.key
        return "redeemed"

    return at_once(threads, redeem)


def test_one_customer_gets_as_many_codes_of_a_campaign_as_the_limit_allows() -> None:
    project = make_project()
    make_customer(project=project, source_id="c-0")
    campaign_with(project, "campaign.redemptions.customers_count", 3)
    assert race(project, one_customer=True) == {"redeemed": 3, REFUSED: THREADS - 3}
    assert Redemption.objects.filter(result="SUCCESS").count() == 3


@pytest.mark.parametrize(
    ("name", "most", "passes"),
    [("campaign.redemptions.count", 7, 7), ("campaign.orders.amount_discounted", 550, 5)],
)
def test_a_campaign_gives_no_more_than_its_budget(name: str, most: int, passes: int) -> None:
    project = make_project()
    campaign_with(project, name, most)
    assert race(project, one_customer=False) == {"redeemed": passes, REFUSED: THREADS - passes}
    assert sum(Redemption.objects.filter(result="SUCCESS").values_list("discount_amount", flat=True)) == passes * 100


def test_control_without_the_campaigns_lock_the_budget_is_overdrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    project = make_project()
    campaign_with(project, "campaign.redemptions.count", 1)
    together, first = threading.Barrier(TOGETHER), itertools.count()
    read = counts.read

    def read_together(**wanted: Any) -> Any:
        found = read(**wanted)
        if next(first) < TOGETHER:
            together.wait(timeout=30)
        return found

    monkeypatch.setattr(counts, "lock_campaigns", lambda subjects, wanted: None)
    monkeypatch.setattr(counts, "read", read_together)
    assert race(project, one_customer=False, threads=TOGETHER) == {"redeemed": TOGETHER}

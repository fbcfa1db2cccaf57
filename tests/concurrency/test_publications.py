"""Many customers at once want a code: no code goes to two, and nobody joins twice. Each guard with its control."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import Count

from config.project.models import Project
from tests.concurrency.threads import at_once
from tests.factories import NOW, CampaignFactory, make_project, make_voucher
from vouchers.errors import PublicationRefused
from vouchers.models import Campaign, Publication, Voucher
from vouchers.publishing import parse_publish
from vouchers.services import publications

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.alone, pytest.mark.slow]
AT = NOW + timedelta(days=1)
THREADS = 40
TEMPLATE = {"type": "DISCOUNT_VOUCHER", "discount": {"type": "AMOUNT", "amount_off": 700}}


def one(project: Project, customer: str, join_once: str | None = None, **body: Any) -> str:
    request = parse_publish({"customer": {"source_id": customer}, **body}, join_once=join_once)
    try:
        published = publications.publish(project=project, request=request, at=AT)
    except PublicationRefused as refused:
        return refused.key
    return "repeated" if published.created_at != AT else "published"


def make_campaign(codes: int, **fields: Any) -> Campaign:
    row: Campaign = CampaignFactory.create(name="Camp", voucher=TEMPLATE, vouchers_count=codes, **fields)
    for number in range(codes):
        make_voucher(project=row.project, campaign=row, code=f"C-{number}")
    return row


def given_twice() -> int:
    """Codes that stand in more than one publication."""
    codes = [code for row in Publication.objects.filter(result="SUCCESS") for code in row.codes]
    return len(codes) - len(set(codes))


def test_every_code_goes_to_one_customer() -> None:
    make_campaign(10)
    outcome = at_once(THREADS, lambda index: one(make_project(), f"c-{index}", campaign="Camp"))
    assert outcome["published"] <= 10
    assert set(outcome) <= {"published", "no_voucher_suitable_for_publication"}
    assert given_twice() == 0
    assert Voucher.objects.filter(publish_count=1).count() == outcome["published"]
    assert not Voucher.objects.filter(publish_count__gt=1).exists()


def test_without_the_lock_codes_go_to_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control."""
    together = threading.Barrier(4)

    def unlocked(campaign: Campaign, count: int) -> list[Voucher]:
        rows = list(Voucher.objects.filter(publications.FREE, campaign=campaign).order_by("pk")[:count])
        together.wait(timeout=30)
        return rows

    make_campaign(10)
    monkeypatch.setattr(publications, "free", unlocked)
    at_once(4, lambda index: one(make_project(), f"c-{index}", campaign="Camp"))
    assert given_twice() == 3


def test_a_campaign_that_updates_itself_serves_everybody() -> None:
    row = make_campaign(5, type="AUTO_UPDATE")
    outcome = at_once(THREADS, lambda index: one(make_project(), f"c-{index}", campaign="Camp"))
    assert outcome == {"published": THREADS}
    assert given_twice() == 0
    row.refresh_from_db()
    assert row.vouchers_count == Voucher.objects.count()


def test_one_given_code_goes_once() -> None:
    make_voucher(project=make_project(), code="ONE")
    outcome = at_once(THREADS, lambda index: one(make_project(), f"c-{index}", voucher="ONE"))
    assert outcome == {"published": 1, "voucher_already_published": THREADS - 1}
    assert Voucher.objects.get().publish_count == 1


@pytest.mark.parametrize("join_once", [None, "true"])
def test_one_customer_joins_once(join_once: str | None) -> None:
    make_campaign(THREADS, join_once=True)
    at_once(THREADS, lambda index: one(make_project(), "ada", join_once, campaign="Camp"))
    joined = Publication.objects.filter(result="SUCCESS").values("customer").annotate(n=Count("pk"))
    assert [row["n"] for row in joined] == [1]
    assert Voucher.objects.filter(publish_count=1).count() == 1

"""A tracking id in an address: whatever signs it happens to hold, the profile is found by it."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tests.factories import NOW, make_customer, make_shop
from tracking.models import TrackingIdentity

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("body", ["a" * 31 + "/", "a//" + "b" * 29, "/" + "a" * 31, "a" * 30 + "+/", "+" * 32])
def test_a_kept_token_reads_the_profile(body: str) -> None:
    shop = make_shop()
    customer = make_customer(project=shop.project, source_id="nora")
    TrackingIdentity.objects.create(
        project=shop.project,
        token=f"track_{body}",
        source_id="nora",
        customer=customer,
        created_at=NOW,
        last_seen_at=NOW,
    )
    response = shop.server().get(f"/v1/customers/{quote('track_' + body, safe='')}")
    assert (response.status_code, response.json().get("id")) == (200, customer.public_id)

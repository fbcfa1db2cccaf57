"""A tracking id in an address: whatever signs it happens to hold, the profile is found by it."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from customers.models import Customer
from tests.factories import NOW, Shop, make_customer, make_shop
from tracking.models import TrackingIdentity

pytestmark = pytest.mark.django_db

BODIES = (
    *("a" * 31 + "/", "a//" + "b" * 29, "/" + "a" * 31, "a" * 30 + "+/", "+" * 32, "a" * 31 + "+"),
    *("a" * 30 + "//", "a" * 29 + "///", "//" + "a" * 28 + "//"),
)
BELOW = ("/activity", "/activities", "/segments", "/redeemables")


def _kept(shop: Shop, body: str) -> tuple[str, Customer]:
    customer = make_customer(project=shop.project, source_id="nora")
    token = TrackingIdentity.objects.create(
        project=shop.project,
        token=f"track_{body}",
        source_id="nora",
        customer=customer,
        created_at=NOW,
        last_seen_at=NOW,
    )
    return token.token, customer


@pytest.mark.parametrize("body", BODIES)
def test_a_kept_token_reads_the_profile_and_all_below_it(body: str) -> None:
    shop = make_shop()
    token, customer = _kept(shop, body)
    once = quote(token, safe="")
    for address in (once, quote(once, safe="")):  # some clients encode twice
        for end in ("", "/"):
            response = shop.server().get(f"/v1/customers/{address}{end}")
            assert (response.status_code, response.json().get("id")) == (200, customer.public_id), address
        for below in BELOW:
            assert shop.server().get(f"/v1/customers/{address}{below}").status_code == 200, (address, below)


@pytest.mark.parametrize("body", ["a" * 30 + "//", "a" * 30 + "+/", "+" * 32])
def test_a_kept_token_changes_and_removes_the_profile(body: str) -> None:
    shop = make_shop()
    token, customer = _kept(shop, body)
    address = f"/v1/customers/{quote(token, safe='')}"
    changed = shop.server().put(address, {"name": "Nora"})
    assert (changed.status_code, changed.json()["id"], changed.json()["name"]) == (200, customer.public_id, "Nora")
    assert changed.json()["source_id"] == "nora"
    assert shop.server().delete(address).status_code == 204
    assert Customer.objects.alive().filter(pk=customer.pk).count() == 0

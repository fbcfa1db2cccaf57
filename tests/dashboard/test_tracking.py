"""Orders, products and the feed of events."""

from __future__ import annotations

import pytest
from django.urls import reverse

from config.kernel import instants
from tests.dashboard.rows import make_event, make_order
from tests.factories import ProductFactory, SkuFactory, make_customer, make_project

pytestmark = pytest.mark.django_db


def test_an_order_shows_lines_sums_and_redemptions(marketer, project):
    order = make_order(
        make_customer(project=project, name="Ada Keller"), source_id="o-1", amount=3000, total_discount_amount=300,
        total_amount=2700, items=[{"product": {"name": "Mug"}, "quantity": 2, "price": 1500, "amount": 3000}],
        redemptions={"r_1": {"date": "2026-01-01"}, "r_2": {"date": "2026-01-01", "rollback_id": "rr_1"}},
    )  # fmt: skip
    page = marketer.get(reverse("dashboard:order", args=[order.public_id])).content.decode()
    for word in ("Mug", "€15.00", "€30.00", "−€3.00", "€27.00", "Ada Keller", "Redeemed", "Rolled back"):
        assert word in page


def test_a_product_shows_its_variants(marketer, project):
    product = ProductFactory.create(project=project, name="Mug", price=1500)
    SkuFactory.create(product=product, sku="Red", price=1600)
    page = marketer.get(reverse("dashboard:product", args=[product.public_id])).content.decode()
    for word in ("Mug", "€15.00", "Red", "€16.00"):
        assert word in page


def test_events_are_narrowed_by_type_name_customer_and_day(marketer, project):
    ada = make_customer(project=project, name="Ada", source_id="ada")
    make_event(ada, name="wished", created_at=instants.now())
    make_event(make_customer(project=project, name="Bob"), type="customer.order.paid", created_at=instants.now())
    url = reverse("dashboard:events")
    for query, shown in (
        ({"type": "customer.order.paid"}, ["Order paid"]),
        ({"name": "wished"}, ["“wished”", "not in the event schema"]),
        ({"customer": "ada"}, ["“wished”"]),
        ({"day": "2020-01-01"}, ["Nothing matches"]),
        ({"day": "someday"}, ["This is not a date"]),
    ):
        page = marketer.get(url, query).content.decode()
        assert all(word in page for word in shown), query
        assert page.count("<tbody>") <= 1


def test_other_projects_rows_are_not_found(marketer, project):
    other = make_project("Other")
    order, product = make_order(make_customer(project=other)), ProductFactory.create(project=other)
    assert marketer.get(reverse("dashboard:order", args=[order.public_id])).status_code == 404
    assert marketer.get(reverse("dashboard:product", args=[product.public_id])).status_code == 404

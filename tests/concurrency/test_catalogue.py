"""Products, orders with overridden products, balances and imports under real threads."""

import pytest

from customers.models import Customer
from tests.concurrency.threads import at_once
from tests.factories import NOW, make_project, make_shop, make_voucher
from tracking.models import Order, Product
from tracking.services import recounts
from vouchers.models import Voucher
from vouchers.services import importing
from vouchers.services.importing import Draft

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.alone]
THREADS = 12


def test_a_product_that_is_created_many_times_at_once_exists_once():
    shop = make_shop()
    outcomes = at_once(
        THREADS, lambda i: str(shop.server().post("/v1/products", {"source_id": "mug", "price": i}).status_code)
    )
    assert outcomes == {"200": THREADS}
    assert Product.objects.filter(source_id="mug").count() == 1


def test_orders_that_tell_of_the_same_products_in_opposite_order_all_go_through():
    shop = make_shop()
    names = [f"p-{number}" for number in range(6)]

    def place(index):
        told = names if index % 2 else names[::-1]
        items = [
            {"source_id": name, "related_object": "product", "product": {"price": index, "override": True}}
            for name in told
        ]
        body = {"source_id": f"o-{index % 4}", "status": "PAID", "items": items, "customer": {"source_id": "crm"}}
        response = shop.server().post("/v1/orders", body)
        return str(response.status_code) if response.status_code == 200 else str(response.json())

    assert at_once(THREADS, place) == {"200": THREADS}
    assert (Order.objects.count(), Customer.objects.count()) == (4, 1)
    assert Product.objects.filter(source_id__in=names).count() == len(names)
    assert list(recounts.differences(project=shop.project, at=NOW, fix=False)) == []


def test_credits_taken_many_times_at_once_never_go_below_nothing():
    shop = make_shop()
    gift = make_voucher(project=shop.project, code="GIFT", gift_amount=1000, discount=None)

    def take(_):
        response = shop.server().post("/v1/vouchers/GIFT/balance", {"amount": -150})
        return response.json().get("key", "taken")

    assert at_once(THREADS, take) == {"taken": 6, "gift_amount_exceeded": THREADS - 6}
    gift.refresh_from_db()
    assert gift.gift_balance == 100
    assert sum(line.amount for line in gift.transactions.all()) == -900


def test_the_same_codes_imported_at_once_exist_once():
    project = make_project()
    drafts = [Draft(f"C-{number}", {"gift": {"amount": 5}}) for number in range(50)]

    def bring(_):
        done = importing.load(project=project, drafts=drafts, at=NOW, updates=False)
        assert done.created + len(done.refused or {}) == 50
        return "won" if done.created == 50 else "lost" if done.created == 0 else "shared"

    assert at_once(4, bring) == {"won": 1, "lost": 3}
    assert Voucher.objects.count() == 50
    assert sum(voucher.transactions.count() for voucher in Voucher.objects.all()) == 50

import random
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from config.jobs.models import AsyncAction, Export
from config.kernel.errors import LimitExceeded
from config.project import schemas
from customers.models import Customer
from tests.factories import NOW, ProductFactory, Shop, SkuFactory, make_customer, make_shop, make_voucher
from tests.jobs import finished, run_queued
from tracking import bulk
from tracking.models import Event, Order, Product, Sku
from tracking.services import recounts
from vouchers.models import Voucher

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Shop:
    return make_shop()


def place(shop: Shop, **body: Any) -> dict[str, Any]:
    response = shop.server().post("/v1/orders", body)
    assert response.status_code == 200, response.json()
    return response.json()


def types_of(shop: Shop) -> list[str]:
    rows = Event.objects.filter(project=shop.project, type__startswith="customer.order")
    return list(rows.order_by("pk").values_list("type", flat=True))


def test_an_order_of_unknown_products_comes_back_as_the_wire_shows_it(shop: Shop) -> None:
    items = [{"product_id": "shop-1", "quantity": "1"}, {"product_id": "shop-2"}]
    wire = place(shop, amount=8000, status="CREATED", items=items)
    assert wire | {"id": "", "created_at": ""} == {
        **{"id": "", "source_id": None, "created_at": "", "updated_at": None, "status": "CREATED"},
        **{"amount": 8000, "total_amount": 8000, "customer_id": None, "referrer_id": None, "object": "order"},
        "items": [
            {"object": "order_item", "product_id": "shop-1", "quantity": 1},
            {"object": "order_item", "product_id": "shop-2", "quantity": 1},
        ],
    }
    assert wire["id"].startswith("ord_")
    assert shop.server().get(f"/v1/orders/{wire['id']}").json() == wire


def test_lines_are_priced_and_the_sent_amount_wins(shop: Shop) -> None:
    mug = ProductFactory.create(project=shop.project, public_id="prod_1", source_id="mug", name="Mug", price=1000)
    SkuFactory.create(product=mug, public_id="sku_1", source_id="red", sku="Red", price=1200)
    items = [{"product_id": "prod_1", "quantity": "2", "price": 10000}, {"sku_id": "sku_1", "quantity": "1"}]
    wire = place(shop, source_id="o/1", amount=20050, items=items)
    assert (wire["amount"], wire["total_amount"], wire["status"]) == (20050, 20050, "CREATED")
    assert [(line["amount"], line["price"], line["subtotal_amount"]) for line in wire["items"]] == [
        *((20000, 10000, 20000), (1200, 1200, 1200))
    ]
    assert wire["items"][1]["product"] == {"id": "prod_1", "source_id": "mug", "name": "Mug"}
    changed = shop.server().put("/v1/orders/o%2F1", {"items": [{"source_id": "red", "quantity": 3}]}).json()
    assert (changed["amount"], len(changed["items"])) == (3600, 1)
    kept = shop.server().put("/v1/orders/o%2F1", {"amount": 5}).json()
    assert (kept["amount"], kept["total_amount"], kept["items"]) == (5, 5, changed["items"])
    assert "metadata" not in kept


def test_discounts_that_the_shop_knows_come_off_the_total(shop: Shop) -> None:
    items = [{"price": 1000, "quantity": 2, "discount_amount": 300, "discount_quantity": 1, "initial_quantity": 1}]
    wire = place(shop, items=items, discount_amount=200, initial_amount=1000)
    assert {name: wire[name] for name in wire if "amount" in name} == {
        **{"amount": 2000, "initial_amount": 1000, "discount_amount": 200, "items_discount_amount": 300},
        **{"total_discount_amount": 500, "total_amount": 1500},
    }
    assert wire["items"][0] == {
        **{"object": "order_item", "quantity": 2, "initial_quantity": 1, "discount_quantity": 1},
        **{"amount": 2000, "discount_amount": 300, "subtotal_amount": 1700, "price": 1000},
    }
    again = shop.server().put(f"/v1/orders/{wire['id']}", {"amount": 100}).json()
    assert again["total_amount"] == 0


def test_the_customer_and_the_referrer_of_the_body_are_stored_with_it(shop: Shop) -> None:
    customer = {"source_id": "crm-1", "name": "Nora", "metadata": {"vip": True}}
    wire = place(shop, amount=100, status="PAID", customer=customer, referrer={"source_id": "crm-2"}, metadata={"a": 1})
    nora, friend = Customer.objects.get(source_id="crm-1"), Customer.objects.get(source_id="crm-2")
    assert wire["customer"] == {"id": nora.public_id, "object": "customer"}
    assert wire["referrer"] == {"id": friend.public_id, "object": "customer"}
    assert (wire["customer_id"], wire["referrer_id"]) == (nora.public_id, friend.public_id)
    assert (nora.name, nora.orders_total_count, nora.orders_total_amount) == ("Nora", 1, 100)
    assert friend.orders_total_count == 0
    moved = shop.server().put(f"/v1/orders/{wire['id']}", {"customer": {"id": friend.public_id}}).json()
    assert (moved["customer_id"], moved["metadata"]) == (friend.public_id, {"a": 1})
    nora.refresh_from_db()
    friend.refresh_from_db()
    assert (nora.orders_total_count, friend.orders_total_amount) == (0, 100)
    assert place(shop, amount=1, customer={}, referrer_id="crm-1")["referrer_id"] == nora.public_id


def test_an_id_or_source_id_that_exists_makes_it_an_update(shop: Shop) -> None:
    first = place(shop, source_id="o-1", amount=100, metadata={"a": 1, "b": 1})
    again = place(shop, source_id="o-1", status="PAID", metadata={"b": 2})
    assert (again["id"], again["amount"], again["status"]) == (first["id"], 100, "PAID")
    assert (again["metadata"], again["created_at"]) == ({"a": 1, "b": 2}, first["created_at"])
    assert again["updated_at"] is not None
    by_id = place(shop, id=first["id"], source_id="other", created_at="2020-01-01")
    assert (by_id["source_id"], by_id["created_at"]) == ("o-1", "2020-01-01T00:00:00.000Z")
    assert Order.objects.count() == 1


def test_what_befell_an_order_stands_on_the_customers_timeline(shop: Shop) -> None:
    server = shop.server()
    path = f"/v1/orders/{place(shop, source_id='o', amount=5, customer={'source_id': 'crm-1'})['id']}"
    server.put(path, {"status": "PAID"})
    server.put(path, {"metadata": {"a": 1}})
    server.put(path, {"status": "FULFILLED"})
    server.put(path, {"status": "CANCELED"})
    assert [name.removeprefix("customer.order.") for name in types_of(shop)] == [
        *("created", "updated", "paid", "updated", "updated", "fulfilled", "updated", "canceled")
    ]
    event = Event.objects.filter(type="customer.order.paid").get()
    assert set(event.data) == {"customer", "referrer", "order", "redemption"}
    assert (event.data["order"]["status"], event.data["customer"]["source_id"]) == ("PAID", "crm-1")
    assert event.source["channel"] == "API"
    before = len(types_of(shop))
    place(shop, amount=7)
    assert len(types_of(shop)) == before, "an order of nobody is on nobody's timeline"


def test_override_stores_what_the_line_tells_of_product_and_sku(shop: Shop) -> None:
    items = [
        {
            **{"source_id": "prod_1", "related_object": "product", "quantity": 2},
            "product": {"name": "Phone", "price": 60000, "metadata": {"color": ["purple"]}, "override": True},
        },
        {
            **{"source_id": "comic_1", "related_object": "sku"},
            "product": {"source_id": "books", "name": "Comics", "price": 2100, "override": True},
            "sku": {"sku": "First", "source_id": "comic_1", "price": 1700, "metadata": {"a": 1}, "override": True},
        },
        {"source_id": "plain", "related_object": "product", "product": {"name": "Not stored", "price": 5}},
    ]
    wire = place(shop, items=items)
    assert wire["amount"] == 121705
    phone, books = Product.objects.get(source_id="prod_1"), Product.objects.get(source_id="books")
    comic = Sku.objects.get(source_id="comic_1")
    assert (phone.name, phone.price, phone.metadata) == ("Phone", 60000, {"color": ["purple"]})
    assert (comic.sku, comic.price, comic.product, comic.metadata) == ("First", 1700, books, {"a": 1})
    assert not Product.objects.filter(source_id="plain").exists()
    assert wire["items"][0]["product"] == {
        **{"id": phone.public_id, "source_id": "prod_1", "name": "Phone", "price": 60000},
        "metadata": {"color": ["purple"]},
    }
    assert wire["items"][1]["product"]["id"] == books.public_id
    assert wire["items"][1]["sku"]["id"] == comic.public_id
    items[0]["product"] = {"metadata": {"x": 1}, "override": True}  # type: ignore[index]
    place(shop, items=items)
    phone.refresh_from_db()
    comic.refresh_from_db()
    assert (phone.name, phone.metadata) == ("Phone", {"x": 1})
    assert comic.updated_at is None, "what would change nothing is not touched"


def test_metadata_of_lines_meets_its_schema_in_orders_and_carts(shop: Shop) -> None:
    schemas.create(
        project=shop.project,
        body={"related_object": "order_item", "properties": {"gift": {"type": "boolean", "optional": True}}},
        at=NOW,
    )
    make_voucher(project=shop.project, code="TEN")
    lines = [{"source_id": "a", "metadata": {"gift": True}}, {"source_id": "b", "metadata": {"gift": "no"}}]
    order = {"items": lines}
    stackable = {"redeemables": [{"object": "voucher", "id": "TEN"}], "order": order}
    for path, body in (("orders", order), ("validations", stackable), ("redemptions", stackable)):
        response = shop.server().post(f"/v1/{path}", body)
        assert (response.status_code, response.json()["key"]) == (400, "metadata_validation_failed"), path
        assert response.json()["details"] == "gift: must be a boolean (actual value is 'no')"
    assert (Order.objects.count(), Voucher.objects.get().redeemed_quantity) == (0, 0)
    lines[1]["metadata"] = {"gift": False}
    assert place(shop, **order)["items"][1]["metadata"] == {"gift": False}


def test_two_lines_of_one_new_product_add_up_to_what_is_stored(shop: Shop) -> None:
    told = {"source_id": "new", "override": True}
    place(shop, items=[{"product": {**told, "name": "Mug", "price": 70}}, {"product": {**told, "price": 80}}])
    product = Product.objects.get(source_id="new")
    assert (product.name, product.price) == ("Mug", 80)


def test_a_line_shows_what_its_sku_costs_and_is(shop: Shop) -> None:
    product = ProductFactory.create(project=shop.project, source_id="mug", name="Mug", price=900)
    sku = SkuFactory.create(product=product, source_id="mug-b", sku="Blue", price=700, metadata={"a": 1})
    line = place(shop, items=[{"source_id": "mug-b", "related_object": "sku", "quantity": 2}])["items"][0]
    assert line["product"] == {"id": product.public_id, "source_id": "mug", "name": "Mug"}
    assert line["sku"] == {
        **{"id": sku.public_id, "source_id": "mug-b", "sku": "Blue", "metadata": {"a": 1}, "price": 700},
    }
    assert line["amount"] == 1400


def test_the_list_is_newest_first(shop: Shop) -> None:
    for number in range(3):
        place(shop, source_id=f"o-{number}", created_at=f"2026-01-0{number + 1}", customer={"source_id": "crm"})
    make_shop("Other").server().post("/v1/orders", {"amount": 1})
    server = shop.server()

    def ids(query: str = "") -> list[str]:
        return [row["source_id"] for row in server.get(f"/v1/orders?{query}").json()["orders"]]

    wire = server.get("/v1/orders?limit=2").json()
    assert (wire["object"], wire["data_ref"], wire["total"]) == ("list", "orders", 3)
    assert ids() == ["o-2", "o-1", "o-0"]
    assert ids("order=created_at&limit=1&page=2") == ["o-1"]
    server.put("/v1/orders/o-0", {"amount": 9})
    assert ids("order=updated_at")[0] == "o-0"
    assert ids("filters[amount][conditions][$is]=9") == ["o-0"]
    with CaptureQueriesContext(connection) as captured:
        server.get("/v1/orders?limit=100")
    assert len(captured) == 2
    assert server.get("/v1/orders?order=status").status_code == 400


@pytest.mark.parametrize(
    ("body", "details"),
    [
        ([], "Payload should be object"),
        ({"status": "PROCESSING"}, "Property .status should be equal to one of the allowed values"),
        ({"status": "paid"}, "Property .status should be equal to one of the allowed values"),
        ({"status": 5}, "Property .status should be string"),
        ({"amount": -1}, "Property .amount cannot be lower than 0"),
        ({"amount": 2**53}, "Property .amount cannot be higher than 9007199254740991"),
        ({"amount": 1.5}, "Property .amount should be integer"),
        ({"amount": True}, "Property .amount should be integer"),
        ({"discount_amount": "x"}, "Property .discount_amount should be integer"),
        ({"items": {}}, "Property .items should be array"),
        ({"items": [{}] * 501}, "Property .items cannot have more than 500 items"),
        ({"items": [5]}, "Property .items[0] should be object"),
        ({"items": [{"quantity": 0}]}, "Property .items[0].quantity cannot be lower than 1"),
        ({"items": [{"initial_quantity": 0}]}, "Property .items[0].initial_quantity cannot be lower than 1"),
        ({"items": [{"quantity": 2, "price": 2**53 - 1}]}, "Property .order.items[0].amount cannot be higher"),
        ({"items": [{"amount": 2**53 - 1}] * 2}, "Property .amount cannot be higher than 9007199254740991"),
        ({"items": [{"discount_amount": 2**53 - 1}] * 2}, "Property .discount_amount cannot be higher"),
        ({"items": [{"source_id": "x" * 10_000}]}, "Property .items[0].source_id cannot be longer than 500"),
        ({"items": [{"source_id": "p", "product": {"override": True, "name": 5}}]}, "Property .product.name should"),
        ({"items": [{"source_id": "p", "product": {"override": True, "metadata": 5}}]}, "Property .product.metadata"),
        ({"items": [{"product": {"price": "5.5"}}]}, "Property .items[0].product.price should be integer"),
        ({"created_at": "soon"}, "Property .created_at cannot be recognized as a ISO-8601 compliant date"),
        ({"created_at": 5}, "Property .created_at should be string"),
        ({"customer": 5}, "Property .customer should be object"),
        ({"customer": {"email": 5}}, "Property .customer.email should be string"),
        ({"referrer": {"name": []}}, "Property .referrer.name should be string"),
        ({"metadata": []}, "Property .metadata should be object"),
        ({"source_id": 5}, "Property .source_id should be string"),
    ],
)
def test_what_cannot_be_an_order_is_refused_and_changes_nothing(shop: Shop, body: Any, details: str) -> None:
    products = Product.objects.count()
    response = shop.server().post("/v1/orders", body)
    assert (response.status_code, response.json()["key"]) == (400, "invalid_payload"), response.json()
    assert response.json()["details"].startswith(details)
    assert (Order.objects.count(), Customer.objects.count(), Product.objects.count()) == (0, 0, products)


def test_unknown_orders_customers_and_referrers_are_not_found(shop: Shop) -> None:
    server = shop.server()
    for method in ("get", "put"):
        response = getattr(server, method)("/v1/orders/nope")
        assert (response.status_code, response.json()["details"]) == (404, "Cannot find order with id nope")
    for body in ({"id": "ord_nope"}, {"customer": {"id": "cust_nope"}}, {"referrer_id": "nope"}):
        assert server.post("/v1/orders", {"amount": 1, **body}).status_code == 404
    assert Order.objects.count() == 0


def test_historical_orders_come_in_the_background_without_events(shop: Shop, data_folder: object) -> None:
    make_customer(project=shop.project, source_id="crm-1")
    body = [
        {"source_id": "h-1", "status": "PAID", "amount": 100, "customer": {"source_id": "crm-1"}},
        {"source_id": "h-2", "status": "FULFILLED", "amount": 50, "customer": {"source_id": "crm-1"}},
        {"source_id": "h-3", "customer": {"id": "cust_nope"}},
    ]
    body[0]["created_at"] = "2020-01-01"
    response = shop.server().post("/v1/orders/import", body)
    assert (response.status_code, list(response.json())) == (200, ["async_action_id"])
    action = finished(AsyncAction.objects.get(public_id=response.json()["async_action_id"]))
    assert (action.type, action.status) == ("ORDERS.IMPORT", "DONE")
    assert action.result == {
        "message": "2 order(s) imported successfully, 1 failed.",
        "failed": [{"source_id": "h-3", "reason": "Cannot find customer with id cust_nope"}],
        "done_count": 2,
        "failed_count": 1,
    }
    assert types_of(shop) == []
    customer = Customer.objects.get(source_id="crm-1")
    assert (customer.orders_total_count, customer.orders_total_amount) == (2, 150)
    assert Order.objects.get(source_id="h-1").created_at.year == Order.objects.get(source_id="h-2").created_at.year
    refused = shop.server().post("/v1/orders/import", [{"items": [{"initial_quantity": 0}]}])
    assert refused.json()["details"] == "Property .items[0].initial_quantity cannot be lower than 1"
    for bad in ({}, [], [5], [{"amount": 1}, {"amount": "x"}]):
        assert shop.server().post("/v1/orders/import", bad).status_code == 400
    shop.project.vendor_caps = {"imported_orders": 1}
    with pytest.raises(LimitExceeded):
        bulk.start_orders(project=shop.project, body=body, at=NOW)


def test_orders_are_exported(shop: Shop, data_folder: object) -> None:
    place(shop, source_id="o-1", amount=5)
    wire = shop.server().post("/v1/orders/export", {}).json()
    assert (wire["exported_object"], wire["status"], wire["result"]) == ("order", "SCHEDULED", None)
    run_queued()
    url = shop.server().get(f"/v1/exports/{wire['id']}").json()["result"]["url"]
    text = b"".join(shop.server().get(url).streaming_content).decode()
    assert text.splitlines()[0] == "ID,Source ID,Status"
    assert text.splitlines()[1].endswith(",o-1,CREATED")
    bad = shop.server().post("/v1/orders/export", {"parameters": {"fields": ["moon"]}})
    assert (bad.status_code, bad.json()["key"]) == (400, "invalid_export_fields")
    assert shop.server().post("/v1/orders/export", {"parameters": []}).status_code == 400
    assert Export.objects.count() == 1


def test_random_histories_of_calls_keep_every_summary_equal_to_its_orders(shop: Shop) -> None:
    chance = random.Random(20260203)
    server = shop.server()
    names = ["crm-1", "crm-2", "crm-3"]
    known: list[str] = []
    for _ in range(120):
        body: dict[str, Any] = {}
        if chance.random() < 0.6:
            body["status"] = chance.choice(["CREATED", "PAID", "FULFILLED", "CANCELED"])
        if chance.random() < 0.5:
            body["customer"] = {"source_id": chance.choice(names)}
        if chance.random() < 0.5:
            body["amount"] = chance.randrange(5000)
        if chance.random() < 0.3:
            body["items"] = [{"price": chance.randrange(900), "quantity": chance.randint(1, 3)}]
        if chance.random() < 0.2:
            body["discount_amount"] = chance.randrange(900)
        if chance.random() < 0.2:
            body["created_at"] = f"2026-01-{chance.randint(10, 28)}"
        if known and chance.random() < 0.6:
            response = server.put(f"/v1/orders/{chance.choice(known)}", body)
        else:
            response = server.post("/v1/orders", body)
        assert response.status_code == 200, (body, response.json())
        known.append(response.json()["id"])
    assert list(recounts.differences(project=shop.project, at=NOW, fix=False)) == []
    assert Customer.objects.filter(orders_total_count__gt=0).count() == 3

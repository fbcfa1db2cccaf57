from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from config.jobs.models import AsyncAction
from tests.factories import ProductFactory, Shop, SkuFactory, make_shop
from tests.jobs import finished
from tracking.models import Product, Sku

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Shop:
    return make_shop()


def ids_of(response: Any, ref: str = "products") -> list[str]:
    return [row["source_id"] for row in response.json()[ref]]


def test_a_created_product_comes_back_as_it_was_sent(shop: Shop) -> None:
    body = {
        **{"source_id": "mug", "name": "Mug", "price": "1250", "attributes": ["color"], "metadata": {"clay": True}},
        **{"image_url": None, "nobody_knows": 1},
    }
    response = shop.server().post("/v1/products", body)
    assert response.status_code == 200, response.json()
    wire = response.json()
    assert wire | {"id": "", "created_at": ""} == {
        **{"id": "", "source_id": "mug", "name": "Mug", "price": 1250, "attributes": ["color"]},
        **{"metadata": {"clay": True}, "image_url": None, "created_at": "", "updated_at": None, "object": "product"},
    }
    assert wire["id"].startswith("prod_")
    found = shop.server().get("/v1/products/mug").json()
    assert found.pop("skus") == {"object": "list", "data_ref": "data", "data": [], "total": 0}
    assert found == wire


def test_an_empty_body_makes_a_product_without_a_name(shop: Shop) -> None:
    wire = shop.server().post("/v1/products", {}).json()
    assert (wire["name"], wire["price"], wire["source_id"], wire["metadata"]) == (None, None, None, {})


def test_a_known_id_or_source_id_makes_it_an_update(shop: Shop) -> None:
    server = shop.server()
    first = server.post("/v1/products", {"source_id": "mug", "name": "Mug", "metadata": {"a": 1}}).json()
    again = server.post("/v1/products", {"source_id": "mug", "price": 5, "metadata": {"b": 2}}).json()
    assert (again["id"], again["name"], again["price"]) == (first["id"], "Mug", 5)
    assert again["metadata"] == {"a": 1, "b": 2}
    assert again["updated_at"] is not None
    by_id = server.post("/v1/products", {"id": first["id"], "source_id": "other", "name": "Cup"}).json()
    assert (by_id["id"], by_id["source_id"], by_id["name"]) == (first["id"], "mug", "Cup")
    given = server.post("/v1/products", {"id": "prod_anJ03RZZq74z4v", "name": "Given"}).json()
    assert given["id"] == "prod_anJ03RZZq74z4v"
    assert server.post("/v1/products", {"id": given["id"], "source_id": "late"}).json()["source_id"] == "late"
    taken = server.post("/v1/products", {"id": server.post("/v1/products", {}).json()["id"], "source_id": "mug"})
    assert (taken.status_code, taken.json()["key"]) == (409, "duplicate_found")


def test_an_update_keeps_ids_and_what_was_not_sent(shop: Shop) -> None:
    product = ProductFactory.create(project=shop.project, source_id="a/b", name="Mug", price=5, metadata={"a": 1})
    wire = shop.server().put("/v1/products/a%2Fb", {"id": "prod_x", "source_id": "c", "price": None}).json()
    assert (wire["id"], wire["source_id"], wire["name"], wire["price"]) == (product.public_id, "a/b", "Mug", None)
    assert wire["metadata"] == {"a": 1}


def test_a_deleted_product_takes_its_skus_along_and_frees_its_source_id(shop: Shop) -> None:
    product = ProductFactory.create(project=shop.project, source_id="mug")
    SkuFactory.create(product=product, source_id="mug-red")
    response = shop.server().delete("/v1/products/mug")
    assert (response.status_code, response.content) == (204, b"")
    assert shop.server().get("/v1/products/mug").status_code == 404
    assert shop.server().get("/v1/skus/mug-red").status_code == 404
    assert Product.objects.filter(source_id="mug").count() == 1
    assert shop.server().post("/v1/products", {"source_id": "mug"}).json()["id"] != product.public_id
    assert shop.server().delete("/v1/products/mug?force=true").status_code == 204
    assert Product.objects.filter(source_id="mug").count() == 1
    protected = shop.server().delete("/v1/products/5h1pp1ng")
    assert (protected.status_code, protected.json()["key"]) == (400, "resource_protected")


def test_the_list_is_oldest_first_with_the_shipping_product_and_skus_in_short(shop: Shop) -> None:
    mug = ProductFactory.create(project=shop.project, source_id="mug", created_at="2026-03-01T00:00:00Z")
    SkuFactory.create(product=mug, source_id="mug-red", deleted_at=None)
    SkuFactory.create(product=mug, source_id="gone", deleted_at="2026-03-02T00:00:00Z")
    ProductFactory.create(project=shop.project, source_id="cup", created_at="2026-03-02T00:00:00Z")
    ProductFactory.create(project=make_shop("Other").project, source_id="foreign")
    server = shop.server()
    wire = server.get("/v1/products").json()
    assert (wire["object"], wire["data_ref"], wire["total"]) == ("list", "products", 3)
    assert [row["source_id"] for row in wire["products"]] == ["5h1pp1ng", "mug", "cup"]
    assert list(wire["products"][1]["skus"]) == ["data", "total"]
    assert [sku["source_id"] for sku in wire["products"][1]["skus"]["data"]] == ["mug-red"]
    assert ids_of(server.get("/v1/products?order=-created_at&limit=1")) == ["cup"]
    assert ids_of(server.get("/v1/products?start_date=2026-03-01&end_date=2026-03-01")) == ["mug"]
    query = "filters[created_at][conditions][$after]=2026-03-01T12:00:00Z"
    assert ids_of(server.get(f"/v1/products?{query}")) == ["cup"]
    assert ids_of(server.get("/v1/products?order=-category&limit=1")) == ["cup"]
    assert server.get("/v1/products?order=price").status_code == 400


def test_the_list_costs_the_same_queries_for_one_and_for_many(shop: Shop) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert shop.server().get("/v1/products?limit=100").status_code == 200
        return len(captured)

    queries()
    few = queries()
    for _ in range(5):
        SkuFactory.create(product=ProductFactory.create(project=shop.project))
    assert queries() == few == 3


@pytest.mark.parametrize(
    ("body", "details"),
    [
        ([], "Payload should be object"),
        ({"price": -1}, "Property .price cannot be lower than 0"),
        ({"price": 1.5}, "Property .price should be integer"),
        ({"price": 2**53}, "Property .price cannot be higher than 9007199254740991"),
        ({"price": True}, "Property .price should be number,null"),
        ({"name": 1}, "Property .name should be string,null"),
        ({"name": "x" * 10_000}, "Property .name should NOT be longer than 500 characters"),
        ({"source_id": "a\0"}, "Property .source_id must not contain the character"),
        ({"attributes": ["a", 1]}, "Property .attributes[1] should be string"),
        ({"attributes": {"a": 1}}, "Property .attributes should be array,null"),
        ({"metadata": 5}, "Property .metadata should be object"),
        ({"id": "x" * 65}, "Property .id should NOT be longer than 64 characters"),
    ],
)
def test_what_cannot_be_a_product_is_refused_and_not_stored(shop: Shop, body: Any, details: str) -> None:
    before = Product.objects.count()
    for response in (shop.server().post("/v1/products", body), shop.server().put("/v1/products/5h1pp1ng", body)):
        if "id" in details and response.status_code == 200:
            continue  # an update passes over ids
        assert (response.status_code, response.json()["key"]) == (400, "invalid_payload")
        assert response.json()["details"].startswith(details)
    assert Product.objects.count() == before


def test_an_unknown_product_is_not_found(shop: Shop) -> None:
    for method, path in (("get", ""), ("put", ""), ("delete", ""), ("get", "/skus"), ("post", "/skus")):
        response = getattr(shop.server(), method)(f"/v1/products/NOPE{path}")
        assert response.status_code == 404, path
        assert response.json()["details"] == "Cannot find product with id NOPE"
        assert (response.json()["resource_type"], response.json()["resource_id"]) == ("product", "NOPE")


def test_skus_are_made_changed_listed_and_removed_below_their_product(shop: Shop) -> None:
    ProductFactory.create(project=shop.project, source_id="mug", name="Mug", price=5)
    ProductFactory.create(project=shop.project, source_id="cup")
    server = shop.server()
    body = {"source_id": "mug/red", "sku": "Red", "price": 7, "currency": "USD", "attributes": {"color": "red"}}
    made = server.post("/v1/products/mug/skus", body)
    assert made.status_code == 200, made.json()
    wire = made.json()
    assert {key: wire[key] for key in body} == body
    assert (wire["image_url"], wire["metadata"], wire["updated_at"], wire["object"]) == (None, {}, None, "sku")
    changed = server.put("/v1/products/mug/skus/mug%2Fred", {"price": 8, "sku": None}).json()
    assert (changed["id"], changed["price"], changed["sku"]) == (wire["id"], 8, None)
    assert server.post("/v1/products/mug/skus", {"source_id": "mug/red", "sku": "Rot"}).json()["id"] == wire["id"]
    assert server.post("/v1/products/cup/skus", {"source_id": "mug/red"}).status_code == 409
    one = server.get("/v1/skus/mug%2Fred").json()
    assert one["product"]["source_id"] == "mug"
    assert "skus" not in one["product"]
    page = server.get("/v1/products/mug/skus").json()
    assert (page["data_ref"], page["total"], [row["sku"] for row in page["skus"]]) == ("skus", 1, ["Rot"])
    assert server.get("/v1/products/cup/skus").json()["total"] == 0
    assert server.put("/v1/products/cup/skus/mug%2Fred", {}).status_code == 404
    assert server.delete(f"/v1/products/mug/skus/{wire['id']}").status_code == 204
    missing = server.get(f"/v1/skus/{wire['id']}")
    assert (missing.status_code, missing.json()["details"]) == (404, f"Cannot find sku with id {wire['id']}")
    assert Sku.objects.count() == 1


def test_many_products_are_made_and_changed_in_the_background(shop: Shop, data_folder: object) -> None:
    ProductFactory.create(project=shop.project, source_id="mug", name="Old", price=5)
    items = [{"source_id": "mug", "name": "New"}, {"source_id": "cup", "price": 3}, {"source_id": "cup", "price": 4}]
    response = shop.server().post("/v1/products/bulk/async", items)
    assert response.status_code == 202
    action = finished(AsyncAction.objects.get(public_id=response.json()["async_action_id"]))
    assert (action.type, action.status, action.result["done_count"]) == ("PRODUCTS.BULK_UPDATE", "DONE", 3)
    assert [entry["found"] for entry in action.result["results"]] == [True, False, True]
    rows = {row.source_id: (row.name, row.price) for row in Product.objects.exclude(source_id="5h1pp1ng")}
    assert rows == {"mug": ("New", 5), "cup": (None, 4)}
    body = {"source_ids": ["mug", "bowl"], "metadata": {"sale": True}}
    action_id = shop.server().post("/v1/products/metadata/async", body).json()["async_action_id"]
    finished(AsyncAction.objects.get(public_id=action_id))
    assert Product.objects.filter(metadata={"sale": True}).count() == 2
    assert shop.server().post("/v1/products/bulk", items[:1]).status_code == 202


@pytest.mark.parametrize(
    ("path", "body", "key", "details"),
    [
        ("bulk/async", {}, "invalid_payload", "Payload should be array"),
        ("bulk/async", [], "invalid_payload", "The payload cannot be empty"),
        ("bulk/async", [{"name": "x"}], "invalid_payload", "Payload should have required property 'source_id'"),
        ("bulk/async", [{"source_id": "a"}, 5], "invalid_payload", "Property [1] should be object"),
        ("bulk/async", [{"source_id": "a", "price": "x"}], "invalid_payload", "Property [0].price should be number"),
        ("metadata/async", {"source_ids": ["a"]}, "invalid_payload", "Payload should have required property 'metad"),
        ("metadata/async", {"source_ids": [], "metadata": {}}, "not_enough_source_ids", "Specify at least 1 ID in"),
        ("metadata/async", {"source_ids": [1], "metadata": {}}, "invalid_payload", "Property .source_ids[0] should"),
        ("metadata/async", {"source_ids": [""], "metadata": {}}, "invalid_payload", "Property .source_ids[0] should"),
    ],
)
def test_a_bulk_call_with_anything_wrong_queues_nothing(
    shop: Shop, path: str, body: Any, key: str, details: str
) -> None:
    response = shop.server().post(f"/v1/products/{path}", body)
    assert (response.status_code, response.json()["key"]) == (400, key)
    assert response.json()["details"].startswith(details)
    assert AsyncAction.objects.count() == 0

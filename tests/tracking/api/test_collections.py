from typing import Any

import pytest

from tests.factories import ProductFactory, Shop, SkuFactory, make_shop
from tracking import uses
from tracking.models import ProductCollection
from tracking.services.collections import ALL_PRODUCTS

pytestmark = pytest.mark.django_db
CHEAP = {"junction": "and", "price": {"conditions": {"$less_than": [1000]}}}


@pytest.fixture
def shop() -> Shop:
    return make_shop()


def test_a_static_collection_lists_its_members_each_once(shop: Shop) -> None:
    mug = ProductFactory.create(project=shop.project, source_id="mug", created_at="2026-03-01T00:00:00Z")
    red = SkuFactory.create(product=mug, source_id="red", created_at="2026-03-02T00:00:00Z")
    products = [{"id": mug.public_id, "object": "product"}, {"id": red.public_id, "object": "sku", "x": 1}]
    body = {"name": "Mugs", "type": "STATIC", "products": [*products, products[0]]}
    response = shop.server().post("/v1/product-collections", body)
    assert response.status_code == 200, response.json()
    wire = response.json()
    assert wire | {"id": "", "created_at": ""} == {
        **{"id": "", "name": "Mugs", "type": "STATIC", "created_at": "", "object": "products_collection"},
        "products": [
            {"id": mug.public_id, "object": "product"},
            {"id": red.public_id, "object": "sku", "product_id": mug.public_id},
        ],
    }
    path = f"/v1/product-collections/{wire['id']}"
    assert shop.server().get(path).json() == wire
    page = shop.server().get(f"{path}/products").json()
    assert (page["object"], page["data_ref"], page["total"]) == ("list", "data", 2)
    assert [(row["object"], row["source_id"]) for row in page["data"]] == [("sku", "red"), ("product", "mug")]
    assert page["data"][0]["product"]["source_id"] == "mug"
    changed = shop.server().put(path, {"name": "Cups", "filter": CHEAP, "products": []}).json()
    assert changed == wire | {"name": "Cups"}


def test_an_auto_updating_collection_holds_what_passes_its_filter_now(shop: Shop) -> None:
    mug = ProductFactory.create(project=shop.project, source_id="mug", price=1500, created_at="2026-03-01T00:00:00Z")
    SkuFactory.create(product=mug, source_id="red", price=900, created_at="2026-03-02T00:00:00Z")
    SkuFactory.create(product=mug, source_id="blue", created_at="2026-03-03T00:00:00Z")
    ProductFactory.create(project=shop.project, source_id="cup", price=500, created_at="2026-03-04T00:00:00Z")
    server = shop.server()
    wire = server.post("/v1/product-collections", {"name": "Cheap", "type": "AUTO_UPDATE", "filter": CHEAP}).json()
    assert (wire["filter"], "products" in wire) == (CHEAP, False)
    path = f"/v1/product-collections/{wire['id']}"

    def members(query: str = "") -> list[str]:
        return [row["source_id"] for row in server.get(f"{path}/products?{query}").json()["data"]]

    assert members() == ["cup", "red"]
    server.put("/v1/products/cup", {"price": 5000})
    assert members() == ["red"]
    server.put(path, {"filter": {"junction": "or", "metadata.kind": {"conditions": {"$is_not": ["x"]}}}})
    assert members("order=created_at") == ["5h1pp1ng", "mug", "red", "blue", "cup"]
    assert members("order=type") == members("order=created_at"), (
        "what products do not have leaves them in order of time"
    )
    assert members("order=created_at&limit=2&page=2") == ["red", "blue"]
    assert members("starting_after=2026-03-03T00:00:00Z&limit=2") == ["red", "mug"]
    assert members("order=created_at&starting_after=2026-03-03T00:00:00Z")[0] == "cup"


def test_members_never_changed_come_last_in_order_of_change(shop: Shop) -> None:
    mug = ProductFactory.create(project=shop.project, source_id="mug", updated_at="2026-03-02T00:00:00Z")
    SkuFactory.create(product=mug, source_id="red", updated_at="2026-03-05T00:00:00Z")
    ProductFactory.create(project=shop.project, source_id="cup", updated_at=None)

    def members(order: str) -> list[str]:
        page = shop.server().get(f"/v1/product-collections/{ALL_PRODUCTS}/products?order={order}").json()
        return [row["source_id"] for row in page["data"]]

    assert members("-updated_at") == ["red", "mug", "cup", "5h1pp1ng"]
    assert members("updated_at") == ["mug", "red", "5h1pp1ng", "cup"]


def test_the_predefined_collection_holds_everything_and_cannot_be_changed(shop: Shop) -> None:
    SkuFactory.create(product=ProductFactory.create(project=shop.project))
    server, path = shop.server(), f"/v1/product-collections/{ALL_PRODUCTS}"
    assert server.get(path).json()["id"] == ALL_PRODUCTS
    assert server.get(f"{path}/products").json()["total"] == 3
    for response in (server.delete(path), server.put(path, {"name": "Mine"})):
        assert (response.status_code, response.json()["key"]) == (400, "resource_protected")
    assert server.get("/v1/product-collections").json()["total"] == 0


@pytest.mark.parametrize(
    ("body", "details"),
    [
        ([], "Payload should be object"),
        ({"name": "x"}, "Payload should have required property 'type'"),
        ({"type": "STATIC", "products": []}, "Payload should have required property 'name'"),
        ({"name": 5, "type": "STATIC", "products": []}, "Property .name should be string"),
        ({"name": "x", "type": "OTHER"}, "Property .type should be equal to one of the allowed values"),
        ({"name": "x", "type": "STATIC"}, "Payload should have required property 'products'"),
        ({"name": "x", "type": "STATIC", "products": [5]}, "Property .products[0] should be object"),
        ({"name": "x", "type": "STATIC", "products": [{"id": "a"}]}, "Property .products[0] should have required"),
        ({"name": "x", "type": "STATIC", "products": [{"id": "a", "object": "b"}]}, "Property .products[0].object"),
        ({"name": "x", "type": "AUTO_UPDATE"}, "Payload should have required property 'filter'"),
        ({"name": "x", "type": "AUTO_UPDATE", "filter": {}}, "Property .filter should have at least one condition"),
        ({"name": "x", "type": "AUTO_UPDATE", "filter": {"junction": "and"}}, "Property .filter should have at least"),
        ({"name": "x", "type": "AUTO_UPDATE", "filter": {**CHEAP, "junction": "xor"}}, "Property .filter has wrong"),
        ({"name": "x", "type": "AUTO_UPDATE", "filter": {"price": CHEAP["price"]}}, "Property .filter should have re"),
        ({"name": "x", "type": "AUTO_UPDATE", "filter": {"junction": "and", "moon": CHEAP["price"]}}, "Property .fil"),
    ],
)
def test_what_cannot_be_a_collection_is_refused_and_not_stored(shop: Shop, body: Any, details: str) -> None:
    response = shop.server().post("/v1/product-collections", body)
    assert (response.status_code, response.json()["key"]) == (400, "invalid_payload")
    assert response.json()["details"].startswith(details)
    assert ProductCollection.objects.count() == 0


def test_unknown_collections_and_members_are_not_found(shop: Shop) -> None:
    for method, path in (("get", ""), ("put", ""), ("delete", ""), ("get", "/products")):
        response = getattr(shop.server(), method)(f"/v1/product-collections/pc_nope{path}")
        assert (response.status_code, response.json()["resource_type"]) == (404, "products_collection")
    body = {"name": "x", "type": "STATIC", "products": [{"id": "prod_nope", "object": "product"}]}
    assert shop.server().post("/v1/product-collections", body).status_code == 404
    collection = ProductCollection.objects.create(project=shop.project, name="x", created_at="2026-03-03T00:00:00Z")
    bad = shop.server().get(f"/v1/product-collections/{collection.public_id}/products?starting_after=soon")
    assert (bad.status_code, bad.json()["key"]) == (400, "invalid_query_params")


def test_a_collection_in_use_is_not_deleted(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    collection = ProductCollection.objects.create(project=shop.project, name="x", created_at="2026-03-03T00:00:00Z")
    path = f"/v1/product-collections/{collection.public_id}"
    finders = [lambda project, ids: [uses.Use("validation_rules", "val_1")] if collection.public_id in ids else []]
    monkeypatch.setattr(uses, "FINDERS", finders)
    response = shop.server().delete(path)
    assert (response.status_code, response.json()["key"]) == (400, "resource_in_use")
    assert response.json()["details"] == (
        f"Resource products_collection with id {collection.public_id} is in use by validation_ruless with ids [val_1]"
    )
    monkeypatch.setattr(uses, "FINDERS", [])
    assert shop.server().delete(path).status_code == 204
    assert ProductCollection.objects.count() == 0

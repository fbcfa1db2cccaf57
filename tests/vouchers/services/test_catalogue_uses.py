import pytest

from tests.factories import ProductFactory, SkuFactory, make_project, make_rule, make_shop
from tracking.models import Product, ProductCollection
from vouchers.services import catalogue_uses

pytestmark = pytest.mark.django_db


def items(public_id, kind="product"):
    return {"1": {"name": "order.items.any", "conditions": {"$is": [{"id": public_id, "object": kind}]}, "rules": {}}}


@pytest.mark.parametrize(
    ("_case", "fields", "used"),
    [
        ("in a condition", {"rules": items("prod_1")}, True),
        ("as a bare id", {"rules": {"1": {"name": "product.id", "conditions": {"$in": ["prod_1"]}}}}, True),
        ("nested", {"rules": {"1": {"name": "x", "conditions": {}, "rules": items("prod_1")}}}, True),
        ("in a bundle", {"bundle_rules": {"limit": 1, **items("prod_1")}}, True),
        ("in what it applies to", {"applicable_to": {"included": [{"object": "product", "id": "prod_1"}]}}, True),
        ("another one", {"rules": items("prod_2")}, False),
        ("only in its name", {"name": "prod_1"}, False),
        ("nothing at all", {}, False),
    ],
)
def test_a_rule_uses_what_it_names_anywhere(_case, fields, used):
    rule = make_rule(project=make_project(), **fields)
    make_rule(project=make_project("Other"), rules=items("prod_1"))
    found = catalogue_uses.of_articles(make_project(), ["prod_1", "sku_9"])
    assert [use.id for use in found] == ([rule.public_id] if used else [])


def test_products_skus_and_collections_in_use_stay():
    shop = make_shop()
    product = ProductFactory(project=shop.project, source_id="mug")
    sku = SkuFactory(product=product, source_id="red")
    other = ProductFactory(project=shop.project, source_id="cup")
    collection = ProductCollection.objects.create(project=shop.project, name="c", created_at=product.created_at)
    rule = make_rule(project=shop.project, rules=items(sku.public_id, "sku"))
    make_rule(project=shop.project, rules=items(collection.public_id, "products_collection"))
    server = shop.server()
    for path, kind, public_id in (
        ("/v1/products/mug", "product", product.public_id),
        ("/v1/products/mug/skus/red", "sku", sku.public_id),
    ):
        response = server.delete(path)
        assert (response.status_code, response.json()["key"]) == (400, "resource_in_use")
        assert response.json()["details"] == (
            f"Resource {kind} with id {public_id} is in use by validation_ruless with ids [{rule.public_id}]"
        )
    assert server.delete(f"/v1/product-collections/{collection.public_id}").status_code == 400
    assert server.delete(f"/v1/products/{other.public_id}?force=true").status_code == 204
    assert Product.objects.filter(deleted_at=None, source_id="mug").exists()

import pytest

from tests.factories import ProductFactory, SkuFactory, make_shop
from tests.jobs import run_queued

pytestmark = pytest.mark.django_db


def lines_of(shop, body):
    wire = shop.server().post("/v1/exports", body).json()
    run_queued()
    url = shop.server().get(f"/v1/exports/{wire['id']}").json()["result"]["url"]
    return b"".join(shop.server().get(url).streaming_content).decode().splitlines()


def test_products_and_skus_are_exported(data_folder):
    shop = make_shop()
    mug = ProductFactory(project=shop.project, source_id="mug", name="Mug", price=500, attributes=["a", "b"])
    SkuFactory(product=mug, source_id="red", sku="Red", attributes={"a": 1}, metadata={"k": "v"})
    ProductFactory(project=shop.project, source_id="gone", deleted_at=mug.created_at)
    header, *rows = lines_of(shop, {"exported_object": "product"})
    assert len(rows) == 2
    assert header == "ID,Name,Price,Image Url,Source ID,Attributes,Created At"
    filters = {"junction": "and", "price": {"conditions": {"$more_than": [400]}}}
    body = {"exported_object": "product", "parameters": {"fields": ["source_id", "attributes"], "filters": filters}}
    assert lines_of(shop, body) == ["Source ID,Attributes", 'mug,"a,b"']
    body = {"exported_object": "sku", "parameters": {"fields": ["sku", "product_id", "attributes", "metadata.k"]}}
    assert lines_of(shop, body) == ["Sku,Product ID,Attributes,metadata.k", f'Red,{mug.public_id},"{{""a"": 1}}",v']

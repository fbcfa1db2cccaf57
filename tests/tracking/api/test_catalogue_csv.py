from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from config.jobs.models import AsyncAction
from tests.factories import ProductFactory, Shop, SkuFactory, make_shop
from tests.jobs import finished
from tracking.models import Product, Sku

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(data_folder: object) -> Shop:
    return make_shop()


def imported(shop: Shop, what: str, text: str) -> dict[str, Any]:
    file = SimpleUploadedFile("x.csv", text.encode())
    response = shop.server().post(f"/v1/{what}/importCSV", {"file": file}, format="multipart")
    assert response.status_code == 200, response.json()
    action = finished(AsyncAction.objects.get(public_id=response.json()["async_action_id"]))
    assert (action.type, action.status) == (f"{what.upper()}.IMPORT_CSV", "DONE")
    return action.result or {}


def test_the_official_template_of_products_is_read_and_of_known_ones_only_the_name_changes(shop: Shop) -> None:
    ProductFactory.create(project=shop.project, source_id="old", name="Old", price=5)
    result = imported(
        shop,
        "products",
        "name,source_id,price,attributes,image_url,Fashion\n"
        'T-Shirt,p-11,21,"color,size,ranking",https://images.example/a.jpg,slim\n'
        "New name,old,99,,,\n"
        "Nameless,,14.5,,,\n"
        ",p-12,1,,,\n"
        "Dear,p-13,cheap,,,\n",
    )
    assert result["message"] == "3 product(s) imported successfully, 2 failed."
    assert result["failed"] == [
        {"source_id": "p-12", "row": 4, "reason": "name is required"},
        {"source_id": "p-13", "row": 5, "reason": "price: cheap is not a number; write 10 or 10.50"},
    ]
    shirt = Product.objects.get(source_id="p-11")
    assert (shirt.name, shirt.price, shirt.attributes) == ("T-Shirt", 2100, ["color", "size", "ranking"])
    assert (shirt.image_url, shirt.metadata) == ("https://images.example/a.jpg", {"Fashion": "slim"})
    old = Product.objects.get(source_id="old")
    assert (old.name, old.price) == ("New name", 5)
    assert Product.objects.get(name="Nameless").price == 1450


def test_the_official_template_of_skus_is_read(shop: Shop) -> None:
    product = ProductFactory.create(project=shop.project, source_id="p-11")
    SkuFactory.create(product=product, source_id="s-2", sku="Old")
    SkuFactory.create(product=ProductFactory.create(project=shop.project, source_id="p-12"), source_id="s-9")
    result = imported(
        shop,
        "skus",
        "product_id,sku,source_id,price,image_url,attributes,Season\n"
        "p-11,Blue,s-1,13,,\"{'color':'blue','size':'XS','ranking':1}\",winter\n"
        f'{product.public_id},Red,s-2,14.5,,"{{""color"":""red""}}",\n'
        "nope,X,s-3,1,,,\n"
        "p-11,X,s-4,1,,not a list,\n"
        "p-11,X,,1,,,\n"
        "p-11,X,s-9,1,,,\n"
        "p-11,X,s-5,1,,{'a': __import__('os')},\n",
    )
    assert (result["created"], result["updated"], result["failed_count"]) == (1, 1, 5)
    assert [entry["reason"] for entry in result["failed"]] == [
        "Cannot find product with id nope",
        "attributes: is not a list of attributes; write {'color':'blue'}",
        "source_id is required",
        "Duplicated sku exists with source_id s-9",
        "attributes: is not a list of attributes; write {'color':'blue'}",
    ]
    blue, red = Sku.objects.get(source_id="s-1"), Sku.objects.get(source_id="s-2")
    assert (blue.sku, blue.price, blue.metadata) == ("Blue", 1300, {"Season": "winter"})
    assert blue.attributes == {"color": "blue", "size": "XS", "ranking": 1}
    assert (red.sku, red.price, red.attributes) == ("Red", 1450, {"color": "red"})


@pytest.mark.parametrize(
    "cell", ["{" * 4_000, "[" * 4_000, "{'a': " * 500, "{'a': 1e999}", "{1: 2}", "{'a': {1, 2}}", "'x'"]
)
def test_odd_attributes_are_a_reason_and_no_fault(shop: Shop, cell: str) -> None:
    ProductFactory.create(project=shop.project, source_id="p-11")
    quoted = cell.replace('"', '""')
    result = imported(shop, "skus", f'product_id,source_id,attributes\np-11,s-1,"{quoted}"\n')
    assert (result["done_count"], result["failed_count"]) == (0, 1)


def test_a_call_without_a_file_is_refused(shop: Shop) -> None:
    for what in ("products", "skus"):
        response = shop.server().post(f"/v1/{what}/importCSV", {"file": "x"}, format="json")
        assert (response.status_code, response.json()["details"]) == (
            400,
            "Payload should have required property 'file'",
        )

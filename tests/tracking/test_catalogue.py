from datetime import UTC, datetime

import pytest

from config.kernel.errors import InvalidPayload
from tests.factories import ProductFactory, SkuFactory, make_project, make_shop
from tracking.models import Product
from tracking.payloads import ItemData, OrderData
from tracking.services import catalogue

pytestmark = pytest.mark.django_db


def price(*items):
    return catalogue.price_items(project=make_project(), items=items)


def test_ids_and_source_ids_find_the_catalogue_and_skus_bring_their_product():
    mug = ProductFactory(public_id="prod_1", source_id="mug", name="Mug", price=1000)
    SkuFactory(product=mug, public_id="sku_1", source_id="mug-red", sku="Red", price=1200)
    product = {"id": "prod_1", "source_id": "mug", "name": "Mug"}
    sku = {"id": "sku_1", "source_id": "mug-red", "sku": "Red", "metadata": {}, "price": 1200}
    of_product = {"object": "order_item", "product_id": "prod_1", "product": product}
    of_sku = {**of_product, "sku_id": "sku_1", "sku": sku}
    lines = price(
        ItemData(product_id="prod_1", quantity=2),
        ItemData(sku_id="sku_1"),
        ItemData(source_id="mug"),
        ItemData(source_id="mug-red", related_object="sku"),
        ItemData(source_id="mug-red"),
    )
    assert [(line.price, line.amount, line.quantity) for line in lines] == [
        *((1000, 2000, 2), (1200, 1200, 1), (1000, 1000, 1), (1200, 1200, 1), (1200, 1200, 1))
    ]
    assert [line.data for line in lines] == [
        of_product,
        of_sku,
        {**of_product, "source_id": "mug"},
        {**of_sku, "source_id": "mug-red", "related_object": "sku"},
        {**of_sku, "source_id": "mug-red"},
    ]


def test_a_source_id_of_both_kinds_is_the_sku_unless_it_is_said_otherwise():
    mug = ProductFactory(source_id="both", price=1)
    SkuFactory(product=mug, source_id="both", price=2)
    lines = price(ItemData(source_id="both"), ItemData(source_id="both", related_object="product"))
    assert [line.price for line in lines] == [2, 1]


def test_ids_are_not_source_ids():
    ProductFactory(public_id="prod_1", source_id="mug", price=1)
    assert [line.price for line in price(ItemData(product_id="mug"), ItemData(source_id="prod_1"))] == [None, None]


def test_unknown_lines_are_kept_as_sent():
    lines = price(ItemData(product_id="shop-1"), ItemData(product={"name": "X"}), ItemData(sku_id="s", amount=5))
    assert [(line.price, line.amount, line.data) for line in lines] == [
        (None, None, {"object": "order_item", "product_id": "shop-1"}),
        (None, None, {"object": "order_item", "product": {"name": "X"}}),
        (None, 5, {"object": "order_item", "sku_id": "s"}),
    ]


@pytest.mark.parametrize(
    ("item", "unit"),
    [
        ({"price": 5, "sku": {"price": 4}, "product": {"price": 3}}, 5),
        ({"price": 0}, 0),
        ({"sku": {"price": 4}, "product": {"price": 3}}, 4),
        ({"product": {"price": 3}}, 2),
        ({}, 2),
    ],
)
def test_which_price_counts(item, unit):
    sku = SkuFactory(product=ProductFactory(price=1), price=2, public_id="sku_1")
    assert price(ItemData(sku_id=sku.public_id, **item))[0].price == unit


def test_a_sku_without_a_price_has_its_products():
    SkuFactory(product=ProductFactory(price=7), public_id="sku_1")
    assert price(ItemData(sku_id="sku_1"))[0].price == 7
    assert price(ItemData(sku_id="sku_1", product={"price": 3}))[0].price == 3


def test_deleted_and_foreign_objects_are_unknown():
    at = datetime(2026, 1, 1, tzinfo=UTC)
    ProductFactory(public_id="prod_1", price=1, deleted_at=at)
    ProductFactory(public_id="prod_2", price=1, project=make_project("Other"))
    SkuFactory(public_id="sku_1", price=1, product=ProductFactory(deleted_at=at))
    lines = price(ItemData(product_id="prod_1"), ItemData(product_id="prod_2"), ItemData(sku_id="sku_1"))
    assert [line.price for line in lines] == [None, None, None]


def test_the_sent_amount_of_line_and_order_wins():
    project = make_project()
    order = OrderData(amount=20050, items=(ItemData(price=3000, amount=3300), ItemData(price=10, quantity=2)))
    priced = catalogue.price_order(project=project, order=order)
    assert priced.amount == 20050
    assert [line.amount for line in priced.lines] == [3300, 20]
    assert catalogue.price_order(project=project, order=OrderData(items=order.items)).amount == 3320
    assert catalogue.price_order(project=project, order=OrderData(items=(ItemData(),))).amount is None
    assert catalogue.price_order(project=project, order=OrderData()).amount is None


def test_amounts_beyond_the_wires_limit_are_refused():
    with pytest.raises(InvalidPayload) as refused:
        price(ItemData(), ItemData(price=2**52, quantity=4))
    assert refused.value.details == "Property .order.items[1].amount cannot be higher than 9007199254740991"


def test_any_number_of_lines_needs_two_queries(django_assert_num_queries):
    project = make_project()
    SkuFactory(public_id="sku_1")
    items = [ItemData(source_id=f"s{n}") for n in range(200)] + [ItemData(sku_id="sku_1"), ItemData(product_id="p")]
    with django_assert_num_queries(2):
        catalogue.price_items(project=project, items=items)
    with django_assert_num_queries(0):
        catalogue.price_items(project=project, items=[ItemData(price=1)])


def test_every_new_project_has_its_shipping_product():
    project = make_shop().project
    catalogue.ensure_shipping(project, datetime(2026, 1, 1, tzinfo=UTC))
    shipping = Product.objects.get(project=project)
    assert (shipping.public_id, shipping.source_id, shipping.name, shipping.price) == (
        *("prod_5h1pp1ng", "5h1pp1ng", "Shipping", None),
    )
    assert (shipping.attributes, shipping.metadata) == ([], {})

import pytest

from config.kernel.errors import InvalidPayload
from tracking.payloads import ItemData, OrderData, parse_order


def test_an_order_of_the_wire_is_read():
    body = {
        "amount": "20050",
        "items": [{"product_id": "prod_1", "quantity": "2", "price": 10000}, {"sku_id": "sku_2", "quantity": "1"}],
        "metadata": {"till": 1},
        "unknown": object(),
    }
    assert parse_order(body) == OrderData(
        amount=20050,
        items=(ItemData(product_id="prod_1", quantity=2, price=10000), ItemData(sku_id="sku_2")),
        metadata={"till": 1},
    )
    assert parse_order({}) == OrderData()


@pytest.mark.parametrize(
    ("body", "details"),
    [
        ([], "Property .order should be object"),
        ({"amount": -1}, "Property .order.amount cannot be lower than 0"),
        ({"amount": 1.5}, "Property .order.amount should be integer"),
        ({"amount": True}, "Property .order.amount should be integer"),
        ({"amount": "1e3"}, "Property .order.amount should be integer"),
        ({"amount": "١٢"}, "Property .order.amount should be integer"),
        ({"amount": 2**53}, "Property .order.amount cannot be higher than 9007199254740991"),
        ({"id": 5}, "Property .order.id should be string"),
        ({"source_id": "a\0"}, "Property .order.source_id contains a character that cannot be stored"),
        ({"source_id": "a" * 501}, "Property .order.source_id cannot be longer than 500 characters"),
        ({"status": "LOST"}, "Property .order.status should be equal to one of the allowed values"),
        ({"metadata": []}, "Property .order.metadata should be object"),
        ({"items": {}}, "Property .order.items should be array"),
        ({"items": [1]}, "Property .order.items[0] should be object"),
        ({"items": [{}, {"quantity": 0}]}, "Property .order.items[1].quantity cannot be lower than 1"),
        ({"items": [{"quantity": "two"}]}, "Property .order.items[0].quantity should be integer"),
        ({"items": [{"related_object": "x"}]},
         "Property .order.items[0].related_object should be equal to one of the allowed values"),
        ({"items": [{"product": {"price": "x"}}]}, "Property .order.items[0].product.price should be integer"),
        ({"items": [{}] * 501}, "Property .order.items cannot have more than 500 items"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(body, details):
    with pytest.raises(InvalidPayload) as refused:
        parse_order(body)
    assert refused.value.details == details

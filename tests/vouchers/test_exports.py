from __future__ import annotations

import csv
import io

import pytest
from rest_framework.test import APIClient

from tests.factories import NOW, make_customer, make_rule, make_shop, make_voucher
from tests.jobs import run_queued
from tracking import exports as order_exports
from tracking.models import Order
from vouchers import exports
from vouchers.models import Redemption


@pytest.fixture
def shop(db, data_folder):
    return make_shop()


def rows_of(shop, exported_object, **parameters):
    answer = shop.server().post("/v1/exports", {"exported_object": exported_object, "parameters": parameters})
    assert answer.status_code == 200, answer.json()
    run_queued()
    url = shop.server().get(f"/v1/exports/{answer.json()['id']}").json()["result"]["url"]
    return list(csv.reader(io.StringIO(APIClient().get(url).getvalue().decode())))


def cells_of(shop, exported_object, names, **parameters):
    header, row = rows_of(shop, exported_object, fields=list(names), **parameters)
    return {title: cell for title, cell in zip(header, row, strict=True) if cell}


def test_a_voucher_in_every_field(shop):
    holder = make_customer(project=shop.project, source_id="crm-1")
    voucher = make_voucher(
        project=shop.project, code="TEN", discount={"type": "AMOUNT", "amount_off": 1050}, quantity=3,
        redeemed_quantity=1, validity_day_of_week=[1, 2], holder=holder, start_date=NOW, additional_info="note",
    )  # fmt: skip
    rule = make_rule(voucher)
    assert cells_of(shop, "voucher", exports.VOUCHER.columns) == {
        "Code": "TEN", "Voucher Type": "DISCOUNT_VOUCHER", "Value": "10.50", "Discount Type": "AMOUNT",
        "Start Date": "2026-02-03T10:00:00.000Z", "Redemption Quantity": "3", "Redemption Count": "1",
        "Active": "true", "Qr Code": f"/v1/assets/qr/{voucher.asset_id}",
        "Bar Code": f"/v1/assets/barcode/{voucher.asset_id}", "ID": voucher.public_id, "Is Referral Code": "false",
        "Created At": "2026-02-03T10:00:00.000Z", "Validity Day Of Week": "1,2", "Additional Info": "note",
        "Customer ID": holder.public_id, "Validation Rules ID": rule.public_id, "Customer Source ID": "crm-1",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "value"),
    [
        ({"discount": {"type": "PERCENT", "percent_off": 12.5}}, "12.5"),
        ({"discount": {"type": "FIXED", "fixed_amount": 9900}}, "99.00"),
        ({"discount": {"type": "UNIT", "unit_off": 2, "unit_type": "prod_1"}}, "2"),
        ({"gift_amount": 200_000, "redeemed_amount": 5}, "1999.95"),
    ],
)
def test_the_value_of_a_voucher(shop, fields, value):
    make_voucher(project=shop.project, code="X", **fields)
    assert rows_of(shop, "voucher", fields=["value"]) == [["Value"], [value]]


def test_vouchers_are_filtered(shop):
    make_voucher(project=shop.project, code="ON", metadata={"shop": "web"})
    make_voucher(project=shop.project, code="OFF", active=False)
    make_voucher(project=shop.project, code="BIN", deleted_at=NOW)
    assert rows_of(shop, "voucher", fields=["code"], filters={"active": {"conditions": {"$is": True}}})[1:] == [["ON"]]
    by_key = {"metadata.shop": {"conditions": {"$is": "web"}}}
    assert rows_of(shop, "voucher", fields=["code", "metadata.shop"], filters=by_key)[1:] == [["ON", "web"]]


def test_redemptions_with_those_refused(shop):
    voucher = make_voucher(project=shop.project, code="GIFT", gift_amount=500)
    customer = make_customer(project=shop.project, source_id="crm-1", name="Nora")
    common = {"project": shop.project, "voucher": voucher, "code": "GIFT", "customer": customer, "created_at": NOW}
    Redemption.objects.create(
        public_id="r_1", result="SUCCESS", status="SUCCEEDED", amount=120, order_amount=900, **common
    )
    Redemption.objects.create(
        public_id="rf_2", result="FAILURE", status="FAILED", failure_code="voucher_expired",
        failure_message="voucher expired", **common,
    )  # fmt: skip
    good = {"result": {"conditions": {"$is": "SUCCESS"}}}
    assert cells_of(shop, "redemption", exports.REDEMPTION.columns, filters=good) == {
        "ID": "r_1", "Object": "redemption", "Date": "2026-02-03T10:00:00.000Z", "Voucher Code": "GIFT",
        "Customer ID": customer.public_id, "Customer Source ID": "crm-1", "Customer Name": "Nora",
        "Order Amount": "900", "Gift Amount": "120", "Result": "SUCCESS",
    }  # fmt: skip
    bad = {"failure_code": {"conditions": {"$has_value": True}}, "result": {"conditions": {"$is": "FAILURE"}}}
    names = ["id", "failure_code", "failure_message"]
    assert rows_of(shop, "redemption", fields=names, filters=bad)[1:] == [
        ["rf_2", "voucher_expired", "voucher expired"]
    ]


def test_orders(shop):
    customer = make_customer(project=shop.project)
    Order.objects.create(
        project=shop.project, public_id="ord_1", source_id="o-1", status="PAID", customer=customer, amount=1000,
        discount_amount=100, total_discount_amount=100, total_amount=900, metadata={"till": 1}, created_at=NOW,
    )  # fmt: skip
    Order.objects.create(project=shop.project, public_id="ord_2", status="CREATED", created_at=NOW)
    paid = {"total_amount": {"conditions": {"$more_than": 500}}}
    names = [*order_exports.KIND.columns, "metadata.till"]
    assert cells_of(shop, "order", names, filters=paid) == {
        "ID": "ord_1", "Source ID": "o-1", "Created At": "2026-02-03T10:00:00.000Z", "Status": "PAID", "Amount": "1000",
        "Discount Amount": "100", "Total Discount Amount": "100", "Total Amount": "900",
        "Customer ID": customer.public_id, "metadata.till": "1",
    }  # fmt: skip

from __future__ import annotations

import csv
import io
from datetime import date

import pytest
from rest_framework.test import APIClient

from customers import exports
from tests.factories import NOW, make_customer, make_shop
from tests.jobs import run_queued


@pytest.fixture
def shop(db, data_folder):
    return make_shop()


def rows_of(shop, **parameters):
    body = {"exported_object": "customer", "parameters": parameters}
    export = shop.server().post("/v1/exports", body).json()
    run_queued()
    url = shop.server().get(f"/v1/exports/{export['id']}").json()["result"]["url"]
    return list(csv.reader(io.StringIO(APIClient().get(url).getvalue().decode())))


def test_every_field_of_a_customer_is_exported_as_the_summary_shows_it(shop):
    customer = make_customer(
        project=shop.project, name="Nora", source_id="crm-1", email="nora@example.com", phone="+49 30",
        description="Trade", birthdate=date(1990, 5, 1), address={"city": "Berlin", "line_1": "Main St 1"},
        orders_total_amount=1001, orders_total_count=2, orders_last_amount=500, orders_last_at=NOW,
        redemptions_succeeded=3, redemptions_failed=2, rollbacks_succeeded=1, updated_at=NOW,
    )  # fmt: skip
    header, row = rows_of(shop, fields=list(exports.KIND.columns))
    cells = dict(zip(header, row, strict=True))
    assert cells == {
        "Name": "Nora", "ID": customer.public_id, "Description": "Trade", "Email": "nora@example.com",
        "Source ID": "crm-1", "Created At": "2026-02-03T10:00:00.000Z", "Address City": "Berlin", "Address State": "",
        "Address Line 1": "Main St 1", "Address Line 2": "", "Address Country": "", "Address Postal Code": "",
        "Redemptions Total Redeemed": "5", "Redemptions Total Failed": "2", "Redemptions Total Succeeded": "3",
        "Redemptions Total Rolled Back": "1", "Redemptions Total Rollback Failed": "0",
        "Redemptions Total Rollback Succeeded": "1", "Orders Total Amount": "1001", "Orders Total Count": "2",
        "Orders Average Amount": "501", "Orders Last Order Amount": "500",
        "Orders Last Order Date": "2026-02-03T10:00:00.000Z", "Loyalty Points": "0",
        "Loyalty Referred Customers": "0", "Updated At": "2026-02-03T10:00:00.000Z", "Phone": "+49 30", "Birthday": "",
        "Birthdate": "1990-05-01",
    }  # fmt: skip


def test_filters_are_those_of_segments(shop):
    make_customer(project=shop.project, name="gold", metadata={"tier": "gold"}, orders_total_amount=500)
    make_customer(project=shop.project, name="tin", metadata={"tier": "tin"}, orders_total_amount=500)
    make_customer(project=shop.project, name="poor", metadata={"tier": "gold"})
    filters = {
        "metadata.tier": {"conditions": {"$is": "gold"}},
        "summary.orders.total_amount": {"conditions": {"$more_than": 100}},
    }
    assert rows_of(shop, fields=["name"], filters=filters) == [["Name"], ["gold"]]
    assert sorted(rows_of(shop, fields=["name"], filters={"junction": "and"})) == [
        ["Name"],
        ["gold"],
        ["poor"],
        ["tin"],
    ]


def test_a_wrong_filter_is_refused_with_its_path(shop):
    body = {"exported_object": "customer", "parameters": {"filters": {"nope": {"conditions": {"$is": 1}}}}}
    answer = shop.server().post("/v1/exports", body)
    assert (answer.status_code, answer.json()["key"]) == (400, "invalid_payload")
    assert "nope" in answer.json()["details"]


@pytest.mark.parametrize("order", ["name", "-id", "email", "source_id", "created_at", "-updated_at"])
def test_every_order_gives_every_row_once(shop, order):
    for index in range(4):
        make_customer(project=shop.project, name=f"n{index}", updated_at=NOW if index % 2 else None)
    assert sorted(row[0] for row in rows_of(shop, order=order)[1:]) == ["n0", "n1", "n2", "n3"]

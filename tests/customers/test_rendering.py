from __future__ import annotations

from datetime import UTC, date, datetime

from customers.models import Customer
from customers.rendering import render_customer, render_simple

CREATED = datetime(2026, 2, 1, 8, tzinfo=UTC)


def test_a_new_customer_shows_zeros_a_null_address_and_no_unset_field():
    customer = Customer(public_id="cust_1", created_at=CREATED)
    assert render_customer(customer) == {
        "id": "cust_1",
        "address": None,
        "summary": {
            "redemptions": {
                "total_redeemed": 0,
                "total_failed": 0,
                "total_succeeded": 0,
                "total_rolled_back": 0,
                "total_rollback_failed": 0,
                "total_rollback_succeeded": 0,
                "gift": {"redeemed_amount": 0, "amount_to_go": 0},
                "loyalty_card": {"redeemed_points": 0, "points_to_go": 0},
            },
            "orders": {"total_amount": 0, "total_count": 0, "average_amount": 0, "last_order_amount": 0},
        },
        "loyalty": {"points": 0, "referred_customers": 0, "campaigns": {}},
        "referrals": {"total": 0, "campaigns": []},
        "system_metadata": {},
        "created_at": "2026-02-01T08:00:00.000Z",
        "object": "customer",
    }


def test_a_full_customer():
    customer = Customer(
        public_id="cust_1",
        source_id="crm-1",
        name="Nora",
        email="n@example.com",
        birthdate=date(1990, 5, 1),
        address={"postal_code": "10115", "city": "Berlin"},
        metadata={},
        nulled_fields=["name", "phone"],
        created_at=CREATED,
        updated_at=CREATED,
        orders_total_amount=2001,
        orders_total_count=2,
        orders_last_amount=1001,
        orders_last_at=CREATED,
        redemptions_succeeded=3,
        redemptions_failed=2,
        rollbacks_succeeded=1,
        rollbacks_failed=2,
    )
    wire = render_customer(customer)
    assert (wire["source_id"], wire["name"], wire["phone"], wire["birthdate"]) == ("crm-1", "Nora", None, "1990-05-01")
    assert list(wire["address"]) == ["city", "postal_code"]
    assert wire["metadata"] == {}
    assert wire["updated_at"] == "2026-02-01T08:00:00.000Z"
    assert "description" not in wire
    assert wire["summary"]["orders"] == {
        "total_amount": 2001,
        "total_count": 2,
        "average_amount": 1001,
        "last_order_amount": 1001,
        "last_order_date": "2026-02-01T08:00:00.000Z",
    }
    redemptions = wire["summary"]["redemptions"]
    assert (redemptions["total_redeemed"], redemptions["total_rolled_back"]) == (5, 3)


def test_the_embedded_form_has_six_keys():
    assert render_simple(Customer(public_id="cust_1", created_at=CREATED)) == {
        "id": "cust_1",
        "name": None,
        "email": None,
        "source_id": None,
        "metadata": {},
        "object": "customer",
    }

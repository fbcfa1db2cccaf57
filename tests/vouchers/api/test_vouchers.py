"""`/v1/vouchers`: shapes, refusals, lists."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from tests.factories import (
    CampaignFactory,
    ProductFactory,
    Shop,
    SkuFactory,
    make_customer,
    make_rule,
    make_shop,
    make_voucher,
)
from vouchers.models import Category, Redemption, RuleAssignment, Voucher

pytestmark = pytest.mark.django_db
TEN = {"type": "DISCOUNT_VOUCHER", "discount": {"type": "PERCENT", "percent_off": 10}}


@pytest.fixture
def shop() -> Shop:
    return make_shop()


def voucher_of(shop: Shop, **fields: Any) -> Voucher:
    return make_voucher(project=shop.project, **fields)


def codes_of(response: Any) -> list[str]:
    return [row["code"] for row in response.json()["vouchers"]]


def test_a_created_voucher_comes_back_as_it_was_sent(shop: Shop) -> None:
    rule = make_rule(project=shop.project)
    body = {
        **TEN,
        "code": "SPRING-7KQ2",
        "start_date": "2026-03-01",
        "expiration_date": "2026-06-01T00:00:00+02:00",
        "redemption": {"quantity": "100"},
        "metadata": {"channel": "newsletter"},
        "validation_rules": [rule.public_id],
        "category": "Spring",
        "gift": None,
        "campaign": None,
        "nobody_knows_this": 1,
    }
    response = shop.server().post("/v1/vouchers", body)
    assert response.status_code == 200, response.json()
    wire = response.json()
    assert wire["code"] == "SPRING-7KQ2"
    assert wire["discount"] == {"type": "PERCENT", "percent_off": 10}
    assert wire["start_date"] == "2026-03-01T00:00:00.000Z"
    assert wire["expiration_date"] == "2026-05-31T22:00:00.000Z"
    assert wire["redemption"]["quantity"] == 100
    assert (wire["category"], wire["category_id"], wire["categories"]) == ("Spring", None, [])
    assert wire["metadata"] == {"channel": "newsletter"}
    assert [row["rule_id"] for row in wire["validation_rules_assignments"]["data"]] == [rule.public_id]
    assert shop.server().get("/v1/vouchers/SPRING-7KQ2").json() == wire
    assert shop.server().get(f"/v1/vouchers/{wire['id']}/").json() == wire


def test_a_code_is_generated_where_none_is_given(shop: Shop) -> None:
    body = {"type": "GIFT_VOUCHER", "gift": {"amount": 5000, "effect": "APPLY_TO_ORDER"}}
    wire = shop.server().post("/v1/vouchers", {**body, "code_config": {"prefix": "GC-", "pattern": "####"}}).json()
    assert wire["code"].startswith("GC-")
    assert len(wire["code"]) == 7
    assert wire["gift"] == {"amount": 5000, "balance": 5000, "effect": "APPLY_TO_ORDER"}
    assert wire["discount"] is None
    assert len(shop.server().post("/v1/vouchers", body).json()["code"]) == 8


def test_the_code_of_the_path_beats_the_bodys_and_may_hold_a_slash(shop: Shop) -> None:
    response = shop.server().post("/v1/vouchers/10%2F%25%20off", {**TEN, "code": "OTHER"})
    assert response.status_code == 200
    assert response.json()["code"] == "10/% off"
    assert shop.server().get("/v1/vouchers/10%2F%25%20off").json()["code"] == "10/% off"
    assert shop.server().post("/v1/vouchers/10%2F%25%20off/disable").json()["active"] is False


def test_a_taken_code_is_a_conflict(shop: Shop) -> None:
    voucher_of(shop, code="TEN")
    response = shop.server().post("/v1/vouchers", {**TEN, "code": "TEN"})
    assert response.status_code == 409
    wire = response.json()
    request_id = wire.pop("request_id")
    assert request_id.startswith("v-")
    assert wire == {
        "code": 409,
        "key": "duplicate_found",
        "message": "Duplicated resource found",
        "details": "Duplicated voucher exists with id TEN",
        "resource_id": "TEN",
        "resource_type": "voucher",
    }


@pytest.mark.parametrize(
    ("body", "key", "details"),
    [
        ([], "invalid_payload", "Payload should be object"),
        ({}, "invalid_voucher", "gift or discount is missing"),
        ({"type": "COUPON"}, "invalid_payload", "Property .type should be equal to one of the allowed values"),
        ({**TEN, "discount": 5}, "invalid_payload", "Property .discount should be object,null"),
        ({**TEN, "redemption": {"quantity": "x"}}, "invalid_payload", "Property .redemption.quantity should be number"),
        ({**TEN, "redemption": {"quantity": -1}}, "invalid_payload", "Property .redemption.quantity cannot be lower"),
        (
            {**TEN, "redemption": {"quantity": 1.5}},
            "invalid_payload",
            "Property .redemption.quantity should be integer",
        ),
        ({**TEN, "start_date": "soon"}, "invalid_payload", "Property .start_date cannot be recognized as a ISO-8601"),
        ({**TEN, "active": "yes"}, "invalid_payload", "Property .active should be boolean,null"),
        ({**TEN, "metadata": {"a": {"b": {"c": {"d": {"e": 1}}}}}}, "invalid_payload", "Property .metadata"),
        ({**TEN, "metadata": []}, "invalid_payload", "Property .metadata should be object"),
        ({**TEN, "code": 7}, "invalid_payload", "Property .code should be string,null"),
        ({"gift": {}}, "invalid_payload", "Property .gift should have required property 'amount'"),
        ({"gift": {"amount": 2**53}}, "invalid_payload", "Property .gift.amount cannot be higher than"),
        (
            {**TEN, "validation_rules": ["val_1", 2]},
            "invalid_payload",
            "Property .validation_rules[1] should be string",
        ),
        ({**TEN, "validity_day_of_week": [9]}, "invalid_payload", ""),
        ({"type": "DISCOUNT_VOUCHER", "discount": {"type": "UNIT", "unit_off": 1, "unit_type": ""}}, "", ""),
        ({"type": "LOYALTY_CARD", "loyalty_card": {"points": 1}}, "invalid_voucher", ""),
    ],
)
def test_what_cannot_be_a_voucher_is_refused_and_not_stored(shop: Shop, body: Any, key: str, details: str) -> None:
    response = shop.server().post("/v1/vouchers", body)
    assert response.status_code == 400, response.json()
    assert key in response.json()["key"]
    assert response.json().get("details", "").startswith(details)
    assert Voucher.objects.count() == 0


def test_an_unknown_code_is_not_found(shop: Shop) -> None:
    for method, path in (("get", ""), ("put", ""), ("delete", ""), ("post", "/enable"), ("get", "/redemption")):
        response = getattr(shop.server(), method)(f"/v1/vouchers/NOPE{path}")
        assert response.status_code == 404, path
        assert response.json()["details"] == "Cannot find voucher with id NOPE"
        assert (response.json()["resource_type"], response.json()["resource_id"]) == ("voucher", "NOPE")


def test_an_update_changes_what_was_sent_and_null_clears(shop: Shop) -> None:
    voucher = voucher_of(shop, code="TEN", additional_info="Old", metadata={"a": 1, "b": 2})
    before = shop.server().get("/v1/vouchers/TEN").json()
    body = {"additional_info": None, "metadata": {"b": None, "c": [3]}, "code": "ELEVEN", "redemption": {"quantity": 1}}
    wire = shop.server().put("/v1/vouchers/TEN", body).json()
    assert wire["updated_at"] is not None
    assert wire == before | {
        "additional_info": None,
        "metadata": {"a": 1, "b": None, "c": [3]},
        "updated_at": wire["updated_at"],
    }
    response = shop.server().put("/v1/vouchers/TEN", {"discount": {"type": "AMOUNT", "amount_off": 5}})
    assert response.status_code == 400
    assert response.json()["details"] == "It is not possible to change Voucher discount type"
    voucher.refresh_from_db()
    assert voucher.discount == {"type": "PERCENT", "percent_off": 10}


def test_a_binned_code_is_gone_but_stays_reserved_and_a_forced_one_is_free(shop: Shop) -> None:
    voucher_of(shop, code="TEN")
    response = shop.server().delete("/v1/vouchers/TEN")
    assert (response.status_code, response.content) == (204, b"")
    assert shop.server().get("/v1/vouchers/TEN").status_code == 404
    assert shop.server().post("/v1/vouchers/TEN", TEN).status_code == 409
    voucher_of(shop, code="FIVE")
    assert shop.server().delete("/v1/vouchers/FIVE?force=true").status_code == 204
    assert shop.server().post("/v1/vouchers/FIVE", TEN).status_code == 200


def test_redemptions_of_a_removed_code_are_shown_no_more_and_what_they_did_stays(shop: Shop) -> None:
    server = shop.server()
    entries = {}
    for code in ("KEPT", "BINNED", "GONE"):
        voucher_of(shop, code=code)
        body = {"redeemables": [{"object": "voucher", "id": code}], "customer": {"source_id": "ada"}}
        made = server.post("/v1/redemptions", {**body, "order": {"source_id": code, "amount": 1000}}).json()
        entries[code] = f"/v1/redemptions/{made['redemptions'][0]['id']}"
    server.delete("/v1/vouchers/BINNED")
    server.delete("/v1/vouchers/GONE?force=true")
    listed = server.get("/v1/redemptions").json()
    assert ([row["voucher"]["code"] for row in listed["redemptions"]], listed["total"]) == (["BINNED", "KEPT"], 2)
    for address in (entries["GONE"], f"{entries['GONE']}/rollback"):
        response = server.post(address) if address.endswith("rollback") else server.get(address)
        assert (response.status_code, response.json()["resource_type"]) == (404, "redemption")
    assert server.get("/v1/orders/GONE").json()["total_amount"] == 900
    assert server.get("/v1/customers/ada").json()["summary"]["redemptions"]["total_succeeded"] == 3
    assert server.post(f"{entries['BINNED']}/rollback").status_code == 200


def test_switching_twice_changes_nothing_more(shop: Shop) -> None:
    voucher_of(shop, code="TEN")
    off = shop.server().post("/v1/vouchers/TEN/disable").json()
    assert off["active"] is False
    assert shop.server().post("/v1/vouchers/TEN/disable").json() == off
    assert shop.server().post("/v1/vouchers/TEN/enable").json()["active"] is True


def test_the_list_is_newest_first_in_pages_with_a_total(shop: Shop) -> None:
    for number in range(3):
        voucher_of(shop, code=f"C-{number}")
    make_voucher(project=make_shop("Other").project, code="FOREIGN")
    response = shop.server().get("/v1/vouchers?limit=2")
    assert response.json() | {"vouchers": []} == {"object": "list", "data_ref": "vouchers", "vouchers": [], "total": 3}
    assert codes_of(response) == ["C-2", "C-1"]
    assert codes_of(shop.server().get("/v1/vouchers?limit=2&page=2")) == ["C-0"]
    assert codes_of(shop.server().get("/v1/vouchers?order=code")) == ["C-0", "C-1", "C-2"]
    assert "validation_rules_assignments" not in response.json()["vouchers"][0]


def test_the_list_is_narrowed_by_each_parameter(shop: Shop) -> None:
    holder = make_customer(project=shop.project, source_id="crm-1")
    campaign = CampaignFactory.create(project=shop.project, name="Spring sale")
    category = Category.objects.create(project=shop.project, name="Shoes", created_at=holder.created_at)
    plain = voucher_of(shop, code="PLAIN")
    voucher_of(shop, code="HELD", holder=holder)
    voucher_of(shop, code="OF-CAMPAIGN", campaign=campaign)
    voucher_of(shop, code="OF-CATEGORY", category=category)
    voucher_of(shop, code="TAGGED", category_tag="Shoes", created_at="2026-01-01T00:00:00Z")
    server = shop.server()
    for query, expected in (
        ("code=PLAIN", ["PLAIN"]),
        (f"customer={holder.public_id}", ["HELD"]),
        ("customer=crm-1", ["HELD"]),
        ("campaign=Spring%20sale", ["OF-CAMPAIGN"]),
        (f"campaign_id={campaign.public_id}", ["OF-CAMPAIGN"]),
        ("category=Shoes", ["OF-CATEGORY", "TAGGED"]),
        (f"ids[0]={plain.public_id}&ids[1]=v_other", ["PLAIN"]),
        ("created_at[before]=2026-01-15", ["TAGGED"]),
        ("[created_at][before]=2026-01-15T00:00:00Z", ["TAGGED"]),
        ("updated_at[after]=2026-01-15", []),
    ):
        assert codes_of(server.get(f"/v1/vouchers?{query}")) == expected, query


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("filters[active][conditions][$enabled]=true", ["EARLY", "OLD", "PLAIN"]),
        ("filters[active][conditions][$disabled]=", ["OFF"]),
        ("[filters][active][conditions][$expired]=true", ["OLD"]),
        ("[filters][active][conditions][$active]=true", ["PLAIN"]),
        ("filters[active][conditions][$active]=false&filters[active][conditions][$enabled]=true", ["EARLY", "OLD"]),
        ("filters[redemption.redeemed_quantity][conditions][$is]=0", ["EARLY", "OFF", "OLD"]),
        ("filters[is_referral_code][conditions][$is]=true", []),
        ("filters[expiration_date][conditions][$before]=2026-01-01T00:00:00Z", ["OLD"]),
        ("filters[metadata.channel][conditions][$is]=news", ["PLAIN"]),
        ("filters[campaign][conditions][$is]=Spring", ["OFF"]),
        ("filters[code][conditions][$in][0]=OLD&filters[code][conditions][$in][1]=OFF", ["OFF", "OLD"]),
        (
            "[filters][code][conditions][$is]=OLD&[filters][active][conditions][$disabled]=true&[filters][junction]=or",
            ["OFF", "OLD"],
        ),
    ],
)
def test_the_list_takes_filters(shop: Shop, query: str, expected: list[str]) -> None:
    spring = CampaignFactory.create(project=shop.project, name="Spring")
    voucher_of(shop, code="PLAIN", metadata={"channel": "news"}, redeemed_quantity=1)
    voucher_of(shop, code="OFF", active=False, campaign=spring)
    voucher_of(shop, code="OLD", expiration_date="2020-01-01T00:00:00Z")
    voucher_of(shop, code="EARLY", start_date="2999-01-01T00:00:00Z")
    response = shop.server().get(f"/v1/vouchers?{query}")
    assert response.status_code == 200, response.json()
    assert sorted(codes_of(response)) == expected


@pytest.mark.parametrize(
    "query",
    ["filters[moon][conditions][$is]=1", "filters[code][conditions][$loves]=1", "filters[active][conditions][$x]=1"],
)
def test_a_filter_that_cannot_be_meant_is_refused(shop: Shop, query: str) -> None:
    response = shop.server().get(f"/v1/vouchers?{query}")
    assert (response.status_code, response.json()["key"]) == (400, "invalid_query_params")


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=101", "page=0", "page=x", "order=color", "created_at[before]=soon", "page=1001"],
)
def test_a_bad_query_is_refused(shop: Shop, query: str) -> None:
    response = shop.server().get(f"/v1/vouchers?{query}")
    assert response.status_code == 400
    assert response.json()["key"] in ("invalid_query_params", "page_over_limit")


def test_the_list_costs_the_same_queries_for_one_and_for_many(shop: Shop) -> None:
    holder = make_customer(project=shop.project)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert shop.server().get("/v1/vouchers?limit=100").status_code == 200
        return len(captured)

    voucher_of(shop)
    queries()
    few = queries()
    for number in range(5):
        campaign = CampaignFactory.create(project=shop.project)
        voucher_of(shop, code=f"N-{number}", holder=holder, campaign=campaign)
    assert queries() == few == 2


def test_keys_decide_who_may_ask(shop: Shop) -> None:
    voucher_of(shop, code="TEN")
    other = make_shop("Other")
    assert APIClient().get("/v1/vouchers/TEN").status_code == 401
    assert shop.browser().get("/v1/vouchers/TEN").status_code == 401
    assert shop.management().get("/v1/vouchers/TEN").status_code == 401
    assert other.server().get("/v1/vouchers/TEN").status_code == 404
    assert other.server().get("/v1/vouchers").json()["total"] == 0


def test_the_attempts_on_a_code_are_listed_newest_first(shop: Shop) -> None:
    voucher = voucher_of(shop, code="TEN", quantity=5, redeemed_quantity=1)
    common = {"project": shop.project, "voucher": voucher, "code": "TEN"}
    Redemption.objects.create(
        public_id="r_1", result="SUCCESS", status="SUCCEEDED", created_at="2026-02-01T00:00:00Z", **common
    )
    Redemption.objects.create(
        public_id="rf_2", result="FAILURE", status="FAILED", created_at="2026-02-02T00:00:00Z", **common
    )
    wire = shop.server().get("/v1/vouchers/TEN/redemption").json()
    entries = wire.pop("redemption_entries")
    assert wire == {
        "quantity": 5,
        "redeemed_quantity": 1,
        "object": "list",
        "url": "/v1/vouchers/TEN/redemptions?page=1&limit=10",
        "data_ref": "redemption_entries",
        "total": 2,
    }
    assert [entry["id"] for entry in entries] == ["rf_2", "r_1"]
    assert RuleAssignment.objects.count() == 0


def test_the_attempts_on_a_code_are_also_read_in_pages(shop: Shop) -> None:
    voucher = voucher_of(shop, code="TEN")
    for number in range(3):
        Redemption.objects.create(
            project=shop.project,
            voucher=voucher,
            public_id=f"r_{number}",
            code="TEN",
            result="SUCCESS",
            status="SUCCEEDED",
            created_at=f"2026-02-0{number + 1}T00:00:00Z",
        )
    url = shop.server().get("/v1/vouchers/TEN").json()["redemption"]["url"]
    assert shop.server().get(url).json()["total"] == 3
    page = shop.server().get("/v1/vouchers/TEN/redemptions?limit=2&page=2").json()
    assert (page["data_ref"], [row["id"] for row in page["redemptions"]]) == ("redemptions", ["r_0"])
    assert shop.server().get("/v1/vouchers/NOPE/redemptions").status_code == 404


def test_browsers_list_vouchers_only_where_the_project_lets_them() -> None:
    closed, opened = make_shop("Closed"), make_shop("Opened", client_side=("list_vouchers",))
    holder = make_customer(project=opened.project, source_id="crm-1", name="Nora")
    make_voucher(project=opened.project, code="TEN", holder=holder)
    response = closed.browser().get("/client/v1/vouchers")
    assert (response.status_code, response.json()["key"]) == (403, "forbidden")
    wire = opened.browser().get("/client/v1/vouchers?limit=5").json()
    assert (wire["data_ref"], wire["total"], [row["code"] for row in wire["vouchers"]]) == ("vouchers", 1, ["TEN"])
    assert "Nora" not in str(wire)
    make_voucher(project=opened.project, code="FREE")
    hers = opened.browser().get("/client/v1/vouchers?customer=crm-1")
    assert [row["code"] for row in hers.json()["vouchers"]] == ["TEN"]
    assert "Nora" not in hers.content.decode()
    assert opened.browser().get("/client/v1/vouchers?customer=unknown").json()["total"] == 0
    assert opened.server().get("/client/v1/vouchers").status_code == 401


def test_free_units_are_shown_with_the_names_of_product_and_sku(shop: Shop) -> None:
    mug = ProductFactory.create(project=shop.project, source_id="mug", name="Mug")
    red = SkuFactory.create(product=mug, source_id="red", sku="Red")
    product = {"id": mug.public_id, "source_id": "mug", "name": "Mug"}
    sku = {"id": red.public_id, "source_id": "red", "sku": "Red", "name": "Red"}

    def made(**discount: Any) -> Any:
        body = {"type": "DISCOUNT_VOUCHER", "discount": {"type": "UNIT", **discount}}
        return shop.server().post("/v1/vouchers", body).json()["discount"]

    one = {"unit_off": 1, "effect": "ADD_NEW_ITEMS"}
    assert made(**one, unit_type=mug.public_id) == {
        **{"type": "UNIT", **one, "unit_type": mug.public_id, "product": product}
    }
    many = made(effect="ADD_MANY_ITEMS", units=[{**one, "unit_type": red.public_id}, {**one, "unit_type": "nope"}])
    assert many["units"] == [
        {**one, "unit_type": red.public_id, "product": product, "sku": sku},
        {**one, "unit_type": "nope"},
    ]


@pytest.mark.parametrize(
    ("campaign_type", "body", "kind"),
    [
        ("DISCOUNT_COUPONS", {"type": "GIFT_VOUCHER", "gift": {"amount": 5}}, "GIFT_VOUCHER"),
        ("GIFT_VOUCHERS", TEN, "DISCOUNT_VOUCHER"),
    ],
)
def test_a_campaign_takes_codes_of_its_own_kind_only(
    shop: Shop, campaign_type: str, body: dict[str, Any], kind: str
) -> None:
    campaign = CampaignFactory.create(project=shop.project, name="Camp", campaign_type=campaign_type)
    for path, sent in (
        ("/v1/vouchers", {**body, "campaign": "Camp"}),
        ("/v1/vouchers/X", {**body, "campaign": "Camp"}),
    ):
        response = shop.server().post(path, sent)
        assert (response.status_code, response.json()["key"]) == (400, "invalid_campaign")
        assert response.json()["details"] == f"Voucher type {kind} is not allowed for {campaign_type} campaign"
    assert not campaign.vouchers.exists()

"""`/v1/campaigns`: shapes, codes in the background, changes, refusals."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from config.jobs.models import AsyncAction
from config.kernel import instants
from config.project.models import AuditEntry
from tests.factories import NOW, CampaignFactory, Shop, make_rule, make_shop, make_voucher
from tests.jobs import run_queued
from tracking.models import Event
from vouchers.models import Campaign, Category, RuleAssignment, Voucher, VoucherTransaction

pytestmark = pytest.mark.django_db
LATER = datetime(2999, 1, 1, tzinfo=UTC)
CHARSET = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
COUPONS: dict[str, Any] = {
    "name": "Autumn",
    "campaign_type": "DISCOUNT_COUPONS",
    "type": "AUTO_UPDATE",
    "voucher": {"type": "DISCOUNT_VOUCHER", "discount": {"type": "AMOUNT", "amount_off": 700}},
}
GIFTS: dict[str, Any] = {
    "name": "Gifts",
    "campaign_type": "GIFT_VOUCHERS",
    "voucher": {"type": "GIFT_VOUCHER", "gift": {"amount": 10_000}},
}


@pytest.fixture
def shop() -> Shop:
    return make_shop()


def made(shop: Shop, body: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    response = shop.server().post("/v1/campaigns", {**(COUPONS if body is None else body), **more})
    assert response.status_code == 200, response.json()
    return dict(response.json())


def codes_of(name: str) -> list[str]:
    return list(Voucher.objects.filter(campaign__name=name).order_by("pk").values_list("code", flat=True))


def test_a_new_campaign_answers_as_observed(shop: Shop) -> None:
    wire = made(shop)
    assert wire == {
        "id": wire["id"],
        "name": "Autumn",
        "campaign_type": "DISCOUNT_COUPONS",
        "type": "AUTO_UPDATE",
        "voucher": {
            "type": "DISCOUNT_VOUCHER",
            "discount": {"type": "AMOUNT", "amount_off": 700},
            "redemption": {"quantity": None},
            "code_config": {"length": 8, "charset": CHARSET, "pattern": "########"},
            "is_referral_code": False,
        },
        "auto_join": False,
        "join_once": False,
        "use_voucher_metadata_schema": True,
        "vouchers_count": 0,
        "active": True,
        "created_at": wire["created_at"],
        "creation_status": "DONE",
        "vouchers_generation_status": "DONE",
        "protected": False,
        "category_id": None,
        "categories": [],
        "object": "campaign",
        "validation_rules_assignments": {"object": "list", "data_ref": "data", "data": [], "total": 0},
    }
    assert wire["id"].startswith("camp_")
    assert shop.server().get(f"/v1/campaigns/{wire['id']}").json() == wire
    assert shop.server().get("/v1/campaigns/Autumn").json() == wire
    assert not AsyncAction.objects.exists()


@pytest.mark.parametrize(
    ("template", "kind"),
    [
        ({"type": "DISCOUNT_VOUCHER", "discount": {"type": "AMOUNT", "amount_off": 1}}, "DISCOUNT_COUPONS"),
        ({"type": "GIFT_VOUCHER", "gift": {"amount": 5}}, "GIFT_VOUCHERS"),
        ({"type": "LOYALTY_CARD", "loyalty_card": {"points": 5}}, "LOYALTY_PROGRAM"),
        ({"gift": {"amount": 5}}, "GIFT_VOUCHERS"),
    ],
)
def test_the_kind_of_a_campaign_follows_from_its_codes(shop: Shop, template: dict[str, Any], kind: str) -> None:
    wire = made(shop, {"name": "A", "voucher": template})
    assert (wire["campaign_type"], wire["type"]) == (kind, "STATIC")
    assert wire["join_once"] is (kind == "LOYALTY_PROGRAM")


def test_a_promotion_has_tiers_and_no_codes(shop: Shop) -> None:
    rule = make_rule(project=shop.project)
    action = {"discount": {"type": "PERCENT", "percent_off": 10}}
    tiers = [{"name": "First", "action": action, "validation_rules": [rule.public_id]}, {"name": "Second"}]
    wire = made(shop, {"name": "P", "campaign_type": "PROMOTION", "promotion": {"tiers": tiers}})
    assert {"voucher", "vouchers_count", "validation_rules_assignments"} & set(wire) == set()
    assert wire["use_voucher_metadata_schema"] is False
    assert (wire["creation_status"], wire["vouchers_generation_status"]) == ("DONE", "DONE")
    first, second = wire["promotion"]["tiers"]
    assert wire["promotion"]["total"] == 2
    assert (first["hierarchy"], second["hierarchy"]) == (1, 2)
    assert first["promotion_id"] == wire["id"]
    assert "updated_at" not in first
    assert [row["rule_id"] for row in first["validation_rule_assignments"]["data"]] == [rule.public_id]
    assert "validation_rule_assignments" not in second
    assert {"action", "banner"} & set(second) == set()
    empty = made(shop, {"name": "Q", "campaign_type": "PROMOTION"})
    assert empty["promotion"] == {"object": "list", "data_ref": "tiers", "tiers": [], "total": 0}


def test_codes_are_made_in_the_background_and_counted(shop: Shop) -> None:
    wire = made(
        shop,
        vouchers_count=50,
        voucher={**COUPONS["voucher"], "code_config": {"pattern": "SPR-######"}, "redemption": {"quantity": 1}},
    )
    assert wire["vouchers_count"] == 0
    assert (wire["creation_status"], wire["vouchers_generation_status"]) == ("IN_PROGRESS", "IN_PROGRESS")
    run_queued()
    after = shop.server().get("/v1/campaigns/Autumn").json()
    assert after["vouchers_count"] == 50
    assert (after["creation_status"], after["vouchers_generation_status"]) == ("DONE", "DONE")
    codes = codes_of("Autumn")
    assert len(set(codes)) == 50
    assert all(code.startswith("SPR-") and len(code) == 10 for code in codes)
    one = shop.server().get(f"/v1/vouchers/{codes[0]}").json()
    assert one["campaign_id"] == wire["id"]
    assert one["redemption"]["quantity"] == 1
    assert one["discount"] == {"type": "AMOUNT", "amount_off": 700}
    assert {"holder_id", "referrer_id"} & set(one) == set()
    action = AsyncAction.objects.get()
    assert action.type == "CAMPAIGN.VOUCHERS_GENERATE"
    assert action.result == {"message": "Generated 50 vouchers.", "done_count": 50}


def test_gift_cards_of_a_campaign_come_with_their_ledger(shop: Shop) -> None:
    made(shop, GIFTS, vouchers_count=3)
    run_queued()
    lines = VoucherTransaction.objects.order_by("pk")
    assert [(line.amount, line.balance, line.voucher.gift_balance) for line in lines] == [(10_000,) * 3] * 3
    listed = shop.server().get("/v1/campaigns/Gifts/transactions", {"limit": 2}).json()
    assert (len(listed["data"]), listed["has_more"]) == (2, True)
    rest = (
        shop.server()
        .get("/v1/campaigns/Gifts/transactions", {"limit": 2, "starting_after_id": listed["more_starting_after"]})
        .json()
    )
    assert (len(rest["data"]), rest["has_more"]) == (1, False)
    assert shop.server().get("/v1/campaigns/Gifts/transactions", {"order": "x"}).status_code == 400
    export = shop.server().post("/v1/campaigns/Gifts/transactions/export", {"parameters": {"fields": ["amount"]}})
    assert (export.status_code, export.json()["exported_object"]) == (200, "voucher_transactions")
    made(shop)
    assert shop.server().get("/v1/campaigns/Autumn/transactions").json()["data"] == []
    refused = shop.server().post("/v1/campaigns/Autumn/transactions/export", {})
    assert (refused.status_code, refused.json()["details"]) == (
        *(403, "Transactions are allowed only for loyalty or gift campaigns"),
    )


def test_a_campaign_that_is_being_made_refuses_changes(shop: Shop) -> None:
    made(shop, vouchers_count=5)
    server = shop.server()
    calls = [
        server.put("/v1/campaigns/Autumn", {"description": "x"}),
        server.delete("/v1/campaigns/Autumn"),
        server.post("/v1/campaigns/Autumn/vouchers"),
        server.post("/v1/campaigns/Autumn/vouchers/MINE"),
        server.post("/v1/campaigns/Autumn/vouchers?vouchers_count=2"),
        server.post("/v1/campaigns/Autumn/import", [{"code": "A"}]),
        server.post("/v1/campaigns/Autumn/disable"),
    ]
    assert [(call.status_code, call.json()["key"]) for call in calls] == [(400, "invalid_campaign")] * 7
    assert server.get("/v1/campaigns/Autumn").status_code == 200
    run_queued()
    assert server.put("/v1/campaigns/Autumn", {"description": "x"}).status_code == 200
    assert Voucher.objects.count() == 5


def test_a_standalone_campaign_has_one_given_code(shop: Shop) -> None:
    wire = made(
        shop, type="STANDALONE", join_once=True, vouchers_count=7, voucher={**COUPONS["voucher"], "code": "PUBLIC"}
    )
    assert (wire["vouchers_count"], wire["join_once"], wire["creation_status"]) == (1, False, "DONE")
    assert codes_of("Autumn") == ["PUBLIC"]
    more = shop.server().post("/v1/campaigns/Autumn/vouchers")
    assert more.json()["details"] == "You can not generate vouchers for STANDALONE type campaign."
    taken = shop.server().post(
        "/v1/campaigns",
        {**COUPONS, "name": "B", "type": "STANDALONE", "voucher": {**COUPONS["voucher"], "code": "PUBLIC"}},
    )
    assert (taken.status_code, taken.json()["resource_type"]) == (409, "voucher")
    assert not Campaign.objects.filter(name="B").exists()


@pytest.mark.parametrize(
    ("body", "status", "key", "details"),
    [
        ({}, 400, "invalid_payload", "Payload should have required property 'name'"),
        ({"name": "A"}, 400, "invalid_payload", "Payload should have required property 'campaign_type'"),
        ({"name": "A", "campaign_type": "X"}, 400, "invalid_payload",
         "Property .campaign_type should be equal to one of the allowed values"
         " [ DISCOUNT_COUPONS, GIFT_VOUCHERS, PROMOTION, LOYALTY_PROGRAM, REFERRAL_PROGRAM ]"),
        ({"name": "A", "campaign_type": "DISCOUNT_COUPONS"}, 400, "invalid_campaign",
         "Property 'voucher' is required for DISCOUNT_COUPONS campaign"),
        ({"name": "A", "campaign_type": "REFERRAL_PROGRAM", "voucher": {"type": "DISCOUNT_VOUCHER"}}, 400,
         "invalid_campaign", "Property 'discount' is required for REFERRAL_PROGRAM campaign"),
        ({"name": "A", "campaign_type": "GIFT_VOUCHERS", "voucher": COUPONS["voucher"]}, 400, "invalid_campaign",
         "Voucher type DISCOUNT_VOUCHER is not allowed for GIFT_VOUCHERS campaign"),
        ({**COUPONS, "voucher": {**COUPONS["voucher"], "discount": {"type": "AMOUNT"}}}, 400, "invalid_voucher",
         "Property .discount should have required property 'amount_off'"),
        ({**COUPONS, "voucher": {**COUPONS["voucher"], "code_config": {"pattern": "ABC"}}}, 400,
         "invalid_code_config", "Property .code_config.pattern should have at least one '#'"),
        ({**COUPONS, "vouchers_count": 11, "voucher": {**COUPONS["voucher"], "code_config": {
            "pattern": "#", "charset": "0123456789"}}}, 400,
         "invalid_code_config", "Pattern '#' has fewer than 11 codes; allow more characters"),
        ({**COUPONS, "vouchers_count": -1}, 400, "invalid_payload",
         "Property .vouchers_count cannot be lower than 0"),
        ({**COUPONS, "validation_rules": ["val_a", "val_b"]}, 400, "invalid_payload",
         "Property .validation_rules should NOT have more than 1 items"),
        ({**COUPONS, "validation_rules": ["val_a"]}, 404, "not_found", "Cannot find validation_rules with id val_a"),
        ({**COUPONS, "category_id": "cat_a"}, 404, "not_found", "Cannot find category with id cat_a"),
        ({**COUPONS, "activity_duration_after_publishing": "soon"}, 400, "invalid_payload",
         "Property .activity_duration_after_publishing should be an ISO 8601 duration"),
        ({**COUPONS, "start_date": "2026-02-02", "expiration_date": "2026-02-01"}, 400, "invalid_payload",
         "Property .expiration_date cannot be before .start_date"),
        ({"name": "A", "campaign_type": "PROMOTION", "promotion": {"tiers": [{}]}}, 400, "invalid_payload",
         "Property .promotion.tiers[0] should have required property 'name'"),
        ([], 400, "invalid_payload", "Payload should be object"),
    ],
)  # fmt: skip
def test_a_bad_campaign_is_refused_and_none_is_made(shop: Shop, body: Any, status: int, key: str, details: str) -> None:
    response = shop.server().post("/v1/campaigns", body)
    wire = response.json()
    assert (response.status_code, wire["key"], wire["details"]) == (status, key, details)
    assert not Campaign.objects.exists()
    assert not Voucher.objects.exists()
    assert not AsyncAction.objects.exists()


def test_a_name_comes_once_until_its_campaign_is_removed(shop: Shop) -> None:
    made(shop)
    again = shop.server().post("/v1/campaigns", COUPONS)
    assert again.status_code == 409
    assert {name: again.json()[name] for name in ("key", "details", "resource_id", "resource_type")} == {
        "key": "duplicate_found",
        "details": "Duplicated campaign exists with name Autumn",
        "resource_id": "Autumn",
        "resource_type": "campaign",
    }
    assert shop.server().delete("/v1/campaigns/Autumn").status_code == 202
    assert made(shop)["name"] == "Autumn"


def test_adding_codes(shop: Shop) -> None:
    made(shop)
    server = shop.server()
    one = server.post("/v1/campaigns/Autumn/vouchers", {"metadata": {"a": 1}, "redemption": {"quantity": 3}})
    assert one.status_code == 200
    assert (one.json()["metadata"], one.json()["redemption"]["quantity"]) == ({"a": 1}, 3)
    assert one.json()["validation_rules_assignments"]["total"] == 0
    given = server.post("/v1/campaigns/Autumn/vouchers/GIVEN%2F1", {"active": False})
    assert (given.json()["code"], given.json()["active"]) == ("GIVEN/1", True)
    again = server.post("/v1/campaigns/Autumn/vouchers/GIVEN%2F1")
    assert (again.status_code, again.json()["details"]) == (409, "Duplicated voucher exists with id GIVEN/1")
    assert server.post("/v1/campaigns/Autumn/vouchers", {"code": "BODY"}).json()["code"] == "BODY"
    many = server.post(
        "/v1/campaigns/Autumn/vouchers?vouchers_count=4",
        {"code_config": {"prefix": "N-"}, "start_date": "2026-05-01", "category": "Tag"},
    )
    assert (many.status_code, set(many.json())) == (202, {"async_action_id"})
    run_queued()
    fresh = [code for code in codes_of("Autumn") if code.startswith("N-")]
    wire = server.get(f"/v1/vouchers/{fresh[0]}").json()
    assert (len(fresh), wire["start_date"], wire["category"]) == (4, "2026-05-01T00:00:00.000Z", "Tag")
    assert server.get("/v1/campaigns/Autumn").json()["vouchers_count"] == 7
    assert server.post("/v1/campaigns/nobody/vouchers").status_code == 404
    for count in ("0", "x", "1e3", "99999999999"):
        assert server.post(f"/v1/campaigns/Autumn/vouchers?vouchers_count={count}").status_code == 400


def test_a_change_reaches_codes_that_nobody_has_or_used(shop: Shop) -> None:
    wire = made(shop, metadata={"a": 1, "b": 2})
    campaign = Campaign.objects.get()
    fields = {"project": shop.project, "campaign": campaign, "discount": {"type": "AMOUNT", "amount_off": 700}}
    fresh = make_voucher(**fields)
    published = make_voucher(publish_count=1, **fields)
    used = make_voucher(redeemed_quantity=1, **fields)
    Campaign.objects.update(vouchers_count=3)
    response = shop.server().put(
        f"/v1/campaigns/{wire['id']}",
        {
            "description": "New",
            "discount": {"type": "AMOUNT", "amount_off": 900},
            "metadata": {"b": 3, "c": 4},
            "unset_metadata_fields": ["a"],
            "name": "Other",
            "expiration_date": "2030-01-01",
            "type": "STATIC",
        },
    )
    changed = response.json()
    assert response.status_code == 200, changed
    assert (changed["name"], changed["description"], changed["type"]) == ("Autumn", "New", "STATIC")
    assert changed["metadata"] == {"b": 3, "c": 4}
    assert changed["vouchers_generation_status"] == "MODIFYING"
    assert changed["updated_at"] is not None
    run_queued()
    assert shop.server().get("/v1/campaigns/Autumn").json()["vouchers_generation_status"] == "DONE"
    for row, amount in ((fresh, 900), (published, 700), (used, 700)):
        row.refresh_from_db()
        assert row.discount == {"type": "AMOUNT", "amount_off": amount}
    assert AsyncAction.objects.get().result == {"message": "Updated 1 vouchers.", "done_count": 1}
    cleared = shop.server().put("/v1/campaigns/Autumn", {"expiration_date": None}).json()
    assert "expiration_date" not in cleared
    assert cleared["vouchers_generation_status"] == "DONE"


def test_the_amount_of_untouched_gift_cards_follows_with_a_line_in_the_ledger(shop: Shop) -> None:
    made(shop, GIFTS, vouchers_count=2)
    run_queued()
    shop.server().put("/v1/campaigns/Gifts", {"gift": {"amount": 4_000}})
    run_queued()
    assert [row.gift_balance for row in Voucher.objects.all()] == [4_000, 4_000]
    assert [row.amount for row in VoucherTransaction.objects.order_by("pk")] == [10_000, 10_000, -6_000, -6_000]


def test_what_cannot_change_is_refused_or_skipped(shop: Shop) -> None:
    made(shop)
    for body, key in (
        ({"discount": {"type": "PERCENT", "percent_off": 5}}, "invalid_voucher"),
        ({"type": "STANDALONE"}, "invalid_payload"),
        ({"start_date": 5}, "invalid_payload"),
    ):
        response = shop.server().put("/v1/campaigns/Autumn", body)
        assert (response.status_code, response.json()["key"]) == (400, key)
    assert Campaign.objects.get().updated_at is None


@pytest.mark.parametrize("force", [False, True])
def test_a_removed_campaign_takes_its_codes_along(shop: Shop, force: bool) -> None:
    made(shop, vouchers_count=3)
    run_queued()
    other = make_voucher(project=shop.project, code="OTHER")
    code = codes_of("Autumn")[0]
    response = shop.server().delete(f"/v1/campaigns/Autumn?force={str(force).lower()}")
    assert response.status_code == 202
    assert shop.server().get("/v1/campaigns/Autumn").status_code == 404
    before = shop.server().post("/v1/validations", {"redeemables": [{"object": "voucher", "id": code}]}).json()
    assert before["valid"] is False
    run_queued()
    assert shop.server().get(f"/v1/vouchers/{code}").status_code == 404
    assert Voucher.objects.filter(code_key=code).exists() is not force
    assert Campaign.objects.exists() is not force
    assert shop.server().get(f"/v1/vouchers/{other.code}").status_code == 200
    action = AsyncAction.objects.get(public_id=response.json()["async_action_id"])
    assert action.result == {"message": "Deleted 3 vouchers.", "done_count": 3}


def test_a_campaign_is_switched_off_and_on(shop: Shop) -> None:
    made(shop)
    make_voucher(project=shop.project, code="A", campaign=Campaign.objects.get())
    asked = {"redeemables": [{"object": "voucher", "id": "A"}], "order": {"amount": 1000}}
    off = shop.server().post("/v1/campaigns/Autumn/disable")
    assert (off.status_code, off.json()) == (200, {})
    refused = shop.server().post("/v1/validations", asked).json()["redeemables"][0]["result"]["error"]
    assert refused["key"] == "voucher_disabled"
    assert shop.server().post("/v1/campaigns/Autumn/enable").json() == {}
    assert shop.server().post("/v1/validations", asked).json()["valid"] is True
    assert list(AuditEntry.objects.order_by("pk").values_list("action", flat=True)) == [
        *("campaign.created", "campaign.disabled", "campaign.enabled")
    ]


def test_codes_made_elsewhere_come_in(shop: Shop, data_folder: Any) -> None:
    made(shop)
    response = shop.server().post(
        "/v1/campaigns/Autumn/import",
        [
            {"code": "IN-1", "redemption": {"quantity": 5}, "metadata": {"a": 1}, "start_date": "2026-01-01T10"},
            {"code": "IN-2", "active": False, "discount": {"type": "PERCENT", "percent_off": 5}},
            {"code": "IN-3", "discount": {"type": "AMOUNT"}},
        ],
    )
    assert response.status_code == 202, response.json()
    run_queued()
    result = AsyncAction.objects.get().result
    assert result == {
        "message": "2 voucher(s) imported successfully, 1 failed.",
        "failed": [{"code": "IN-3", "reason": "Property .discount should have required property 'amount_off'"}],
        "done_count": 2,
        "failed_count": 1,
    }
    one, two = (shop.server().get(f"/v1/vouchers/{code}").json() for code in ("IN-1", "IN-2"))
    assert (one["redemption"]["quantity"], one["start_date"]) == (5, "2026-01-01T10:00:00.000Z")
    assert (two["active"], two["discount"]) == (False, {"type": "PERCENT", "percent_off": 5})
    wire = shop.server().get("/v1/campaigns/Autumn").json()
    assert (wire["vouchers_count"], wire["vouchers_generation_status"]) == (2, "DONE")


@pytest.mark.parametrize(
    ("items", "key", "details"),
    [
        ([{"code": "A"}, {"code": "A"}, {"code": "TAKEN"}], "duplicate_key", "2 voucher codes(s) already exist."),
        ([{"active": True}], "invalid_voucher", "Found 1 voucher(s) without 'code' value"),
        ([{"code": "A", "redemption": {"quantity": "x"}}], "invalid_payload",
         "Property [0].redemption.quantity should be number,null"),
        ({}, "invalid_payload", "Payload should be array"),
    ],
)  # fmt: skip
def test_a_bad_import_is_refused_as_a_whole(shop: Shop, items: Any, key: str, details: str) -> None:
    made(shop)
    make_voucher(project=shop.project, code="TAKEN")
    response = shop.server().post("/v1/campaigns/Autumn/import", items)
    assert (response.status_code, response.json()["key"], response.json()["details"]) == (400, key, details)
    assert Voucher.objects.count() == 1
    assert not AsyncAction.objects.exists()


def test_a_cap_on_codes_holds_for_imports_too(shop: Shop) -> None:
    shop.project.vendor_caps = {"codes_per_campaign": 2}
    shop.project.save(update_fields=["vendor_caps"])
    made(shop)
    for items, status in (([{"code": "A"}, {"code": "B"}, {"code": "C"}], 400), ([{"code": "A"}, {"code": "B"}], 202)):
        response = shop.server().post("/v1/campaigns/Autumn/import", items)
        assert response.status_code == status, response.json()
    run_queued()
    assert codes_of("Autumn") == ["A", "B"]
    full = shop.server().post("/v1/campaigns/Autumn/import", [{"code": "D"}])
    assert (full.json()["key"], full.json()["details"]) == ("limit_exceeded", "A campaign may have 2 codes")


def test_a_file_of_codes_comes_in_and_changes_flag_and_category_of_those_that_are_there(
    shop: Shop, data_folder: Any
) -> None:
    made(shop, GIFTS)
    campaign = Campaign.objects.get()
    own = make_voucher(project=shop.project, code="OWN", campaign=campaign, gift_amount=500, discount=None)
    make_voucher(project=shop.project, code="ELSE")
    text = (
        "\ufeffCode,Category,active,Gift Amount,Redeemed Amount,Redemption Limit,Region\r\n"
        "NEW,Tag,TRUE,25.50,5,3,AMER\r\n"
        "PLAIN,,,,,,\r\n"
        "OWN,Tag,FALSE,99,,,EU\r\n"
        "ELSE,,,,,,\r\n"
        ",,,1,,,\r\n"
        "BAD,,,x,,,\r\n"
    )
    response = shop.server().post(
        "/v1/campaigns/Gifts/importCSV",
        {"file": SimpleUploadedFile("codes.csv", text.encode())},
        format="multipart",
    )
    assert response.status_code == 200, response.json()
    run_queued()
    action = AsyncAction.objects.get(type="CAMPAIGN.VOUCHERS_IMPORT_CSV")
    assert action.result is not None
    assert action.result["done_count"] == 3
    assert action.result["failed"] == [
        {"code": "ELSE", "row": 4, "reason": "Duplicated voucher exists with id ELSE"},
        {"code": "", "row": 5, "reason": "Code is required"},
        {"code": "BAD", "row": 6, "reason": "Gift Amount should be an amount"},
    ]
    new = Voucher.objects.get(code="NEW")
    assert (new.gift_balance, new.quantity, new.metadata, new.category_tag) == (2050, 3, {"Region": "AMER"}, "Tag")
    assert (new.gift_amount, new.redeemed_amount) == (2550, 500)
    assert list(new.transactions.order_by("pk").values_list("type", "amount", "balance", "total")) == [
        ("CREDITS_ADDITION", 2550, 2550, 2550),
        ("CREDITS_REDEMPTION", -500, 2050, 2550),
    ]
    assert Voucher.objects.get(code="PLAIN").gift_balance == 10_000
    own.refresh_from_db()
    assert (own.active, own.category_tag, own.gift_balance) == (False, "Tag", 500)
    missing = shop.server().post("/v1/campaigns/Gifts/importCSV", {}, format="multipart")
    assert missing.json()["details"] == "Payload should have required property 'file'"


def test_a_list_is_filtered_ordered_and_takes_as_many_queries_as_before(shop: Shop) -> None:
    category = Category.objects.create(project=shop.project, name="C", created_at=NOW)
    template = {"type": "DISCOUNT_VOUCHER", "is_referral_code": False}
    one = CampaignFactory.create(project=shop.project, name="One", category=category, voucher=template)
    two = CampaignFactory.create(
        project=shop.project, name="Two", active=False, type="STANDALONE", expiration_date=NOW, metadata={"k": "v"}
    )
    CampaignFactory.create(project=shop.project, name="Three", campaign_type="PROMOTION", creation_status="FAILED")
    CampaignFactory.create(project=shop.project, name="Gone", deleted_at=NOW)
    Campaign.objects.filter(pk=one.pk).update(
        start_date=LATER, updated_at=NOW, extra={"category": "tag"}, validity_day_of_week=[1, 5]
    )
    make_rule_for(shop, one)

    def names(query: str = "") -> list[str]:
        response = shop.server().get(f"/v1/campaigns?{query}")
        assert response.status_code == 200, response.json()
        return [row["name"] for row in response.json()["campaigns"]]

    assert names() == ["Three", "Two", "One"]
    assert names("order=created_at") == ["One", "Two", "Three"]
    assert names("campaign_type=PROMOTION") == ["Three"]
    assert names("campaign_status=DONE&is_referral_code=false") == ["Three", "Two", "One"]
    assert names("order=-updated_at") == ["One", "Three", "Two"]
    assert names("order=updated_at") == ["One", "Two", "Three"]
    assert names("filters[active][conditions][$active]=") == ["Three"]
    assert names("filters[active][conditions][$disabled]=") == ["Two"]
    assert names("filters[status][conditions][$failed]=") == ["Three"]
    assert names("filters[status][conditions][$expired]=") == ["Two"]
    assert names("filters[status][conditions][$active]=") == ["Three", "Two", "One"], "whatever their dates say"
    assert names("filters[status][conditions][before_start]=") == ["One"]
    assert names("filters[status][conditions][$before_start]=") == ["One"]
    assert names("filters[validity_day_of_week][conditions][$is][0]=5") == ["One"]
    assert names("filters[validity_day_of_week][conditions][$is]=2") == []
    assert names("filters[type][conditions][$is]=BULK") == ["Three", "One"]
    assert names("filters[voucher_type][conditions][$is]=DISCOUNT_VOUCHER") == ["One"]
    assert names("filters[is_referral_code][conditions][$is]=TRUE") == []
    assert names("filters[categories][conditions][$is]=C") == ["One"]
    Campaign.objects.filter(pk=one.pk).update(category=None)
    assert names("filters[categories][conditions][$is]=tag") == ["One"]
    assert names(f"filters[campaigns_id][conditions][$in][0]={two.public_id}") == ["Two"]
    assert names("filters[metadata.k][conditions][$is]=v") == ["Two"]
    assert names("filters[expiration_date][conditions][$has_value]=") == ["Two"]
    assert shop.server().get("/v1/campaigns?filters[x][conditions][$is]=v").status_code == 400
    for bad in ("campaign_type=x", "is_referral_code=maybe"):
        assert shop.server().get(f"/v1/campaigns?{bad}").json()["key"] == "invalid_query_params"
    with CaptureQueriesContext(
        connection,
    ) as few:
        names("limit=1")
    with CaptureQueriesContext(connection) as many:
        names("limit=100")
    assert len(few) <= len(many) <= 8


def make_rule_for(shop: Shop, campaign: Campaign) -> None:
    RuleAssignment.objects.create(
        project=shop.project,
        rule=make_rule(project=shop.project),
        campaign=campaign,
        related_object_type="campaign",
        related_object_id=campaign.public_id,
        created_at=NOW,
    )


def test_a_campaign_in_numbers(shop: Shop) -> None:
    made(shop, vouchers_count=1)
    run_queued()
    code = codes_of("Autumn")[0]
    body = {"redeemables": [{"object": "voucher", "id": code}], "order": {"amount": 1000}}
    redeemed = shop.server().post("/v1/redemptions", body).json()["redemptions"][0]["id"]
    shop.server().post("/v1/redemptions", body)
    shop.server().post(f"/v1/redemptions/{redeemed}/rollback")
    wire = shop.server().get("/v1/campaigns/Autumn/summary").json()
    assert wire["object"] == "campaign_summary"
    assert wire["campaign"]["name"] == "Autumn"
    assert "validation_rules_assignments" not in wire["campaign"]
    numbers = {name: value for name, value in wire.items() if name not in ("object", "campaign")}
    assert numbers == {
        **dict.fromkeys(("validations", "validations_succeeded", "validations_failed"), 0),
        **dict.fromkeys(("publications", "publications_succeeded", "publications_failed"), 0),
        **{"redemptions": 2, "redemptions_succeeded": 2, "redemptions_failed": 0},
        **{"rollbacks": 1, "rollbacks_succeeded": 1, "rollbacks_failed": 0},
        **{"orders_amount": 2000, "orders_rolledback_amount": 1000},
        **{"discounted_amount": 1400, "rolledback_discounted_amount": 700},
        **{"vouchers_created": 1, "vouchers_deleted": 0},
    }
    later = shop.server().get("/v1/campaigns/Autumn/summary", {"start_date": "2099-01-01"}).json()
    assert later["redemptions"] == 0
    assert shop.server().get("/v1/campaigns/Autumn/summary", {"end_date": "x"}).status_code == 400
    made(shop, GIFTS, vouchers_count=1)
    run_queued()
    gifts = shop.server().get("/v1/campaigns/Gifts/summary").json()
    assert (gifts["created_vouchers_amount"], gifts["amount_redeemed"]) == (10_000, 0)
    assert "discounted_amount" not in gifts


def _validations(shop: Shop, name: str, **asked: str) -> tuple[int, int, int]:
    wire = shop.server().get(f"/v1/campaigns/{name}/summary", asked).json()
    return wire["validations"], wire["validations_succeeded"], wire["validations_failed"]


def test_validations_are_counted_for_the_campaign_of_each_code(shop: Shop, django_assert_max_num_queries: Any) -> None:
    made(shop, vouchers_count=2)
    made(shop, GIFTS, vouchers_count=1)
    run_queued()
    first, second = codes_of("Autumn")
    gift, order = codes_of("Gifts")[0], {"amount": 1000}

    def validate(*names: str, **more: Any) -> None:
        body = {"redeemables": [{"object": "voucher", "id": name} for name in names], "order": order, **more}
        assert shop.server().post("/v1/validations", body).status_code == 200

    validate(first)
    validate(first, customer={"source_id": "crm-1"})
    validate(first, second)
    validate(first, gift, customer={"source_id": "crm-1"})
    Voucher.objects.filter(code=second).update(active=False)
    validate(second)
    validate("UNKNOWN")
    validate(second, first)  # the first one ends it: the other is not looked at
    shop.server().post(f"/v1/vouchers/{first}/validate", {"order": order})
    assert _validations(shop, "Autumn") == (8, 6, 2)
    assert _validations(shop, "Gifts") == (1, 1, 0)
    assert _validations(shop, "Autumn", start_date="2099-01-01") == (0, 0, 0)
    assert _validations(shop, "Autumn", end_date="2020-01-01") == (0, 0, 0)
    now = instants.to_wire(instants.now())
    assert _validations(shop, "Autumn", start_date=now, end_date=now)[0] in (0, 8), "by quarters of an hour"
    with django_assert_max_num_queries(12):
        _validations(shop, "Autumn")


def test_the_event_of_a_validation_names_its_campaign(shop: Shop) -> None:
    made(shop, vouchers_count=1)
    made(shop, GIFTS, vouchers_count=1)
    run_queued()
    row = Campaign.objects.get(name="Autumn")
    code, gift = codes_of("Autumn")[0], codes_of("Gifts")[0]
    plain = make_voucher(project=shop.project, code="PLAIN").code
    for names in ((code,), (code, plain), (plain,), (code, gift)):
        body = {"redeemables": [{"object": "voucher", "id": name} for name in names], "order": {"amount": 1000}}
        shop.server().post("/v1/validations", body | {"customer": {"source_id": "crm-1"}})
    found = Event.objects.filter(type__startswith="customer.validation.").order_by("pk")
    mine, nobodys = (row.pk, "DISCOUNT_COUPONS"), (None, "")
    assert list(found.values_list("campaign_id", "campaign_type")) == [mine, mine, nobodys, nobodys]

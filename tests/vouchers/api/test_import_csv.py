from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from config.jobs.models import AsyncAction
from tests.factories import NOW, CampaignFactory, Shop, make_rule, make_shop, make_voucher
from tests.jobs import finished
from vouchers.models import RuleAssignment, Voucher, VoucherTransaction
from vouchers.services import voucher_events

pytestmark = pytest.mark.django_db
COUPONS = (
    "Code,Voucher Type,Active,Start Date,Expiration Date,Discount Type,Value,Category,Redemption Limit,"
    "Additional Info,Region\n"
)


@pytest.fixture
def shop(data_folder: object) -> Shop:
    return make_shop()


def send(shop: Shop, text: str) -> Any:
    file = SimpleUploadedFile("codes.csv", text.encode())
    return shop.server().post("/v1/vouchers/importCSV", {"file": file}, format="multipart")


def imported(shop: Shop, text: str) -> AsyncAction:
    response = send(shop, text)
    assert response.status_code == 202, response.json()
    return finished(AsyncAction.objects.get(public_id=response.json()["async_action_id"]))


def test_the_official_template_of_coupons_is_read(shop: Shop) -> None:
    row = (
        "FALL,DISCOUNT_VOUCHER,FALSE,2022-09-19T00:00:00.000Z,2022-11-30T23:59:00.000Z,AMOUNT,10,New,,Planned,Europe\n"
    )
    action = imported(shop, COUPONS + row)
    assert (action.type, action.status) == ("VOUCHERS.IMPORT_CSV", "DONE")
    assert action.result["message"] == "1 voucher(s) imported successfully, 0 failed."
    wire = shop.server().get("/v1/vouchers/FALL").json()
    assert wire["discount"] == {"type": "AMOUNT", "amount_off": 1000}
    assert (wire["active"], wire["category"], wire["additional_info"]) == (False, "New", "Planned")
    assert (wire["redemption"]["quantity"], wire["metadata"]) == (None, {"Region": "Europe"})
    assert wire["expiration_date"] == "2022-11-30T23:59:00.000Z"
    assert (wire["campaign"], wire["campaign_id"]) == (None, None)


def test_gift_cards_keep_what_was_used_of_them_elsewhere(shop: Shop) -> None:
    text = "code,VOUCHER_TYPE,value,Redeemed quantity,redeemed_amount\nGIFT,gift_voucher,100.50,2,40\n"
    imported(shop, text)
    gift = Voucher.objects.get(code="GIFT")
    assert (gift.gift_amount, gift.redeemed_amount, gift.redeemed_quantity, gift.gift_balance) == (10050, 4000, 2, 6050)
    lines = VoucherTransaction.objects.order_by("pk")
    assert [(line.type, line.amount, line.balance) for line in lines] == [
        ("CREDITS_ADDITION", 10050, 10050),
        ("CREDITS_REDEMPTION", -4000, 6050),
    ]


def test_each_bad_row_is_named_and_the_others_go_in(shop: Shop) -> None:
    rule = make_rule(project=shop.project)
    make_voucher(project=shop.project, code="BINNED", deleted_at=NOW)
    header = "Code,Voucher Type,Value,Discount Type,Discount effect,Validation rule ID,Redeemed Quantity,"
    rows = [
        f"GOOD,DISCOUNT_VOUCHER,12.5,PERCENT,,{rule.public_id},1,5,2026-01-01,TRUE",
        "NOTYPE,,10,AMOUNT,,,,,,",
        "NOVALUE,GIFT_VOUCHER,,,,,,,,",
        ",GIFT_VOUCHER,5,,,,,,,",
        "NODISCOUNT,DISCOUNT_VOUCHER,5,,,,,,,",
        "WORDS,DISCOUNT_VOUCHER,ten,AMOUNT,,,,,,",
        "CENTS,GIFT_VOUCHER,5.005,,,,,,,",
        "CARD,LOYALTY_CARD,5,,,,,,,",
        "PERCENT,DISCOUNT_VOUCHER,101,PERCENT,,,,,,",
        "RULE,DISCOUNT_VOUCHER,1,AMOUNT,,val_nope,,,,",
        "LIMIT,DISCOUNT_VOUCHER,1,AMOUNT,,,5,4,,",
        "DATE,DISCOUNT_VOUCHER,1,AMOUNT,,,,,31.12.2026,",
        "FLAG,DISCOUNT_VOUCHER,1,AMOUNT,,,,,,yes",
        "BINNED,DISCOUNT_VOUCHER,1,AMOUNT,,,,,,",
        "EFFECT,DISCOUNT_VOUCHER,1,AMOUNT,ADD_NEW_ITEMS,,,,,",
    ]
    action = imported(shop, header + "Redemption Limit,Start Date,Active\n" + "\n".join(rows))
    assert (action.result["done_count"], action.result["failed_count"]) == (1, 14)
    reasons = {entry["code"] or entry["row"]: entry["reason"] for entry in action.result["failed"]}
    assert all(set(entry) == {"code", "row", "reason"} for entry in action.result["failed"])
    assert reasons.pop("EFFECT").startswith("Property .discount.effect should be equal to one of")
    assert reasons == {
        "NOTYPE": "Voucher Type is required",
        "NOVALUE": "Value is required",
        4: "Code is required",
        "NODISCOUNT": "Discount Type is required",
        "WORDS": "Value: ten is not a number; write 10 or 10.50",
        "CENTS": "Value: 5.005 is not an amount; write 10 or 10.50",
        "CARD": "Loyalty cards can only be created in a campaign",
        "PERCENT": "Property .discount.percent_off should be from 0 to 100",
        "RULE": "Cannot find validation_rules with id val_nope",
        "LIMIT": "Redeemed Quantity is more than Redemption Limit",
        "DATE": "Start Date: 31.12.2026 is not a date; write 2026-01-31 or 2026-01-31T09:00:00Z",
        "FLAG": "Active: yes is neither TRUE nor FALSE",
        "BINNED": "Duplicated voucher exists with id BINNED",
    }
    good = Voucher.objects.get(code="GOOD")
    assert (good.discount, good.quantity, good.redeemed_quantity) == ({"type": "PERCENT", "percent_off": 12.5}, 5, 1)
    assert RuleAssignment.objects.get().voucher == good


def test_codes_that_exist_are_changed_and_those_of_campaigns_only_a_little(shop: Shop) -> None:
    ten = {"type": "AMOUNT", "amount_off": 100}
    own = make_voucher(
        project=shop.project, code="OWN", discount=ten, quantity=3, redeemed_quantity=2, metadata={"a": 1}
    )
    held = make_voucher(project=shop.project, code="HELD", discount=ten, campaign=CampaignFactory(project=shop.project))
    spent = make_voucher(project=shop.project, code="SPENT", gift_amount=500, redeemed_quantity=1, redeemed_amount=100)
    fresh = make_voucher(project=shop.project, code="FRESH", gift_amount=500)
    header = "Code,Voucher Type,Value,Discount Type,Active,Category,Redemption Limit,b\n"
    rows = [
        "OWN,DISCOUNT_VOUCHER,2,AMOUNT,FALSE,New,9,x",
        "HELD,DISCOUNT_VOUCHER,2,AMOUNT,FALSE,New,9,x",
        "SPENT,GIFT_VOUCHER,9,,,,,",
        "FRESH,GIFT_VOUCHER,9,,,,,",
        "NEW,GIFT_VOUCHER,1,,,,,",
        "NEW,GIFT_VOUCHER,2,,FALSE,,,",
        "OWN,DISCOUNT_VOUCHER,2,AMOUNT,,,1,",
    ]
    action = imported(shop, header + "\n".join(rows))
    counts = {name: action.result[name] for name in ("created", "updated", "unchanged", "failed_count")}
    assert counts == {"created": 1, "updated": 4, "unchanged": 1, "failed_count": 1}
    assert action.result["failed"][0]["reason"] == "Redemption Limit is less than what was redeemed already"
    for row in (own, held, spent, fresh):
        row.refresh_from_db()
    assert (own.discount, own.active, own.category_tag, own.quantity) == (
        {"type": "AMOUNT", "amount_off": 200},
        False,
        "New",
        9,
    )
    assert own.metadata == {"a": 1, "b": "x"}
    assert (held.discount, held.active, held.category_tag, held.quantity, held.metadata) == (
        ten,
        False,
        "New",
        None,
        {},
    )
    assert (spent.gift_amount, fresh.gift_amount, fresh.gift_balance) == (500, 900, 900)
    new = Voucher.objects.get(code="NEW")
    assert (new.gift_amount, new.active) == (200, False)
    balances = {voucher.code: sum(line.amount for line in voucher.transactions.all()) for voucher in (new, fresh)}
    assert balances == {"NEW": 200, "FRESH": 400}


def test_the_same_file_again_changes_nothing(shop: Shop) -> None:
    text = COUPONS + "A,DISCOUNT_VOUCHER,TRUE,2026-01-01,,PERCENT,10,New,5,Info,Europe\n"
    imported(shop, text)
    again = imported(shop, text)
    assert (again.result["created"], again.result["updated"], again.result["unchanged"]) == (0, 0, 1)
    assert Voucher.objects.get().updated_at is None


def test_a_file_that_cannot_be_read_is_refused_at_once(shop: Shop) -> None:
    response = shop.server().post("/v1/vouchers/importCSV", {}, format="multipart")
    assert (response.status_code, response.json()["key"]) == (400, "invalid_payload")
    assert response.json()["details"] == "Payload should have required property 'file'"
    for text in ("", "Code,Value\nA,1\n", "Code,Code,Voucher Type,Value\nA,B,GIFT_VOUCHER,1\n"):
        assert send(shop, text).status_code == 400, text
    assert AsyncAction.objects.count() == 0


def test_webhooks_are_told_of_every_row_where_that_is_asked_for(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, str]] = []
    monkeypatch.setattr(voucher_events, "told", lambda project, what, voucher, *_: told.append((what, voucher.code)))
    make_voucher(project=shop.project, code="OLD", gift_amount=500)
    text = "Code,Voucher Type,Value\nOLD,GIFT_VOUCHER,5\nNEW,GIFT_VOUCHER,5\n,GIFT_VOUCHER,5\n"
    imported(shop, text)
    assert told == []
    file = SimpleUploadedFile("codes.csv", text.replace("NEW", "NEWER").encode())
    body = {"file": file, "webhooks_enable": "true"}
    response = shop.server().post("/v1/vouchers/importCSV", body, format="multipart")
    finished(AsyncAction.objects.get(public_id=response.json()["async_action_id"]))
    assert told == [("created", "NEWER"), ("updated", "OLD")]

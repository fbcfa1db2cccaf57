"""Every type that webhooks can ask for is told, with its keys, once the API makes it happen."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from config.kernel import instants
from config.webhooks import catalogue, outbox
from config.webhooks import services as webhooks
from config.webhooks.models import Delivery
from customers.models import Customer
from segments.models import Segment
from segments.services import refresh
from tests.factories import NOW, Shop, make_shop
from tests.jobs import run_queued

pytestmark = pytest.mark.django_db

NORA: Final = {"source_id": "crm-1", "name": "Nora"}
TEN: Final = {"type": "DISCOUNT_VOUCHER", "discount": {"type": "PERCENT", "percent_off": 10}}
GIFT: Final = {"type": "GIFT_VOUCHER", "gift": {"amount": 1000}}
COUPONS: Final = {"name": "Autumn", "campaign_type": "DISCOUNT_COUPONS", "voucher": TEN}
TIER: Final = {"name": "Ten", "action": {"discount": {"type": "AMOUNT", "amount_off": 10}}}
CITY: Final = {"conditions": {"$is": ["Graz"]}}
RULE: Final = {"name": "Large", "rules": {"1": {"name": "order.amount", "conditions": {"$more_than": [10]}}}}
ORDER: Final = {"amount": 5000}

REDEMPTION: Final = "campaign created_at customer holder order promotion_stack promotion_tier redemption voucher"
ROLLBACK: Final = REDEMPTION.replace("created_at ", "") + " redemption_rollback"
ACTIVITY: Final = REDEMPTION.replace("created_at ", "")
LEDGER: Final = "transaction voucher campaign holder balance order redemption rollback"
CUSTOMER_ORDER: Final = "customer referrer order redemption"


def ask(server: APIClient, method: str, path: str, body: Any = None, *, status: int = 200) -> Any:
    """The body of the answer, which has to have the status."""
    answer = getattr(server, method)(path, body) if body is not None else getattr(server, method)(path)
    assert answer.status_code == status, answer.content
    return answer.json() if answer.content else None


def customers(server: APIClient) -> None:
    made = ask(server, "post", "/v1/customers", NORA)
    ask(server, "put", f"/v1/customers/{made['id']}", {"name": "Nora Lind"})
    ask(server, "delete", f"/v1/customers/{made['id']}", status=204)


def custom_event(server: APIClient) -> None:
    ask(server, "post", "/v1/events", {"event": "seen", "customer": NORA})


def orders(server: APIClient) -> None:
    made = ask(server, "post", "/v1/orders", ORDER | {"customer": NORA})
    for status in ("PAID", "FULFILLED", "CANCELED"):
        ask(server, "put", f"/v1/orders/{made['id']}", {"status": status})


def vouchers(server: APIClient) -> None:
    ask(server, "post", "/v1/vouchers/TEN", TEN)
    ask(server, "put", "/v1/vouchers/TEN", {"category": "Food"})
    ask(server, "post", "/v1/vouchers/TEN/disable", {})
    ask(server, "post", "/v1/vouchers/TEN/enable", {})
    ask(server, "delete", "/v1/vouchers/TEN", status=204)


def publications(server: APIClient) -> None:
    ask(server, "post", "/v1/vouchers/TEN", TEN)
    ask(server, "post", "/v1/publications", {"voucher": "TEN", "customer": NORA})
    ask(server, "post", "/v1/publications", {"voucher": "TEN", "customer": NORA}, status=400)
    ask(server, "delete", "/v1/vouchers/TEN", status=204)


def gift_cards(server: APIClient) -> None:
    ask(server, "post", "/v1/vouchers/GIFT", GIFT)
    ask(server, "post", "/v1/publications", {"voucher": "GIFT", "customer": NORA})
    ask(server, "post", "/v1/vouchers/GIFT/balance", {"amount": 100})


def redemptions(server: APIClient) -> None:
    ask(server, "post", "/v1/vouchers/ONCE", TEN | {"redemption": {"quantity": 1}})
    body = {"redeemables": [{"object": "voucher", "id": "ONCE"}], "customer": NORA, "order": ORDER}
    made = ask(server, "post", "/v1/redemptions", body)["redemptions"][0]["id"]
    ask(server, "post", "/v1/redemptions", body, status=400)
    ask(server, "post", f"/v1/redemptions/{made}/rollback", {})
    ask(server, "post", f"/v1/redemptions/{made}/rollback", {}, status=400)


def gift_cards_spent(server: APIClient) -> None:
    ask(server, "post", "/v1/vouchers/GIFT", GIFT)
    body = {"redeemables": [{"object": "voucher", "id": "GIFT", "gift": {"credits": 300}}], "order": ORDER}
    made = ask(server, "post", "/v1/redemptions", body)["redemptions"][0]["id"]
    ask(server, "post", f"/v1/redemptions/{made}/rollback", {})


def segments(server: APIClient) -> None:
    body = {"name": "Graz", "type": "auto-update", "filter": {"junction": "and", "address.city": CITY}}
    ask(server, "post", "/v1/segments", body)
    for city in ("Graz", "Wien"):
        settle()
        ask(server, "post", "/v1/customers", NORA | {"address": {"city": city}})
    settle()


def settle() -> None:
    """As the worker does it; a test is one transaction, which would wait for its own end."""
    for _ in range(100):
        Segment.objects.filter(pass_to__isnull=False).update(pass_after=refresh.AT_ONCE)
        if not refresh.step(NOW):
            return


def campaigns(server: APIClient) -> None:
    made = ask(server, "post", "/v1/campaigns", COUPONS | {"vouchers_count": 1})
    run_queued()
    path = f"/v1/campaigns/{made['id']}"
    ask(server, "post", f"{path}/vouchers/LEAF", {})
    ask(server, "put", path, {"description": "Leaves"})
    ask(server, "post", f"{path}/disable", {})
    ask(server, "post", f"{path}/enable", {})
    ask(server, "delete", path, status=202)
    run_queued()


def promotions(server: APIClient) -> None:
    made = ask(server, "post", "/v1/campaigns", {"name": "Sale", "campaign_type": "PROMOTION"})
    tier = ask(server, "post", f"/v1/promotions/{made['id']}/tiers", TIER)["id"]
    ask(server, "put", f"/v1/promotions/tiers/{tier}", {"name": "Eleven"})
    ask(server, "post", f"/v1/promotions/tiers/{tier}/disable", {})
    ask(server, "post", f"/v1/promotions/tiers/{tier}/enable", {})
    stacks = f"/v1/promotions/{made['id']}/stacks"
    stack = ask(server, "post", stacks, {"name": "Both", "tiers": {"ids": [tier]}})["id"]
    ask(server, "put", f"{stacks}/{stack}", {"name": "Two"})
    ask(server, "delete", f"{stacks}/{stack}", status=204)
    ask(server, "delete", f"/v1/promotions/tiers/{tier}", status=204)


def rules(server: APIClient) -> None:
    ask(server, "post", "/v1/vouchers/TEN", TEN)
    made = ask(server, "post", "/v1/validation-rules", RULE)["id"]
    ask(server, "put", f"/v1/validation-rules/{made}", {"name": "Larger"})
    path = f"/v1/validation-rules/{made}/assignments"
    assigned = ask(server, "post", path, {"related_object_type": "voucher", "related_object_id": "TEN"})["id"]
    ask(server, "delete", f"{path}/{assigned}", status=204)
    ask(server, "delete", f"/v1/validation-rules/{made}", status=204)


Story = Callable[[APIClient], None]
TOLD: Final[dict[Story, dict[str, str]]] = {
    customers: dict.fromkeys(("customer.created", "customer.updated", "customer.deleted"), "customer"),
    custom_event: {"customer.custom_event": "event event_schema customer referral loyalty"},
    orders: {
        **{
            f"customer.order.{what}": CUSTOMER_ORDER for what in ("created", "updated", "paid", "fulfilled", "canceled")
        },
        **{f"order.{what}": CUSTOMER_ORDER for what in ("created", "updated", "paid", "fulfilled", "canceled")},
    },
    vouchers: {
        f"voucher.{what}": "voucher campaign" for what in ("created", "updated", "disabled", "enabled", "deleted")
    },
    publications: {
        "voucher.published": "customer campaign publication voucher created_at",
        "publication.succeeded": "customer campaign publication voucher user",
        "customer.publication.succeeded": "customer campaign publication",
        "customer.publication.failed": "customer campaign publication",
        "customer.holder.assignment.created": "holder voucher campaign customer",
        "customer.holder.assignment.deleted": "holder voucher campaign customer",
        "customer.voucher.deleted": "customer campaign voucher",
    },
    gift_cards: {
        "voucher.gift.balance_added": "voucher balance campaign transaction",
        "voucher.gift.transaction.created": LEDGER,
        "customer.voucher.gift.balance_added": "customer campaign voucher balance transaction",
    },
    redemptions: {
        **dict.fromkeys(("redemption.succeeded", "redemption.failed"), REDEMPTION),
        **dict.fromkeys(("redemption.rollback.succeeded", "redemption.rollback.failed"), ROLLBACK),
        **dict.fromkeys(("customer.redemption.succeeded", "customer.redemption.failed"), ACTIVITY),
        **dict.fromkeys(("customer.redemption.rollback.succeeded", "customer.redemption.rollback.failed"), ROLLBACK),
    },
    gift_cards_spent: {"voucher.gift.transaction.created": LEDGER},
    segments: dict.fromkeys(("customer.segment.entered", "customer.segment.left"), "customer segment"),
    campaigns: {
        **{f"campaign.{what}": "campaign" for what in ("created", "updated", "disabled", "enabled", "deleted")},
        "campaign.vouchers.added": "campaign voucher",
        "campaign.vouchers.generation.started": "campaign",
        "campaign.vouchers.generation.completed": "campaign",
    },
    promotions: {
        **{
            f"campaign.promotion_tier.{what}": "promotion_tier campaign"
            for what in ("created", "updated", "disabled", "enabled", "deleted")
        },
        **{
            f"campaign.promotion_stack.{what}": "promotion_stack campaign" for what in ("created", "updated", "deleted")
        },
    },
    rules: {
        **{f"business_validation_rule.{what}": "validation_rule" for what in ("created", "updated", "deleted")},
        **{
            f"business_validation_rule.assignment.{what}": "validation_rule validation_rule_assignment"
            for what in ("created", "deleted")
        },
    },
}
"""Story → type → keys of `data`, as the reference lists them."""


@pytest.fixture
def shop() -> Iterator[Shop]:
    shop = make_shop()
    body = {"target_url": "https://a.example/", "events": sorted(catalogue.TYPES)}
    webhooks.create(project=shop.project, body=body, at=NOW)
    yield shop
    outbox.forget(shop.project)


def told() -> dict[str, dict[str, Any]]:
    """Type → envelope of the last delivery."""
    return {row.type: json.loads(row.payload) for row in Delivery.objects.order_by("pk")}


@pytest.mark.parametrize("story", TOLD, ids=lambda story: story.__name__)
def test_what_happens_over_the_api_is_told(shop: Shop, story: Story) -> None:
    story(shop.server())
    found, expected = told(), TOLD[story]
    assert sorted(expected.keys() - found.keys()) == []
    keys = {type: " ".join(sorted(found[type]["data"])) for type in expected}
    assert keys == {type: " ".join(sorted(names.split())) for type, names in expected.items()}


SILENT: Final = {
    "campaign.vouchers.generation.failed": "where codes run out: tests/vouchers/services/test_campaign_events.py",
    "customer.confirmed": "double opt-in, which is out",
    **dict.fromkeys(("customer.rewarded", "customer.rewarded.loyalty_points"), "rewards are not built"),
}
"""What no story makes happen, and why; beside these only loyalty cards, which are not built."""


def test_every_type_has_a_story() -> None:
    told = {type for types in TOLD.values() for type in types}
    silent = {type for type in catalogue.TYPES - told if not type.startswith("voucher.loyalty_card.")}
    assert silent == set(SILENT)


def test_every_delivery_says_what_it_is_and_who_caused_it(shop: Shop) -> None:
    for story in (customers, custom_event, redemptions, gift_cards, campaigns, rules):
        story(shop.server())
    for row in Delivery.objects.order_by("pk"):
        wire = json.loads(row.payload)
        assert list(wire) == ["id", "project_id", "created_at", "type", "data", "source", "event"]
        assert (wire["id"], wire["type"], wire["project_id"]) == (row.public_id, row.type, shop.project.public_id)
        assert wire["source"]["object"] == "webhook"
        event = wire["event"]
        assert list(event) == ["id", "type", "created_at", "entity_id", "group_id", "event_source"]
        assert (event["type"], bool(event["entity_id"])) == (row.type, True), row.type
        assert instants.parse_instant(event["created_at"])
        background = row.type.startswith("campaign.vouchers.generation.") or row.type == "campaign.deleted"
        if not background:
            assert event["event_source"]["channel"] == "API", row.type
            assert event["group_id"].startswith("v-"), row.type
            assert event["event_source"]["api_key"]["app_id"] == shop.secrets["app_id"], row.type


def test_a_redemption_that_makes_a_customer_tells_both_as_one_request(shop: Shop) -> None:
    redemptions(shop.server())
    found = told()
    groups = {found[type]["event"]["group_id"] for type in ("customer.created", "redemption.succeeded")}
    assert len(groups) == 1


def test_bulk_calls_tell_whom_they_made_not_whom_they_changed_and_files_tell_nobody(shop: Shop) -> None:
    for name in ("Nora", "Lind"):
        ask(shop.server(), "post", "/v1/customers/bulk/async", [NORA | {"name": name}], status=202)
        run_queued()
    changed = {"source_ids": ["crm-1"], "metadata": {"tier": "gold"}}
    ask(shop.server(), "post", "/v1/customers/metadata/async", changed, status=202)
    run_queued()
    lines = SimpleUploadedFile("people.csv", b"Source_id,Name\ncrm-1,Ann\ncrm-2,Emil\n")
    answer = shop.server().post("/v1/customers/importCSV", {"file": lines}, format="multipart")
    assert answer.status_code == 202, answer.content
    run_queued()
    assert sorted(Customer.objects.values_list("name", "metadata")) == [("Ann", {"tier": "gold"}), ("Emil", None)]
    assert [row.type for row in Delivery.objects.all()] == ["customer.created"]


def test_lines_of_a_ledger_name_what_moved_them(shop: Shop) -> None:
    gift_cards_spent(shop.server())
    rows = Delivery.objects.filter(type="voucher.gift.transaction.created").order_by("pk")
    spent, back = (json.loads(row.payload)["data"] for row in rows)
    assert [one["transaction"]["type"] for one in (spent, back)] == ["CREDITS_REDEMPTION", "CREDITS_REFUND"]
    assert [one["balance"]["balance"] for one in (spent, back)] == [700, 1000]
    assert spent["redemption"]["id"].startswith("r_")
    assert spent["rollback"] is None
    assert back["redemption"] == spent["redemption"]
    assert back["rollback"]["id"].startswith("rr_")
    assert spent["order"]["id"] == back["order"]["id"]

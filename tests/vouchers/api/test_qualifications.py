"""`/v1/qualifications`: who is offered what, in which order, and in how many queries."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.factories import (
    NOW,
    CampaignFactory,
    Shop,
    make_customer,
    make_rule,
    make_segment,
    make_shop,
    make_voucher,
)
from vouchers import qualifying
from vouchers.models import Campaign, Category, PromotionStack, PromotionTier, Redemption, RuleAssignment, Voucher
from vouchers.services import qualifications, qualifier_stream
from vouchers.services.qualifiers import Qualifier

pytestmark = pytest.mark.django_db
TEN = {"discount": {"type": "PERCENT", "percent_off": 10}}
TEMPLATE = {"type": "DISCOUNT_VOUCHER", "discount": {"type": "AMOUNT", "amount_off": 700}}


@pytest.fixture
def shop() -> Shop:
    return make_shop(client_side=("all",))


def later(minutes: int) -> Any:
    return NOW + timedelta(minutes=minutes)


def voucher(shop: Shop, code: str, minutes: int = 0, **fields: Any) -> Voucher:
    return make_voucher(project=shop.project, code=code, created_at=later(minutes), **fields)


def promotion(shop: Shop, name: str = "Promo", **fields: Any) -> Campaign:
    row: Campaign = CampaignFactory.create(
        project=shop.project, name=name, campaign_type="PROMOTION", voucher=None, **fields
    )
    return row


def tier(shop: Shop, campaign: Campaign, name: str, minutes: int = 0, **fields: Any) -> PromotionTier:
    fields.setdefault("action", TEN)
    return PromotionTier.objects.create(
        project=shop.project, campaign=campaign, name=name, created_at=later(minutes), **fields
    )


def ask(shop: Shop, *, expected: int = 200, **body: Any) -> dict[str, Any]:
    body.setdefault("order", {"amount": 10_000})
    response = shop.server().post("/v1/qualifications", body)
    assert response.status_code == expected, response.json()
    return dict(response.json())


def ids(wire: dict[str, Any]) -> list[str]:
    return [row["id"] for row in wire["redeemables"]["data"]]


def test_everything_that_is_for_everybody_comes_newest_first(shop: Shop) -> None:
    bulk = CampaignFactory.create(project=shop.project, name="Bulk", voucher=TEMPLATE)
    generic = CampaignFactory.create(project=shop.project, name="Generic", type="STANDALONE", voucher=TEMPLATE)
    voucher(shop, "OPEN", 1)
    voucher(shop, "BULK", 2, campaign=bulk)
    voucher(shop, "GENERIC", 3, campaign=generic)
    voucher(shop, "OFF", 4, active=False)
    voucher(shop, "OVER", 5, expiration_date=NOW)
    voucher(shop, "USED", 6, quantity=1, redeemed_quantity=1)
    voucher(shop, "BINNED", 6, deleted_at=NOW)
    voucher(shop, "HELD", 7, holder=make_customer(project=shop.project, source_id="else"), publish_count=1)
    one = tier(shop, promotion(shop), "One", 8)
    tier(shop, promotion(shop, "Off", active=False), "Two", 9)
    wire = ask(shop, options={"limit": 50})
    assert ids(wire) == [one.public_id, "GENERIC", "OPEN"]
    listed = wire["redeemables"]
    assert (listed["object"], listed["data_ref"], listed["total"], listed["has_more"]) == ("list", "data", 3, False)
    assert "more_starting_after" not in listed
    assert wire["order"] == {
        "amount": 10_000,
        "metadata": {},
        "customer_id": None,
        "referrer_id": None,
        "object": "order",
    }
    assert "tracking_id" not in wire
    first = listed["data"][-1]
    assert first == {
        "id": "OPEN",
        "object": "voucher",
        "created_at": "2026-02-03T10:01:00.000Z",
        "result": {"discount": {"type": "PERCENT", "percent_off": 10, "effect": "APPLY_TO_ORDER", "is_dynamic": False}},
        "order": first["order"],
        "applicable_to": {"data": [], "total": 0, "data_ref": "data", "object": "list"},
        "inapplicable_to": {"data": [], "total": 0, "data_ref": "data", "object": "list"},
    }
    assert (first["order"]["total_amount"], first["order"]["customer_id"]) == (9000, None)


def test_the_wallet_has_only_what_the_customer_holds(shop: Shop) -> None:
    ada = make_customer(project=shop.project, source_id="ada")
    voucher(shop, "OPEN")
    campaign = CampaignFactory.create(project=shop.project, voucher=TEMPLATE)
    voucher(shop, "MINE", 1, campaign=campaign, holder=ada, publish_count=1)
    voucher(shop, "GIFT", 2, gift_amount=500, discount=None, holder=ada, publish_count=1)
    wire = ask(shop, scenario="CUSTOMER_WALLET", customer={"source_id": "ada"})
    assert ids(wire) == ["GIFT", "MINE"]
    gift = wire["redeemables"]["data"][0]["result"]["gift"]
    assert gift == {"balance": 500, "credits": 500, "locked_credits": 0}
    assert wire["tracking_id"].startswith("track_")
    assert ids(ask(shop, customer={"source_id": "ada"})) == ["GIFT", "MINE", "OPEN"]
    assert ids(ask(shop, scenario="CUSTOMER_WALLET")) == []


def test_what_a_session_holds_is_shown_and_not_offered(shop: Shop) -> None:
    voucher(shop, "GIFT", 1, gift_amount=500, discount=None)
    voucher(shop, "ONCE", 2, quantity=1)
    for code, order in (("GIFT", {"amount": 200}), ("ONCE", {"amount": 1000})):
        asked = {"redeemables": [{"object": "voucher", "id": code}], "order": order, "session": {"type": "LOCK"}}
        assert shop.server().post("/v1/validations", asked).json()["valid"] is True
    wire = ask(shop)
    assert ids(wire) == ["GIFT"]
    assert wire["redeemables"]["data"][0]["result"]["gift"] == {"balance": 300, "credits": 300, "locked_credits": 200}


def test_rules_of_customers_decide_and_those_of_limits_are_passed_over(shop: Shop) -> None:
    segment = make_segment(project=shop.project)
    make_customer(project=shop.project, source_id="berlin", address={"city": "Berlin"})
    in_segment = {"1": {"name": "customer.segment", "conditions": {"$is": [segment.public_id]}}, "logic": "1"}
    make_rule(voucher(shop, "BERLIN", 1), rules=in_segment)
    once = {"1": {"name": "redemption.count.per_customer", "conditions": {"$less_than_or_equal": [0]}}, "logic": "1"}
    make_rule(voucher(shop, "ONCE", 2), rules=once)
    large = {"1": {"name": "order.amount", "conditions": {"$more_than": [99_999]}}, "logic": "1"}
    make_rule(voucher(shop, "LARGE", 3), rules=large)
    items = {"1": {"name": "order.items.count", "conditions": {"$more_than": [9]}}, "logic": "1"}
    make_rule(voucher(shop, "MANY", 4), rules=items)
    assert ids(ask(shop, customer={"source_id": "berlin"})) == ["LARGE", "ONCE", "BERLIN"]
    assert ids(ask(shop)) == ["LARGE"], "nobody is named: what depends on the customer is left out"
    assert ids(ask(shop, customer={"source_id": "x"})) == ["LARGE", "ONCE"]
    audience = ask(shop, scenario="AUDIENCE_ONLY", customer={"source_id": "berlin"}, order=None)
    assert ids(audience) == ["MANY", "LARGE", "ONCE", "BERLIN"]
    assert not Redemption.objects.exists()


def test_an_audience_is_told_which_campaigns_could_give_it_a_code(shop: Shop) -> None:
    coupons = CampaignFactory.create(project=shop.project, name="A", voucher=TEMPLATE, created_at=later(1))
    gifts = CampaignFactory.create(
        project=shop.project,
        name="B",
        campaign_type="GIFT_VOUCHERS",
        voucher={"type": "GIFT_VOUCHER", "gift": {"amount": 900}},
        created_at=later(2),
    )
    CampaignFactory.create(project=shop.project, name="C", voucher=TEMPLATE, active=False)
    CampaignFactory.create(project=shop.project, name="D", voucher=TEMPLATE, expiration_date=NOW)
    voucher(shop, "GIFT", 3, gift_amount=500, discount=None)
    wire = ask(shop, scenario="AUDIENCE_ONLY", order=None)
    assert ids(wire) == ["GIFT", gifts.public_id, coupons.public_id]
    one = wire["redeemables"]["data"][-1]
    assert (one["object"], one["result"]["discount"]["amount_off"]) == ("campaign", 700)
    assert one["order"] == {"customer_id": None, "referrer_id": None, "object": "order"}
    assert "order" not in wire


def test_stacks_are_evaluated_whole(shop: Shop) -> None:
    campaign = promotion(shop)
    one, two = tier(shop, campaign, "One"), tier(shop, campaign, "Two", action={"discount": {
        "type": "AMOUNT", "amount_off": 500}})  # fmt: skip
    off = tier(shop, campaign, "Off", active=False)
    stack = PromotionStack.objects.create(
        project=shop.project, campaign=campaign, name="S", tier_ids=[one.public_id, two.public_id], created_at=later(1)
    )
    PromotionStack.objects.create(
        project=shop.project, campaign=campaign, name="T", tier_ids=[off.public_id], created_at=later(2)
    )
    wire = ask(shop, scenario="PROMOTION_STACKS")
    assert ids(wire) == [stack.public_id]
    row = wire["redeemables"]["data"][0]
    assert row["object"] == "promotion_stack"
    assert [member["id"] for member in row["redeemables"]] == [one.public_id, two.public_id]
    assert row["order"]["total_amount"] == 8500


def test_products_bring_what_makes_them_cheaper_or_is_asked_of_them(shop: Shop) -> None:
    for_all = {"included_all": True, "included": [], "excluded": []}
    cheap = voucher(shop, "ITEMS", 1, discount={"type": "PERCENT", "percent_off": 10, "effect": "APPLY_TO_ITEMS"})
    make_rule(cheap, applicable_to=for_all)
    named = {"1": {"name": "order.items.count", "conditions": {"$more_than": [0]}}, "logic": "1"}
    make_rule(voucher(shop, "NAMED", 2), rules=named)
    voucher(shop, "PLAIN", 3)
    order = {"items": [{"product_id": "p", "quantity": "2", "price": 500}]}
    assert ids(ask(shop, scenario="PRODUCTS", order=order)) == ["NAMED", "ITEMS"]
    assert ids(ask(shop, scenario="PRODUCTS_DISCOUNT", order=order)) == ["ITEMS"]
    assert ids(ask(shop, scenario="PRODUCTS_DISCOUNT_BY_CUSTOMER", order=order)) == ["ITEMS"]
    wire = ask(shop, order=order)
    assert wire["order"]["items"][0]["quantity"] == 2


def test_products_bring_bundles_of_which_the_rest_is_missing(shop: Shop) -> None:
    def part(product: str) -> dict[str, Any]:
        units = {"name": "order.items.aggregated_quantity", "conditions": {"$is": [1]}, "rules": {}}
        return {
            "name": "order.items.any",
            "conditions": {"$is": [{"id": product, "object": "product"}]},
            "rules": {"1": units, "logic": "1"},
        }

    for code, parts in (("BOTH", ("p", "q")), ("OTHER", ("x", "y"))):
        bundle = {str(number): part(name) for number, name in enumerate(parts, start=1)} | {"logic": "1 AND 2"}
        make_rule(voucher(shop, code), bundle_rules=bundle)
    order = {"items": [{"product_id": "p", "quantity": 1, "price": 500}]}
    wire = ask(shop, scenario="PRODUCTS", order=order)
    assert ids(wire) == ["BOTH"]
    assert wire["redeemables"]["data"][0]["result"]["bundle"] == {
        **{"quantity": 0, "limit": 1, "missing": [{"id": "q", "object": "product", "item_quantity": 1}]},
        "identified": [{"id": "p", "object": "product", "item_index": 0, "item_quantity": 1}],
    }
    assert ids(ask(shop, scenario="ALL", order=order)) == []


def pages(shop: Shop, limit: int, **options: Any) -> list[list[str]]:
    """All pages, one after the other."""
    found, cursor = list[list[str]](), None
    while True:
        asked = {"limit": limit, **options} | ({"starting_after": cursor} if cursor else {})
        wire = ask(shop, customer={"source_id": "ada"}, options=asked)["redeemables"]
        found.append([row["id"] for row in wire["data"]])
        assert wire["total"] == len(wire["data"]) <= limit
        assert ("more_starting_after" in wire) is wire["has_more"]
        if not wire["has_more"]:
            return found
        cursor = wire["more_starting_after"]


@pytest.mark.parametrize("limit", [1, 3, 5, 100])
@pytest.mark.parametrize(("piece", "looked_at"), [(200, 1000), (2, 1000), (3, 4)])
def test_pages_have_everything_once_also_within_an_instant(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, limit: int, piece: int, looked_at: int
) -> None:
    monkeypatch.setattr(qualifier_stream, "PIECE", piece)
    monkeypatch.setattr(qualifications, "LOOKED_AT", looked_at)
    ada, promoted = make_customer(project=shop.project, source_id="ada"), promotion(shop)
    expected = []
    for number in range(9):
        voucher(shop, f"V-{number}", number // 4, active=number != 5)
        voucher(shop, f"MINE-{number}", number // 4, holder=ada, publish_count=1)
        row = tier(shop, promoted, f"T-{number}", number // 2)
        large = {"1": {"name": "order.items.count", "conditions": {"$more_than": [9]}}, "logic": "1"}
        if number % 2:
            make_rule(Voucher.objects.get(code=f"V-{number}"), rules=large)
        elif number != 5:
            expected.append(f"V-{number}")
        expected += [f"MINE-{number}", row.public_id]
    found = [name for page in pages(shop, limit) for name in page]
    assert sorted(found) == sorted(expected)
    shown = pages(shop, 100)
    assert looked_at < 1000 or found == shown[0]
    assert all(len(page) == limit for page in pages(shop, limit)[:-1]) or looked_at < 1000


def test_a_cursor_is_the_instant_of_the_last_one_unless_others_share_it(shop: Shop) -> None:
    for number in range(4):
        voucher(shop, f"V-{number}", number // 2)
    even = ask(shop, options={"limit": 2})["redeemables"]
    assert even["more_starting_after"] == even["data"][-1]["created_at"]
    odd = ask(shop, options={"limit": 1})["redeemables"]
    assert odd["more_starting_after"][:23] == odd["data"][0]["created_at"][:23]
    assert len(odd["more_starting_after"]) == len("2026-02-03T10:01:00.000123456Z")
    assert ids(ask(shop, options={"limit": 1, "starting_after": odd["more_starting_after"]})) == ["V-2"]


def test_a_page_may_be_empty_and_say_where_the_next_one_starts(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qualifications, "LOOKED_AT", 3)
    voucher(shop, "OLD")
    for number in range(1, 6):
        large = {"1": {"name": "order.items.count", "conditions": {"$more_than": [9]}}, "logic": "1"}
        make_rule(voucher(shop, f"V-{number}", number), rules=large)
    assert pages(shop, 5) == [[], ["OLD"]]


@pytest.mark.parametrize("limit", [1, 2, 4])
def test_the_best_deal_comes_first_where_that_is_asked_for(shop: Shop, limit: int) -> None:
    make_customer(project=shop.project, source_id="ada")
    amounts = {"SMALL": 100, "LARGE": 900, "MIDDLE": 500, "ALSO": 500, "NONE": 1, "OTHER": 700}
    for number, (code, amount) in enumerate(amounts.items()):
        voucher(shop, code, number // 4, discount={"type": "AMOUNT", "amount_off": amount})
    best = [name for page in pages(shop, limit, sorting_rule="BEST_DEAL") for name in page]
    assert best == ["LARGE", "OTHER", "ALSO", "MIDDLE", "SMALL", "NONE"]
    least = [name for page in pages(shop, limit, sorting_rule="LEAST_DEAL") for name in page]
    assert least == ["NONE", "SMALL", "ALSO", "MIDDLE", "OTHER", "LARGE"]


def test_filters_find_what_lies_far_behind(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qualifications, "LOOKED_AT", 2)
    make_customer(project=shop.project, source_id="ada")
    voucher(shop, "OLD")
    for number in range(1, 9):
        voucher(shop, f"V-{number}", number)
    assert pages(shop, 5, filters={"code": {"conditions": {"$in": ["OLD", "x"]}}}) == [["OLD"]]


CONDITIONS: list[dict[str, Any]] = [
    {"$is": ["{}"]}, {"$is_not": ["{}"]}, {"$in": ["{}", "x"]}, {"$not_in": ["x", "{}"]}, {"$has_value": True},
    {"$is_unknown": True},
]  # fmt: skip


@pytest.mark.parametrize("junction", ["and", "or"])
@pytest.mark.parametrize("number", range(len(CONDITIONS)))
def test_the_database_filters_as_the_facts_say(shop: Shop, junction: str, number: int) -> None:
    ada, promoted = make_customer(project=shop.project, source_id="ada"), promotion(shop)
    category = Category.objects.create(project=shop.project, name="C", created_at=NOW)
    generic = CampaignFactory.create(project=shop.project, type="STANDALONE", voucher=TEMPLATE, category=category)
    CampaignFactory.create(project=shop.project, campaign_type="LOYALTY_PROGRAM", created_at=NOW, voucher={
        "type": "LOYALTY_CARD", "loyalty_card": {"points": 0, "balance": 0}})  # fmt: skip
    voucher(shop, "GENERIC", campaign=generic)
    voucher(shop, "MINE", 1, holder=ada, publish_count=1, category=category)
    voucher(shop, "GIFT", 2, gift_amount=100, discount=None)
    tier(shop, promoted, "T", 3)
    wire = {"customer": {"source_id": "ada"}, "order": {"amount": 1000}}

    def candidates(filters: Any) -> list[Qualifier]:
        request = qualifying.parse_qualification({**wire, "options": {"filters": filters}})
        asking = qualifications._asking(shop.project, request, NOW, None)
        return [one for pool in qualifier_stream.stream(qualifications._sources(asking), None) for one in pool]

    everything = candidates({})
    assert len(everything) == 5
    for first, second in itertools.combinations(qualifying.FIELDS, 2):
        values = {name: next(v for one in everything if (v := one.facts[name])) for name in (first, second)}
        filters: dict[str, Any] = {"junction": junction}
        for name in (first, second):
            conditions = CONDITIONS[number]
            filters[name] = {
                "conditions": {
                    key: [text.format(values[name]) for text in told] if isinstance(told, list) else told
                    for key, told in conditions.items()
                }
            }
        held = qualifying.parse_qualification({"options": {"filters": filters}}).filters
        expected = [one.redeemable.id for one in everything if held.hold(one.facts)]
        assert [one.redeemable.id for one in candidates(filters)] == expected, filters


def test_expansions_and_filters(shop: Shop) -> None:
    category = Category.objects.create(project=shop.project, name="C", created_at=NOW)
    campaign = promotion(shop)
    one = tier(shop, campaign, "One", 2, category=category, banner="B", metadata={"a": 1})
    rule = make_rule(project=shop.project)
    RuleAssignment.objects.create(
        project=shop.project, rule=rule, promotion_tier=one, related_object_type="promotion_tier",
        related_object_id=one.public_id, created_at=NOW,
    )  # fmt: skip
    voucher(shop, "OPEN")
    options = {
        "expand": ["redeemable", "category", "validation_rules"],
        "filters": {"resource_type": {"conditions": {"$is": ["promotion_tier"]}}},
    }
    (row,) = ask(shop, options=options)["redeemables"]["data"]
    assert (row["name"], row["banner"], row["metadata"]) == ("One", "B", {"a": 1})
    assert (row["campaign_name"], row["campaign_id"]) == ("Promo", campaign.public_id)
    assert [found["id"] for found in row["categories"]] == [category.public_id]
    assert row["validation_rules_assignments"]["total"] == 1
    assert row["validation_rule_id"] == rule.public_id

    def filtered(**filters: Any) -> list[str]:
        return ids(ask(shop, options={"filters": filters}))

    assert filtered(category_id={"conditions": {"$in": [category.public_id]}}) == [one.public_id]
    assert filtered(category_id={"conditions": {"$is_unknown": True}}) == ["OPEN"]
    assert filtered(code={"conditions": {"$is": ["OPEN", "ignored"]}}) == ["OPEN"]
    assert filtered(campaign_type={"conditions": {"$is": ["PROMOTION"]}}) == [one.public_id]
    both = {"code": {"conditions": {"$is": ["OPEN"]}}, "campaign_id": {"conditions": {"$is": [campaign.public_id]}}}
    assert filtered(**both) == []
    assert filtered(junction="OR", **both) == [one.public_id, "OPEN"]


@pytest.mark.parametrize(
    "body",
    [
        {"scenario": "X"},
        {"scenario": ["ALL"]},
        {"options": []},
        {"options": {"limit": 0}},
        {"options": {"limit": 101}},
        {"options": {"limit": "5"}},
        {"options": {"starting_after": "x"}},
        {"options": {"starting_after": 5}},
        {"options": {"sorting_rule": "X"}},
        {"options": {"expand": "x"}},
        {"options": {"filters": {"x": {"conditions": {"$is": ["a"]}}}}},
        {"options": {"filters": {"code": {"conditions": {"$like": ["a"]}}}}},
        {"options": {"filters": {"code": {"conditions": {"$is": [5]}}}}},
        {"options": {"filters": {"code": 5}}},
        {"options": {"filters": {"junction": "xor"}}},
        {"order": 5},
        {"customer": 5},
    ],
)
def test_a_bad_question_is_refused(shop: Shop, body: dict[str, Any]) -> None:
    assert ask(shop, expected=400, **body)["key"] == "invalid_payload"


def test_a_body_may_be_empty_and_a_browser_gets_a_tracking_id(shop: Shop) -> None:
    voucher(shop, "OPEN")
    assert ids(shop.server().post("/v1/qualifications").json()) == ["OPEN"]
    response = shop.browser().post("/client/v1/qualifications", {"order": {"amount": 100}})
    assert ids(response.json()) == ["OPEN"]
    assert response.json()["tracking_id"].startswith("track_")
    assert response.cookies


def test_more_redeemables_take_no_more_queries(shop: Shop) -> None:
    ada = make_customer(project=shop.project, source_id="ada")
    campaign = promotion(shop)

    def fill(number: int) -> None:
        generic = CampaignFactory.create(project=shop.project, type="STANDALONE", voucher=TEMPLATE)
        make_rule(voucher(shop, f"OPEN-{number}", number), rules={})
        voucher(shop, f"GENERIC-{number}", number, campaign=generic)
        voucher(shop, f"MINE-{number}", number, holder=ada, publish_count=1)
        tier(shop, campaign, f"T-{number}", number)

    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            ask(shop, customer={"source_id": "ada"}, options={"limit": 50})
        return len(queries)

    fill(0)
    asked()
    few = asked()
    for number in range(1, 9):
        fill(number)
    assert asked() == few
    assert len(ids(ask(shop, customer={"source_id": "ada"}, options={"limit": 50}))) == 36

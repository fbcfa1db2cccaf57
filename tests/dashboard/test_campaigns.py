"""Campaigns in the dashboard: four steps to a new one, its pages, and what one does with it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from config.dashboard import lists
from config.jobs.models import AsyncAction
from tests.dashboard.rows import make_redemption
from tests.factories import (
    NOW,
    CampaignFactory,
    ValidationRuleFactory,
    make_customer,
    make_project,
    make_segment,
    make_voucher,
)
from vouchers.models import Campaign, CampaignDraft, PromotionTier, RuleAssignment, ValidationRule, Voucher
from vouchers.services import campaigns

pytestmark = pytest.mark.django_db
NEW = "dashboard:campaign-new"
WHAT = {
    "name": "Spring",
    "kind": "DISCOUNT",
    "discount_type": "PERCENT",
    "percent_off": "20",
    "target": "APPLY_TO_ORDER",
}
CODES = {"type": "STATIC", "pattern": "SPR-####", "charset": "digits", "quantity": "10"}


def url(name, row, *more):
    return reverse(f"dashboard:{name}", args=[row.public_id, *more])


def make_campaign(project, **data):
    body = {"name": "Spring", "campaign_type": "DISCOUNT_COUPONS", "type": "STATIC", **data}
    if body["campaign_type"] != "PROMOTION":
        body.setdefault("voucher", {"type": "DISCOUNT_VOUCHER", "discount": {"type": "PERCENT", "percent_off": 10}})
    return campaigns.create(project=project, data=body, at=NOW)


def test_four_steps_make_a_campaign_with_its_rule(marketer, project):
    segment = make_segment(project=project, name="Regulars")
    answer = marketer.post(reverse(NEW), WHAT)
    draft = CampaignDraft.objects.get()
    assert answer["Location"] == url("draft-step", draft, "codes")
    assert not Campaign.objects.exists()
    assert marketer.post(url("draft-step", draft, "codes"), CODES)["Location"] == url("draft-step", draft, "who")
    who = {"segments": [segment.public_id], "minimum": "50", "uses": "1", "per_customer": "1", "budget": "500"}
    assert marketer.post(url("draft-step", draft, "who"), who)["Location"] == url("draft-step", draft, "when")
    when = {
        "start": "2026-03-01T00:00",
        "end": "2026-03-31T23:59",
        "days": ["1", "2"],
        "hours_from": "09:00",
        "hours_to": "12:00",
    }
    assert marketer.post(url("draft-step", draft, "when"), when)["Location"] == url("draft", draft)
    page = marketer.get(url("draft", draft)).content.decode()
    for sentence in ("20 % off", "An order of €100.00 then costs €80.00.", "10 codes like", "Customer is in “Regulars”",
                     "Order amount is at least €50.00", "From 09:00 to 12:00 on Mondays and Tuesdays"):  # fmt: skip
        assert sentence in page, sentence
    answer = marketer.post(url("draft", draft))
    campaign = Campaign.objects.get()
    assert answer["Location"] == url("campaign", campaign)
    assert campaign.voucher["discount"] == {"type": "PERCENT", "percent_off": 20, "effect": "APPLY_TO_ORDER"}
    assert campaign.voucher["redemption"] == {"quantity": 1}
    assert campaign.start_date == datetime(2026, 2, 28, 23, 0, tzinfo=UTC)
    assert campaign.validity_hours["daily"][0]["days_of_week"] == [1, 2]
    assert AsyncAction.objects.get().type == "CAMPAIGN.VOUCHERS_GENERATE"
    rule = RuleAssignment.objects.get(campaign=campaign).rule
    assert [rule.rules[key]["name"] for key in ("1", "2", "3", "4")] == [
        *("customer.segment", "order.amount", "campaign.redemptions.customers_count"),
        "campaign.orders.amount_discounted",
    ]
    assert not CampaignDraft.objects.exists()
    assert "Making codes" in marketer.get(url("campaign", campaign)).content.decode()


def test_one_code_for_everybody_works_at_once(marketer, project):
    marketer.post(reverse(NEW), {**WHAT, "go": "codes"})
    draft = CampaignDraft.objects.get()
    marketer.post(url("draft-step", draft, "codes"), {"type": "STANDALONE", "code": "EASTER"})
    marketer.post(url("draft", draft))
    voucher = Voucher.objects.get()
    assert (voucher.code, voucher.campaign.name, voucher.campaign.type) == ("EASTER", "Spring", "STANDALONE")


@pytest.mark.parametrize(
    ("what", "check"),
    [
        ({"kind": "GIFT", "gift_amount": "25"}, lambda c: c.voucher["gift"] == {"amount": 2500}),
        (
            {"discount_type": "AMOUNT", "amount_off": "5", "target": "APPLY_TO_ITEMS_BY_QUANTITY"},
            lambda c: (
                c.voucher["discount"]["effect"] == "APPLY_TO_ITEMS_BY_QUANTITY"
                and ValidationRule.objects.get().applicable_to["included_all"]
            ),
        ),
        (
            {"kind": "PROMOTION", "banner": "Two weeks only"},
            lambda c: (
                [(t.name, t.banner, t.action["discount"]["percent_off"]) for t in c.tiers.all()]
                == [("Spring", "Two weeks only", 20)]
            ),
        ),
    ],
)
def test_each_kind_of_campaign(marketer, project, what, check):
    marketer.post(reverse(NEW), {**WHAT, **what})
    draft = CampaignDraft.objects.get()
    answer = marketer.post(url("draft", draft))
    assert answer.status_code == 302, answer.context["refusal"] or answer.context["open_problems"]
    assert check(Campaign.objects.get())


@pytest.mark.parametrize(
    ("step", "typed", "sentence"),
    [
        ("what", {**WHAT, "name": ""}, "This field is required"),
        ("what", {**WHAT, "percent_off": ""}, "Say how many percent."),
        ("what", {**WHAT, "percent_off": "101"}, "less than or equal to 100"),
        ("what", {**WHAT, "target": "APPLY_TO_ITEMS_BY_QUANTITY"}, "cannot be taken off that way"),
        ("codes", {**CODES, "pattern": "FIXED"}, "A pattern needs at least one #"),
        ("codes", {**CODES, "pattern": "A-#", "quantity": "9"}, "has only 10 codes"),
        ("codes", {**CODES, "quantity": "0"}, "greater than or equal to 1"),
        ("who", {"segments": ["seg_none"]}, "is not one of the available choices"),
        ("who", {"budget": "-1"}, "greater than or equal to 0.01"),
        ("when", {"start": "2026-03-02T00:00", "end": "2026-03-01T00:00"}, "The end lies before the beginning."),
        ("when", {"hours_from": "09:00"}, "Say both hours, or none."),
        ("when", {"start": "yesterday"}, "Enter a valid date/time."),
        ("when", {"days": ["7"]}, "is not one of the available choices"),
    ],
)
def test_a_step_with_a_mistake_is_kept_and_says_so(marketer, project, step, typed, sentence):
    marketer.post(reverse(NEW), WHAT)
    draft = CampaignDraft.objects.get()
    answer = marketer.post(url("draft-step", draft, step), typed)
    assert answer.status_code == 400
    assert sentence in answer.content.decode()
    draft.refresh_from_db()
    assert draft.steps[step].keys() == typed.keys()
    review = marketer.get(url("draft", draft)).content.decode()
    assert "Before it can be published" in review
    assert marketer.post(url("draft", draft)).status_code == 400
    assert not Campaign.objects.exists()


def test_a_name_that_is_taken_is_refused_at_publishing_and_the_draft_stays(marketer, project):
    make_campaign(project)
    marketer.post(reverse(NEW), WHAT)
    answer = marketer.post(url("draft", CampaignDraft.objects.get()))
    assert answer.status_code == 400
    assert "Not published" in answer.content.decode()
    assert CampaignDraft.objects.count() == Campaign.objects.count() == 1


def test_previews_are_drawn_without_saving(marketer, project):
    marketer.post(reverse(NEW), WHAT)
    draft = CampaignDraft.objects.get()
    page = marketer.post(url("draft-step", draft, "codes"), {**CODES, "act": "refresh"}).content.decode()
    assert "10,000 different codes are possible" in page
    assert page.count("SPR-") >= 3
    page = marketer.post(url("draft-step", draft, "when"), {"days": ["6"], "act": "refresh"}).content.decode()
    assert "Only on Saturdays" in page
    page = marketer.post(reverse(NEW), {**WHAT, "percent_off": "15", "act": "refresh"}).content.decode()
    assert "€85.00" in page
    draft.refresh_from_db()
    assert list(draft.steps) == ["what"]
    assert CampaignDraft.objects.count() == 1


def test_an_edit_says_which_codes_change_and_keeps_the_rest(marketer, project):
    campaign = make_campaign(project, metadata={"k": 1})
    for fields in ({}, {"redeemed_quantity": 1}, {"publish_count": 1}):
        make_voucher(project=project, campaign=campaign, **fields)
    Campaign.objects.filter(pk=campaign.pk).update(vouchers_count=3)
    draft_url = marketer.post(url("campaign-edit", campaign))["Location"]
    draft = CampaignDraft.objects.get()
    assert draft.campaign == campaign
    assert 'value="10"' in marketer.get(draft_url).content.decode()
    marketer.post(draft_url, {**WHAT, "percent_off": "30", "description": "New"})
    page = marketer.get(url("draft", draft)).content.decode()
    assert "The change reaches 1 codes that nobody holds and nobody used. 2 codes keep what they have" in page
    assert marketer.post(url("draft", draft)).status_code == 302
    campaign.refresh_from_db()
    assert campaign.voucher["discount"]["percent_off"] == 30
    assert (campaign.name, campaign.description, campaign.metadata) == ("Spring", "New", {"k": 1})
    assert AsyncAction.objects.get().type == "CAMPAIGN.VOUCHERS_UPDATE"


def test_a_copy_has_neither_codes_nor_counters(marketer, project):
    campaign = make_campaign(project)
    make_voucher(project=project, campaign=campaign)
    marketer.post(url("campaign-copy", campaign))
    draft = CampaignDraft.objects.get()
    assert draft.name == "Copy of Spring"
    marketer.post(url("draft", draft))
    copy = Campaign.objects.get(name="Copy of Spring")
    assert copy.vouchers.count() == 0
    assert copy.voucher["discount"]["percent_off"] == 10


def test_drafts_stand_in_the_list_and_can_be_thrown_away(marketer, sign_in, project):
    marketer.post(reverse(NEW), WHAT)
    draft = CampaignDraft.objects.get()
    assert "Drafts" in marketer.get(reverse("dashboard:campaigns")).content.decode()
    assert "Drafts" not in sign_in("viewer").get(reverse("dashboard:campaigns")).content.decode()
    marketer.post(url("draft-discard", draft))
    assert not CampaignDraft.objects.exists()


def test_disabled_campaigns_offer_to_take_it_back(marketer, project):
    campaign = make_campaign(project)
    page = marketer.post(url("campaign-switch", campaign), follow=True).content.decode()
    campaign.refresh_from_db()
    assert not campaign.active
    assert "Undo" in page
    marketer.post(url("campaign-switch", campaign), {"active": "on"})
    campaign.refresh_from_db()
    assert campaign.active
    assert "Campaign enabled" in marketer.get(url("campaign-activity", campaign)).content.decode()


def test_deleting_counts_what_goes_and_wants_the_name(marketer, project):
    campaign = make_campaign(project)
    voucher = make_voucher(project=project, campaign=campaign)
    make_redemption(project, voucher=voucher, campaign=campaign)
    page = marketer.get(url("campaign-delete", campaign)).content.decode()
    assert "<dt>codes</dt><dd>1</dd>" in page
    assert marketer.post(url("campaign-delete", campaign), {"typed": "spring?"}).status_code == 400
    assert marketer.post(url("campaign-delete", campaign), {"typed": "Spring"}).status_code == 302
    assert marketer.get(url("campaign", campaign)).status_code == 404


@pytest.mark.parametrize(
    ("typed", "status"),
    [
        ({"count": "5"}, 302),
        ({"code": "MORE"}, 302),
        ({}, 400),
        ({"count": "5", "code": "X"}, 400),
        ({"count": "x"}, 400),
    ],
)
def test_codes_are_added_one_or_many(marketer, project, typed, status):
    campaign = make_campaign(project)
    assert marketer.post(url("campaign-codes", campaign), typed).status_code == status
    assert AsyncAction.objects.count() == (1 if status == 302 and "count" in typed else 0)
    assert Voucher.objects.filter(code="MORE").count() == int("MORE" in typed.values())


def test_tiers_are_added_changed_switched_and_deleted(marketer, project):
    campaign = make_campaign(project, campaign_type="PROMOTION")
    rule = ValidationRuleFactory.create(project=project)
    typed = {
        "name": "Gold",
        "discount_type": "AMOUNT",
        "amount_off": "5",
        "target": "APPLY_TO_ORDER",
        "rules": [rule.public_id],
    }
    assert marketer.post(url("tier-new", campaign), typed).status_code == 302
    tier = PromotionTier.objects.get()
    assert (tier.name, tier.action["discount"]["amount_off"]) == ("Gold", 500)
    assert RuleAssignment.objects.get().promotion_tier == tier
    page = marketer.get(url("tier", campaign, tier.public_id)).content.decode()
    assert 'value="5.00"' in page
    assert marketer.post(url("tier", campaign, tier.public_id), {**typed, "amount_off": ""}).status_code == 400
    marketer.post(url("tier", campaign, tier.public_id), {**typed, "amount_off": "7", "rules": []})
    tier.refresh_from_db()
    assert tier.action["discount"]["amount_off"] == 700
    assert not RuleAssignment.objects.exists()
    assert "€7.00 off" in marketer.get(url("campaign-tiers", campaign)).content.decode()
    marketer.post(url("tier-switch", campaign, tier.public_id))
    tier.refresh_from_db()
    assert not tier.active
    marketer.post(url("tier-delete", campaign, tier.public_id))
    assert not PromotionTier.objects.exists()


def test_the_summary_says_budget_times_and_reasons(marketer, project):
    campaign = make_campaign(project, expiration_date=datetime(2030, 1, 1, tzinfo=UTC))
    rule = ValidationRuleFactory.create(
        project=project,
        rules={"1": {"name": "campaign.redemptions.count", "conditions": {"$less_than_or_equal": [10]}, "rules": {}}},
    )
    RuleAssignment.objects.create(
        project=project, rule=rule, campaign=campaign, related_object_type="campaign",
        related_object_id=campaign.public_id, created_at=NOW,
    )  # fmt: skip
    for days in range(3):
        make_redemption(
            project, campaign=campaign, created_at=datetime.now(UTC) - timedelta(days=days), discount_amount=100
        )
    make_redemption(project, campaign=campaign, created_at=datetime.now(UTC), failure_code="quantity_exceeded")
    page = marketer.get(url("campaign", campaign)).content.decode()
    for sentence in ("10 % off", "3 of 10", "75 %", "All uses are taken", "ends 1 Jan 2030", "€3.00"):
        assert sentence in page, sentence


def test_other_projects_campaigns_are_not_found(marketer, project):
    campaign = make_campaign(make_project("Other"))
    for name in ("campaign", "campaign-vouchers", "campaign-tiers", "campaign-rules", "campaign-activity"):
        assert marketer.get(url(name, campaign)).status_code == 404
    for name in ("campaign-switch", "campaign-delete", "campaign-codes", "campaign-edit", "campaign-copy"):
        assert marketer.post(url(name, campaign), {"typed": "Spring"}).status_code == 404


@pytest.mark.parametrize("rows", [3, 30])
@pytest.mark.parametrize(("name", "queries"), [("campaign", 15), ("campaign-vouchers", 8), ("campaign-redemptions", 8)])
def test_a_campaigns_pages_cost_the_same_for_3_and_for_30_codes(
    marketer, project, django_assert_max_num_queries, name, queries, rows
):
    campaign = CampaignFactory.create(project=project, voucher={"type": "DISCOUNT_VOUCHER", "discount": {}})
    for _ in range(rows):
        make_redemption(project, campaign=campaign, voucher=make_voucher(project=project, campaign=campaign))
    with django_assert_max_num_queries(queries):
        assert marketer.get(url(name, campaign)).status_code == 200


def test_a_free_code_of_the_campaign_is_published(marketer, project):
    campaign = make_campaign(project)
    voucher = make_voucher(project=project, campaign=campaign)
    customer = make_customer(project=project, email="ada@shop.example")
    page = marketer.post(
        url("campaign-publish", campaign), {"customer": "ada@shop.example"}, follow=True
    ).content.decode()
    assert f"{voucher.code} is published" in page
    voucher.refresh_from_db()
    assert voucher.holder == customer
    assert (
        "Not published"
        in marketer.post(
            url("campaign-publish", campaign), {"customer": customer.public_id}, follow=True
        ).content.decode()
    )


def test_the_codes_of_a_campaign_are_paged_newest_first_by_an_index(marketer, project):
    campaign = make_campaign(project)
    for number in range(lists.PAGE_SIZE + 3):
        make_voucher(project=project, campaign=campaign, code=f"C-{number:03d}")
    first = marketer.get(url("campaign-vouchers", campaign)).context["listing"]
    assert [row.code for row in first.rows[:2]] == [f"C-{lists.PAGE_SIZE + 2:03d}", f"C-{lists.PAGE_SIZE + 1:03d}"]
    second = marketer.get(url("campaign-vouchers", campaign) + first.next_url).context["listing"]
    assert [row.code for row in second.rows] == ["C-002", "C-001", "C-000"]

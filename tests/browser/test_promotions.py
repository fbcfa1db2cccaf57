"""Campaigns, rules and the check of a code in a real browser: what redraws itself, and what one click does."""

from __future__ import annotations

from django.urls import reverse
from playwright.sync_api import Page, expect

from config.kernel import instants
from tests.factories import make_customer, make_rule, make_segment, make_voucher
from vouchers.models import Campaign, Redemption, ValidationRule, Voucher
from vouchers.payloads import parse_stackable
from vouchers.services import redemptions


def test_a_campaign_in_four_steps_with_its_example_redrawn(page: Page, project):
    make_segment(project=project, name="Regulars")
    page.goto(reverse("dashboard:campaign-new"))
    page.get_by_label("Name", exact=True).fill("Spring")
    page.get_by_label("Percent off", exact=True).fill("15")
    page.get_by_label("At most").fill("10")
    page.get_by_label("At most").blur()
    preview = page.locator("#preview")
    expect(preview).to_contain_text("To pay€90.00")
    page.get_by_label("Gift cards").check()
    expect(page.get_by_label("Percent off", exact=True)).to_be_hidden()
    page.get_by_label("Discount codes").check()
    page.get_by_role("button", name="Save and go on").click()

    page.get_by_label("Pattern").fill("SPR-####")
    page.get_by_label("Characters").select_option(label="Digits only")
    expect(preview).to_contain_text("10,000 different codes are possible")
    page.get_by_label("One code for everybody").check()
    page.locator("#id_code").fill("SPRING")
    page.get_by_role("button", name="Save and go on").click()

    page.get_by_label("Only customers in").select_option(label="Regulars")
    expect(preview).to_contain_text("Customer is in “Regulars”")
    page.get_by_role("button", name="When").click()
    page.get_by_label("Sat").check()
    expect(preview).to_contain_text("Only on Saturdays")
    page.get_by_role("button", name="Save and look at the summary").click()
    expect(page.get_by_text("An order of €100.00 then costs €90.00.")).to_be_visible()
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Spring")
    assert Voucher.objects.get().code == "SPRING"
    page.get_by_role("button", name="Disable").click()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Campaign Spring is enabled.")).to_be_visible()
    assert Campaign.objects.get().active


def test_conditions_of_a_rule_are_chosen_added_and_removed(page: Page, project):
    page.goto(reverse("dashboard:rule-new"))
    page.get_by_label("Name", exact=True).fill("Big orders")
    page.get_by_label("What condition 1 is about").select_option(label="Order amount")
    page.get_by_label("Value", exact=True).fill("80")
    page.get_by_role("button", name="Condition", exact=True).click()
    expect(page.get_by_label("Value", exact=True)).to_have_value("80")
    page.get_by_label("What condition 2 is about").select_option(label="Number of units in the cart")
    page.get_by_label("Value", exact=True).nth(1).fill("3")
    page.get_by_label("They hold if").select_option("any")
    page.get_by_role("button", name="Condition", exact=True).click()
    page.get_by_role("button", name="Remove condition 3").click()
    expect(page.get_by_label("What condition 3 is about")).to_have_count(0)
    page.get_by_role("button", name="Save rule").click()
    expect(page.get_by_text("1. Order amount is at least €80.00")).to_be_visible()
    assert ValidationRule.objects.get().rules["logic"] == "1 OR 2"


def test_a_refused_code_is_found_checked_and_redeemed(page: Page, project):
    voucher = make_voucher(project=project, code="BIG10")
    make_rule(voucher, rules={"1": {"name": "order.amount", "conditions": {"$more_than_or_equal": [10_000]}}})
    make_customer(project=project, name="Ada Keller", source_id="crm-7")
    page.goto(reverse("dashboard:home"))
    page.keyboard.press("/")
    page.keyboard.type("BIG10")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Check it").click()
    page.get_by_role("combobox", name="Customer").fill("Ada")
    page.get_by_role("option", name="Ada Keller").click()
    page.get_by_label("Order amount").fill("80")
    page.get_by_role("button", name="Check", exact=True).click()
    expect(page.get_by_role("heading", name="It would be refused")).to_be_focused()
    expect(page.get_by_text("Rule: at least €100.00. This order: €80.00.").first).to_be_visible()
    page.get_by_label("Order amount").fill("120")
    page.get_by_role("button", name="Check", exact=True).click()
    page.get_by_role("button", name="Redeem now").click()
    expect(page.get_by_text("Redeemed.", exact=True)).to_be_visible()
    assert Redemption.objects.get().customer.name == "Ada Keller"


def test_a_redemption_is_rolled_back_with_a_reason(page: Page, project):
    make_voucher(project=project, code="TEN")
    body = {"redeemables": [{"object": "voucher", "id": "TEN"}], "order": {"amount": 3000}}
    row = redemptions.redeem(project=project, request=parse_stackable(body), at=instants.now()).redemptions[0]
    page.goto(reverse("dashboard:redemption", args=[row.public_id]))
    page.get_by_role("button", name="Roll back").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("TEN gets one use back.")
    dialog.get_by_label("Reason").fill("The parcel came back")
    dialog.get_by_role("button", name="Roll back").click()
    expect(page.get_by_text("Rolled back.", exact=True)).to_be_visible()
    expect(page.get_by_text("The parcel came back")).to_be_visible()


def test_everything_works_without_a_script(open_page, project):
    page = open_page(java_script_enabled=False)
    page.goto(reverse("dashboard:rule-new"))
    page.get_by_label("Name", exact=True).fill("Big orders")
    page.get_by_label("What condition 1 is about").select_option(label="Order amount")
    page.get_by_role("button", name="Show the fields of what was chosen").click()
    page.get_by_label("Value", exact=True).fill("80")
    page.get_by_role("button", name="Save rule").click()
    expect(page.get_by_text("Order amount is at least €80.00")).to_be_visible()
    page.goto(reverse("dashboard:campaign-new"))
    page.get_by_label("Name", exact=True).fill("Spring")
    page.get_by_label("Percent off", exact=True).fill("15")
    page.get_by_role("button", name="Save and go on").click()
    expect(page.get_by_role("heading", name="Codes", exact=True)).to_be_visible()


def test_ticked_codes_are_disabled_without_a_script(open_page, project):
    for number in range(3):
        make_voucher(project=project, code=f"SPRING-{number}")
    page = open_page(java_script_enabled=False)
    page.goto(reverse("dashboard:vouchers"))
    page.get_by_label("Choose SPRING-0").check()
    page.get_by_label("Choose SPRING-2").check()
    page.get_by_role("button", name="Change the ticked ones…").click()
    expect(page.get_by_role("heading", name="2 vouchers")).to_be_visible()
    page.get_by_role("button", name="Disable").click()
    expect(page.get_by_text("2 vouchers are disabled.")).to_be_visible()
    assert list(Voucher.objects.filter(active=True).values_list("code", flat=True)) == ["SPRING-1"]

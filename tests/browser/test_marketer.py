"""What a marketer does, from a file of customers to a refused code, in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from config.imports.runner import run_import
from config.jobs import runner
from config.jobs.models import AsyncAction
from config.kernel import instants
from customers.models import Customer
from customers.services.importing import SUBJECT
from tests.factories import make_segment
from vouchers.errors import VoucherRefused
from vouchers.payloads import parse_stackable
from vouchers.services import redemptions

CALIFORNIA = '{"junction":"and","address.state":{"conditions":{"$is":["California"]}}}'


def write_file(path: Path, bad: int, good: int = 40) -> Path:
    lines = ["Name,Source_id,State,customer_type,Birthdate"]
    for number in range(good + bad):
        state, born = ("California", "1990-12-31") if number % 2 else ("Texas", "")
        lines.append(f"Person {number},c-{number},{state},Corporate,{'31/31/1990' if number >= good else born}")
    path.write_text("\n".join(lines) + "\n")
    return path


def upload(page: Page, file: Path) -> None:
    page.goto(reverse("dashboard:import-new"))
    page.get_by_label("Choose a CSV, TSV or Excel file").set_input_files(file)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Where do the columns go?")


def work() -> None:
    action = AsyncAction.objects.latest("pk")
    runner.run(lambda run: run_import(run, SUBJECT), action_id=action.pk)


def test_a_file_with_bad_rows_is_imported_mended_and_imported_again(page: Page, tmp_path):
    upload(page, write_file(tmp_path / "crm.csv", bad=12))
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("Birthdate: … is not a date; write 1990-12-31")).to_be_visible()
    page.get_by_role("link", name="Failed (12)").click()
    expect(page.get_by_text("31/31/1990 is not a date").first).to_be_visible()
    page.get_by_role("button", name="Import 40, skip 12").click()
    expect(page.get_by_text("Queued")).to_be_visible()

    work()
    expect(page.get_by_text("Done", exact=True)).to_be_visible()
    expect(page.locator(".card", has_text="New")).to_contain_text("40")
    expect(page.locator(".card", has_text="Failed")).to_contain_text("12")

    with page.expect_download() as downloading:
        page.get_by_role("link", name="Download 12 rows").click()
    mended = tmp_path / "mended.csv"
    text = Path(downloading.value.path()).read_text(encoding="utf-8-sig").replace("31/31/1990,", "1990-12-31,")
    mended.write_text(text)
    upload(page, mended)
    for column in ("_line", "_error"):
        page.get_by_label(f"{column} goes to").select_option("")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("Left out by your choice: _line, _error")).to_be_visible()
    page.get_by_role("button", name="Import 12").click()
    expect(page.get_by_text("Queued")).to_be_visible()
    work()
    expect(page.get_by_text("Done", exact=True)).to_be_visible()
    assert Customer.objects.count() == 52


def test_two_columns_for_one_field_are_told_at_once(page: Page, tmp_path):
    upload(page, write_file(tmp_path / "crm.csv", bad=0))
    page.get_by_label("State goes to").select_option("name")
    expect(page.get_by_text("Also chosen for Name")).to_be_visible()
    expect(page.get_by_role("button", name="Preview")).to_be_disabled()
    page.get_by_label("State goes to").select_option("address.state")
    expect(page.get_by_role("button", name="Preview")).to_be_enabled()


def test_an_import_is_stopped_and_goes_on(page: Page, tmp_path):
    upload(page, write_file(tmp_path / "crm.csv", bad=0))
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("button", name="Import 40").click()
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("It stops after the rows it is at.").first).to_be_visible()
    AsyncAction.objects.update(status="FAILED", stopped=True, stop_requested=False, failure="Stopped before its end")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("Queued")).to_be_visible()
    work()
    expect(page.get_by_text("Done", exact=True)).to_be_visible()


@pytest.mark.parametrize("width", [1440, 390])
def test_a_voucher_for_a_segment_and_why_it_was_refused(open_page, project, width):
    segment = make_segment(project=project, name="California", definition=CALIFORNIA)
    page: Page = open_page(width=width, has_touch=width < 900)
    page.goto(reverse("dashboard:voucher-new"))
    page.get_by_role("textbox", name="Percent off").fill("20")
    expect(page.get_by_label("Credits on the card")).not_to_be_visible()
    page.get_by_role("textbox", name="Code").fill("CAL20")
    page.get_by_label("Only for customers in").select_option(segment.public_id)
    page.get_by_label("Minimum order").fill("100")
    page.get_by_role("button", name="Create voucher").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("CAL20")
    expect(page.get_by_text("Customer is in “California”")).to_be_visible()

    body = {"redeemables": [{"object": "voucher", "id": "CAL20"}], "order": {"amount": 8000},
            "customer": {"source_id": "c-1", "name": "Ada", "address": {"state": "Texas"}}}  # fmt: skip
    with pytest.raises(VoucherRefused):
        redemptions.redeem(project=project, request=parse_stackable(body), at=instants.now())

    page.goto(reverse("dashboard:redemptions"))
    page.get_by_role("link", name="Refused").click()
    expect(page.get_by_text("The customer is not in the segment")).to_be_visible()
    page.get_by_role("link", name="just now").click()
    expect(page.get_by_text("Rule: “California”. This customer is not in it.")).to_be_visible()
    expect(page.get_by_text("Rule: at least €100.00. This order: €80.00.")).to_be_visible()

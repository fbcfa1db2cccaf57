"""The segment builder in a browser: by keyboard alone, with long lists, back and forth, as JSON, on a phone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from config.project.models import Project
from segments.models import Segment
from tests.factories import make_customer, make_segment

NEW = "/dashboard/segments/new/"
CALIFORNIANS = {
    "junction": "and",
    "address.state": {"conditions": {"$is": ["California"]}},
    "metadata.customer_type": {"conditions": {"$is": ["Corporate"]}},
}


@pytest.fixture(autouse=True)
def people(project: Project) -> None:
    """Five Californians of whom three are corporate, and two Texans."""
    for number, (state, kind) in enumerate(
        [("California", "Corporate")] * 3 + [("California", "Consumer")] * 2 + [("Texas", "Corporate")] * 2
    ):
        make_customer(
            project=project, name=f"Person {number}", address={"state": state}, metadata={"customer_type": kind}
        )


def field(page: Page, place: int = 0) -> Locator:
    return page.get_by_role("combobox", name="Field", exact=True).nth(place)


def count(page: Page) -> Locator:
    return page.locator("#preview-count:not(.stale)")


def choose(page: Page, words: str) -> None:
    """Type into the field picker that has the focus, and take what it offers first."""
    page.keyboard.type(words)
    expect(page.locator(".listbox:not([hidden]) .option[aria-selected=true]")).to_be_visible()
    page.keyboard.press("Enter")


def definition(page: Page) -> Any:
    text = page.locator("#id_filter").input_value()
    return json.loads(text) if text else None


def test_a_segment_is_built_saved_and_seen_by_keyboard_alone(page: Page):
    page.goto(NEW)
    page.locator("#id_name").focus()
    page.keyboard.type("Corporate Californians")
    field(page).focus()
    choose(page, "state")
    expect(page.get_by_label("Operator").first).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.type("cal")
    expect(page.get_by_role("option", name="California")).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(count(page)).to_have_text("5")

    for _ in range(3):  # more, remove, add
        page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Condition", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(field(page, 1)).to_be_focused()
    choose(page, "customer_t")
    page.keyboard.press("Tab")
    page.keyboard.type("Corporate")
    expect(count(page)).to_have_text("3")
    expect(page.locator("#preview-share")).to_have_text("42.9 % of all customers")
    expect(page.locator("#preview-people li")).to_have_count(3)
    expect(page.locator("#live")).to_have_text("3 customers match")
    assert definition(page) == CALIFORNIANS

    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile(r"/segments/seg_\w+/$"))
    expect(page.get_by_text("3 members", exact=True).first).to_be_visible()
    expect(page.get_by_role("link", name="Person 2")).to_be_visible()
    assert json.loads(Segment.objects.get().definition or "") == CALIFORNIANS


def test_two_hundred_values_are_pasted_kept_once_and_folded(page: Page):
    page.goto(NEW)
    field(page).click()
    choose(page, "source id")
    page.get_by_label("Operator").select_option("$in")
    box = page.get_by_label("Add a value")
    box.focus()
    texts = [f"id-{number}" for number in range(200)] + ["id-7", "id-8"]
    page.evaluate(
        """(text) => { const data = new DataTransfer(); data.setData("text", text);
        const how = { clipboardData: data, bubbles: true, cancelable: true };
        document.activeElement.dispatchEvent(new ClipboardEvent("paste", how)); }""",
        "\n".join(texts),
    )
    expect(page.get_by_role("button", name="200 values, edit as text")).to_be_visible()
    expect(page.get_by_text("200 added, 2 dropped as duplicates").first).to_be_visible()
    assert definition(page)["source_id"]["conditions"]["$in"] == texts[:200]

    page.get_by_role("button", name="200 values, edit as text").click()
    page.get_by_label("Values, one a line").fill("id-1\nid-2\nid-2\n\nother")
    page.locator("#id_name").focus()
    expect(page.locator(".values .chip")).to_have_text(["id-1", "id-2", "other"])


def test_more_than_a_thousand_values_are_cut_aloud(page: Page):
    page.goto(NEW)
    field(page).click()
    choose(page, "source id")
    page.get_by_label("Operator").select_option("$in")
    page.get_by_label("Add a value").fill(",".join(str(number) for number in range(1200)))
    expect(page.get_by_text("1,000 added, 200 left out: 1,000 are the most.").first).to_be_visible()
    expect(page.get_by_role("link", name="Make a fixed segment of the list")).to_be_visible()


def test_undo_and_redo_restore_whole_trees_even_after_a_reload(page: Page):
    page.goto(NEW)
    field(page).click()
    choose(page, "state")
    page.get_by_label("Value", exact=True).fill("California")
    page.get_by_role("button", name="Group", exact=True).click()
    choose(page, "customer_t")
    page.get_by_label("Value", exact=True).nth(1).fill("Corporate")
    expect(count(page)).to_have_text("3")
    whole = definition(page)
    for _ in range(3):
        page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("group", name="Condition 2 of 2")).to_have_count(0)
    expect(count(page)).to_have_text("5")
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    expect(count(page)).to_have_text("5")
    for _ in range(3):
        page.get_by_role("button", name="Redo").click()
    assert definition(page) == whole
    expect(count(page)).to_have_text("3")


def test_rows_move_wrap_duplicate_and_hand_the_focus_on(page: Page, project: Project):
    source = make_segment(project=project, definition=json.dumps(CALIFORNIANS))
    page.goto(f"{NEW}?from={source.public_id}")
    field(page, 1).focus()
    page.keyboard.press("Alt+ArrowUp")
    expect(field(page)).to_have_value("customer_type")
    expect(field(page)).to_be_focused()
    page.get_by_label("More for this condition").first.click()
    page.get_by_role("button", name="Wrap in a group").click()
    expect(page.get_by_role("group", name="Group 1 of 2")).to_be_visible()
    page.get_by_label("More for this condition").last.click()
    page.get_by_role("button", name="Duplicate").click()
    expect(field(page, 2)).to_have_value("State")
    expect(field(page, 2)).to_be_focused()
    page.get_by_label("Remove this condition").last.click()
    expect(field(page, 1)).to_be_focused()
    page.get_by_label("Remove this group").click()
    page.get_by_label("Remove this condition").click()
    expect(page.get_by_role("button", name="Condition", exact=True)).to_be_focused()
    assert definition(page) is None


def test_what_is_unfinished_is_marked_counted_without_and_never_saved(page: Page):
    page.goto(NEW)
    page.locator("#id_name").fill("Half")
    page.get_by_role("button", name="Save segment").click()
    expect(page.get_by_role("alert")).to_contain_text("A condition has no field yet")
    expect(page.locator("#builder-problems")).to_be_focused()
    field(page).click()
    choose(page, "state")
    page.get_by_role("button", name="Save segment").click()
    expect(page.locator(".rule-problem")).to_have_text("State has no value yet.")
    page.get_by_role("link", name="State has no value yet").click()
    expect(page.get_by_label("Value", exact=True)).to_be_focused()
    page.get_by_label("Remove this condition").click()
    page.get_by_role("button", name="Save segment").click()
    expect(page.get_by_role("alert")).to_contain_text("everyone is not a segment")
    assert not Segment.objects.exists()


def test_json_is_checked_on_leaving_and_kept(page: Page):
    page.goto(NEW)
    page.get_by_role("button", name="JSON").click()
    text = page.get_by_label("The definition as JSON")
    text.fill("{")
    page.get_by_role("button", name="Builder", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("The builder cannot show this")
    expect(text).to_have_value("{")
    text.fill('{"junction":"and","color":{"conditions":{"$is":["red"]}}}')
    page.locator("#id_name").focus()
    expect(page.get_by_role("alert")).to_contain_text("color")
    text.fill(json.dumps(CALIFORNIANS))
    page.get_by_role("button", name="Builder", exact=True).click()
    expect(field(page, 1)).to_have_value("customer_type")
    expect(count(page)).to_have_text("3")
    assert definition(page) == CALIFORNIANS


def test_deeper_definitions_stay_json_and_can_be_saved(page: Page):
    named = {"name": {"conditions": {"$has_value": True}}}
    deep = {**CALIFORNIANS, "g1": {"junction": "or", **named, "g1": {"junction": "none", **named, "g1": CALIFORNIANS}}}
    page.goto(NEW)
    page.locator("#id_name").fill("Deep")
    page.get_by_role("button", name="JSON").click()
    page.get_by_label("The definition as JSON").fill(json.dumps(deep))
    page.get_by_role("button", name="Builder", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("more than 3 levels")
    page.get_by_role("button", name="Save segment").click()
    page.wait_for_url(re.compile(r"/segments/seg_\w+/$"))
    assert json.loads(Segment.objects.get().definition or "") == deep


def test_random_trees_survive_json_and_moves_lose_no_row(page: Page):
    page.goto(NEW)
    address = page.evaluate(
        "performance.getEntriesByType('resource').find((one) => one.name.includes('builder_tree')).name"
    )
    assert (
        page.evaluate(
            """async (address) => {
          const t = await import(address);
          const pick = (list) => list[Math.floor(Math.random() * list.length)];
          const value = () => pick([["a"], [1, 2], [0], [""], [false], true, false, ["é x"]]);
          const fields = ["a", "b", "g1", "__proto__", "metadata.x y"];
          const several = ["$more_than_equal $less_than_equal", "$is_not +$has_value"];
          const rule = () => pick([() => t.rule(pick(fields), several[0], pick([[1, 2], [0, 0]])),
            () => t.rule(pick(fields), several[1], pick([["a"], [1, 2]])),
            () => t.rule(pick(fields), pick(["$is", "$in", "$is_not", "$has_value", "$less_than_equal"]), value())])();
          const knows = (key, op) => several.includes(op);
          const child = (deep) => (deep < 3 && Math.random() < 0.3 ? group(deep + 1) : rule());
          const group = (deep) => t.group(pick(["all", "any", "none"]),
            Array.from({ length: 1 + Math.floor(Math.random() * 4) }, () => child(deep)));
          const ids = (tree) => t.rows(tree).map((one) => one.id).sort().join();
          for (let round = 0; round < 3000; round += 1) {
            const tree = group(1);
            const written = JSON.stringify(t.write(tree).filter);
            if (JSON.stringify(t.write(t.read(JSON.parse(written), knows)).filter) !== written) return written;
            const moved = t.move(tree, pick(t.rows(tree)).id, pick([1, -1]));
            if (ids(moved) !== ids(tree) || t.depth(moved) > t.depth(tree)) return `moved: ${written}`;
            const now = t.step(t.begin(tree), moved);
            if (JSON.stringify(t.redo(t.undo(now)).tree) !== JSON.stringify(moved)) return "undo";
          }
          return "";
        }""",
            address,
        )
        == ""
    )


def test_it_says_why_a_customer_is_not_in(page: Page, project: Project):
    source = make_segment(project=project, definition=json.dumps(CALIFORNIANS))
    page.goto(f"/dashboard/segments/{source.public_id}/edit/")
    expect(count(page)).to_have_text("3")
    page.get_by_label("Is a customer in?").fill("person 4")
    page.get_by_role("option", name="Person 4").click()
    expect(page.locator("#preview-why b")).to_have_text("Not in, because customer_type is Consumer")
    expect(page.locator("#preview-why li .yes")).to_contain_text("State is California")
    expect(page.locator("#preview-why li .no")).to_contain_text("customer_type is CorporateHere: Consumer")


def test_the_count_of_nobody_says_which_condition_empties_it(page: Page):
    page.goto(NEW)
    field(page).click()
    choose(page, "state")
    page.get_by_label("Value", exact=True).fill("Utah")
    expect(count(page)).to_have_text("0")
    expect(page.locator("#preview-people")).to_have_text("No customer matches what is asked of State.")


def test_a_phone_shows_the_number_below_and_scrolls_only_downwards(open_page: Callable[..., Page], project: Project):
    source = make_segment(project=project, definition=json.dumps(CALIFORNIANS))
    page = open_page(width=390, height=844, has_touch=True)
    page.goto(f"{NEW}?from={source.public_id}")
    expect(page.locator("#preview-mini")).to_have_text("3")
    expect(page.locator("#preview-mini")).to_be_in_viewport()
    for width in (390, 320):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_without_script_the_definition_is_written_as_json(open_page: Callable[..., Page]):
    page = open_page(java_script_enabled=False)
    page.goto(NEW)
    page.get_by_label("Name", exact=True).fill("Plain")
    page.get_by_label("The definition as JSON").fill(json.dumps(CALIFORNIANS))
    page.get_by_role("button", name="Save segment").click()
    page.wait_for_url(re.compile(r"/segments/seg_\w+/$"))
    assert json.loads(Segment.objects.get().definition or "") == CALIFORNIANS


def test_every_control_has_a_name_and_the_tree_reads_well(page: Page, project: Project):
    nested = {
        **CALIFORNIANS,
        "g1": {"junction": "or", "name": {"conditions": {"$is": ["A"]}}, "email": {"conditions": {"$in": ["b", "c"]}}},
    }
    source = make_segment(project=project, definition=json.dumps(nested))
    page.goto(f"{NEW}?from={source.public_id}")
    expect(page.get_by_role("group", name="Condition 2 of 3")).to_be_visible()
    expect(page.get_by_role("group", name="Group 3 of 3")).to_be_visible()
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("main :is(input, select, textarea, button, a, summary)")]
          .filter((one) => one.checkVisibility())
          .filter((one) => !(one.getAttribute("aria-label") || one.labels?.length || one.textContent.trim()))
          .map((one) => one.outerHTML)"""
    )
    assert nameless == []
    ids = page.evaluate("() => [...document.querySelectorAll('[id]')].map((one) => one.id)")
    assert len(ids) == len(set(ids))


def test_between_is_one_row_of_two_operators(page: Page):
    page.goto(NEW)
    field(page).click()
    choose(page, "Number of orders")
    page.get_by_label("Operator", exact=True).select_option(label="is between")
    page.get_by_label("From", exact=True).fill("2")
    expect(page.locator(".rule")).to_have_count(1)
    page.get_by_label("To", exact=True).fill("5")
    found = {"$more_than_equal": [2], "$less_than_equal": [5]}
    assert definition(page) == {"junction": "and", "summary.orders.total_count": {"conditions": found}}
    page.get_by_role("button", name="JSON").click()
    page.get_by_role("button", name="Builder").click()
    expect(page.get_by_label("To", exact=True)).to_have_value("5")


def test_a_negative_row_can_leave_out_customers_without_a_value(page: Page):
    page.goto(NEW)
    field(page).click()
    choose(page, "State")
    page.get_by_label("Operator", exact=True).select_option(label="is not")
    page.get_by_label("Value", exact=True).fill("Utah")
    expect(page.get_by_text("Customers without a value are included.")).to_be_visible()
    page.get_by_label("Operator", exact=True).select_option(label="is not, and has a value")
    expect(page.get_by_text("Customers without a value are included.")).to_have_count(0)
    assert definition(page)["address.state"] == {"conditions": {"$is_not": ["Utah"], "$has_value": True}}


def test_days_say_the_date_and_the_zone(page: Page):
    page.goto(NEW)
    field(page).click()
    choose(page, "Birthdate")
    page.get_by_label("Operator", exact=True).select_option(label="more than n days ago")
    page.get_by_label("Value", exact=True).fill("0")
    today = page.evaluate(
        "new Date().toLocaleDateString('en-GB', JSON.parse(document.getElementById('builder-page').textContent).dates)"
    )
    expect(page.locator(".rule-value .hint")).to_contain_text(f"{today}, ")

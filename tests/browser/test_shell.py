"""The shell in a real browser: signing in, theme, drawer, keys, no script, and what every page owes everybody."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from tests.dashboard.rows import make_action, make_event, make_import, make_redemption
from tests.factories import PASSWORD, make_customer, make_member, make_rule, make_segment, make_voucher

WIDTHS = {"desk": 1440, "phone": 390, "narrow": 320}
OWED = """() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const seen = (e) => e.getClientRects().length > 0 && getComputedStyle(e).visibility !== 'hidden';
  const named = (e) => (e.getAttribute('aria-label') || e.textContent || e.title || '').trim();
  const labelled = (e) => e.labels.length || e.getAttribute('aria-label');
  const inline = (e) => getComputedStyle(e).display === 'inline' || e.closest('details.more');
  const small = (e) => { const box = e.getBoundingClientRect(); return box.width < 24 || box.height < 24; };
  const ids = all('[id]').map((e) => e.id);
  const typed = 'input:not([type=hidden], [type=radio], [type=checkbox])';
  const told = (elements) => elements.map((e) => e.outerHTML.slice(0, 300));
  return {
    headings: all('h1').length,
    sideways: Math.max(0, document.documentElement.scrollWidth - innerWidth),
    twice: ids.filter((id, index) => ids.indexOf(id) !== index),
    unnamed: told(all('a[href], button, summary').filter((e) => seen(e) && !named(e))),
    unlabelled: told(all('input:not([type=hidden]), select, textarea').filter((e) => seen(e) && !labelled(e))),
    tiny: told(all(`button, summary, select, ${typed}`).filter((e) => seen(e) && !inline(e) && small(e))),
    loose: told(all('th:not([scope])')),
    language: document.documentElement.lang,
    main: all('main').length,
  };
}"""
NOTHING_OWED = {
    **{"headings": 1, "sideways": 0, "twice": [], "unnamed": [], "unlabelled": [], "tiny": [], "loose": []},
    **{"language": "en", "main": 1},
}


@pytest.fixture
def addresses(project):
    """Every page, with something on it."""
    customer = make_customer(
        project=project, name="Ada " + "Long" * 30, email="ada@shop.example",
        address={"city": "Berlin", "country": "DE"},
        metadata={"tier": "gold", "deep": {"list": [1, 2]}, "text": "x" * 300},
    )  # fmt: skip
    segment = make_segment(project=project, name="Berliners")
    voucher = make_voucher(project=project, code="SPRING-" + "X" * 60)
    rules = {"1": {"name": "customer.segment", "conditions": {"$is": [segment.public_id]}}, "logic": "1"}
    make_rule(voucher, rules=rules, segment_ids=[segment.public_id])
    attempt = make_redemption(project, voucher=voucher, customer=customer, failure_code="quantity_exceeded")
    for _ in range(60):
        make_redemption(project, voucher=voucher, customer=customer, discount_amount=123456)
        make_event(customer, name="opened")
    action = make_action(project, result={"created": 1, "failed_count": 1})
    done = make_import(project, action=action, given_name="crm.csv")
    one = {"customer": customer, "voucher": voucher, "redemption": attempt, "task": action, "import": done}
    return [
        *(
            reverse(f"dashboard:{name}")
            for name in ("home", "customers", "vouchers", "redemptions", "tasks", "imports")
        ),
        *(reverse(f"dashboard:{name}") for name in ("customer-new", "voucher-new", "import-new")),
        *(reverse(f"dashboard:{name}", args=[row.public_id]) for name, row in one.items()),
        *(
            reverse(f"dashboard:customer-{name}", args=[customer.public_id])
            for name in ("edit", "delete", "orders", "segments", "metadata")
        ),
        *(
            reverse(f"dashboard:{name}")
            for name in ("project-settings", "metadata-schemas", "keys", "key-new", "members", "audit", "profile")
        ),
        reverse("dashboard:metadata-schema", args=["customer"]),
        reverse("dashboard:metadata-key", args=["customer"]),
        reverse("dashboard:home") + "nowhere/",
        reverse("dashboard:customers") + "?country=DE&q=ada",
        reverse("dashboard:customers") + "?country=FR",
    ]


@pytest.mark.parametrize(("scheme", "width"), [("light", "desk"), ("dark", "phone"), ("light", "narrow")])
def test_every_page_gives_what_it_owes(open_page, addresses, scheme, width):
    page = open_page(width=WIDTHS[width], color_scheme=scheme, has_touch=width != "desk")
    owed = {}
    for address in addresses:
        page.goto(address)
        found = page.evaluate(OWED)
        if found != NOTHING_OWED:
            owed[address] = {key: value for key, value in found.items() if value != NOTHING_OWED[key]}
    assert owed == {}


def test_a_person_signs_in_and_out(open_page, project):
    make_member(project, email="ann@shop.example")
    page: Page = open_page(None)
    page.goto(reverse("dashboard:vouchers"))
    page.get_by_label("E-mail").fill("ann@shop.example")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("do not match")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Vouchers")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in to Tessera")


def test_the_chosen_theme_stays_without_a_flash(page: Page):
    page.goto(reverse("dashboard:home"))
    button = page.get_by_role("button", name="Theme: as the system")
    button.click()
    page.get_by_role("button", name="Theme: light").click()
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == "rgb(15, 20, 27)"


def test_the_menu_of_a_phone_opens_closes_and_gives_the_focus_back(open_page):
    page: Page = open_page(width=390, has_touch=True)
    page.goto(reverse("dashboard:home"))
    menu = page.locator("#menu")
    expect(menu).not_to_be_visible()
    opener = page.get_by_role("button", name="Menu")
    opener.focus()
    page.keyboard.press("Enter")
    expect(menu).to_be_visible()
    page.keyboard.press("Escape")
    expect(menu).not_to_be_visible()
    expect(opener).to_be_focused()


def test_keys_reach_the_search_and_the_content(page: Page, project):
    make_customer(project=project, name="Ada")
    page.goto(reverse("dashboard:customers"))
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name="Find a code")).to_be_focused()
    page.keyboard.type("zz")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Nothing is called “zz”")).to_be_visible()


def test_a_whole_row_is_a_link_and_links_in_it_stay_their_own(page: Page, project):
    customer = make_customer(project=project, name="Ada")
    row = make_redemption(project, voucher=make_voucher(project=project, code="TEN"), customer=customer)
    page.goto(reverse("dashboard:redemptions"))
    page.get_by_role("link", name="Ada", exact=True).click()
    expect(page).to_have_url(re.compile(customer.public_id))
    page.go_back()
    page.get_by_role("cell", name="Succeeded").click(force=True)  # the row's link lies over it
    expect(page).to_have_url(re.compile(row.public_id))


def test_leaving_a_changed_form_asks_first(page: Page):
    page.goto(reverse("dashboard:customer-new"))
    page.get_by_label("Name").fill("Ada")
    asked = []

    def accept(dialog):
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", accept)
    page.get_by_role("link", name="Cancel").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Customers")
    assert asked == ["beforeunload"]


def test_a_customer_is_deleted_only_after_a_second_word(page: Page, project):
    customer = make_customer(project=project, name="Ada")
    page.goto(reverse("dashboard:customer", args=[customer.public_id]))
    page.locator("summary", has_text="More").click()
    page.get_by_role("link", name="Delete…").click()
    dialog = page.get_by_role("dialog", name="Delete this customer?")
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).not_to_be_visible()
    page.locator("summary", has_text="More").click()
    page.get_by_role("link", name="Delete…").click()
    dialog.get_by_role("button", name="Delete customer").click()
    expect(page.get_by_text("Ada was deleted")).to_be_visible()


def test_everything_works_without_script(open_page, project):
    make_customer(project=project, name="Ada", address={"country": "DE"})
    make_customer(project=project, name="Ben", address={"country": "FR"})
    page: Page = open_page(java_script_enabled=False, width=390)
    page.goto(reverse("dashboard:customers"))
    page.get_by_text("Add filter").click()
    page.get_by_label("Country").fill("DE")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_text("Country is DE")).to_be_visible()
    expect(page.get_by_role("link", name="Ben")).to_have_count(0)
    page.get_by_role("link", name="Remove filter").click()
    expect(page.get_by_role("link", name="Ben")).to_have_count(1)

    page.get_by_role("link", name="Menu").click()
    page.get_by_role("link", name="Vouchers").click()
    page.get_by_role("link", name="New voucher").first.click()
    page.get_by_label("Amount off", exact=True).last.fill("10")
    page.get_by_label("Amount off").first.check()
    page.get_by_role("textbox", name="Code").fill("NOSCRIPT")
    page.get_by_role("button", name="Create voucher").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("NOSCRIPT")
    expect(page.get_by_text("€10.00 off").first).to_be_visible()

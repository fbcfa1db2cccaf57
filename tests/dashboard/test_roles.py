"""Every address of the dashboard × every role: who may read it, who may write, and nobody without a token (T14)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, reverse

from config.dashboard import navigation, urls
from config.paths import BASE_DIR
from config.project.models import Project, User
from config.project.permissions import OPENS, Permission, may
from customers.models import Customer
from tests.factories import PASSWORD, make_customer, make_member

pytestmark = pytest.mark.django_db
P = Permission
ROLES = ("admin", "user", "viewer", "merchant")


@dataclass(frozen=True)
class Row:
    """What GET and POST need. write: None where the address takes no POST."""

    read: Permission
    write: Permission | None = None


def both(permission: Permission) -> Row:
    return Row(permission, permission)


TABLE = {
    "home": Row(P.SEE_OVERVIEW),
    "project": both(P.USE_DASHBOARD),
    "nothing": both(P.USE_DASHBOARD),
    "profile": both(P.USE_DASHBOARD),
    "password": both(P.USE_DASHBOARD),
    "customers": Row(P.SEE_CUSTOMERS),
    "customer": Row(P.SEE_CUSTOMERS),
    "customer-orders": Row(P.SEE_CUSTOMERS),
    "customer-segments": Row(P.SEE_CUSTOMERS),
    "customer-metadata": Row(P.SEE_CUSTOMERS),
    "customer-new": both(P.EDIT_CUSTOMERS),
    "customer-edit": both(P.EDIT_CUSTOMERS),
    "customer-delete": both(P.EDIT_CUSTOMERS),
    "customer-wallet": Row(P.SEE_CUSTOMERS),
    "customer-metadata-edit": both(P.EDIT_CUSTOMERS),
    "customer-erase": both(P.ERASE_CUSTOMERS),
    "segments": Row(P.SEE_SEGMENTS),
    "segment": Row(P.SEE_SEGMENTS),
    "segment-definition": Row(P.SEE_SEGMENTS),
    "segment-usage": Row(P.SEE_SEGMENTS),
    "segment-growth": Row(P.SEE_SEGMENTS),
    "segment-activity": Row(P.SEE_SEGMENTS),
    "segment-overlap": Row(P.SEE_SEGMENTS),
    "segment-check": Row(P.SEE_SEGMENTS),
    "segment-count": both(P.SEE_SEGMENTS),
    "segment-preview": both(P.SEE_SEGMENTS),
    "segment-why": both(P.SEE_SEGMENTS),
    "segment-values": both(P.SEE_SEGMENTS),
    "segment-customers": both(P.SEE_SEGMENTS),
    "segment-new": both(P.EDIT_SEGMENTS),
    "segment-list": both(P.EDIT_SEGMENTS),
    "segment-edit": both(P.EDIT_SEGMENTS),
    "segment-freeze": both(P.EDIT_SEGMENTS),
    "segment-activate": both(P.EDIT_SEGMENTS),
    "segment-delete": both(P.EDIT_SEGMENTS),
    "imports": Row(P.IMPORT),
    "import": Row(P.IMPORT),
    "import-new": both(P.IMPORT),
    "import-map": both(P.IMPORT),
    "import-preview": both(P.IMPORT),
    "import-run": both(P.IMPORT),
    "import-failed": Row(P.IMPORT),
    "import-file": Row(P.IMPORT),
    "vouchers": Row(P.SEE_VOUCHERS),
    "voucher": Row(P.SEE_VOUCHERS),
    "voucher-import": both(P.EDIT_VOUCHERS),
    "voucher-new": both(P.EDIT_VOUCHERS),
    "voucher-bulk": both(P.EDIT_VOUCHERS),
    "stack": Row(P.SEE_VOUCHERS),
    "stack-delete": both(P.EDIT_VOUCHERS),
    "voucher-switch": both(P.EDIT_VOUCHERS),
    "search": Row(P.USE_DASHBOARD),
    "stacking": both(P.MANAGE_PROJECT),
    "category-new": both(P.MANAGE_PROJECT),
    "category": both(P.MANAGE_PROJECT),
    "check": Row(P.CHECK_CODES),
    "check-redeem": both(P.REDEEM),
    "rules": Row(P.SEE_VOUCHERS),
    "rule": Row(P.SEE_VOUCHERS),
    "rule-new": both(P.EDIT_VOUCHERS),
    "rule-edit": both(P.EDIT_VOUCHERS),
    "rule-delete": both(P.EDIT_VOUCHERS),
    "rule-assign": both(P.EDIT_VOUCHERS),
    "campaigns": Row(P.SEE_VOUCHERS),
    "campaign": Row(P.SEE_VOUCHERS),
    "campaign-new": both(P.EDIT_VOUCHERS),
    "draft": both(P.EDIT_VOUCHERS),
    "draft-step": both(P.EDIT_VOUCHERS),
    "draft-discard": both(P.EDIT_VOUCHERS),
    "campaign-edit": both(P.EDIT_VOUCHERS),
    "campaign-copy": both(P.EDIT_VOUCHERS),
    "campaign-switch": both(P.EDIT_VOUCHERS),
    "campaign-delete": both(P.EDIT_VOUCHERS),
    "campaign-codes": both(P.EDIT_VOUCHERS),
    "tier-new": both(P.EDIT_VOUCHERS),
    "tier": both(P.EDIT_VOUCHERS),
    "tier-switch": both(P.EDIT_VOUCHERS),
    "tier-delete": both(P.EDIT_VOUCHERS),
    "campaign-publish": both(P.EDIT_VOUCHERS),
    "voucher-publish": both(P.EDIT_VOUCHERS),
    "campaign-vouchers": Row(P.SEE_VOUCHERS),
    "campaign-tiers": Row(P.SEE_VOUCHERS),
    "campaign-rules": Row(P.SEE_VOUCHERS),
    "campaign-redemptions": Row(P.SEE_VOUCHERS),
    "campaign-activity": Row(P.SEE_VOUCHERS),
    "campaign-metadata": Row(P.SEE_VOUCHERS),
    "orders": Row(P.SEE_ORDERS),
    "order": Row(P.SEE_ORDERS),
    "products": Row(P.SEE_ORDERS),
    "product": Row(P.SEE_ORDERS),
    "events": Row(P.SEE_ORDERS),
    "voucher-picture": Row(P.SEE_VOUCHERS),
    "voucher-balance": both(P.EDIT_VOUCHERS),
    "voucher-delete": both(P.EDIT_VOUCHERS),
    "redemption-rollback": both(P.REDEEM),
    "redemptions": Row(P.SEE_REDEMPTIONS),
    "redemption": Row(P.SEE_REDEMPTIONS),
    "tasks": Row(P.SEE_TASKS),
    "task": Row(P.SEE_TASKS, P.IMPORT),
    "exports": Row(P.EXPORT),
    "export-new": both(P.EXPORT),
    "export-file": Row(P.EXPORT),
    "project-settings": both(P.MANAGE_PROJECT),
    "metadata-schemas": Row(P.MANAGE_PROJECT),
    "metadata-schema-new": both(P.MANAGE_PROJECT),
    "metadata-schema": both(P.MANAGE_PROJECT),
    "metadata-key": both(P.MANAGE_PROJECT),
    "keys": Row(P.MANAGE_PROJECT),
    "key-new": both(P.MANAGE_PROJECT),
    "key": both(P.MANAGE_PROJECT),
    "event-schemas": Row(P.MANAGE_PROJECT),
    "event-schema-new": both(P.MANAGE_PROJECT),
    "event-schema": both(P.MANAGE_PROJECT),
    "webhooks": Row(P.MANAGE_PROJECT),
    "webhook-new": both(P.MANAGE_PROJECT),
    "webhook-secret": both(P.MANAGE_PROJECT),
    "webhook": Row(P.MANAGE_PROJECT),
    "webhook-edit": both(P.MANAGE_PROJECT),
    "webhook-delivery": both(P.MANAGE_PROJECT),
    "members": Row(P.MANAGE_MEMBERS),
    "member-new": both(P.MANAGE_MEMBERS),
    "member": both(P.MANAGE_MEMBERS),
    "audit": Row(P.SEE_AUDIT),
    "audit-file": Row(P.SEE_AUDIT),
}
"""Name in the URL conf → what it needs. A new page gets a row here."""

DOORS = {"login", "logout"}
"""For people who are nobody yet, or no longer."""


def named(patterns: list[URLPattern | URLResolver]) -> Iterator[tuple[str, list[str]]]:
    """Every name of the URL conf with the names of its parameters."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from named(pattern.url_patterns)
        else:
            yield str(pattern.name), list(pattern.pattern.converters)


NAMES = dict(named(urls.urlpatterns))


def address(name: str) -> str:
    return reverse(f"dashboard:{name}", kwargs=dict.fromkeys(NAMES[name], "none-of-these"))


@pytest.fixture
def people(project):
    return {role: make_member(project, role, f"{role}@shop.example") for role in ROLES}


def browser(user: User, **kwargs: bool) -> Client:
    client = Client(**kwargs)
    client.force_login(user)
    return client


def test_every_address_has_a_row_and_every_row_an_address():
    assert set(NAMES) - DOORS == set(TABLE), "give the page a row in TABLE: what reading and writing it needs"


@pytest.mark.parametrize("name", TABLE)
def test_each_role_opens_what_the_table_says_and_nothing_else(people, name):
    row = TABLE[name]
    for role, person in people.items():
        client = browser(person)
        expected = may(role, row.read)
        if name == "home" and not expected:
            assert client.get(address(name))["Location"] == navigation.first(role)
            continue
        assert (client.get(address(name)).status_code != 403) is expected, f"{role} reads {name}"
        answer = client.post(address(name), {})
        if row.write is None:
            assert answer.status_code == (405 if expected else 403), f"{name} takes a POST: say what it needs"
        else:
            assert (answer.status_code != 403) is may(role, row.write), f"{role} writes {name}"


@pytest.mark.parametrize("name", NAMES)
def test_no_form_is_taken_without_its_token(people, name):
    answer = browser(people["admin"], enforce_csrf_checks=True).post(address(name), {"name": "x"})
    assert answer.status_code == 403
    assert "This form is too old" in answer.content.decode()


@pytest.mark.parametrize("name", sorted(set(NAMES) - DOORS))
def test_strangers_are_sent_to_the_door(db, client, name):
    for answer in (client.get(address(name)), client.post(address(name), {})):
        assert answer.status_code == 302
        assert answer["Location"].startswith(reverse("dashboard:login"))


@pytest.mark.parametrize("role", ROLES)
def test_the_menu_shows_what_may_be_opened_and_leaves_nothing_out(people, role):
    client = browser(people[role])
    page = client.get(reverse("dashboard:profile")).content.decode()
    menu = set(re.findall(r'<a href="([^"]+)"', page[page.index("<nav") : page.index("</nav>")]))
    everything = {reverse(entry.url_name) for _, entries in navigation.NAVIGATION for entry in entries}
    assert {url for url in everything if client.get(url).status_code == 200} == menu


@pytest.mark.parametrize("role", ROLES)
def test_after_signing_in_one_lands_on_a_page_one_may_open(people, role):
    client = Client()
    answer = client.post(
        reverse("dashboard:login"), {"username": people[role].email, "password": PASSWORD}, follow=True
    )
    assert answer.status_code == 200
    first = {"merchant": navigation.first("merchant")}.get(role, reverse("dashboard:home"))
    assert answer.request["PATH_INFO"] == first


@pytest.mark.parametrize("role", ROLES)
def test_the_admin_pages_are_for_operators(people, role):
    assert browser(people[role]).get("/admin/")["Location"].startswith("/admin/login/")


def test_docs_have_the_same_table():
    lines = (BASE_DIR / "docs/roles.md").read_text().splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    head, rows = cells[0], cells[1:]
    assert head[1:] == list(ROLES)
    assert {row[0]: row[1:] for row in rows} == {
        permission.value: ["yes" if permission in OPENS[role] else "–" for role in ROLES] for permission in Permission
    }


INTERNAL = {
    "id": "7", "pk": "7", "public_id": "cust_mine", "project": "2", "project_id": "2", "created_at": "2001-01-01",
    "updated_at": "2001-01-01", "deleted_at": "2001-01-01", "orders_total_amount": "999", "redemptions_succeeded": "9",
    "tracking_secret": "mine", "webhook_token": "mine", "case_sensitive_codes": "", "is_sandbox": "on",
    "is_superuser": "on", "is_staff": "on", "must_change_password": "", "role": "admin",
}  # fmt: skip
"""What no form may set."""


def test_internal_fields_in_a_form_change_nothing(people, project):
    customer = make_customer(project=project, name="Ann")
    kept = {field.attname for field in Customer._meta.concrete_fields} & set(INTERNAL)
    before = Customer.objects.values(*kept).get()
    client = browser(people["user"])
    edit = reverse("dashboard:customer-edit", args=[customer.public_id])
    values = {"name": "Anna", "version": client.get(edit).context["form"]["version"].value(), **INTERNAL}
    assert client.post(edit, values).status_code == 302
    assert (Customer.objects.get().name, Customer.objects.values(*(kept - {"updated_at"})).get()) == (
        "Anna",
        {name: value for name, value in before.items() if name != "updated_at"},
    )
    client.post(reverse("dashboard:profile"), {"first_name": "Mia", **INTERNAL})
    me = User.objects.get(pk=people["user"].pk)
    assert (me.first_name, me.is_superuser, me.is_staff, me.memberships.get().role) == ("Mia", False, False, "user")
    secrets = Project.objects.values("tracking_secret", "webhook_token", "case_sensitive_codes", "is_sandbox").get()
    browser(people["admin"]).post(
        reverse("dashboard:project-settings"), {"name": "Other", "timezone": "UTC", **INTERNAL}
    )
    stored = Project.objects.values("tracking_secret", "webhook_token", "case_sensitive_codes", "is_sandbox").get()
    assert (Project.objects.get().name, stored) == ("Other", secrets)

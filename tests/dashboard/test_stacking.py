"""Settings › Stacking: rules and categories."""

from __future__ import annotations

import pytest
from django.urls import reverse

from vouchers.models import Category, StackingRules

pytestmark = pytest.mark.django_db
PAGE = "dashboard:stacking"
SENT = {
    "redeemables_application_mode": "PARTIAL",
    "redeemables_sorting_rule": "CATEGORY_HIERARCHY",
    "discount_calculation_mode": "INITIAL_AMOUNT",
    "redeemables_products_application_mode": "ONCE",
    "redeemables_no_effect_rule": "SKIP",
    "redeemables_rollback_order_mode": "WITHOUT_ORDER",
    "redeemables_limit": "10",
    "applicable_redeemables_limit": "3",
    "applicable_redeemables_per_category_limit": "2",
    "applicable_exclusive_redeemables_limit": "1",
    "applicable_exclusive_redeemables_per_category_limit": "1",
}


def test_rules_are_saved_changed_and_taken_back(sign_in, project):
    admin = sign_in()
    category = Category.objects.create(project=project, name="Sale", created_at="2026-01-01T00:00:00Z")
    assert admin.post(reverse(PAGE), {**SENT, "exclusive_categories": [category.public_id]}).status_code == 302
    row = StackingRules.objects.get()
    assert row.rules["redeemables_application_mode"] == "PARTIAL"
    assert row.rules["exclusive_categories"] == [category.public_id]
    project.refresh_from_db()
    assert project.stacking_rules["redeemables_limit"] == 10
    admin.post(reverse(PAGE), {**SENT, "redeemables_limit": "20"})
    row.refresh_from_db()
    assert row.rules["redeemables_limit"] == 20
    admin.post(reverse(PAGE), {"act": "reset"})
    assert not StackingRules.objects.exists()


@pytest.mark.parametrize(
    "changed",
    [{"redeemables_limit": "31"}, {"redeemables_limit": "x"}, {"applicable_redeemables_limit": "20"},
     {"redeemables_application_mode": "SOME"}, {"exclusive_categories": ["cat_none"]}],
)  # fmt: skip
def test_what_cannot_be_is_said_and_nothing_is_stored(sign_in, project, changed):
    answer = sign_in().post(reverse(PAGE), {**SENT, **changed})
    assert answer.status_code == 400
    assert 'role="alert"' in answer.content.decode()
    assert not StackingRules.objects.exists()


def test_categories_come_change_and_go(sign_in, project):
    admin = sign_in()
    admin.post(reverse("dashboard:category-new"), {"name": "Sale", "hierarchy": "2"})
    category = Category.objects.get()
    assert (category.name, category.hierarchy) == ("Sale", 2)
    url = reverse("dashboard:category", args=[category.public_id])
    admin.post(url, {"name": "Winter sale", "hierarchy": "0"})
    category.refresh_from_db()
    assert (category.name, category.hierarchy) == ("Winter sale", 0)
    assert "Not changed" in admin.post(url, {"name": "", "hierarchy": "-1"}, follow=True).content.decode()
    assert admin.post(reverse("dashboard:category-new"), {"name": ""}).status_code == 400
    admin.post(reverse(PAGE), {**SENT, "joint_categories": [category.public_id]})
    admin.post(url, {"act": "delete"})
    assert not Category.objects.exists()
    assert StackingRules.objects.get().rules["joint_categories"] == []

"""Validation rules in the dashboard: list, page, editor, assignments."""

from __future__ import annotations

import json

import pytest
from django.urls import reverse

from tests.factories import CampaignFactory, ValidationRuleFactory, make_project, make_rule, make_segment, make_voucher
from vouchers.models import RuleAssignment, ValidationRule

pytestmark = pytest.mark.django_db
NEW = "dashboard:rule-new"


def posted(**fields):
    return {"name": "VIP", "items": "none", "match": "all", "count": "1", "act": "save", **fields}


ONE = {"row-1-name": "order.amount", "row-1-operator": "$more_than_or_equal", "row-1-values": "100.50"}


def test_rows_become_a_stored_rule(marketer, project):
    segment = make_segment(project=project, name="Regulars")
    fields = {
        "count": "2",
        "match": "any",
        "row-1-name": "customer.segment",
        "row-1-operator": "$in",
        "row-1-values": [segment.public_id],
        "row-1-message": "For regulars",
        "row-2-name": "order.amount",
        "row-2-operator": "$more_than_or_equal",
        "row-2-values": "100.50",
    }
    answer = marketer.post(reverse(NEW), posted(**fields, message="Not for you"))
    rule = ValidationRule.objects.get()
    assert answer["Location"] == reverse("dashboard:rule", args=[rule.public_id])
    assert rule.error == {"message": "Not for you"}
    assert rule.segment_ids == [segment.public_id]
    assert rule.rules["logic"] == "1 OR 2"
    assert rule.rules["1"]["error"] == {"message": "For regulars"}
    assert rule.rules["2"]["conditions"] == {"$more_than_or_equal": [10050]}
    page = marketer.get(answer["Location"]).content.decode()
    assert "Customer is in “Regulars”" in page
    assert "Order amount is at least €100.50" in page


def test_json_is_taken_as_the_api_takes_it(marketer, project):
    rules = {
        "1": {"name": "order.amount", "conditions": {"$more_than": [1], "$less_than": [500]}, "rules": {}},
        "logic": "1",
    }
    marketer.post(reverse(NEW), posted(view="json", rules=json.dumps(rules)))
    rule = ValidationRule.objects.get()
    assert rule.rules == rules
    edit = marketer.get(reverse("dashboard:rule-edit", args=[rule.public_id])).content.decode()
    assert "The rules as JSON" in edit


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({**ONE, "name": ""}, "Give the rule a name."),
        ({}, "Choose what the condition is about."),
        ({**ONE, "row-1-values": "many"}, "is not a number"),
        ({**ONE, "row-1-values": ""}, "Say with what it is compared."),
        ({**ONE, "match": "own", "logic": "1 AND 9"}, "9"),
        ({**ONE, "items": "some"}, "Name at least one product"),
        ({"view": "json", "rules": "{"}, "This is not JSON in line 1"),
        ({"view": "json", "rules": "[" * 100_000}, "This is not JSON"),
        ({"view": "json", "rules": "[]"}, "should be a JSON object"),
        ({"view": "json", "rules": '{"1": {"name": "nothing.known", "conditions": {}}}'}, "nothing.known"),
        ({"row-1-name": "customer.segment", "row-1-operator": "$is", "row-1-values": "seg_none"}, "seg_none"),
        ({**ONE, "count": "x"}, "") ,
    ],
)  # fmt: skip
def test_what_cannot_be_is_said_and_nothing_is_stored(marketer, project, fields, sentence):
    answer = marketer.post(reverse(NEW), posted(**fields))
    if sentence:
        assert answer.status_code == 400
        assert sentence in answer.content.decode()
        assert not ValidationRule.objects.exists()
    else:
        assert answer.status_code in (302, 400)


def test_buttons_add_and_remove_rows_without_saving(marketer, project):
    page = marketer.post(reverse(NEW), posted(**ONE, act="add")).content.decode()
    assert 'name="row-2-name"' in page
    assert "is at least" in page
    page = marketer.post(reverse(NEW), posted(**ONE, act="remove-1")).content.decode()
    assert 'name="row-1-name"' not in page
    assert not ValidationRule.objects.exists()


def test_entries_keep_what_the_form_does_not_show(marketer, project):
    entry = {"object": "product", "id": "prod_mug", "effect": "APPLY_TO_CHEAPEST", "quantity_limit": 2}
    rule = ValidationRuleFactory.create(
        project=project, rules={}, applicable_to={"included": [entry], "excluded": [], "included_all": False}
    )
    url = reverse("dashboard:rule-edit", args=[rule.public_id])
    version = marketer.get(url).context["form"].version
    marketer.post(url, posted(count="0", items="some", included="prod_mug\nprod_cup", version=version))
    rule.refresh_from_db()
    mug, cup = rule.applicable_to["included"]
    assert entry.items() <= mug.items()
    assert (cup["id"], cup["object"]) == ("prod_cup", "product")


def test_somebody_elses_change_is_not_overwritten_unseen(marketer, project):
    rule = ValidationRuleFactory.create(project=project, name="Old")
    url = reverse("dashboard:rule-edit", args=[rule.public_id])
    answer = marketer.post(url, posted(count="0", version="2020-01-01T00:00:00.000Z"))
    assert answer.status_code == 400
    assert "Somebody else saved this rule meanwhile" in answer.content.decode()
    rule.refresh_from_db()
    assert rule.name == "Old"


def test_assign_and_take_off(marketer, project):
    rule = ValidationRuleFactory.create(project=project)
    campaign = CampaignFactory.create(project=project, name="Spring")
    url = reverse("dashboard:rule-assign", args=[rule.public_id])
    marketer.post(url, {"kind": "campaign", "target": campaign.public_id})
    row = RuleAssignment.objects.get()
    assert row.campaign == campaign
    page = marketer.get(reverse("dashboard:rule", args=[rule.public_id])).content.decode()
    assert "Spring" in page
    assert "Not changed" in marketer.post(url, {"kind": "voucher", "target": "none"}, follow=True).content.decode()
    marketer.post(url, {"undo": row.public_id})
    assert not RuleAssignment.objects.exists()


def test_delete_takes_the_assignments_along(marketer, project):
    rule = make_rule(make_voucher(project=project))
    marketer.post(reverse("dashboard:rule-delete", args=[rule.public_id]))
    assert not ValidationRule.objects.exists()
    assert not RuleAssignment.objects.exists()


def test_rules_of_other_projects_are_not_found(marketer, project):
    rule = ValidationRuleFactory.create(project=make_project("Other"))
    for name in ("rule", "rule-edit"):
        assert marketer.get(reverse(f"dashboard:{name}", args=[rule.public_id])).status_code == 404
    for name in ("rule-delete", "rule-assign"):
        assert marketer.post(reverse(f"dashboard:{name}", args=[rule.public_id])).status_code == 404


@pytest.mark.parametrize("rows", [3, 30])
def test_the_list_costs_the_same_for_3_and_for_30_rules(marketer, project, django_assert_num_queries, rows):
    for _ in range(rows):
        make_rule(
            make_voucher(project=project),
            rules={"1": {"name": "customer.segment", "conditions": {"$is": [make_segment(project=project).public_id]}}},
        )
    with django_assert_num_queries(8):
        assert f"{rows} rules" in marketer.get(reverse("dashboard:rules")).content.decode()

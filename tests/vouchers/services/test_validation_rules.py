"""Validation rules: what is stored, what is refused, what they are bound to."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from config.kernel.errors import DomainError, DuplicateFound, NotFound
from tests.factories import NOW, make_project, make_rule, make_segment, make_voucher
from vouchers.errors import InvalidValidationRules
from vouchers.models import RuleAssignment, ValidationRule
from vouchers.services import validation_rules

pytestmark = pytest.mark.django_db
AMOUNT = {"1": {"name": "order.amount", "conditions": {"$more_than": [5]}}}
LATER = NOW + timedelta(hours=1)


def create(**data: Any) -> ValidationRule:
    return validation_rules.create(project=make_project(), data={"name": "Rule", **data}, at=NOW)


def test_a_rule_is_kept_as_sent_with_its_logic_filled_in() -> None:
    rule = create(rules=AMOUNT, error={"message": "No"}, applicable_to={"included": []}, context_type="voucher")
    stored = ValidationRule.objects.get(pk=rule.pk)
    assert stored.rules == {**AMOUNT, "logic": "1"}
    assert (stored.error, stored.applicable_to, stored.type) == (
        {"message": "No"},
        {"included": [], "included_all": False},
        "expression",
    )


def test_a_rule_without_rules_is_empty() -> None:
    assert create().rules == {}
    assert create(rules={"logic": ""}).rules == {"logic": ""}


def test_the_segments_a_rule_names_are_kept() -> None:
    segment = make_segment()
    rule = create(rules={"1": {"name": "customer.segment", "conditions": {"$is": [segment.public_id]}}})
    assert rule.segment_ids == [segment.public_id]
    named = validation_rules.rules_naming(project=rule.project, segment_id=segment.public_id)
    assert (named, validation_rules.rules_naming(project=rule.project, segment_id="seg_x")) == ([rule], [])


@pytest.mark.parametrize(
    ("data", "details"),
    [
        ({"name": ""}, "required property 'name'"),
        ({"rules": {"1": {"name": "order.weight"}}}, "Rule 'order.weight' is not supported"),
        ({"rules": {"1": {"name": "customer.segment", "conditions": {"$is": ["seg_x"]}}}},
         "names segment seg_x, which does not exist"),
        ({"rules": AMOUNT | {"logic": "1 and 2"}}, "names rule 2"),
        ({"bundle_rules": {"quantity": 2}}, "Property .bundle_rules has an unexpected key 'quantity'"),
        ({"bundle_rules": {"limit": 101}}, "Property .bundle_rules.limit should be an integer from 1 to 100"),
        ({"applicable_to": {"included": [{"object": "product"}]}}, "Property .applicable_to.included[0]"),
        ({"applicable_to": {"included_all": 1}}, "Property .applicable_to.included_all should be boolean"),
    ],
)  # fmt: skip
def test_what_cannot_be_evaluated_is_refused_and_not_stored(data: dict[str, Any], details: str) -> None:
    with pytest.raises(InvalidValidationRules) as refused:
        create(**data)
    assert details in str(refused.value.details)
    assert ValidationRule.objects.count() == 0


def test_a_segment_of_another_project_does_not_exist() -> None:
    segment = make_segment(project=make_project("Other"))
    with pytest.raises(InvalidValidationRules):
        create(rules={"1": {"name": "customer.segment", "conditions": {"$is": [segment.public_id]}}})


def test_an_update_replaces_the_rules_and_leaves_the_rest() -> None:
    rule = create(rules=AMOUNT, error={"message": "No"})
    validation_rules.update(project=rule.project, rule=rule, data={"rules": {}}, at=LATER)
    rule.refresh_from_db()
    assert (rule.rules, rule.error, rule.name, rule.updated_at) == ({}, {"message": "No"}, "Rule", LATER)


def test_a_rule_goes_with_its_assignments() -> None:
    voucher = make_voucher()
    rule = make_rule(voucher)
    validation_rules.delete(project=rule.project, rule=rule, at=LATER)
    assert (ValidationRule.objects.count(), RuleAssignment.objects.count()) == (0, 0)


@pytest.mark.parametrize("by", ["code", "public_id"])
def test_a_rule_is_assigned_once(by: str) -> None:
    voucher, rule = make_voucher(), make_rule()
    target: dict[str, Any] = {
        "project": rule.project,
        "rule": rule,
        "related_object_id": getattr(voucher, by),
        "at": NOW,
    }
    assignment = validation_rules.assign(**target)
    assert (assignment.voucher, assignment.related_object_id) == (voucher, voucher.public_id)
    with pytest.raises(DuplicateFound):
        validation_rules.assign(**target)
    assert RuleAssignment.objects.count() == 1


@pytest.mark.parametrize(
    ("kind", "identifier", "error"),
    [
        ("voucher", "NOBODY", NotFound),
        ("voucher", "a\0b", NotFound),
        ("campaign", "camp_1", NotFound),
        ("earning_rule", "ern_1", NotFound),
    ],
)
def test_what_is_not_there_takes_no_rule(kind: str, identifier: str, error: type[DomainError]) -> None:
    rule = make_rule()
    with pytest.raises(error):
        validation_rules.assign(
            project=rule.project, rule=rule, related_object_type=kind, related_object_id=identifier, at=NOW
        )
    assert RuleAssignment.objects.count() == 0


def test_an_assignment_is_undone_once() -> None:
    rule = make_rule(make_voucher())
    target: dict[str, Any] = {
        "project": rule.project,
        "rule": rule,
        "public_id": RuleAssignment.objects.get().public_id,
        "at": NOW,
    }
    validation_rules.unassign(**target)
    with pytest.raises(NotFound):
        validation_rules.unassign(**target)

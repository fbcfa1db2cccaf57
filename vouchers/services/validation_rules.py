"""Validation rules: written, changed, removed, and bound to what they guard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import Q

from config.kernel.causes import INTERNAL, Cause
from config.kernel.errors import DuplicateFound, NotFound
from config.project.models import Project
from segments.models import Segment
from segments.uses import Use
from vouchers.engine import codes, definitions, needs, product_definitions
from vouchers.engine.definitions import DefinitionError
from vouchers.engine.product_definitions import ProductsError
from vouchers.errors import InvalidValidationRules
from vouchers.models import Campaign, PromotionTier, RuleAssignment, ValidationRule, Voucher
from vouchers.services import limit_sums, rule_events

FIELDS: Final = ("name", "rules", "bundle_rules", "error", "applicable_to", "type", "context_type")
NEVER_NULL: Final = {"type": "expression", "context_type": "global"}


def create(*, project: Project, data: Mapping[str, Any], at: datetime, cause: Cause = INTERNAL) -> ValidationRule:
    """Store a rule. data: the wire's properties, of checked shape; `name` is required.

    Raises InvalidValidationRules naming the property or the rule.
    """
    if not data.get("name"):
        raise InvalidValidationRules("Payload should have required property 'name'")
    rule = ValidationRule(project=project, created_at=at)
    _fill(project, rule, {"rules": {}, **data})
    with transaction.atomic():
        rule.save(force_insert=True)
        rule_events.told(project, "created", rule, at, cause)
    return rule


def update(
    *, project: Project, rule: ValidationRule, data: Mapping[str, Any], at: datetime, cause: Cause = INTERNAL
) -> ValidationRule:
    """Change what was sent; `rules` is replaced as a whole and counts at once for everything it is assigned to."""
    changed = _fill(project, rule, data)
    rule.updated_at = at
    with transaction.atomic():
        rule.save(update_fields=[*changed, "updated_at"])
        limit_sums.watch_assigned(rule)
        rule_events.told(project, "updated", rule, at, cause)
    return rule


def delete(*, project: Project, rule: ValidationRule, at: datetime, cause: Cause = INTERNAL) -> None:
    """Remove the rule and its assignments."""
    with transaction.atomic():
        rule_events.told(project, "deleted", rule, at, cause)
        ValidationRule.objects.of(project).filter(pk=rule.pk).delete()


def find(*, project: Project, public_id: str) -> ValidationRule:
    """The project's rule of that id. Raises NotFound."""
    rule = ValidationRule.objects.of(project).filter(public_id=public_id).first() if "\0" not in public_id else None
    if rule is None:
        raise NotFound.of("validation_rules", public_id)
    return rule


def find_all(*, project: Project, public_ids: Sequence[str]) -> list[ValidationRule]:
    """The rules of these ids, each once, in order. Raises NotFound naming the first that is unknown."""
    wanted = list(dict.fromkeys(public_ids))
    rows = ValidationRule.objects.of(project).filter(public_id__in=[name for name in wanted if "\0" not in name])
    found = {rule.public_id: rule for rule in rows}
    if missing := [public_id for public_id in wanted if public_id not in found]:
        raise NotFound.of("validation_rules", missing[0])
    return [found[public_id] for public_id in wanted]


def assign(
    *,
    project: Project,
    rule: ValidationRule,
    related_object_id: str,
    at: datetime,
    related_object_type: str = "voucher",
    cause: Cause = INTERNAL,
) -> RuleAssignment:
    """Bind a rule to a voucher (id or code), a campaign or a promotion tier. Raises NotFound, DuplicateFound."""
    target = _target(project, related_object_type, related_object_id)
    assignment = RuleAssignment(
        project=project,
        rule=rule,
        voucher=target if isinstance(target, Voucher) else None,
        campaign=target if isinstance(target, Campaign) else None,
        promotion_tier=target if isinstance(target, PromotionTier) else None,
        related_object_type=related_object_type,
        related_object_id=target.public_id,
        created_at=at,
    )
    try:
        with transaction.atomic():
            assignment.save(force_insert=True)
            limit_sums.watch_assigned(rule)
            rule_events.assignment_told(project, "created", assignment, at, cause)
    except IntegrityError as error:
        bound = RuleAssignment.objects.of(project).filter(rule=rule, related_object_id=target.public_id).first()
        known = target.public_id if bound is None else bound.public_id
        raise DuplicateFound.of("validation_rules_assignment", known) from error
    return assignment


def assign_all(*, project: Project, voucher: Voucher, rule_ids: Sequence[str], at: datetime) -> list[RuleAssignment]:
    """Bind the rules named at a voucher's creation, each once, in the caller's transaction. Raises NotFound."""
    assignments = [
        RuleAssignment(
            project=project,
            rule=rule,
            voucher=voucher,
            related_object_type="voucher",
            related_object_id=voucher.public_id,
            created_at=at,
        )
        for rule in find_all(project=project, public_ids=rule_ids)
    ]
    return RuleAssignment.objects.bulk_create(assignments)


def unassign(*, project: Project, rule: ValidationRule, public_id: str, at: datetime, cause: Cause = INTERNAL) -> None:
    """Undo an assignment of the rule. Raises NotFound."""
    rows = RuleAssignment.objects.of(project).select_related("rule").filter(rule=rule, public_id=public_id)
    bound = None if "\0" in public_id else rows.first()
    if bound is None:
        raise NotFound.of("validation_rules_assignment", public_id)
    with transaction.atomic():
        rule_events.assignment_told(project, "deleted", bound, at, cause)
        bound.delete()


def uses_of_segment(segment: Segment) -> list[Use]:
    """What names a segment, for the one who wants to delete it."""
    rules = ValidationRule.objects.filter(project_id=segment.project_id, segment_ids__contains=[segment.public_id])
    return [Use("validation rule", rule.public_id, rule.name) for rule in rules.order_by("pk")]


def rules_naming(*, project: Project, segment_id: str) -> list[ValidationRule]:
    """The rules that name a segment: it is in use as long as there are any."""
    return list(ValidationRule.objects.of(project).filter(segment_ids__contains=[segment_id]).order_by("pk"))


def _fill(project: Project, rule: ValidationRule, data: Mapping[str, Any]) -> list[str]:
    """Set what was sent, checked; returns the fields that were set."""
    sent = {name: data[name] for name in FIELDS if name in data}
    for name, default in NEVER_NULL.items():
        if name in sent and sent[name] is None:
            sent[name] = default
    if "name" in sent and not sent["name"]:
        raise InvalidValidationRules("Property .name should be string")
    if "rules" in sent:
        sent["rules"], sent["segment_ids"] = _checked_rules(project, sent["rules"] or {})
    if "bundle_rules" in sent:
        _check_bundle(sent["bundle_rules"])
        # Taken away again it is shown as {}; never set it is not shown.
        sent["bundle_rules"] = {} if sent["bundle_rules"] is None and rule.pk else sent["bundle_rules"]
    if "applicable_to" in sent:
        sent["applicable_to"] = _checked_applicable_to(sent["applicable_to"])
    for name, value in sent.items():
        setattr(rule, name, value)
    return list(sent)


def _checked_rules(project: Project, rules: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    try:
        tree = definitions.read_tree(rules)
    except DefinitionError as error:
        raise InvalidValidationRules(str(error)) from error
    segment_ids = needs.segment_ids(tree)
    known = set(Segment.objects.of(project).filter(public_id__in=segment_ids).values_list("public_id", flat=True))
    for segment_id in segment_ids:
        if segment_id not in known:
            raise InvalidValidationRules(f"Rule 'customer.segment' names segment {segment_id}, which does not exist")
    return definitions.completed(rules, tree), segment_ids


def _check_bundle(bundle_rules: Any) -> None:
    try:
        product_definitions.read_bundle(bundle_rules)
    except ProductsError as error:
        raise InvalidValidationRules(str(error)) from error


def _checked_applicable_to(applicable_to: Any) -> dict[str, Any] | None:
    """What is stored: as sent, entries with their defaults."""
    try:
        product_definitions.read_applicable_to(applicable_to)
        return product_definitions.completed(applicable_to)
    except ProductsError as error:
        raise InvalidValidationRules(str(error)) from error


def _target(project: Project, kind: str, identifier: str) -> Voucher | Campaign | PromotionTier:
    """What is meant. Objects of programmes that are not built yet are unknown."""
    found: Voucher | Campaign | PromotionTier | None = None
    if "\0" in identifier:
        raise NotFound.of(kind, identifier)
    if kind == "voucher":
        key = codes.comparable(identifier, case_sensitive=project.case_sensitive_codes)
        found = Voucher.objects.of(project).alive().filter(Q(public_id=identifier) | Q(code_key=key)).first()
    elif kind == "campaign":
        found = Campaign.objects.of(project).filter(public_id=identifier, deleted_at=None).first()
    elif kind == "promotion_tier":
        found = PromotionTier.objects.of(project).filter(public_id=identifier, campaign__deleted_at=None).first()
    if found is None:
        raise NotFound.of(kind, identifier)
    return found

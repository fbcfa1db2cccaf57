"""A project's stacking rules: set, changed, taken back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from config.kernel.errors import NotFound
from config.project import keys
from config.project.models import Project
from vouchers import stacking_rules
from vouchers.errors import StackingRulesExist
from vouchers.models import Category, StackingRules


def current(*, project: Project) -> StackingRules | None:
    """What the project set; None where the defaults hold."""
    return StackingRules.objects.of(project).first()


def find(*, project: Project, public_id: str) -> StackingRules:
    """The project's rules by their id. Raises NotFound."""
    found = current(project=project)
    if found is None or found.public_id != public_id:
        raise NotFound.of("stacking_rules", public_id)
    return found


def create(*, project: Project, body: object, at: datetime) -> StackingRules:
    """Set rules of one's own. Raises StackingRulesExist, InvalidPayload, NotFound (category)."""
    rules = stacking_rules.parse(body, {})
    with transaction.atomic():
        Project.objects.select_for_update(no_key=True).get(pk=project.pk)
        if current(project=project) is not None:
            raise StackingRulesExist("Cannot exist more stacking rules for given project")
        _check_categories(project, rules, {})
        row = StackingRules.objects.create(project=project, rules=rules, created_at=at)
        _repeat(project, rules)
    return row


def update(*, project: Project, stored: StackingRules, body: object, at: datetime) -> StackingRules:
    """Change what was sent; lists are replaced. Raises InvalidPayload, NotFound (category, or deleted meanwhile)."""
    with transaction.atomic():
        row = StackingRules.objects.of(project).select_for_update(no_key=True).filter(pk=stored.pk).first()
        if row is None:
            raise NotFound.of("stacking_rules", stored.public_id)
        rules = stacking_rules.parse(body, row.rules)
        _check_categories(project, rules, row.rules)
        return _save(row, rules, at)


def delete(*, project: Project, stored: StackingRules) -> None:
    """Go back to the defaults."""
    with transaction.atomic():
        StackingRules.objects.of(project).filter(pk=stored.pk).delete()
        _repeat(project, {})


def forget_category(*, project: Project, public_id: str, at: datetime) -> None:
    """Take a category out of the rules, in the caller's transaction."""
    row = StackingRules.objects.of(project).select_for_update(no_key=True).first()
    if row is not None:
        _save(row, stacking_rules.without(row.rules, public_id), at)


def _save(row: StackingRules, rules: Mapping[str, Any], at: datetime) -> StackingRules:
    row.rules, row.updated_at = dict(rules), at
    row.save(update_fields=["rules", "updated_at"])
    _repeat(row.project, rules)
    return row


def _check_categories(project: Project, rules: Mapping[str, Any], former: Mapping[str, Any]) -> None:
    wanted = stacking_rules.named(rules) - stacking_rules.named(former)
    known = set(Category.objects.of(project).filter(public_id__in=wanted).values_list("public_id", flat=True))
    if missing := sorted(wanted - known):
        raise NotFound.of("category", missing[0])


def _repeat(project: Project, rules: Mapping[str, Any]) -> None:
    """Write the rules where validations read them. Other processes remember a key's project for half a minute."""
    Project.objects.filter(pk=project.pk).update(stacking_rules=dict(rules))
    project.stacking_rules = dict(rules)
    keys.cache.clear()
    transaction.on_commit(keys.cache.clear)

"""Categories: what vouchers, tiers and campaigns are labelled with, for stacking rules to sort and limit by."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from config.kernel.errors import NotFound, ResourceInUse
from config.project.models import Project
from vouchers import stacking_rules
from vouchers.models import Category
from vouchers.services import stacking


def find(*, project: Project, public_id: str) -> Category:
    """The project's category of that id. Raises NotFound."""
    found = None if "\0" in public_id else Category.objects.of(project).filter(public_id=public_id).first()
    if found is None:
        raise NotFound.of("category", public_id)
    return found


def create(*, project: Project, data: Mapping[str, Any], at: datetime) -> Category:
    """A new category. data: name and hierarchy."""
    return Category.objects.create(project=project, name=data["name"], hierarchy=data["hierarchy"], created_at=at)


def update(*, project: Project, category: Category, data: Mapping[str, Any], at: datetime) -> Category:
    """Rename, and place anew."""
    category.name, category.hierarchy, category.updated_at = data["name"], data["hierarchy"], at
    category.save(update_fields=["name", "hierarchy", "updated_at"])
    return category


def delete(*, project: Project, category: Category, remove_from_stacking_rules: bool, at: datetime) -> None:
    """Remove the category; what had it has none then, a voucher keeps the name as its tag.

    Raises ResourceInUse where stacking rules name it, unless it is to be taken out of them.
    """
    with transaction.atomic():
        rules = stacking.current(project=project)
        if rules is not None and category.public_id in stacking_rules.named(rules.rules):
            if not remove_from_stacking_rules:
                raise ResourceInUse(
                    f"Resource category with id {category.public_id} is in use by stacking_rules"
                    f" with ids [{rules.public_id}]",
                    resource_id=category.public_id,
                    resource_type="category",
                )
            stacking.forget_category(project=project, public_id=category.public_id, at=at)
        Category.objects.of(project).filter(pk=category.pk).delete()

"""Which validation rules name a product, a SKU or a collection: such are not deleted."""

from __future__ import annotations

from collections.abc import Sequence

import orjson
from django.db.models import Q

from config.filters.sql import Param, Sql
from config.project.models import Project
from tracking.uses import Use
from vouchers.models import ValidationRule

PARTS = ("rules", "bundle_rules", "applicable_to")


def of_articles(project: Project, public_ids: Sequence[str]) -> list[Use]:
    """The rules in which one of the ids stands anywhere: in conditions, a bundle, or what they apply to."""
    if not public_ids:
        return []
    wanted = Param(orjson.dumps({"ids": list(public_ids)}).decode(), "jsonb")
    named = Q()
    for part in PARTS:
        named |= Q(Sql("COALESCE(jsonb_path_exists({}, '$.** ? (@ == $ids[*])', {}), FALSE)", part, wanted))
    rows = ValidationRule.objects.of(project).filter(named).order_by("pk")
    return [Use("validation_rules", public_id) for public_id in rows.values_list("public_id", flat=True)[:100]]

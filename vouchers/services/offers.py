"""A code together with the rule it was thought up with: both come, or neither."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from config.project.models import Project
from vouchers.models import Voucher
from vouchers.services import issuing, validation_rules


def offer(*, project: Project, voucher: Mapping[str, Any], rule: Mapping[str, Any] | None, at: datetime) -> Voucher:
    """Return the new voucher, with `rule` stored and assigned to it where one is given.

    voucher, rule: as `issuing.create` and `validation_rules.create` take them, and with what they raise.
    """
    with transaction.atomic():
        if rule is None:
            return issuing.create(project=project, data=dict(voucher), at=at)
        stored = validation_rules.create(project=project, data=dict(rule), at=at)
        return issuing.create(project=project, data={**voucher, "validation_rules": [stored.public_id]}, at=at)

"""Codes that somebody else made, brought into a campaign: from an array or from a CSV file.

Source: campaigns and promotions, section 5; vouchers, section 10.2.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import orjson
from django.db import IntegrityError, transaction
from django.db.models import F

from config.jobs import files
from config.jobs.models import JobBatch, JobFile
from config.jobs.runner import Run
from config.kernel.errors import DomainError
from config.project.models import Project
from vouchers.engine import codes
from vouchers.errors import DuplicateKey, InvalidVoucher
from vouchers.models import Campaign, Voucher, VoucherTransaction
from vouchers.services import balances, campaign_events, generation, issuing

BATCH: Final = 500
SHOWN: Final = 1000
"""Failures that the result tells."""


def check(project: Project, items: Sequence[Mapping[str, Any]]) -> None:
    """Raise InvalidVoucher where codes are missing, DuplicateKey where they come twice or exist."""
    if missing := sum(1 for item in items if not item.get("code")):
        raise InvalidVoucher(f"Found {missing} voucher(s) without 'code' value")
    for item in items:
        issuing.check_code(item["code"])
    keys = Counter(codes.comparable(item["code"], case_sensitive=project.case_sensitive_codes) for item in items)
    taken = Voucher.objects.of(project).filter(code_key__in=list(keys)).count()
    if twice := taken + sum(count - 1 for count in keys.values()):
        raise DuplicateKey(f"{twice} voucher codes(s) already exist.")


def bring_in(run: Run, *, clock: Callable[[], datetime]) -> dict[str, Any]:
    """Go through what the job was given, batch by batch, each once; the body of the job."""
    project = run.action.project
    given = files.find(run.action, JobFile.Kind.INPUT)
    campaign = Campaign.objects.alive().of(project).filter(pk=run.parameters["campaign"]).first()
    if given is None or campaign is None:
        return run.action.result or _result(0, [])
    campaign.project = project
    items = orjson.loads(files.path_of(given).read_bytes())
    applied = set(JobBatch.objects.filter(action=run.action).values_list("first", flat=True))
    with generation.freed(campaign):
        for first in range(0, len(items), BATCH):
            if first not in applied:
                with transaction.atomic():
                    run.hold()
                    failed = _bring(campaign, items[first : first + BATCH], clock())
                    JobBatch.objects.create(action=run.action, first=first, outcomes=failed)
            run.progress(min(first + BATCH, len(items)), len(items))
    with transaction.atomic():
        run.hold()
        failures = [failure for batch in run.action.batches.order_by("first") for failure in batch.outcomes]
        run.action.result = _result(len(items) - len(failures), failures)
        run.action.save(update_fields=["result"])
        run.action.batches.all().delete()
        files.remove(given)
        generation.set_status(campaign, "DONE")
        if len(items) > len(failures):
            campaign_events.vouchers_added(project, campaign, None, clock(), generation.cause_of(run))
    return dict(run.action.result)


def _result(done: int, failures: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "message": f"{done} voucher(s) imported successfully, {len(failures)} failed.",
        "failed": list(failures[:SHOWN]),
        "done_count": done,
        "failed_count": len(failures),
    }


def _bring(campaign: Campaign, items: Sequence[Mapping[str, Any]], at: datetime) -> list[dict[str, Any]]:
    """Write a batch; returns what could not be written, and why."""
    project, failed = campaign.project, []
    keys = {item["code"]: _key(project, item["code"]) for item in items if item.get("code")}
    rows = Voucher.objects.of(project).filter(code_key__in=list(keys.values())).select_for_update(no_key=True)
    stored = {row.code_key: row for row in rows.order_by("pk")}
    made = 0
    for item in items:
        try:
            voucher = _write(campaign, item, stored.get(keys.get(item.get("code", ""), "")), at)
        except (DomainError, IntegrityError) as error:
            failed.append(_failure(item, error))
            continue
        if voucher is not None:
            stored[voucher.code_key] = voucher
            made += 1
    Campaign.objects.filter(pk=campaign.pk).update(vouchers_count=F("vouchers_count") + made)
    return failed


def _write(campaign: Campaign, item: Mapping[str, Any], stored: Voucher | None, at: datetime) -> Voucher | None:
    """The new code; None where the campaign has it already, of which a file changes flag and category only."""
    project = campaign.project
    if not item.get("code"):
        raise InvalidVoucher("Code is required")
    if item.get("problem"):
        raise InvalidVoucher(item["problem"])
    if stored is not None:
        _change(campaign, stored, item, at)
        return None
    overrides = generation.read_overrides({name: value for name, value in item.items() if name != "row"})
    if gift := overrides.get("gift"):
        overrides["gift"] = {**(campaign.voucher or {}).get("gift", {}), **gift}
    voucher = issuing.draft(project=project, campaign=campaign, data=overrides, at=at)
    if "row" in item and "active" not in item and campaign.expiration_date is not None:
        voucher.active = campaign.expiration_date >= at
    issuing.check_code(item["code"])
    voucher.code, voucher.code_key = item["code"], _key(project, item["code"])
    _count_uses(voucher, item)
    with transaction.atomic():
        voucher.save(force_insert=True)
    VoucherTransaction.objects.bulk_create(balances.opening(voucher, at=at))
    return voucher


def _count_uses(voucher: Voucher, item: Mapping[str, Any]) -> None:
    """What was used elsewhere before; of a gift card it becomes a line of the ledger."""
    used, spent = item.get("redeemed_quantity") or 0, item.get("redeemed_amount") or 0
    if voucher.quantity is not None and used > voucher.quantity:
        raise InvalidVoucher("Redeemed Quantity cannot be higher than Redemption Limit")
    if spent > voucher.gift_amount:
        raise InvalidVoucher("Redeemed Amount cannot be higher than Gift Amount")
    voucher.redeemed_quantity = used
    voucher.redeemed_amount = spent


def _change(campaign: Campaign, voucher: Voucher, item: Mapping[str, Any], at: datetime) -> None:
    if "row" not in item or voucher.campaign_id != campaign.pk or voucher.deleted_at is not None:
        raise InvalidVoucher(f"Duplicated voucher exists with id {voucher.code}")
    changed = []
    if "active" in item:
        voucher.active = item["active"]
        changed.append("active")
    if "category" in item:
        voucher.category, voucher.category_tag = issuing.category_of(campaign.project, item)
        changed += ["category", "category_tag"]
    if changed:
        voucher.updated_at = at
        voucher.save(update_fields=[*changed, "updated_at"])


def _failure(item: Mapping[str, Any], error: Exception) -> dict[str, Any]:
    failure: dict[str, Any] = {"code": item.get("code", "")}
    if "row" in item:
        failure["row"] = item["row"]
    reason = (error.details or error.message) if isinstance(error, DomainError) else "Duplicated voucher exists"
    return failure | {"reason": reason}


def _key(project: Project, code: str) -> str:
    return codes.comparable(code, case_sensitive=project.case_sensitive_codes)

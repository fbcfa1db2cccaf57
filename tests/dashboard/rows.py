"""Rows for pages: attempts, imports, tasks."""

from __future__ import annotations

from typing import Any

from config.imports.models import ImportFile
from config.jobs.models import AsyncAction
from config.kernel import ids
from config.project.models import Project
from tests.factories import NOW
from tracking.models import Event, Order
from vouchers.models import Redemption


def make_redemption(project: Project, **fields: Any) -> Redemption:
    """A success of an unnamed code by default; `failure_code=` makes a refusal."""
    refused = "failure_code" in fields
    defaults = {
        "public_id": ids.new("rf_" if refused else "r_"),
        "result": "FAILURE" if refused else "SUCCESS",
        "status": "FAILED" if refused else "SUCCEEDED",
        "code": fields["voucher"].code if fields.get("voucher") else "TEN",
        "created_at": NOW,
    }
    return Redemption.objects.create(project=project, **{**defaults, **fields})


def make_event(customer: Any, type: str = "customer.custom_event", **fields: Any) -> Event:
    defaults = {"project": customer.project, "created_at": NOW, "data": {}}
    return Event.objects.create(customer=customer, type=type, **{**defaults, **fields})


def make_order(customer: Any, **fields: Any) -> Order:
    defaults = {"project": customer.project, "status": "PAID", "amount": 1000, "created_at": NOW}
    return Order.objects.create(customer=customer, **{**defaults, **fields})


def make_action(project: Project, **fields: Any) -> AsyncAction:
    defaults = {"type": "CUSTOMERS.IMPORT_CSV", "status": "DONE", "created_at": NOW}
    return AsyncAction.objects.create(project=project, **{**defaults, **fields})


def make_import(project: Project, **fields: Any) -> ImportFile:
    defaults = {
        "subject": "customers",
        "given_name": "crm.csv",
        "path": "x",
        "size": 1,
        "sha256": "0",
        "created_at": NOW,
    }
    return ImportFile.objects.create(project=project, **{**defaults, **fields})

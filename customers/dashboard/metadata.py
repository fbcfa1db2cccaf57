"""The metadata editor of a customer: typed rows, or the object as JSON."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from config.dashboard.base import Crumb, Page, sentence_of
from config.kernel.errors import DomainError
from config.project import schemas
from config.project.permissions import Permission
from customers import audited, services
from customers.dashboard import metadata_rows
from customers.dashboard.metadata_rows import FREE_TYPES, STATES
from customers.errors import ChangedMeanwhile
from customers.models import Customer
from customers.payloads import parse_metadata_of
from customers.services import editing


class MetadataEdit(Page):
    """Keys that are not set, null and values are three things here, and stay three."""

    permission = Permission.EDIT_CUSTOMERS
    section = "customers"
    template_name = "dashboard/customers/metadata_edit.html"
    title = "Edit metadata"

    def get(self, request: HttpRequest, public_id: str) -> HttpResponse:
        customer = services.find(project=self.project, identifier=public_id)
        return self.show(customer, version=customer.version)

    def post(self, request: HttpRequest, public_id: str) -> HttpResponse:
        customer = services.find(project=self.project, identifier=public_id)
        rows, text, problem = None, None, ""
        metadata: dict[str, Any] | None
        if "json" in request.POST:
            text = request.POST["json"]
            try:
                metadata = metadata_rows.parse_json(text)
            except ValueError as error:
                metadata, problem = None, str(error)
        else:
            rows = metadata_rows.read(request.POST.dict(), self.definitions())
            metadata = metadata_rows.metadata_of(rows)
            problem = "" if metadata is not None else "Some values cannot be kept as they are; see below."
        version = request.POST.get("version", "")
        seen = int(version) if version.isascii() and version.isdecimal() and len(version) < 10 else 0
        status = 400
        if metadata is not None:
            try:
                self.keep(customer, metadata, seen)
            except ChangedMeanwhile as error:
                problem, status, seen = sentence_of(error), 409, customer.version
            except DomainError as error:
                problem = sentence_of(error)
            else:
                messages.success(request, "Metadata saved.")
                return redirect("dashboard:customer-metadata", public_id)
        return self.show(customer, version=seen, rows=rows, text=text, problem=problem, status=status)

    def keep(self, customer: Customer, metadata: dict[str, Any], version: int) -> None:
        checked = parse_metadata_of(metadata, ".metadata")
        before = audited.facts(customer)
        with transaction.atomic():
            changed = editing.set_metadata(
                project=self.project, customer=customer, metadata=checked, version=version, at=self.at, cause=self.cause
            )
            if before != (after := audited.facts(changed)):
                self.note("customer.changed", "customer", customer.public_id, before=before, after=after)

    def definitions(self) -> Any:
        return schemas.schema_of(self.project, "customer").live()

    def show(
        self,
        customer: Customer,
        *,
        version: int,
        rows: list[metadata_rows.Row] | None = None,
        text: str | None = None,
        problem: str = "",
        status: int = 200,
    ) -> HttpResponse:
        stored = customer.metadata or {}
        as_json = text is not None or (rows is None and self.request.GET.get("as") == "json")
        url = reverse("dashboard:customer", args=[customer.public_id])
        here = reverse("dashboard:customer-metadata-edit", args=[customer.public_id])
        crumbs = (Crumb("Audience"), Crumb("Customers", reverse("dashboard:customers")), Crumb(str(customer), url))
        context = {
            "customer": customer,
            "crumbs": crumbs,
            "version": version,
            "rows": metadata_rows.rows_of(stored, self.definitions()) if rows is None else rows,
            "states": STATES,
            "types": FREE_TYPES,
            "as_json": as_json,
            "text": json.dumps(stored, ensure_ascii=False, indent=2) if text is None else text,
            "problem": problem,
            "stored": stored if status == 409 else None,
            "tabs": [("Fields", here, not as_json), ("JSON", f"{here}?as=json", as_json)],
            "cancel": reverse("dashboard:customer-metadata", args=[customer.public_id]),
        }
        return self.render(context, status=status)

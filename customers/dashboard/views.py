"""Customers for marketers: the list; adding, editing, deleting one. The profile is `config.dashboard.profile`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from config.dashboard import lists
from config.dashboard.base import Crumb, Page, put_on_form
from config.dashboard.lists import Filter, Listing
from config.kernel.errors import DomainError
from config.project.models import Project
from config.project.permissions import Permission
from customers import audited, services
from customers.dashboard.forms import CustomerForm, initial
from customers.dashboard.lists import customer_list, customers_of
from customers.errors import ChangedMeanwhile
from customers.models import Customer
from customers.services import editing

AUDIENCE = Crumb("Audience")


class CustomerList(Page):
    """Everybody. narrowings and as_filter: of higher apps, given where the addresses are listed."""

    permission = Permission.SEE_CUSTOMERS
    section = "customers"
    template_name = "dashboard/customers/list.html"
    title = "Customers"
    crumbs = (AUDIENCE,)
    narrowings: ClassVar[Sequence[Callable[[Project, datetime], Filter]]] = ()
    as_filter: Callable[[Mapping[str, str]], str] | None = None

    def get(self, request: HttpRequest) -> HttpResponse:
        more = [narrowing(self.project, self.at) for narrowing in self.narrowings]
        spec = customer_list(self.project, self.at, more)
        listing = lists.read(spec, customers_of(self.project), request.GET.dict())
        return self.render({"listing": listing, "empty": self.empty(), "save_as": self.save_as(request, listing)})

    def save_as(self, request: HttpRequest, listing: Listing[Customer]) -> str:
        """Where the list's filters become a segment; nowhere without filters."""
        if self.as_filter is None or not listing.rows or not self.may(Permission.EDIT_SEGMENTS):
            return ""
        written = self.as_filter(request.GET.dict())
        return f"{reverse('dashboard:segment-new')}?{urlencode({'filter': written})}" if written else ""

    def empty(self) -> dict[str, Any]:
        actions = [
            {"url": reverse("dashboard:import-new"), "label": "Import a file", "needs": Permission.IMPORT},
            {"url": reverse("dashboard:customer-new"), "label": "Add a customer", "needs": Permission.EDIT_CUSTOMERS},
        ]
        return {
            "icon": "users",
            "title": "No customers yet",
            "text": "Customers come from a file, from the shop through the API, or one by one.",
            "actions": [action for action in actions if self.may(Permission(action["needs"]))],
        }


class CustomerNew(Page):
    """Add one by hand."""

    permission = Permission.EDIT_CUSTOMERS
    section = "customers"
    template_name = "dashboard/customers/form.html"
    title = "Add a customer"

    def shell(self) -> dict[str, Any]:
        return super().shell() | {"crumbs": (AUDIENCE, Crumb("Customers", reverse("dashboard:customers")))}

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.render({"form": CustomerForm(), "cancel": reverse("dashboard:customers"), "verb": "Add customer"})

    def post(self, request: HttpRequest) -> HttpResponse:
        form = CustomerForm(request.POST)
        if form.is_valid():
            try:
                with transaction.atomic():
                    customer = editing.create(project=self.project, data=form.data_of(), at=self.at, cause=self.cause)
                    after = audited.facts(customer)
                    self.note("customer.created", "customer", customer.public_id, after=after)
            except DomainError as error:
                put_on_form(form, error)
            else:
                messages.success(request, f"{customer} was added.")
                return redirect("dashboard:customer", customer.public_id)
        cancel = reverse("dashboard:customers")
        return self.render({"form": form, "cancel": cancel, "verb": "Add customer"}, status=400)


class CustomerEdit(Page):
    """Edit the profile; refused where it changed since the form was opened."""

    permission = Permission.EDIT_CUSTOMERS
    section = "customers"
    template_name = "dashboard/customers/form.html"

    def get(self, request: HttpRequest, public_id: str) -> HttpResponse:
        customer = services.find(project=self.project, identifier=public_id)
        return self.show(CustomerForm(customer=customer))

    def post(self, request: HttpRequest, public_id: str) -> HttpResponse:
        customer = services.find(project=self.project, identifier=public_id)
        form = CustomerForm(request.POST, customer=customer)
        if form.is_valid():
            try:
                with transaction.atomic():
                    before = audited.facts(customer)
                    changed = editing.edit(
                        project=self.project,
                        customer=customer,
                        data=form.data_of(),
                        version=form.cleaned_data["version"] or 0,
                        at=self.at,
                        cause=self.cause,
                    )
                    if before != (after := audited.facts(changed)):
                        self.note("customer.changed", "customer", customer.public_id, before=before, after=after)
            except ChangedMeanwhile as error:
                return self.show_both(form, error)
            except DomainError as error:
                put_on_form(form, error)
            else:
                messages.success(request, "Saved.")
                return redirect("dashboard:customer", public_id)
        return self.show(form, status=400)

    def show(self, form: CustomerForm, *, status: int = 200, **more: Any) -> HttpResponse:
        customer = form.customer
        assert customer is not None
        url = reverse("dashboard:customer", args=[customer.public_id])
        customers = Crumb("Customers", reverse("dashboard:customers"))
        context = {
            "form": form,
            "title": "Edit customer",
            "crumbs": (AUDIENCE, customers, Crumb(str(customer), url)),
            "cancel": url,
            "verb": "Save",
        }
        return self.render(context | more, status=status)

    def show_both(self, form: CustomerForm, error: ChangedMeanwhile) -> HttpResponse:
        """What was typed stays; what is stored now stands beside it; saving again means it."""
        assert form.customer is not None
        stored = initial(form.customer)
        differs = [
            {"label": form.fields[name].label, "typed": form.cleaned_data.get(name), "stored": stored[name]}
            for name in form.fields
            if name not in ("version", "metadata") and (form.cleaned_data.get(name) or "") != (stored[name] or "")
        ]
        typed = {name: form.data.get(name) for name in form.data}
        form.data = typed | {"version": str(form.customer.version)}
        put_on_form(form, error)
        return self.show(form, status=409, differs=differs)


class CustomerDelete(Page):
    """Take a customer out of sight. Redemptions and orders stay."""

    permission = Permission.EDIT_CUSTOMERS
    section = "customers"
    template_name = "dashboard/customers/delete.html"
    title = "Delete this customer?"

    def get(self, request: HttpRequest, public_id: str) -> HttpResponse:
        """Without script the question is a page of its own."""
        return self.render({"customer": services.find(project=self.project, identifier=public_id)})

    def post(self, request: HttpRequest, public_id: str) -> HttpResponse:
        customer = services.find(project=self.project, identifier=public_id)
        with transaction.atomic():
            services.delete(project=self.project, customer=customer, at=self.at, cause=self.cause)
            self.note("customer.deleted", "customer", customer.public_id, before=audited.facts(customer))
        messages.success(request, f"{customer} was deleted. Orders and redemptions were kept.")
        return redirect("dashboard:customers")

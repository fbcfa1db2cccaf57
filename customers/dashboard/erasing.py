"""Permanent deletion by an admin: another act than deleting, with the name typed and the password asked again."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from config.dashboard.base import Crumb, Page, put_on_form
from config.dashboard.passwords import PasswordAgain
from config.kernel.errors import DomainError
from config.project import audit
from config.project.models import User
from config.project.permissions import Permission
from customers import services
from customers.models import Customer


class EraseForm(PasswordAgain):
    """The name of whoever is to be erased, as the page shows it."""

    typed = forms.CharField(label="Name", widget=forms.TextInput(attrs={"autocomplete": "off"}))

    def __init__(self, *args: Any, user: User, customer: Customer, **kwargs: Any) -> None:
        super().__init__(*args, user=user, **kwargs)
        self.name = str(customer)
        self.fields["typed"].label = f"Type “{self.name}” to confirm"

    def clean_typed(self) -> str:
        typed = str(self.cleaned_data["typed"])
        if typed.strip() != self.name.strip():
            raise forms.ValidationError("This is not the name above.")
        return typed


class CustomerErase(Page):
    """Take a person out of everything; amounts stay."""

    permission = Permission.ERASE_CUSTOMERS
    section = "customers"
    template_name = "dashboard/customers/erase.html"
    title = "Delete this person permanently?"

    def get(self, request: HttpRequest, public_id: str) -> HttpResponse:
        customer = services.find(project=self.project, identifier=public_id)
        return self.show(customer, EraseForm(user=self.user, customer=customer))

    def post(self, request: HttpRequest, public_id: str) -> HttpResponse:
        customer = services.find(project=self.project, identifier=public_id)
        form = EraseForm(request.POST, user=self.user, customer=customer)
        if form.is_valid():
            try:
                erasure = services.erase(
                    project=self.project,
                    identifier=customer.public_id,
                    at=self.at,
                    actor=audit.of_user(self.user),
                    channel=audit.Channel.DASHBOARD,
                    request_id=request.META.get("REQUEST_ID", ""),
                )
            except DomainError as error:
                put_on_form(form, error)
            else:
                messages.success(request, f"The person was deleted permanently. Certificate {erasure.public_id}.")
                return redirect("dashboard:customers")
        return self.show(customer, form, status=400)

    def show(self, customer: Customer, form: EraseForm, *, status: int = 200) -> HttpResponse:
        url = reverse("dashboard:customer", args=[customer.public_id])
        crumbs = (
            Crumb("Audience"),
            Crumb("Customers", reverse("dashboard:customers")),
            Crumb(str(customer), url),
        )
        return self.render({"customer": customer, "form": form, "crumbs": crumbs, "cancel": url}, status=status)

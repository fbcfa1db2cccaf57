"""The form of a customer: shape only; what it means is parsed as on the wire."""

from __future__ import annotations

import json
from typing import Any, Final

from django import forms
from django.core.validators import validate_email

from customers.models import Customer
from customers.payloads import ADDRESS_KEYS, CustomerData, parse_customer

PROFILE: Final = ("name", "email", "phone", "description")


def _text(label: str, **kwargs: Any) -> forms.CharField:
    return forms.CharField(label=label, required=False, strip=True, **kwargs)


class CustomerForm(forms.Form):
    """Create or edit. version: what the person saw when the form was opened."""

    source_id = _text("Source id", help_text="The shop's own key for this customer. It cannot be changed later.")
    name = _text("Name", widget=forms.TextInput(attrs={"autocomplete": "off"}))
    email = _text("E-mail", widget=forms.EmailInput(attrs={"autocomplete": "off"}))
    phone = _text("Phone", widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "tel"}))
    birthdate = forms.DateField(label="Birthdate", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    description = _text("Description", widget=forms.Textarea(attrs={"rows": 2}))
    line_1 = _text("Address, line 1")
    line_2 = _text("Address, line 2")
    city = _text("City")
    postal_code = _text("Postal code")
    state = _text("State")
    country = _text("Country")
    metadata = forms.CharField(
        label="Metadata", required=False,
        help_text="A JSON object. Keys that you take out here stay as they are; write null to empty one.",
        widget=forms.Textarea(attrs={"rows": 6, "class": "code", "spellcheck": "false"}),
    )  # fmt: skip
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, customer: Customer | None = None, **kwargs: Any) -> None:
        if customer is not None:
            kwargs.setdefault("initial", initial(customer))
        super().__init__(*args, **kwargs)
        self.customer = customer
        if customer is not None:
            self.fields["source_id"].disabled = True
            self.fields["source_id"].help_text = "The shop's own key; it never changes."

    def clean_email(self) -> str:
        """A new address must look like one; what is stored already may stay as it is."""
        typed: str = self.cleaned_data["email"]
        if typed and (self.customer is None or typed != self.customer.email):
            validate_email(typed)
        return typed

    def clean_metadata(self) -> dict[str, Any] | None:
        text = self.cleaned_data["metadata"].strip()
        if not text:
            return None
        try:
            value = json.loads(text)
        except json.JSONDecodeError as error:
            raise forms.ValidationError(f"This is not JSON: line {error.lineno}, column {error.colno}.") from error
        except RecursionError as error:
            raise forms.ValidationError("This is nested too deeply.") from error
        if not isinstance(value, dict):
            raise forms.ValidationError("Write an object: { … }.")
        return value

    def data_of(self) -> CustomerData:
        """What was typed, as the services take it; on an edit only what differs. Raises InvalidPayload."""
        values = self.cleaned_data
        body: dict[str, Any] = {}
        for name in PROFILE:
            if self.customer is None:
                body |= {name: values[name]} if values[name] else {}
            elif values[name] != (getattr(self.customer, name) or ""):
                body[name] = values[name] or None
        self._birthdate(body)
        address = self._address()
        if address:
            body["address"] = address
        if values["metadata"] is not None and (self.customer is None or values["metadata"] != self.customer.metadata):
            body["metadata"] = values["metadata"]
        if self.customer is None and values["source_id"]:
            body["source_id"] = values["source_id"]
        return parse_customer(body, "")

    def _birthdate(self, body: dict[str, Any]) -> None:
        typed, stored = self.cleaned_data["birthdate"], self.customer.birthdate if self.customer else None
        if typed != stored:
            body["birthdate"] = typed.isoformat() if typed else None

    def _address(self) -> dict[str, str | None]:
        stored = (self.customer.address if self.customer else None) or {}
        return {
            key: self.cleaned_data[key] or None
            for key in ADDRESS_KEYS
            if self.cleaned_data[key] != (stored.get(key) or "")
        }


def initial(customer: Customer) -> dict[str, Any]:
    """What the form shows of a stored customer."""
    values: dict[str, Any] = {name: getattr(customer, name) or "" for name in (*PROFILE, "source_id")}
    values |= {key: (customer.address or {}).get(key) or "" for key in ADDRESS_KEYS}
    metadata = "" if customer.metadata is None else json.dumps(customer.metadata, indent=2, ensure_ascii=False)
    return values | {"birthdate": customer.birthdate, "metadata": metadata, "version": customer.version}

"""The form of a webhook. Shape only: what is a target or an event, the service decides."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from config.webhooks.catalogue import GROUPS
from config.webhooks.models import Webhook


class WebhookForm(forms.Form):
    """Where to, what, and with which headers."""

    target_url = forms.CharField(
        label="Address", max_length=2_000, help_text="https:// and reachable from the public internet.",
        widget=forms.URLInput(attrs={"autocomplete": "off", "placeholder": "https://shop.example/hooks/tessera"}),
    )  # fmt: skip
    events = forms.MultipleChoiceField(
        label="Events", choices=[(name, name) for names in GROUPS.values() for name in names],
        widget=forms.CheckboxSelectMultiple, error_messages={"required": "Choose at least one event."},
    )  # fmt: skip
    headers = forms.CharField(
        label="Headers to send along", required=False, max_length=20_000,
        help_text="One per line: Name: value. Only their names are shown in the audit log.",
        widget=forms.Textarea(attrs={"rows": 3, "class": "code", "spellcheck": "false"}),
    )  # fmt: skip
    active = forms.BooleanField(
        label="On", required=False, help_text="Off, events are not kept for it; what waits already stays."
    )

    @staticmethod
    def values_of(webhook: Webhook) -> dict[str, Any]:
        """What the form shows of a stored webhook."""
        return {
            "target_url": webhook.target_url,
            "events": webhook.events,
            "headers": "\n".join(f"{name}: {value}" for name, value in webhook.headers.items()),
            "active": webhook.active,
        }

    def clean_headers(self) -> dict[str, str]:
        """The lines as pairs."""
        pairs: dict[str, str] = {}
        for line in str(self.cleaned_data["headers"]).splitlines():
            if not line.strip():
                continue
            name, colon, value = line.partition(":")
            if not colon:
                raise ValidationError(f"“{line[:60]}” is not a header; write Name: value.")
            pairs[name.strip()] = value.strip()
        return pairs

    def body(self) -> dict[str, Any]:
        """What the service takes."""
        return {name: self.cleaned_data[name] for name in ("target_url", "events", "headers", "active")}

    def groups(self) -> Iterator[tuple[str, list[Any]]]:
        """The boxes under their headings."""
        boxes = {str(box.data["value"]): box for box in self["events"]}
        for heading, names in GROUPS.items():
            yield heading, [boxes[name] for name in names if name in boxes]

"""Settings › Project: name, zone, allowed origins, client-side switches and what else a project decides for itself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from config.dashboard.account import zones
from config.dashboard.base import Crumb, Page, put_on_form
from config.kernel import instants
from config.kernel.errors import DomainError
from config.project import audit, editing
from config.project.models import Project
from config.project.permissions import Permission

SWITCH_WORDS: Final = {
    "client_events_enabled": ("Record custom events", "Browsers may report what visitors do."),
    "client_redeem_enabled": ("Redeem vouchers", "Anybody who knows a code can use it up from a browser."),
    "client_publish_enabled": ("Publish vouchers", "Browsers may take codes out of a campaign."),
    "client_list_vouchers_enabled": ("List vouchers", "Browsers may read the vouchers of the project."),
    "client_create_customer_enabled": ("Create customers", "Browsers may add customers."),
    "client_set_voucher_expiration_date_enabled": ("Set expiration dates", "Browsers may set when a voucher ends."),
    "client_loyalty_events_enabled": ("Loyalty and referral blocks in events", "Events may name cards and referrers."),
    "client_protects_customers": (
        "Client calls never change a stored customer",
        "Off, whoever knows a customer's source id can overwrite the name, e-mail and metadata from a browser.",
    ),
    "strict_tracking": ("Strict tracking", "A call that names two different people is refused."),
    "secure_redemption": ("Secure redemption", "Who validated in a session must be the one who redeems."),
    "strict_event_names": ("Strict event names", "Events that are not in the event schema are refused."),
    "raw_export_headers": ("Raw names in exports", "Files of the API carry the fields' names instead of headings."),
}
"""Field → what it is called, and what it does when it is on (or off, where that is the risk)."""

CAP_LABELS: Final = {
    "static_segment_customers": "Customers of a fixed segment, at most",
    "dynamic_segments": "Segments that update themselves, at most",
    "codes_per_campaign": "Codes of a campaign, at most",
    "imported_orders": "Orders in one import, at most",
    "product_collections": "Collections of products, at most",
    "static_collection_products": "Products of a fixed collection, at most",
}


class ProjectForm(forms.Form):
    """Shape only; what is a value of each setting, `config.project.editing` decides."""

    name = forms.CharField(label="Name", max_length=200)
    description = forms.CharField(
        label="Description", required=False, max_length=10_000, widget=forms.Textarea(attrs={"rows": 2})
    )
    timezone = forms.ChoiceField(
        label="Time zone", help_text="Days, weekdays and hours of campaigns and reports begin and end in it."
    )
    currency = forms.CharField(
        label="Currency", required=False, max_length=3, help_text="Three letters, such as EUR; amounts carry its sign.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )  # fmt: skip
    dial_code = forms.CharField(
        label="Dial code", required=False, max_length=8, help_text="Of telephone numbers without one, such as +49.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "tel"}),
    )  # fmt: skip
    client_trusted_domains = forms.CharField(
        label="Allowed origins", required=False,
        help_text="One per line, such as https://shop.example. “https://.shop.example” allows every name below it, "
        "“*” allows all and is meant for development.",
        widget=forms.Textarea(attrs={"rows": 4, "class": "code", "spellcheck": "false"}),
    )  # fmt: skip
    version = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zone = self.fields["timezone"]
        assert isinstance(zone, forms.ChoiceField)
        zone.choices = zones("")
        for name in (*editing.CLIENT_SWITCHES, *editing.FLAGS):
            label, words = SWITCH_WORDS[name]
            self.fields[name] = forms.BooleanField(label=label, help_text=words, required=False)
        for cap in editing.CAPS:
            self.fields[cap] = forms.IntegerField(
                label=CAP_LABELS[cap], required=False, min_value=0, max_value=editing.MOST_CAP
            )

    @property
    def switches(self) -> list[forms.BoundField]:
        """What browsers may do."""
        return [self[name] for name in editing.CLIENT_SWITCHES]

    @property
    def flags(self) -> list[forms.BoundField]:
        """What else is decided by project."""
        return [self[name] for name in editing.FLAGS]

    @property
    def caps(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        """How many of what there may be, two in a row."""
        return [(self[left], self[right]) for left, right in zip(editing.CAPS[::2], editing.CAPS[1::2], strict=True)]

    def changes(self) -> dict[str, Any]:
        """What was typed, as the service takes it."""
        values = self.cleaned_data
        plain = ("name", "description", "timezone", "currency", "dial_code", *editing.CLIENT_SWITCHES, *editing.FLAGS)
        origins = [line for line in values["client_trusted_domains"].replace(",", "\n").split("\n") if line.strip()]
        caps = {cap: values[cap] for cap in editing.CAPS if values[cap] is not None}
        return {name: values[name] for name in plain} | {"client_trusted_domains": origins, "vendor_caps": caps}


def initial(project: Project) -> dict[str, Any]:
    """What the form shows of a stored project."""
    plain = ("name", "description", "timezone", "currency", "dial_code", *editing.CLIENT_SWITCHES, *editing.FLAGS)
    values = {name: getattr(project, name) for name in plain}
    origins = "\n".join(project.client_trusted_domains)
    version = instants.to_wire_or_none(project.updated_at) or ""
    caps = {cap: project.vendor_caps.get(cap) for cap in editing.CAPS}
    return values | caps | {"client_trusted_domains": origins, "version": version}


class ProjectSettings(Page):
    """The settings of the project that is open."""

    permission = Permission.MANAGE_PROJECT
    section = "project"
    template_name = "dashboard/settings/project.html"
    title = "Project"
    crumbs = (Crumb("Settings"),)

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.render({"form": ProjectForm(initial=initial(self.project))})

    def post(self, request: HttpRequest) -> HttpResponse:
        form = ProjectForm(request.POST)
        status = 400
        if form.is_valid():
            try:
                editing.change(
                    project=self.project,
                    changes=form.changes(),
                    at=self.at,
                    actor=audit.of_user(self.user),
                    channel=audit.Channel.DASHBOARD,
                    seen=_instant(form.cleaned_data["version"]),
                    check_seen=True,
                    request_id=request.META.get("REQUEST_ID", ""),
                )
            except editing.ChangedMeanwhile as error:
                form.add_error(None, str(error.details))
                status = 409
            except DomainError as error:
                put_on_form(form, error)
            else:
                messages.success(request, "Saved.")
                return redirect("dashboard:project-settings")
        return self.render({"form": form}, status=status)


def _instant(text: str) -> datetime | None:
    """The version that was shown; what is none was never shown, so it meets no stored one."""
    try:
        return instants.parse_instant(text) if text else None
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)

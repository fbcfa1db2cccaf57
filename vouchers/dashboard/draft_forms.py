"""The four steps of a campaign as forms: they check shape, and turn what was typed into the wire's words."""

from __future__ import annotations

import string
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar, Final, cast

from django import forms
from django.utils import timezone

from config.dashboard import kit
from vouchers.dashboard.forms import CENT, minor, money_field
from vouchers.engine import codes
from vouchers.models import Campaign, Voucher

Choices = Sequence[tuple[str, str]]
KINDS: Final = (("DISCOUNT", "Discount codes"), ("GIFT", "Gift cards"), ("PROMOTION", "Automatic promotion"))
DISCOUNTS: Final = (
    ("PERCENT", "Percent off"),
    ("AMOUNT", "Amount off"),
    ("FIXED", "Fixed price"),
    ("UNIT", "Free item"),
)
TARGETS: Final = (
    ("APPLY_TO_ORDER", "the whole order"),
    ("APPLY_TO_ITEMS", "each matching item"),
    ("APPLY_TO_ITEMS_BY_QUANTITY", "each unit of the matching items"),
    ("APPLY_TO_ITEMS_PROPORTIONALLY", "the matching items together"),
)
CHARSETS: Final = {
    "readable": ("Letters and digits that nobody mixes up", codes.READABLE),
    "digits": ("Digits only", string.digits),
    "letters": ("Capital letters only", string.ascii_uppercase),
    "all": ("Letters of both cases and digits", codes.ALPHANUMERIC),
}
DAYS: Final = (("1", "Mon"), ("2", "Tue"), ("3", "Wed"), ("4", "Thu"), ("5", "Fri"), ("6", "Sat"), ("0", "Sun"))
MOST_CODES: Final = 10_000_000


def _text(placeholder: str = "", **attrs: str) -> forms.TextInput:
    return forms.TextInput(attrs={"autocomplete": "off", "placeholder": placeholder, **attrs})


def _number(label: str, **kwargs: Any) -> forms.IntegerField:
    most = kwargs.pop("max_value", 2_000_000_000)
    return forms.IntegerField(
        label=label, required=False, min_value=1, max_value=most, widget=_text(inputmode="numeric"), **kwargs
    )


def _many(label: str, **kwargs: Any) -> forms.MultipleChoiceField:
    widget = forms.SelectMultiple(attrs={"size": 5})
    return forms.MultipleChoiceField(label=label, required=False, choices=(), widget=widget, **kwargs)


class StepForm(forms.Form):
    """What the steps share. editing: the campaign exists; what cannot change any more is left out."""

    fixed: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self, *args: Any, editing: Campaign | None = None, choices: dict[str, Choices] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.editing = editing
        for name, found in (choices or {}).items():
            if isinstance(field := self.fields.get(name), forms.ChoiceField):
                field.choices = [*cast(Choices, field.choices or ()), *found]
        for name in self.fixed if editing is not None else ():
            self.fields[name].disabled = True
            self.fields[name].required = False


class WhatForm(StepForm):
    """Type and discount."""

    fixed: ClassVar[tuple[str, ...]] = ("name", "kind", "discount_type")

    name = forms.CharField(label="Name", max_length=300, strip=True, widget=_text())
    description = forms.CharField(
        label="Description", required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 2})
    )
    kind = forms.ChoiceField(label="What it is", choices=KINDS, initial="DISCOUNT", widget=forms.RadioSelect)
    discount_type = forms.ChoiceField(label="Discount", choices=DISCOUNTS, initial="PERCENT", required=False)
    percent_off = forms.DecimalField(
        label="Percent off", required=False, min_value=Decimal("0.01"), max_value=100, max_digits=6, decimal_places=3,
        widget=_text(inputmode="decimal"),
    )  # fmt: skip
    amount_limit = money_field("At most", min_value=CENT, help_text="The largest discount.")
    amount_off = money_field("Amount off", min_value=CENT)
    fixed_amount = money_field("Price", min_value=Decimal(0))
    unit_off = _number("How many are free", max_value=1000)
    unit_type = forms.CharField(label="Product or SKU", required=False, max_length=64, widget=_text("prod_… or sku_…"))
    target = forms.ChoiceField(label="Taken off", choices=TARGETS, initial="APPLY_TO_ORDER", required=False)
    gift_amount = money_field("Credits on each card", min_value=CENT)
    banner = forms.CharField(
        label="Banner", required=False, max_length=500, widget=_text(), help_text="Text for the shop."
    )
    category = forms.ChoiceField(label="Category", required=False, choices=(("", "None"),))

    NEEDED: Final = {
        "PERCENT": ("percent_off", "Say how many percent."),
        "AMOUNT": ("amount_off", "Say how much is taken off."),
        "FIXED": ("fixed_amount", "Say what it costs."),
        "UNIT": ("unit_type", "Say which product is free."),
        "GIFT": ("gift_amount", "Say how much is on a card."),
    }
    ALLOWED: Final = {
        "PERCENT": ("APPLY_TO_ORDER", "APPLY_TO_ITEMS"),
        "FIXED": ("APPLY_TO_ORDER", "APPLY_TO_ITEMS"),
        "AMOUNT": tuple(key for key, _ in TARGETS),
    }

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        name, sentence = self.NEEDED.get(self._gives(values), ("", ""))
        if name and values.get(name) in (None, "") and name not in self.errors:
            self.add_error(name, sentence)
        allowed = self.ALLOWED.get(self._gives(values))
        if allowed and values.get("target") and values["target"] not in allowed:
            self.add_error("target", "This discount cannot be taken off that way.")
        return values

    @staticmethod
    def _gives(values: dict[str, Any]) -> str:
        return "GIFT" if values.get("kind") == "GIFT" else str(values.get("discount_type") or "PERCENT")

    def discount(self) -> dict[str, Any] | None:
        """The discount as on the wire; None of a gift card, or where it is not said yet."""
        values = self.cleaned_data
        kind = self._gives(values)
        amounts = {"PERCENT": "percent_off", "AMOUNT": "amount_off", "FIXED": "fixed_amount"}
        if kind == "UNIT" and values.get("unit_type"):
            return {
                "type": "UNIT", "unit_off": values.get("unit_off") or 1, "unit_type": values["unit_type"],
                "effect": "ADD_MISSING_ITEMS",
            }  # fmt: skip
        value = values.get(amounts.get(kind, ""))
        if value is None:
            return None
        if kind != "PERCENT":
            return {"type": kind, amounts[kind]: minor(value), "effect": values.get("target") or "APPLY_TO_ORDER"}
        plain = int(value) if value == int(value) else float(value)
        limit = minor(values.get("amount_limit"))
        discount = {"type": kind, "percent_off": plain, "effect": values.get("target") or "APPLY_TO_ORDER"}
        return discount | ({"amount_limit": limit} if limit else {})

    def gift(self) -> dict[str, Any] | None:
        """The gift as on the wire."""
        amount = minor(self.cleaned_data.get("gift_amount"))
        return {"amount": amount} if self.cleaned_data.get("kind") == "GIFT" and amount else None


class CodesForm(StepForm):
    """Generic or unique, and how codes look."""

    TYPES: Final = (
        ("STATIC", "Unique codes, made now"),
        ("AUTO_UPDATE", "Unique codes, more when one is published"),
        ("STANDALONE", "One code for everybody"),
    )
    fixed: ClassVar[tuple[str, ...]] = ("code", "pattern", "charset", "quantity")

    type = forms.ChoiceField(label="Codes", choices=TYPES, initial="STATIC", widget=forms.RadioSelect)
    code = forms.CharField(label="Code", required=False, max_length=200, strip=True, widget=_text(spellcheck="false"),
                           help_text="Leave it empty and a code is made.")  # fmt: skip
    pattern = forms.CharField(
        label="Pattern", required=False, max_length=200, strip=True, initial="########",
        widget=_text("SPRING-####", spellcheck="false"), help_text="Each # becomes a random character.",
    )  # fmt: skip
    charset = forms.ChoiceField(
        label="Characters",
        required=False,
        initial="readable",
        choices=[(key, label) for key, (label, _) in CHARSETS.items()],
    )
    quantity = _number("How many codes", max_value=MOST_CODES, help_text="More can be added later.")
    join_once = forms.BooleanField(label="Publish only one code to each customer", required=False)

    def clean_type(self) -> str:
        """A generic campaign stays one, and others never become one."""
        wanted: str = self.cleaned_data["type"]
        if self.editing is not None and wanted != self.editing.type and "STANDALONE" in (wanted, self.editing.type):
            raise forms.ValidationError("This cannot change any more.")
        return wanted

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("type") != "STANDALONE" and "pattern" not in self.errors:
            try:
                config = codes.parse_config(self.config(values))
            except codes.CodeConfigError:
                self.add_error("pattern", "A pattern needs at least one #, and at most 200 characters.")
            else:
                if (values.get("quantity") or 0) > config.possible() // 2:
                    self.add_error("pattern", f"This pattern has only {config.possible():,} codes; use more #.")
        return values

    @staticmethod
    def config(values: dict[str, Any]) -> dict[str, Any]:
        """The wire's `code_config`."""
        charset = CHARSETS.get(values.get("charset") or "readable", CHARSETS["readable"])[1]
        return {"pattern": values.get("pattern") or "########", "charset": charset}


class WhoForm(StepForm):
    """Who may redeem, and how often."""

    segments = _many("Only customers in", help_text="In any of the chosen segments. None chosen: everybody.")
    minimum = money_field("Minimum order", min_value=CENT)
    items_only = forms.CharField(
        label="Only these products", required=False, max_length=5000,
        widget=forms.Textarea(attrs={"rows": 2, "class": "code"}),
        help_text="Ids of products, SKUs or collections. Discounts on items touch only these; empty: all.",
    )  # fmt: skip
    uses = _number("Uses of each code", help_text="By everybody together. Empty: without limit.")
    per_customer = _number("Redemptions of one customer", help_text="In the whole campaign.")
    total = _number("Redemptions in all")
    budget = money_field("Budget", min_value=CENT, help_text="The discount of all redemptions together.")
    holder_only = forms.BooleanField(label="Only the customer it was published to may redeem it", required=False)
    rules = _many("Rules that exist already")
    message = forms.CharField(label="Message for whoever does not fit", required=False, max_length=500, widget=_text())

    def rule(self, name: str, *, on_items: bool) -> dict[str, Any] | None:
        """The body of the rule that says all of it; None where nothing is demanded."""
        values = self.cleaned_data
        conditions: list[tuple[str, str, list[Any]]] = []
        if values.get("segments"):
            conditions.append(("customer.segment", "$in", list(values["segments"])))
        if (minimum := minor(values.get("minimum"))) is not None:
            conditions.append(("order.amount", "$more_than_or_equal", [minimum]))
        for key, rule_name in (
            ("per_customer", "campaign.redemptions.customers_count"),
            ("total", "campaign.redemptions.count"),
        ):
            if values.get(key):
                conditions.append((rule_name, "$less_than_or_equal", [values[key]]))
        if (budget := minor(values.get("budget"))) is not None:
            conditions.append(("campaign.orders.amount_discounted", "$less_than_or_equal", [budget]))
        if values.get("holder_only"):
            conditions.append(("publication.redeemable_by_linked_customer", "$is", [True]))
        applicable = self._applicable(on_items=on_items)
        if not conditions and applicable is None:
            return None
        rules: dict[str, Any] = {
            str(n): {"name": rule_name, "conditions": {operator: given}, "rules": {}}
            for n, (rule_name, operator, given) in enumerate(conditions, start=1)
        }
        if rules:
            rules["logic"] = " AND ".join(rules)
        body: dict[str, Any] = {"name": f"For {name}"[:300], "rules": rules, "applicable_to": applicable}
        return body | ({"error": {"message": values["message"]}} if values.get("message") else {})

    def _applicable(self, *, on_items: bool) -> dict[str, Any] | None:
        typed = self.cleaned_data.get("items_only") or ""
        ids = dict.fromkeys(part for part in typed.replace(",", " ").split() if part)
        if not ids:
            return {"included": [], "excluded": [], "included_all": True} if on_items else None
        kinds = {"sku_": "sku", "pc_": "products_collection"}
        entries = [
            {"object": next((kind for prefix, kind in kinds.items() if one.startswith(prefix)), "product"), "id": one}
            for one in ids
        ]
        return {"included": entries, "excluded": [], "included_all": False}


class WhenForm(StepForm):
    """Dates, weekdays and hours in the project's zone."""

    start = forms.DateTimeField(
        label="From", required=False, widget=forms.DateTimeInput(attrs={"type": "datetime-local"})
    )
    end = forms.DateTimeField(label="To", required=False, widget=forms.DateTimeInput(attrs={"type": "datetime-local"}))
    days = forms.MultipleChoiceField(label="Only on", required=False, choices=DAYS, widget=forms.CheckboxSelectMultiple)
    hours_from = forms.TimeField(label="From hour", required=False, widget=forms.TimeInput(attrs={"type": "time"}))
    hours_to = forms.TimeField(label="To hour", required=False, widget=forms.TimeInput(attrs={"type": "time"}))
    days_after = _number("Days after publishing", max_value=10_000, help_text="How long a published code is valid.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("start", "end"):
            field = self.fields[name]
            if isinstance(field, forms.DateTimeField):
                field.input_formats = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("start") and values.get("end") and values["end"] <= values["start"]:
            self.add_error("end", "The end lies before the beginning.")
        if (values.get("hours_from") is None) != (values.get("hours_to") is None):
            self.add_error("hours_to", "Say both hours, or none.")
        return values

    def terms(self) -> dict[str, Any]:
        """The five properties of the wire; null where not limited."""
        values = self.cleaned_data
        days = sorted(int(day) for day in values.get("days") or ())
        start, end = values.get("start"), values.get("end")
        terms: dict[str, Any] = {
            "start_date": start,
            "expiration_date": _whole(end) if end else None,
            "validity_day_of_week": days or None,
            "validity_hours": None,
        }
        if values.get("hours_from") is not None and values.get("hours_to") is not None:
            opening = {"start_time": f"{values['hours_from']:%H:%M}", "expiration_time": f"{values['hours_to']:%H:%M}"}
            terms |= {
                "validity_hours": {"daily": [{**opening, "days_of_week": days or list(range(7))}]},
                "validity_day_of_week": None,
            }
        return terms


def _whole(end: datetime) -> datetime:
    """A minute that was typed counts in full."""
    return end + timedelta(seconds=59, milliseconds=999) if end.second == 0 else end


STEPS: Final[dict[str, tuple[str, type[StepForm]]]] = {
    "what": ("What", WhatForm),
    "codes": ("Codes", CodesForm),
    "who": ("Who and limits", WhoForm),
    "when": ("When", WhenForm),
}


def local(at: datetime | None) -> str:
    """An instant for a field of date and time."""
    return f"{timezone.localtime(at):%Y-%m-%dT%H:%M}" if at else ""


def typed_of(campaign: Campaign, *, copy: bool) -> dict[str, dict[str, list[str]]]:
    """The steps of a stored campaign as if they had been typed. copy: for a new one, without its codes."""
    template = campaign.voucher or {}
    tier = campaign.tiers.order_by("hierarchy", "pk").first() if not template else None
    discount = template.get("discount") or ((tier.action or {}).get("discount") if tier else None) or {}
    gift = template.get("gift") or {}
    kinds = {Campaign.CampaignType.GIFT_VOUCHERS: "GIFT", Campaign.CampaignType.PROMOTION: "PROMOTION"}
    what = {
        "name": f"Copy of {campaign.name}"[:300] if copy else campaign.name,
        "description": campaign.description or "",
        "kind": kinds.get(Campaign.CampaignType(campaign.campaign_type), "DISCOUNT"),
        "discount_type": discount.get("type") or "PERCENT",
        "percent_off": str(discount.get("percent_off") or ""),
        "target": discount.get("effect") or "APPLY_TO_ORDER",
        "unit_off": str(discount.get("unit_off") or ""),
        "unit_type": discount.get("unit_type") or "",
        "banner": (tier.banner or "") if tier else "",
        "category": campaign.category.public_id if campaign.category else "",
        **{name: _major(discount.get(name)) for name in ("amount_limit", "amount_off", "fixed_amount")},
        "gift_amount": _major(gift.get("amount")),
    }
    config = template.get("code_config") or {}
    charset = next((key for key, (_, chars) in CHARSETS.items() if chars == config.get("charset")), "readable")
    pattern = f"{config.get('prefix') or ''}{config.get('pattern') or '########'}{config.get('postfix') or ''}"
    codes_step = {
        "type": campaign.type, "pattern": pattern, "charset": charset,
        "join_once": "on" if campaign.join_once else "", "quantity": "",
    }  # fmt: skip
    openings = (campaign.validity_hours or {}).get("daily") or [{}]
    days = campaign.validity_day_of_week or openings[0].get("days_of_week") or []
    when: dict[str, list[str]] = {
        "start": [local(campaign.start_date)],
        "end": [local(campaign.expiration_date)],
        "days": [str(day) for day in days],
        "hours_from": [openings[0].get("start_time") or ""],
        "hours_to": [openings[0].get("expiration_time") or ""],
    }
    uses = (template.get("redemption") or {}).get("quantity")
    who = {"uses": [str(uses) if uses else ""]}
    plain = {"what": what, "codes": codes_step}
    return {
        **{step: {key: [value] for key, value in fields.items() if value} for step, fields in plain.items()},
        "who": who,
        "when": {key: [value for value in values if value] for key, values in when.items()},
    }


def _major(amount: Any) -> str:
    return f"{Decimal(amount) / 100:.2f}" if isinstance(amount, int) else ""


def gives_in_words(form: WhatForm, currency: str) -> str:
    """A line about the gift card; discounts are told by `words`."""
    gift = form.gift()
    return f"Gift card of {kit.money_text(gift['amount'], currency)}" if gift else ""


VOUCHER_TYPES: Final = {"GIFT": Voucher.Type.GIFT.value, "DISCOUNT": Voucher.Type.DISCOUNT.value}

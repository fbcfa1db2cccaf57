"""The form of a new voucher: it checks shape and turns what was typed into what the services take."""

from __future__ import annotations

from datetime import datetime, time
from decimal import Decimal
from typing import Any, Final

from django import forms
from django.utils import timezone

from config.dashboard import kit
from segments.models import Segment
from vouchers.models import Voucher

MOST_SEGMENTS_OFFERED: Final = 500
CENT: Final = Decimal("0.01")


def money_field(label: str, **kwargs: Any) -> forms.DecimalField:
    """An amount typed in major units."""
    return forms.DecimalField(
        label=label,
        required=False,
        max_digits=14,
        decimal_places=2,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        **kwargs,
    )


def minor(amount: Decimal | None) -> int | None:
    """Typed major units as stored minor units."""
    return None if amount is None else int(amount / CENT)


class VoucherForm(forms.Form):
    """What a code gives, how often, when, and for whom."""

    KINDS = (
        ("PERCENT", "Percent off"),
        ("AMOUNT", "Amount off"),
        ("FIXED", "Fixed price"),
        ("GIFT", "Gift card"),
    )

    kind = forms.ChoiceField(label="What it gives", choices=KINDS, initial="PERCENT", widget=forms.RadioSelect)
    percent_off = forms.DecimalField(
        label="Percent off", required=False, min_value=Decimal("0.01"), max_value=100, max_digits=6, decimal_places=3,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )  # fmt: skip
    amount_limit = money_field("At most", min_value=CENT, help_text="The largest discount on one order.")
    amount_off = money_field("Amount off", min_value=CENT)
    fixed_amount = money_field("The order costs", min_value=Decimal(0))
    gift_amount = money_field("Credits on the card", min_value=CENT)
    code = forms.CharField(
        label="Code", required=False, max_length=200, strip=True,
        help_text="Leave it empty and a code is made.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "class": "code"}),
    )  # fmt: skip
    quantity = forms.IntegerField(
        label="How often it can be redeemed", required=False, min_value=1, max_value=2_000_000_000,
        help_text="In all, by everybody. Empty: without limit.",
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )  # fmt: skip
    start = forms.DateField(label="First day", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    end = forms.DateField(
        label="Last day", required=False, widget=forms.DateInput(attrs={"type": "date"}), help_text="It counts in full."
    )
    segment = forms.ChoiceField(label="Only for customers in", required=False, choices=(("", "Everybody"),))
    minimum = money_field("Minimum order", min_value=CENT)

    def __init__(self, *args: Any, segments: list[Segment], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.segments = segments
        field = self.fields["segment"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [("", "Everybody"), *((segment.public_id, segment.name) for segment in segments)]

    NEEDED: Final = {
        "PERCENT": ("percent_off", "Say how many percent."),
        "AMOUNT": ("amount_off", "Say how much is taken off."),
        "FIXED": ("fixed_amount", "Say what the order costs."),
        "GIFT": ("gift_amount", "Say how much is on the card."),
    }

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        name, sentence = self.NEEDED.get(values.get("kind") or "", ("", ""))
        if name and values.get(name) is None and name not in self.errors:
            self.add_error(name, sentence)
        if values.get("start") and values.get("end") and values["end"] < values["start"]:
            self.add_error("end", "The last day lies before the first.")
        return values

    def voucher(self) -> dict[str, Any]:
        """The body that `issuing.create` takes, in the wire's words."""
        values = self.cleaned_data
        body: dict[str, Any] = {"type": Voucher.Type.GIFT if values["kind"] == "GIFT" else Voucher.Type.DISCOUNT}
        if values["kind"] == "GIFT":
            body["gift"] = {"amount": minor(values["gift_amount"])}
        else:
            body["discount"] = self._discount()
        if values["code"]:
            body["code"] = values["code"]
        if values["quantity"] is not None:
            body["redemption"] = {"quantity": values["quantity"]}
        if values["start"]:
            body["start_date"] = _first_instant(values["start"])
        if values["end"]:
            body["expiration_date"] = _last_instant(values["end"])
        return body

    def _discount(self) -> dict[str, Any]:
        values = self.cleaned_data
        match values["kind"]:
            case "PERCENT":
                discount = {"type": "PERCENT", "percent_off": _plain(values["percent_off"]), "effect": "APPLY_TO_ORDER"}
                limit = minor(values["amount_limit"])
                return discount | ({"amount_limit": limit} if limit else {})
            case "AMOUNT":
                return {"type": "AMOUNT", "amount_off": minor(values["amount_off"]), "effect": "APPLY_TO_ORDER"}
            case _:
                return {"type": "FIXED", "fixed_amount": minor(values["fixed_amount"]), "effect": "APPLY_TO_ORDER"}

    def rule(self, currency: str) -> dict[str, Any] | None:
        """The body of the validation rule that `validation_rules.create` takes; None where there is no condition."""
        conditions: list[tuple[str, dict[str, list[Any]]]] = []
        named: list[str] = []
        if segment := self.cleaned_data["segment"]:
            conditions.append(("customer.segment", {"$is": [segment]}))
            named += [f"Only {row.name}" for row in self.segments if row.public_id == segment]
        if (minimum := minor(self.cleaned_data["minimum"])) is not None:
            conditions.append(("order.amount", {"$more_than_or_equal": [minimum]}))
            named.append(f"from {kit.money_text(minimum, currency)}")
        if not conditions:
            return None
        rules: dict[str, Any] = {
            str(number): {"name": name, "conditions": operators, "rules": {}}
            for number, (name, operators) in enumerate(conditions, start=1)
        }
        return {"name": ", ".join(named), "rules": rules | {"logic": " AND ".join(rules)}}


def _plain(percent: Decimal) -> int | float:
    return int(percent) if percent == int(percent) else float(percent)


def _first_instant(day: Any) -> datetime:
    """Midnight in the project's zone."""
    return timezone.make_aware(datetime.combine(day, time.min))


def _last_instant(day: Any) -> datetime:
    """The last millisecond of the day in the project's zone: the engine counts the expiration itself as inside."""
    return timezone.make_aware(datetime.combine(day, time(23, 59, 59, 999_000)))


class BalanceForm(forms.Form):
    """Credits to add, or with a minus to take away."""

    amount = forms.DecimalField(max_digits=14, decimal_places=2, error_messages={"required": "Type an amount."})
    reason = forms.CharField(max_length=500, strip=True, error_messages={"required": "Say why."})

"""The lists of vouchers and of redemptions: their columns, tabs, filters and search."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import F, Q, QuerySet
from django.urls import reverse
from django.utils.html import format_html

from config.dashboard import kit
from config.dashboard.lists import Column, Filter, ListSpec, Sort, Tab
from config.project.models import Project
from vouchers.dashboard import words
from vouchers.models import Redemption, Voucher
from vouchers.reasons import title_of

TYPES = ((Voucher.Type.DISCOUNT.value, "Discount"), (Voucher.Type.GIFT.value, "Gift card"))


def code_key(project: Project, code: str) -> str:
    """The code as `Voucher.code_key` keeps it."""
    return code if project.case_sensitive_codes else code.lower()


def vouchers_of(project: Project) -> QuerySet[Voucher]:
    """What the list shows of each voucher."""
    return (
        Voucher.objects.of(project)
        .alive()
        .select_related("campaign", "holder")
        .only(
            *("public_id", "code", "type", "discount", "gift_amount", "gift_subtracted_amount", "active"),
            *("start_date", "expiration_date", "quantity", "redeemed_quantity", "redeemed_amount"),
            *("created_at", "updated_at", "project_id", "campaign__name", "campaign__public_id", "campaign__active"),
            *("campaign__start_date", "campaign__expiration_date", "holder__public_id", "holder__name"),
            *("holder__source_id", "holder__email"),
        )
    )


def voucher_list(
    project: Project, at: datetime, *, of_campaign: bool = False, ticks: bool = False
) -> ListSpec[Voucher]:
    """The vouchers of a project. of_campaign: on the campaign's own page. ticks: to choose some of them."""
    used_up = Q(quantity__isnull=False, redeemed_quantity__gte=F("quantity"))
    begun = Q(start_date__isnull=True) | Q(start_date__lte=at)
    ended = Q(expiration_date__isnull=False, expiration_date__lt=at)
    return ListSpec(
        one="voucher",
        many="vouchers",
        columns=(
            Column("Code", _ticked_cell if ticks else _code_cell),
            *(() if of_campaign else (Column("Campaign", _campaign_cell, on_phone=False),)),
            Column("Gives", lambda row: words.gives(row, project)),
            Column("Status", lambda row: kit.status(*words.standing(row, at))),
            Column("Used", words.used, number=True),
            Column("Holder", _holder_cell),
            Column("Ends", lambda row: kit.moment(row.expiration_date, at), on_phone=False),
            Column("Created", lambda row: kit.moment(row.created_at, at), sort="created", on_phone=False),
        ),
        # Of one campaign by key, which rises with time: its index has them in that order, however many there are.
        sorts=(Sort("created", "Created", "id" if of_campaign else "created_at", descending=True),),
        tabs=(
            Tab("", "All"),
            Tab("active", "Active", Q(active=True) & begun & ~ended & ~used_up),
            Tab("scheduled", "Scheduled", Q(active=True, start_date__gt=at)),
            Tab("expired", "Expired", ended),
            Tab("used", "Used up", used_up),
            Tab("disabled", "Disabled", Q(active=False)),
        ),
        filters=(Filter("type", "Type", lambda rows, value: rows.filter(type=value), choices=TYPES),),
        search=lambda rows, text: rows.filter(Q(code_key__startswith=code_key(project, text)) | Q(public_id=text)),
        search_hint="Code starts with…",
    )


def _ticked_cell(voucher: Voucher) -> Any:
    """The code with a box that belongs to the form with the id `many`, wherever that stands."""
    box = '<input type="checkbox" class="above" name="id" value="{}" form="many" aria-label="Choose {}">&nbsp; {}'
    return format_html(f'<span class="nowrap">{box}</span>', voucher.public_id, voucher.code, _code_cell(voucher))


def _code_cell(voucher: Voucher) -> Any:
    return kit.link(reverse("dashboard:voucher", args=[voucher.public_id]), voucher.code, row=True, mono=True)


def _campaign_cell(voucher: Voucher) -> Any:
    if voucher.campaign is None:
        return kit.NONE
    return kit.link(reverse("dashboard:campaign", args=[voucher.campaign.public_id]), voucher.campaign.name, above=True)


def _holder_cell(voucher: Voucher) -> Any:
    holder = voucher.holder
    if holder is None:
        return kit.NONE
    name = holder.name or holder.email or holder.source_id or holder.public_id
    return kit.link(reverse("dashboard:customer", args=[holder.public_id]), name, above=True)


def redemptions_of(project: Project) -> QuerySet[Redemption]:
    """What the list shows of each attempt, with the names beside it. Parts of a stack are shown, not the stack."""
    return (
        Redemption.objects.of(project)
        .per_code()
        .select_related("voucher", "customer")
        .only(
            *("public_id", "kind", "result", "status", "code", "discount_amount", "amount", "order_amount"),
            *("failure_code", "reasons", "token", "created_at", "related_object_type", "project_id"),
            *("voucher__public_id", "voucher__code", "customer__public_id", "customer__name", "customer__source_id"),
        )
    )


def redemption_list(project: Project, at: datetime, *, of_voucher: bool = False) -> ListSpec[Redemption]:
    """Attempts to redeem, succeeded and refused alike. of_voucher: on the voucher's own page, without its code."""
    columns = (
        Column("When", lambda row: _when_cell(row, at)),
        *(() if of_voucher else (Column("Code", _code_of),)),
        Column("Customer", _customer_cell),
        Column("Result", words.outcome),
        Column("Discount", lambda row: _taken_off(row, project), number=True),
        Column("Reason", words.first_reason),
    )
    return ListSpec(
        one="attempt",
        many="attempts",
        columns=columns,
        sorts=(Sort("created", "When", "created_at", descending=True),),
        tabs=()
        if of_voucher
        else (
            Tab("", "All"),
            Tab("succeeded", "Succeeded", Q(result=Redemption.Result.SUCCESS, kind=Redemption.Kind.REDEMPTION)),
            Tab("refused", "Refused", Q(result=Redemption.Result.FAILURE)),
            Tab("rolled-back", "Rolled back", Q(status=Redemption.Status.ROLLED_BACK)),
        ),
        filters=(
            Filter(
                "reason", "Reason", lambda rows, value: rows.filter(failure_code=value), words=_reason, offered=False
            ),
            Filter("customer", "Customer", lambda rows, value: rows.filter(customer__public_id=value), offered=False),
        ),
        search=None if of_voucher else lambda rows, text: _search(rows, project, text),
        search_hint="Code or redemption id",
    )


def _search(rows: Any, project: Project, text: str) -> Any:
    """By whole code or id: each meets an index."""
    if text.startswith(("r_", "rf_", "rr_", "rrf_")):
        return rows.filter(public_id=text)
    return rows.filter(voucher__in=Voucher.objects.of(project).filter(code_key=code_key(project, text)))


def _reason(key: str) -> str:
    return f"Refused: {title_of(key)}"


def _when_cell(row: Redemption, at: datetime) -> Any:
    return kit.link(reverse("dashboard:redemption", args=[row.public_id]), kit.moment(row.created_at, at), row=True)


def _code_of(row: Redemption) -> Any:
    text = row.code or (row.voucher.code if row.voucher else "")
    if row.voucher is None:
        return kit.mono(text)
    return kit.link(reverse("dashboard:voucher", args=[row.voucher.public_id]), text, above=True, mono=True)


def _customer_cell(row: Redemption) -> Any:
    if row.customer is None:
        return kit.muted("Visitor" if row.token else "–")
    name = row.customer.name or row.customer.source_id or row.customer.public_id
    return kit.link(reverse("dashboard:customer", args=[row.customer.public_id]), name, above=True)


def _taken_off(row: Redemption, project: Project) -> Any:
    if row.result == Redemption.Result.FAILURE:
        return kit.NONE
    return kit.money_text(row.amount if row.amount is not None else row.discount_amount, project.currency)

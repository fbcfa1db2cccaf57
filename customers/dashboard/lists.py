"""The list of customers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.db.models.functions import Lower
from django.urls import reverse

from config.dashboard import kit
from config.dashboard.lists import Column, Filter, ListSpec, Sort
from config.project.models import Project
from customers.models import Customer
from customers.payloads import email_key


def customers_of(project: Project) -> Any:
    """What the list shows of each customer."""
    return (
        Customer.objects.of(project)
        .alive()
        .only(
            *("public_id", "source_id", "name", "email", "city", "country", "orders_total_count"),
            *("orders_total_amount", "orders_last_at", "created_at", "updated_at", "project_id"),
        )
        .annotate(name_key=Lower("name"))
    )


def customer_list(project: Project, at: datetime, more: Iterable[Filter] = ()) -> ListSpec[Customer]:
    """more: filters of the apps that stand on customers, such as the segment one is in."""
    return ListSpec(
        one="customer",
        many="customers",
        columns=(
            Column("Name", name_cell, sort="name"),
            Column("E-mail", lambda row: row.email or kit.NONE),
            Column("Place", place_of),
            Column("Orders", lambda row: kit.number(row.orders_total_count), number=True, on_phone=False),
            Column("Spent", lambda row: kit.money_text(row.orders_total_amount, project.currency), number=True),
            Column("Last order", lambda row: kit.moment(row.orders_last_at, at), on_phone=False),
            Column("Added", lambda row: kit.moment(row.created_at, at), sort="created", on_phone=False),
        ),
        sorts=(
            Sort("created", "Added", "created_at", descending=True),
            Sort("name", "Name", "name_key", nullable=True),
            Sort("changed", "Changed", "updated_at", descending=True, nullable=True),
        ),
        filters=(
            Filter("country", "Country", lambda rows, value: rows.filter(country=value)),
            Filter("state", "State", lambda rows, value: rows.filter(state=value)),
            Filter("city", "City", lambda rows, value: rows.filter(city=value)),
            *more,
        ),
        search=_search,
        search_hint="Name, e-mail or source id starts with…",
    )


def name_cell(row: Customer) -> Any:
    """The name, or what stands in for it, and the shop's own key below."""
    name = row.name or row.source_id or row.public_id
    link = kit.link(reverse("dashboard:customer", args=[row.public_id]), name, row=True)
    return kit.with_note(link, row.source_id if row.source_id != name else None)


def place_of(row: Customer) -> Any:
    """Berlin, DE."""
    return ", ".join(part for part in (row.city, row.country) if part) or kit.NONE


def _search(rows: Any, text: str) -> Any:
    """Prefixes, each of which an index knows; a whole id is found too."""
    if text.startswith("cust_"):
        return rows.filter(Q(public_id=text) | Q(source_id__startswith=text))
    return rows.filter(
        Q(source_id__startswith=text)
        | Q(email_key__startswith=email_key(text) or "")
        | Q(name_key__startswith=text.lower())
    )

"""The lists of orders, products and events: their columns, tabs, filters and search."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Count, Q, QuerySet
from django.urls import reverse
from django.utils import timezone

from config.dashboard import kit
from config.dashboard.lists import Column, Filter, ListSpec, Sort, Tab
from config.kernel import instants
from config.project.models import Project
from tracking.models import Event, Order, Product

STATES: Final[dict[str, tuple[str, str]]] = {
    Order.Status.CREATED: ("wait", "Created"),
    Order.Status.PAID: ("ok", "Paid"),
    Order.Status.FULFILLED: ("ok", "Fulfilled"),
    Order.Status.CANCELED: ("off", "Canceled"),
}
EVENTS_SHOWN: Final = timedelta(days=90)
"""The feed begins there: the log is parted by month, and nobody pages further by hand."""


def orders_of(project: Project) -> QuerySet[Order]:
    """What the list shows of each order."""
    rows = Order.objects.of(project).select_related("customer")
    return rows.only(
        *("public_id", "source_id", "status", "amount", "total_amount", "total_discount_amount", "created_at"),
        *("project_id", "customer__public_id", "customer__name", "customer__source_id", "customer__email"),
    )


def order_list(project: Project, at: datetime) -> ListSpec[Order]:
    """The orders of a project."""

    def money(amount: int | None) -> str:
        return kit.money_text(amount, project.currency)

    return ListSpec(
        one="order",
        many="orders",
        columns=(
            Column("Order", _order_cell),
            Column("Customer", lambda row: customer_cell(row.customer)),
            Column("Status", lambda row: kit.status(*STATES.get(row.status, ("off", row.status)))),
            Column("Amount", lambda row: money(row.amount), number=True),
            Column("Discount", lambda row: money(row.total_discount_amount or 0), number=True),
            Column("To pay", lambda row: money(to_pay(row)), number=True),
            Column("Placed", lambda row: kit.moment(row.created_at, at), sort="created"),
        ),
        sorts=(Sort("created", "Placed", "created_at", descending=True),),
        tabs=(Tab("", "All"), *(Tab(key.lower(), words, Q(status=key)) for key, (_, words) in STATES.items())),
        filters=(
            Filter("customer", "Customer", lambda rows, value: rows.filter(customer__public_id=value), offered=False),
        ),
        search=lambda rows, text: rows.filter(Q(source_id=text) | Q(public_id=text)),
        search_hint="Order number or id",
    )


def to_pay(order: Order) -> int | None:
    """What the order costs after its discounts."""
    return order.total_amount if order.total_amount is not None else order.amount


def _order_cell(row: Order) -> Any:
    return kit.link(
        reverse("dashboard:order", args=[row.public_id]), row.source_id or row.public_id, row=True, mono=True
    )


def customer_cell(customer: Any) -> Any:
    """A customer's name with the way there."""
    if customer is None:
        return kit.NONE
    name = customer.name or customer.email or customer.source_id or customer.public_id
    return kit.link(reverse("dashboard:customer", args=[customer.public_id]), name, above=True)


def products_of(project: Project) -> QuerySet[Product]:
    """What the list shows of each product."""
    rows = Product.objects.of(project).filter(deleted_at=None)
    return rows.annotate(variants=Count("skus", filter=Q(skus__deleted_at=None)))


def product_list(project: Project, at: datetime) -> ListSpec[Product]:
    """The products of a project."""
    return ListSpec(
        one="product",
        many="products",
        columns=(
            Column("Product", _product_cell),
            Column("Source id", lambda row: kit.mono(row.source_id or "")),
            Column("Price", lambda row: kit.money_text(row.price, project.currency), number=True),
            Column("Variants", lambda row: kit.number(getattr(row, "variants", 0)), number=True),
            Column("Created", lambda row: kit.moment(row.created_at, at), sort="created", on_phone=False),
        ),
        sorts=(Sort("created", "Created", "created_at", descending=True),),
        search=lambda rows, text: rows.filter(Q(source_id=text) | Q(public_id=text) | Q(name__istartswith=text)),
        search_hint="Name, source id or id",
    )


def _product_cell(row: Product) -> Any:
    words = row.name or row.source_id or row.public_id
    return kit.link(reverse("dashboard:product", args=[row.public_id]), words, row=True)


def events_of(project: Project, at: datetime) -> QuerySet[Event]:
    """The log of the last months, with who did it."""
    return Event.objects.of(project).filter(created_at__gte=at - EVENTS_SHOWN).select_related("customer")


TYPES: Final = (
    ("customer.custom_event", "Custom event"),
    ("customer.redemption.succeeded", "Redemption"),
    ("customer.redemption.failed", "Refused attempt"),
    ("customer.validation.succeeded", "Validation: valid"),
    ("customer.validation.failed", "Validation: not valid"),
    ("customer.publication.succeeded", "Publication"),
    ("customer.order.created", "Order placed"),
    ("customer.order.paid", "Order paid"),
    ("customer.segment.entered", "Entered a segment"),
    ("customer.segment.left", "Left a segment"),
    ("customer.created", "Customer added"),
    ("customer.updated", "Customer changed"),
)


def event_list(project: Project, at: datetime, known: set[str]) -> ListSpec[Event]:
    """What happened, newest first. known: names of custom events that have a schema."""
    return ListSpec(
        one="event",
        many="events",
        columns=(
            Column("When", lambda row: kit.moment(row.created_at, at)),
            Column("What", lambda row: _what(row, known)),
            Column("Customer", lambda row: _who(row)),
            Column("Details", lambda row: kit.json_more(row.data) if row.data else kit.NONE, on_phone=False),
        ),
        sorts=(Sort("created", "When", "created_at", descending=True),),
        filters=(
            Filter("type", "Type", lambda rows, value: rows.filter(type=value), choices=TYPES),
            Filter("name", "Custom event", lambda rows, value: rows.filter(type="customer.custom_event", name=value)),
            Filter("customer", "Customer's id", _of_customer),
            Filter("day", "Day", _on_day, kind="date"),
        ),
    )


def _of_customer(rows: Any, value: str) -> Any:
    return rows.filter(Q(customer__public_id=value) | Q(customer__source_id=value))


def _on_day(rows: Any, value: str) -> Any:
    try:
        begin = instants.parse_instant(value)
    except ValueError as error:
        raise ValueError("This is not a date; write 2026-01-31.") from error
    local = timezone.make_aware(begin.replace(tzinfo=None))
    return rows.filter(created_at__gte=local, created_at__lt=local + timedelta(days=1))


def _what(row: Event, known: set[str]) -> Any:
    told = row.type.removeprefix("customer.").replace(".", " ").replace("_", " ").capitalize()
    words = dict(TYPES).get(row.type, told)
    if row.type != "customer.custom_event":
        return kit.with_note(words, _about(row.data))
    return kit.with_note(f"“{row.name}”", words if row.name in known else kit.status("warn", "not in the event schema"))


def _about(data: Any) -> str:
    """The code, segment or order that an event is about."""
    for part in ("redemption", "voucher", "segment", "order", "campaign"):
        thing = data.get(part) if isinstance(data, dict) else None
        if isinstance(thing, dict):
            found = next((thing[key] for key in ("code", "name", "source_id") if isinstance(thing.get(key), str)), "")
            if found:
                return str(found)
    return ""


def _who(row: Event) -> Any:
    return customer_cell(row.customer) if row.customer is not None else kit.muted("Visitor" if row.token else "–")

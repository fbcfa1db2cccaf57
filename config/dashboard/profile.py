"""The page of one customer. It reads all four apps, each by an index of the customer: at most 12 queries."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from config.dashboard import kit, lists
from config.dashboard.base import Crumb, Page
from config.dashboard.lists import Column, ListSpec, Sort
from config.project import schemas
from config.project.permissions import Permission
from customers import services
from customers.models import Customer
from segments import services as segments
from segments.models import Segment
from tracking.models import Order

MOST_SEGMENTS: Final = 500
TABS: Final = (
    ("customer", "Timeline"),
    ("customer-wallet", "Wallet"),
    ("customer-orders", "Orders"),
    ("customer-segments", "Segments"),
    ("customer-metadata", "Metadata"),
)


class ProfilePage(Page):
    """What every tab shares: the head with the counters, and the tabs."""

    permission = Permission.SEE_CUSTOMERS
    section = "customers"
    tab: ClassVar[str]

    def get(self, request: HttpRequest, public_id: str) -> HttpResponse:
        customer = services.find(project=self.project, identifier=public_id)
        return self.render(self.head(customer) | self.body(customer, request))

    def body(self, customer: Customer, request: HttpRequest) -> dict[str, Any]:
        """What the tab shows."""
        raise NotImplementedError

    def head(self, customer: Customer) -> dict[str, Any]:
        count = customer.orders_total_count
        average = (2 * customer.orders_total_amount + count) // (2 * count) if count else None
        return {
            "title": str(customer),
            "crumbs": (Crumb("Audience"), Crumb("Customers", reverse("dashboard:customers"))),
            "customer": customer,
            "tabs": [
                (label, reverse(f"dashboard:{name}", args=[customer.public_id]), name == self.tab)
                for name, label in TABS
            ],
            "numbers": [
                ("Orders", kit.number(count)),
                ("Spent", kit.money_text(customer.orders_total_amount, self.project.currency)),
                ("Average order", kit.money_text(average, self.project.currency)),
                ("Last order", kit.moment(customer.orders_last_at, self.at)),
                ("Redeemed", kit.number(customer.redemptions_succeeded)),
                ("Refused", kit.number(customer.redemptions_failed)),
            ],
        }


class Orders(ProfilePage):
    """What the customer ordered."""

    tab = "customer-orders"
    template_name = "dashboard/customers/orders.html"

    def body(self, customer: Customer, request: HttpRequest) -> dict[str, Any]:
        rows = Order.objects.of(self.project).filter(customer=customer).defer("redemptions", "metadata")
        spec = ListSpec[Order](
            one="order",
            many="orders",
            columns=(
                Column("Order", lambda row: kit.code(row.source_id or row.public_id)),
                Column("Status", lambda row: kit.status(*ORDER_STATES.get(row.status, ("off", row.status)))),
                Column("Items", lambda row: kit.number(len(row.items)), number=True),
                Column("Discount", lambda row: self.money(row.total_discount_amount), number=True),
                Column("To pay", lambda row: self.money(_to_pay(row)), number=True),
                Column("Placed", lambda row: kit.moment(row.created_at, self.at)),
            ),
            sorts=(Sort("created", "Placed", "created_at", descending=True),),
        )
        empty = {"icon": "cart", "title": "No orders yet", "text": "Orders come with redemptions, or through the API."}
        return {"listing": lists.read(spec, rows, request.GET.dict()), "empty": empty}

    def money(self, amount: int | None) -> str:
        return kit.money_text(amount, self.project.currency)


class Segments(ProfilePage):
    """In which segments the customer is, and for any other why, or why not."""

    tab = "customer-segments"
    template_name = "dashboard/customers/segments.html"

    def body(self, customer: Customer, request: HttpRequest) -> dict[str, Any]:
        rows = list(Segment.objects.of(self.project).newest_first()[:MOST_SEGMENTS])
        inside = segments.which_of(project=self.project, segments=rows, customer=customer, at=self.at)
        asked = next((row for row in rows if row.public_id == request.GET.get("check")), None)
        why = None if asked is None else segments.why(segment=asked, customer=customer, at=self.at)
        return {"rows": rows, "inside": inside, "asked": asked, "why": why}


class Metadata(ProfilePage):
    """Everything the shop keeps about the customer."""

    tab = "customer-metadata"
    template_name = "dashboard/customers/metadata.html"

    def body(self, customer: Customer, request: HttpRequest) -> dict[str, Any]:
        keys = customer.metadata or {}
        declared = schemas.schema_of(self.project, "customer").live()
        return {"unset": [key for key in declared if key not in keys]}


ORDER_STATES: Final[dict[str, tuple[str, str]]] = {
    Order.Status.CREATED: ("wait", "Created"),
    Order.Status.PAID: ("ok", "Paid"),
    Order.Status.FULFILLED: ("ok", "Fulfilled"),
    Order.Status.CANCELED: ("off", "Canceled"),
}


def _to_pay(order: Order) -> int | None:
    return order.total_amount if order.total_amount is not None else order.amount

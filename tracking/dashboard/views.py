"""Orders, products and the feed of events, for marketers who look things up."""

from __future__ import annotations

from typing import Any, Final

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from config.dashboard import lists
from config.dashboard.base import Crumb, Page
from config.kernel.errors import NotFound
from config.project.permissions import Permission
from tracking.dashboard.lists import (
    STATES,
    event_list,
    events_of,
    order_list,
    orders_of,
    product_list,
    products_of,
    to_pay,
)
from tracking.models import EventSchema, Order, Product, ProductCollection

TRACKING: Final = Crumb("Tracking")
MOST_SKUS: Final = 200


class OrderList(Page):
    """All orders."""

    permission = Permission.SEE_ORDERS
    section = "orders"
    template_name = "dashboard/tracking/list.html"
    title = "Orders"
    crumbs = (TRACKING,)

    def get(self, request: HttpRequest) -> HttpResponse:
        listing = lists.read(order_list(self.project, self.at), orders_of(self.project), request.GET.dict())
        empty = {
            "icon": "cart",
            "title": "No orders yet",
            "text": "Orders come with redemptions, through the API, or from a file.",
        }
        return self.render({"listing": listing, "empty": empty, "export": "orders"})


class OrderPage(Page):
    """One order: its lines with and without discounts, and the redemptions that made them."""

    permission = Permission.SEE_ORDERS
    section = "orders"
    template_name = "dashboard/tracking/order.html"

    def get(self, request: HttpRequest, public_id: str) -> HttpResponse:
        rows = Order.objects.of(self.project).select_related("customer", "referrer")
        if "\x00" in public_id or (order := rows.filter(public_id=public_id).first()) is None:
            raise NotFound.of("order", public_id)
        return self.render(
            {
                "title": order.source_id or order.public_id,
                "crumbs": (TRACKING, Crumb("Orders", reverse("dashboard:orders"))),
                "order": order,
                "state": STATES.get(order.status, ("off", order.status)),
                "lines": [line_of(line) for line in order.items],
                "to_pay": to_pay(order),
                "redemptions": list(order.redemptions.items()),
            }
        )


def line_of(line: dict[str, Any]) -> dict[str, Any]:
    """One line of an order under the best name it has."""
    named = [(line.get("product") or {}).get("name"), (line.get("sku") or {}).get("sku")]
    ids = [line.get(key) for key in ("product_id", "sku_id", "source_id")]
    amount, discount = line.get("amount"), line.get("discount_amount")
    return {
        "name": next((str(one) for one in (*named, *ids) if one), "Item"),
        "quantity": line.get("quantity") or 1,
        "initial_quantity": line.get("initial_quantity"),
        "price": line.get("price"),
        "amount": amount,
        "discount": discount,
        "after": None if amount is None else amount - (discount or 0),
    }


class ProductList(Page):
    """All products."""

    permission = Permission.SEE_ORDERS
    section = "products"
    template_name = "dashboard/tracking/list.html"
    title = "Products"
    crumbs = (TRACKING,)

    def get(self, request: HttpRequest) -> HttpResponse:
        listing = lists.read(product_list(self.project, self.at), products_of(self.project), request.GET.dict())
        empty = {
            "icon": "box",
            "title": "No products yet",
            "text": "Products and their variants come through the API or from a file. Rules and free items name them.",
        }
        return self.render({"listing": listing, "empty": empty})


class ProductPage(Page):
    """One product with its variants and the collections that list it."""

    permission = Permission.SEE_ORDERS
    section = "products"
    template_name = "dashboard/tracking/product.html"

    def get(self, request: HttpRequest, public_id: str) -> HttpResponse:
        rows = Product.objects.of(self.project).filter(deleted_at=None)
        if "\x00" in public_id or (product := rows.filter(public_id=public_id).first()) is None:
            raise NotFound.of("product", public_id)
        listed = Q(products__contains=[{"id": product.public_id}])
        return self.render(
            {
                "title": product.name or product.source_id or product.public_id,
                "crumbs": (TRACKING, Crumb("Products", reverse("dashboard:products"))),
                "product": product,
                "skus": list(product.skus.filter(deleted_at=None).order_by("pk")[:MOST_SKUS]),
                "collections": list(ProductCollection.objects.of(self.project).filter(listed).order_by("name")[:50]),
            }
        )


class EventList(Page):
    """Everything that happened, newest first."""

    permission = Permission.SEE_ORDERS
    section = "events"
    template_name = "dashboard/tracking/list.html"
    title = "Events"
    crumbs = (TRACKING,)

    def get(self, request: HttpRequest) -> HttpResponse:
        known = set(EventSchema.objects.of(self.project).values_list("name", flat=True)[:1000])
        listing = lists.read(
            event_list(self.project, self.at, known), events_of(self.project, self.at), request.GET.dict()
        )
        empty = {
            "icon": "pulse",
            "title": "No events in the last 90 days",
            "text": "What customers do in the shop and with codes appears here, as soon as it is recorded.",
        }
        return self.render({"listing": listing, "empty": empty})

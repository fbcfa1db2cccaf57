"""What someone did: identities, the event log with its counters, orders and the products they name."""

from tracking.models.catalogue import Product, ProductCollection, Sku
from tracking.models.event_schemas import EventName, EventSchema
from tracking.models.events import Event, EventCounter
from tracking.models.identities import TrackingIdentity
from tracking.models.orders import Order
from tracking.models.tallies import ValidationTally

__all__ = [
    "Event",
    "EventCounter",
    "EventName",
    "EventSchema",
    "Order",
    "Product",
    "ProductCollection",
    "Sku",
    "TrackingIdentity",
    "ValidationTally",
]

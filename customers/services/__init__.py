"""What happens to customers; call as `services.upsert(...)`."""

from customers.services.bulk import upsert_each
from customers.services.counters import COUNTERS, add_order, move_counters, moved, set_last_order
from customers.services.erasure import erase, reapply
from customers.services.loading import Existing, Loaded, profile_of
from customers.services.profiles import (
    delete,
    find,
    find_or_none,
    is_as_said,
    look_up,
    preview,
    update,
    upsert,
    upsert_many,
)

__all__ = [
    "COUNTERS",
    "Existing",
    "Loaded",
    "add_order",
    "delete",
    "erase",
    "find",
    "find_or_none",
    "is_as_said",
    "look_up",
    "move_counters",
    "moved",
    "preview",
    "profile_of",
    "reapply",
    "set_last_order",
    "update",
    "upsert",
    "upsert_each",
    "upsert_many",
]

"""Pure: the scopes a key or token may have. Source: http and auth, section 4."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

WHOLE: Final = "api"
WHOLE_CLIENT: Final = "client_api"
DEFAULT: Final = (WHOLE, WHOLE_CLIENT)

SCOPES: Final = frozenset(
    {
        *("api", "assets", "async-actions", "campaigns", "categories", "client_api", "client_consents"),
        *("client_customers", "client_events", "client_promotions", "client_publish", "client_qualifications"),
        *("client_redeem", "client_redemptions", "client_validate", "client_validations", "client_vouchers"),
        *("consents", "customers", "events", "exports", "locations", "loyalties", "metadata-schemas", "orders"),
        *("product-collections", "products", "promotions", "publications", "qualifications", "redemptions"),
        *("referrals", "rewards", "segments", "skus", "task-results", "templates", "trash-bin"),
        *("validation-rules-assignments", "validation-rules", "validations", "vouchers"),
    }
)


def parse(text: str) -> list[str]:
    """The scopes between white space, each once; all of both kinds where none is named.

    parse("vouchers  customers vouchers") == ["vouchers", "customers"]
    """
    return list(dict.fromkeys(text.split())) or list(DEFAULT)


def unknown(scopes: Iterable[str]) -> list[str]:
    """Those that do not exist, in order."""
    return [scope for scope in scopes if scope not in SCOPES]


def open_to(scopes: Iterable[str], wanted: str | None, *, client: bool) -> bool:
    """Whether scopes open what asks for `wanted`; None asks for the whole API. No scopes at all open everything."""
    held = set(scopes)
    return not held or (WHOLE_CLIENT if client else WHOLE) in held or wanted in held

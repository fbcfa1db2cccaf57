"""Who may do what: the roles of marketers and the pages and acts each opens. Pure: a table and two look-ups."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Permission(StrEnum):
    """One thing a person may do in the dashboard; the value is how a refusal names it."""

    USE_DASHBOARD = "use the dashboard"
    SEE_OVERVIEW = "see the overview"
    SEE_CUSTOMERS = "see customers"
    EDIT_CUSTOMERS = "create and edit customers"
    ERASE_CUSTOMERS = "delete people permanently"
    IMPORT = "import files"
    SEE_SEGMENTS = "see segments"
    EDIT_SEGMENTS = "create and edit segments"
    SEE_VOUCHERS = "see vouchers"
    EDIT_VOUCHERS = "create and edit vouchers"
    CHECK_CODES = "check codes"
    SEE_REDEMPTIONS = "see redemptions"
    REDEEM = "redeem codes and roll redemptions back"
    SEE_ORDERS = "see orders, products and events"
    SEE_TASKS = "see background tasks"
    EXPORT = "export"
    MANAGE_PROJECT = "change the project's settings"
    MANAGE_MEMBERS = "manage members"
    SEE_AUDIT = "see the audit log"


_READS: Final = frozenset(
    {
        Permission.USE_DASHBOARD,
        Permission.SEE_OVERVIEW,
        Permission.SEE_CUSTOMERS,
        Permission.SEE_SEGMENTS,
        Permission.SEE_VOUCHERS,
        Permission.CHECK_CODES,
        Permission.SEE_REDEMPTIONS,
        Permission.SEE_ORDERS,
        Permission.SEE_TASKS,
        Permission.EXPORT,
    }
)
_WRITES: Final = frozenset(
    {
        Permission.EDIT_CUSTOMERS,
        Permission.IMPORT,
        Permission.EDIT_SEGMENTS,
        Permission.EDIT_VOUCHERS,
        Permission.REDEEM,
    }
)

OPENS: Final[dict[str, frozenset[Permission]]] = {
    "admin": frozenset(Permission),
    "user": _READS | _WRITES,
    "viewer": _READS,
    "merchant": frozenset({Permission.USE_DASHBOARD, Permission.CHECK_CODES, Permission.SEE_REDEMPTIONS}),
}
"""Role → what it opens. An unknown role opens nothing."""


def permissions_of(role: str) -> frozenset[Permission]:
    """Everything the role opens."""
    return OPENS.get(role, frozenset())


def may(role: str, permission: Permission) -> bool:
    """Whether the role opens it."""
    return permission in permissions_of(role)

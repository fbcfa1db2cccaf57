"""The sidebar: what stands in it, in which order, and which permission opens each entry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from django.urls import reverse

from config.project.permissions import Permission, may


@dataclass(frozen=True)
class Entry:
    """One line of the sidebar. section: the name that pages under it carry."""

    section: str
    label: str
    icon: str
    url_name: str
    permission: Permission


@dataclass(frozen=True)
class Link:
    """An entry as the page draws it."""

    label: str
    icon: str
    url: str
    current: bool


NAVIGATION: Final[tuple[tuple[str, tuple[Entry, ...]], ...]] = (
    ("", (Entry("overview", "Overview", "home", "dashboard:home", Permission.SEE_OVERVIEW),)),
    (
        "Promotions",
        (
            Entry("campaigns", "Campaigns", "flag", "dashboard:campaigns", Permission.SEE_VOUCHERS),
            Entry("vouchers", "Vouchers", "ticket", "dashboard:vouchers", Permission.SEE_VOUCHERS),
            Entry("rules", "Validation rules", "rule", "dashboard:rules", Permission.SEE_VOUCHERS),
            Entry("check", "Check a code", "scan", "dashboard:check", Permission.CHECK_CODES),
        ),
    ),
    (
        "Audience",
        (
            Entry("customers", "Customers", "users", "dashboard:customers", Permission.SEE_CUSTOMERS),
            Entry("segments", "Segments", "funnel", "dashboard:segments", Permission.SEE_SEGMENTS),
            Entry("imports", "Imports", "upload", "dashboard:imports", Permission.IMPORT),
        ),
    ),
    (
        "Tracking",
        (
            Entry("redemptions", "Redemptions", "receipt", "dashboard:redemptions", Permission.SEE_REDEMPTIONS),
            Entry("orders", "Orders", "cart", "dashboard:orders", Permission.SEE_ORDERS),
            Entry("products", "Products", "box", "dashboard:products", Permission.SEE_ORDERS),
            Entry("events", "Events", "pulse", "dashboard:events", Permission.SEE_ORDERS),
        ),
    ),
    (
        "Data",
        (
            Entry("exports", "Exports", "download", "dashboard:exports", Permission.EXPORT),
            Entry("tasks", "Background tasks", "tasks", "dashboard:tasks", Permission.SEE_TASKS),
        ),
    ),
    (
        "Settings",
        (
            Entry("project", "Project", "pencil", "dashboard:project-settings", Permission.MANAGE_PROJECT),
            Entry("stacking", "Stacking", "layers", "dashboard:stacking", Permission.MANAGE_PROJECT),
            Entry("keys", "API keys", "bolt", "dashboard:keys", Permission.MANAGE_PROJECT),
            Entry("webhooks", "Webhooks", "redo", "dashboard:webhooks", Permission.MANAGE_PROJECT),
            Entry("metadata", "Metadata schema", "file", "dashboard:metadata-schemas", Permission.MANAGE_PROJECT),
            Entry("event-schemas", "Event schemas", "pulse", "dashboard:event-schemas", Permission.MANAGE_PROJECT),
            Entry("members", "Members", "users", "dashboard:members", Permission.MANAGE_MEMBERS),
            Entry("audit", "Audit log", "clock", "dashboard:audit", Permission.SEE_AUDIT),
            Entry("profile", "Profile", "user", "dashboard:profile", Permission.USE_DASHBOARD),
        ),
    ),
)


def links(role: str, section: str) -> Iterator[tuple[str, list[Link]]]:
    """Headings with the links that this role may open; empty groups are left out."""
    for heading, entries in NAVIGATION:
        visible = [
            Link(entry.label, entry.icon, reverse(entry.url_name), entry.section == section)
            for entry in entries
            if may(role, entry.permission)
        ]
        if visible:
            yield heading, visible


def first(role: str) -> str | None:
    """Where this role starts: the first page of its menu; None for a role that opens nothing."""
    return next((entries[0].url for _, entries in links(role, "")), None)

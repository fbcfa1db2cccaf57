"""What the lists of activity share on the wire: their query parameters and their answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request

from config.api.lists import envelope, parse_limit, parse_order
from config.kernel.errors import InvalidQueryParams
from config.kernel.instants import parse_instant
from config.project.metadata import is_storable
from tracking.activity import CAMPAIGN_TYPES, CATEGORIES, Asked, render_event
from tracking.models import Event

ORDERS: Final = {"created_at": "created_at"}
COMMON: Final = (
    OpenApiParameter("limit", int, description="1 to 100, 10 by default."),
    OpenApiParameter("order", str, enum=["created_at", "-created_at"], description="Newest first by default."),
    OpenApiParameter("starting_after_id", str, description="Go on after this event."),
    OpenApiParameter("start_date", str, description="This time or later."),
    OpenApiParameter("end_date", str, description="This time or earlier."),
    OpenApiParameter("category", str, enum=list(CATEGORIES)),
    OpenApiParameter("type", str, description="One type of event."),
)
OF_CAMPAIGNS: Final = (
    OpenApiParameter("campaign_id", str),
    OpenApiParameter("campaign_type", str, enum=list(CAMPAIGN_TYPES)),
)


class ActivityEvent(serializers.Serializer[Event]):
    """One event. Its own keys stand flat in `data`, beside `event_source`."""

    id = serializers.CharField()
    type = serializers.CharField()
    data = serializers.DictField()  # type: ignore[assignment]
    created_at = serializers.DateTimeField()
    group_id = serializers.CharField(allow_null=True)


class Activity(serializers.Serializer[Any]):
    """One page of events."""

    object = serializers.ChoiceField(["list"])
    data_ref = serializers.ChoiceField(["data"])
    data = ActivityEvent(many=True)  # type: ignore[assignment]
    has_more = serializers.BooleanField()
    more_starting_after = serializers.CharField(required=False)


class CountedActivity(Activity):
    """One page of the deprecated list, with the number of all."""

    total = serializers.IntegerField()


def parse_asked(request: Request, *, of_campaigns: bool = False, deprecated: bool = False) -> Asked:
    """Return what the query asks for. Raises InvalidQueryParams."""
    query = request.query_params
    order, _ = parse_order(query, ORDERS, "-created_at")
    return Asked(
        limit=parse_limit(query),
        newest_first=order.startswith("-"),
        after=_text(request, "starting_after_id"),
        since=_instant(request, "start_date"),
        until=_instant(request, "end_date"),
        beyond=_instant(request, "starting_after") if deprecated else None,
        type=_text(request, "type"),
        category=_choice(request, "category", CATEGORIES),
        campaign=_text(request, "campaign_id") if of_campaigns else None,
        campaign_type=_choice(request, "campaign_type", CAMPAIGN_TYPES) if of_campaigns else None,
        product=_text(request, "product_id") if deprecated else None,
    )


def answer(rows: Sequence[Event], *, has_more: bool, total: int | None = None) -> dict[str, Any]:
    """The list's envelope."""
    following = {"more_starting_after": rows[-1].public_id} if has_more else {}
    return envelope("data", [render_event(row) for row in rows], total, has_more=has_more, **following)


def _text(request: Request, name: str) -> str | None:
    value = request.query_params.get(name) or None
    if value is not None and not is_storable(value):
        raise InvalidQueryParams(f"Property .{name} contains a character that cannot be stored")
    return value


def _choice(request: Request, name: str, allowed: Sequence[str]) -> str | None:
    value = request.query_params.get(name) or None
    if value is not None and value not in allowed:
        raise InvalidQueryParams(
            f"Property .{name} should be equal to one of the allowed values [ {', '.join(allowed)} ]"
        )
    return value


def _instant(request: Request, name: str) -> datetime | None:
    text = request.query_params.get(name) or None
    if text is None:
        return None
    try:
        return parse_instant(text)
    except ValueError:
        raise InvalidQueryParams(f"Property .{name} cannot be recognized as a ISO-8601 compliant date") from None

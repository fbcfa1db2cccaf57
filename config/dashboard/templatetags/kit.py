"""`{% load kit %}`: the functions of `config.dashboard.kit` for templates."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from django import template
from django.template import Context
from django.utils.safestring import SafeString

from config.dashboard import kit

register = template.Library()

register.simple_tag(kit.icon, name="icon")
register.simple_tag(kit.status, name="status")
register.simple_tag(kit.plural, name="plural")
register.simple_tag(kit.code, name="code")
register.filter("number", kit.number)
register.filter("percent", kit.percent_text)
register.filter("day", kit.day)


@register.simple_tag(takes_context=True)
def money(context: Context, amount: int | None) -> str:
    """Minor units in the project's currency."""
    project = context.get("project")
    return kit.money_text(amount, project.currency if project else "")


@register.filter
def moment(at: datetime | None) -> SafeString:
    """A `<time>` with relative words."""
    return kit.moment(at)


@register.filter
def pretty_json(value: Any) -> str:
    """JSON as people read it."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


@register.filter
def is_mapping(value: Any) -> bool:
    """Whether the value is an object with keys."""
    return isinstance(value, dict)


@register.filter
def is_sequence(value: Any) -> bool:
    """Whether the value is a list."""
    return isinstance(value, list)


@register.filter
def clock(at: datetime) -> SafeString:
    """A `<time>` that shows day and minute; the year stands above it."""
    return kit.clock(at)

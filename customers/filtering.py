"""The filter language over a project's customers: lists, exports and segments all come through here."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import Q

from config.filters.compiler import to_q
from config.filters.days import Moment
from config.filters.fields import Scope
from config.filters.parser import parse
from config.project.models import Project
from customers import fields


def scope_of(project: Project, at: datetime) -> Scope:
    """The project's rows, zone and fields at this instant."""
    return Scope(project.pk, Moment(at, ZoneInfo(project.timezone)), fields.of(project))


def condition(project: Project, filters: object, at: datetime, *, path: str) -> Q:
    """The condition of a list's or export's `filters`, where a missing junction is `and`. Raises InvalidFilter."""
    scope = scope_of(project, at)
    return to_q(parse(filters, scope.fields, path=path, default_junction="and"), scope)

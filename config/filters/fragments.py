"""A condition as finished SQL, to be kept and put into statements written by hand.

Making a condition costs a thousand times what asking it costs: Django resolves and compiles every piece of it. A
fragment is made once. Its values are quoted into its text by psycopg, as Django's cursors do with every statement's
values; only bounds relative to now stay open and are sent each time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet
from django.db.models.expressions import Combinable

from config.filters.days import Moment
from config.filters.late import Late

_TOKENS = re.compile(r"(%s|%%)")


@dataclass(frozen=True, slots=True)
class Bound:
    """A condition for one statement: its text, with `%s` for each of its values."""

    text: str
    values: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Fragment:
    """text: names the table of the rows by its own name; every `%` that is no place is doubled."""

    text: str
    places: tuple[Late, ...] = ()

    def at(self, moment: Moment) -> Bound | None:
        """The condition at a moment; None: it has to be made anew."""
        if not self.places:
            return Bound(self.text)
        found: dict[int, list[Any]] = {}
        for place in self.places:
            if id(place.condition) not in found:
                values = place.condition.values(moment)
                if values is None:
                    return None
                found[id(place.condition)] = values
        return Bound(self.text, tuple(found[id(place.condition)][place.index] for place in self.places))


def of(condition: Q, rows: QuerySet[Any]) -> Fragment:
    """Compile a condition on the rows."""
    return of_expression(ExpressionWrapper(condition, BooleanField()), rows)


def of_expression(expression: Combinable, rows: QuerySet[Any]) -> Fragment:
    """Compile an expression over the rows."""
    query = rows.order_by().annotate(made=expression).values_list("made").query
    compiler = query.get_compiler(connection=connection)
    compiler.setup_query()
    [(_, (sql, params), _)] = compiler.select
    return _finished(sql, list(params))


def _finished(sql: str, params: list[Any]) -> Fragment:
    waiting = iter(params)
    written, places = [], []
    with connection.cursor() as cursor:
        for token in _TOKENS.split(sql):
            value = next(waiting) if token == "%s" else None  # noqa: S105  a place of a statement
            if isinstance(value, Late):
                places.append(value)
                written.append(token)
            elif token == "%s":  # noqa: S105
                written.append(cursor.mogrify("%s", [value]).replace("%", "%%"))
            else:
                written.append(token)
    return Fragment("".join(written), tuple(places))

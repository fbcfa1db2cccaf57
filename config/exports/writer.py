"""Rows as CSV, straight out of COPY, in pieces: memory stays flat, and no snapshot is held for long."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any, Final

from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import F, Q, QuerySet

from config.exports.columns import header, safe
from config.exports.requests import ExportRequest

PIECE: Final = 25_000
"""Rows read in one transaction."""


def header_line(request: ExportRequest, *, raw: bool) -> bytes:
    """The first line; raw: fields by their names instead of in Title Case."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(header(column.name, raw=raw) for column in request.columns)
    return out.getvalue().encode()


def pieces(request: ExportRequest, *, safe_cells: bool, size: int = PIECE) -> Iterator[Iterator[bytes]]:
    """Yield runs of CSV lines. Consume each before the next: every run is a transaction of its own.

    safe_cells: put a quote before cells that a spreadsheet might run.
    """
    column, descending = request.column, request.descending
    nulls = {"nulls_last": True} if request.nulls_last else {}
    by = F(column).desc(**nulls) if descending else F(column).asc(**nulls)
    rows = request.rows.order_by(by, "-pk" if descending else "pk")
    if not request.keyset:
        yield _copy(_selected(rows, request, safe_cells))
        return
    after: tuple[Any, int] | None = None
    while True:
        rest = rows if after is None else rows.filter(_beyond(column, after, descending))
        last = rest.values_list(column, "pk")[size - 1 : size].first()
        run = rest if last is None else rest.filter(~_beyond(column, last, descending))
        yield _copy(_selected(run, request, safe_cells))
        if last is None:
            return
        after = last


def count(request: ExportRequest) -> int:
    """How many rows there are to write."""
    return int(request.rows.count())


def _beyond(column: str, key: tuple[Any, int], descending: bool) -> Q:
    """Rows after the key in this order, in a form that an index on (column, pk) serves."""
    value, pk = key
    direction = "lt" if descending else "gt"
    return Q(**{f"{column}__{direction}e": value}) & (
        Q(**{f"{column}__{direction}": value}) | Q(**{f"pk__{direction}": pk})
    )


def _selected(rows: QuerySet[Any], request: ExportRequest, safe_cells: bool) -> QuerySet[Any]:
    cells = {
        f"cell_{index}": safe(column.expression()) if safe_cells and column.free_text else column.expression()
        for index, column in enumerate(request.columns)
    }
    selected: QuerySet[Any] = rows.annotate(**cells).values_list(*cells)
    return selected


def _copy(rows: QuerySet[Any]) -> Iterator[bytes]:
    try:
        sql, parameters = rows.query.sql_with_params()
    except EmptyResultSet:  # conditions that contradict each other need no database to be told so
        return
    with (
        transaction.atomic(),
        connection.cursor() as cursor,
        connection.wrap_database_errors,
        cursor.copy(f"COPY ({sql}) TO STDOUT (FORMAT csv, ENCODING 'UTF8')", parameters) as copy,
    ):
        for block in copy:
            yield bytes(block)

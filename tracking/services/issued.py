"""The tokens that were issued, read and stored with few and short statements: every validation begins here.

Hand-written SQL: building the same statements with the ORM took longer than running them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from typing import Final

from django.db import connection

from config.project import prepared, statements
from config.project.models import Project
from customers.models import Customer


@dataclass(frozen=True, slots=True)
class Issued:
    """One stored token. customer_id: the row id of the living customer behind it, bound or found by its source id.

    bound: whether that customer is bound to the token itself. alias_of: the token that it stands for.
    """

    pk: int
    token: str
    source_id: str | None
    customer_id: int | None
    bound: bool
    alias_of: str | None
    last_seen_at: datetime


_INSERT: Final = """
INSERT INTO tracking_trackingidentity (project_id, token, source_id, customer_id, created_at, last_seen_at)
SELECT %s, %s, %s, %s::bigint, %s, %s ON CONFLICT DO NOTHING RETURNING id
"""
_INSERT_UNHURRIED: Final = _INSERT.replace(
    "ON CONFLICT", "WHERE set_config('synchronous_commit', 'off', true) = 'off' ON CONFLICT"
)
"""Without waiting for the disk; the COMMIT of a redemption, if one follows, takes the row there with it."""


class Book:
    """The stored tokens that some values are or stand for, read at once; customers are read when they are asked for."""

    def __init__(self, project: Project, values: Iterable[str | None]) -> None:
        self.project = project
        self._by_token: dict[str, Issued] = {}
        self._by_source: dict[str, Issued] = {}
        self._customers: dict[int, Customer] = {}
        self.read(values)

    def read(self, values: Iterable[str | None]) -> None:
        """Read more."""
        wanted = sorted({value for value in values if value})
        if not wanted:
            return
        for row in prepared.fetch(_read(), {"project": self.project.pk, "values": prepared.text_array(wanted)}):
            token = Issued(*row[:WIDTH])
            self._keep(token)
            if token.customer_id is not None:
                self._customers[token.customer_id] = statements.load(Customer, row[WIDTH:])

    def token(self, value: str | None) -> Issued | None:
        """The token of this name, if it was ever issued."""
        return self._by_token.get(value or "")

    def source(self, value: str | None) -> Issued | None:
        """The token of this raw identity."""
        return self._by_source.get(value or "")

    def meant(self, row: Issued) -> Issued:
        """What the token stands for: itself, or the identity that its visitor turned out to be."""
        return self._by_token.get(row.alias_of or "", row)

    def customer(self, row: Issued) -> Customer | None:
        """The living customer behind the token."""
        return self._customers.get(row.customer_id or 0)

    def insert(self, token: str, source_id: str | None, customer: Customer | None, at: datetime) -> Issued:
        """Store a token once, whoever else is storing it now."""
        customer_id = None if customer is None else customer.pk
        statement = _INSERT if connection.in_atomic_block else _INSERT_UNHURRIED
        made = prepared.fetch(statement, [self.project.pk, token, source_id, customer_id, at, at])
        if made:
            self._keep(Issued(made[0][0], token, source_id, customer_id, customer is not None, None, at))
            if customer is not None:
                self._customers[customer.pk] = customer
        else:
            self.read([token, source_id])
        return self._by_token.get(token) or self._by_source[source_id or ""]

    def _keep(self, row: Issued) -> None:
        self._by_token[row.token] = row
        if row.source_id is not None:
            self._by_source[row.source_id] = row


def customer_by_id(project: Project, public_id: str) -> Customer | None:
    """The living customer of this public id."""
    return _customer("public_id", project, public_id)


def customer_by_source(project: Project, source_id: str) -> Customer | None:
    """The living customer of this source id."""
    return _customer("source_id", project, source_id)


def _customer(column: str, project: Project, value: str) -> Customer | None:
    rows = prepared.fetch(_customer_by(column), [project.pk, value])
    return statements.load(Customer, rows[0]) if rows else None


@cache
def _customer_by(column: str) -> str:
    columns = statements.columns(Customer, "c")
    return (
        f"SELECT {columns} FROM customers_customer c"  # noqa: S608  our own names
        f" WHERE c.project_id = %s AND c.{column} = %s AND c.deleted_at IS NULL"
    )


@cache
def _read() -> str:
    """The statement of `Book.read`: the tokens named, those of the identities named, and those that they stand for."""
    return f"""
        SELECT i.id, i.token, i.source_id, c.id, bound.id IS NOT NULL, meant.token, i.last_seen_at,
            {statements.columns(Customer, "c")}
        FROM tracking_trackingidentity i
        LEFT JOIN tracking_trackingidentity meant ON meant.id = i.alias_of_id
        LEFT JOIN customers_customer bound ON bound.id = i.customer_id AND bound.deleted_at IS NULL
        LEFT JOIN customers_customer named ON bound.id IS NULL AND named.project_id = %(project)s
            AND named.source_id = coalesce(i.source_id, i.token) AND named.deleted_at IS NULL
        LEFT JOIN customers_customer c ON c.id = coalesce(bound.id, named.id)
        WHERE i.id IN (
            SELECT t.id FROM tracking_trackingidentity t
            WHERE t.project_id = %(project)s AND t.token = ANY(%(values)s::text[])
            UNION ALL
            SELECT t.id FROM tracking_trackingidentity t
            WHERE t.project_id = %(project)s AND t.source_id = ANY(%(values)s::text[])
            UNION ALL
            SELECT t.alias_of_id FROM tracking_trackingidentity t
            WHERE t.project_id = %(project)s AND t.token = ANY(%(values)s::text[])
        )
    """  # noqa: S608  our own names


WIDTH: Final = len(fields(Issued))
"""Columns of the statement before the customer's."""

"""Pieces of SQL as Django expressions. Templates are constants of ours; whatever a user sent is a parameter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import Expression, F, JSONField
from django.db.models.expressions import Combinable
from django.db.models.sql.compiler import SQLCompiler

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

BOOLEAN = models.BooleanField()
JSON = JSONField()
TEXT = models.TextField()


class Param(Expression):
    """A value, always sent beside the statement, with the PostgreSQL type it has there."""

    def __init__(self, value: object, sql_type: str) -> None:
        super().__init__(output_field=TEXT)
        self.value = value
        self.sql_type = sql_type

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, tuple[Any, ...]]:
        return f"%s::{self.sql_type}", (self.value,)


class Sql(Expression):
    """A constant template whose `{}` are filled, in order, by other expressions or by columns' names."""

    def __init__(self, template: str, *parts: Combinable | str, output_field: models.Field[Any, Any] = BOOLEAN) -> None:
        super().__init__(output_field=output_field)
        self.template = template
        self.parts: list[Any] = [F(part) if isinstance(part, str) else part for part in parts]

    def get_source_expressions(self) -> list[Any]:
        return self.parts

    def set_source_expressions(self, exprs: Sequence[Any]) -> None:
        self.parts = list(exprs)

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, tuple[Any, ...]]:
        texts = self.template.split("{}")
        written, params = [texts[0]], list[Any]()
        for part, text in zip(self.parts, texts[1:], strict=True):
            sql, part_params = compiler.compile(part)
            written += [sql, text]
            params += part_params
        return "".join(written), tuple(params)

    def copy(self) -> Self:
        clone = super().copy()
        clone.parts = list(self.parts)
        return clone


FALSE = Sql("FALSE")


def all_of(parts: Sequence[Combinable]) -> Sql:
    """Every part holds."""
    return Sql("(" + " AND ".join("{}" for _ in parts) + ")", *parts) if parts else Sql("TRUE")


def any_of(parts: Sequence[Combinable]) -> Sql:
    """At least one part holds."""
    return Sql("(" + " OR ".join("{}" for _ in parts) + ")", *parts) if parts else FALSE


def known_and(expression: Combinable, condition: Combinable) -> Sql:
    """The condition, and false instead of NULL where the expression is NULL; both sides stay open to indexes."""
    return Sql("({} IS NOT NULL AND {})", expression, condition)

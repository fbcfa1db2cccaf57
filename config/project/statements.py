"""Statements written by hand for the hot paths, where a round trip or the ORM's compiler costs more than the work.

Reading: a model's columns, and its instance from a row. Writing: several writes as one statement; each app says its own
part, the caller joins them, and the database checks foreign keys between the parts when the statement ends. Names of
columns come from the models, values are parameters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

import orjson
from django.db import connection
from django.db.models import JSONField, Model

ModelT = TypeVar("ModelT", bound=Model)


@dataclass(frozen=True, slots=True)
class Part:
    """One write with its RETURNING, and its parameters."""

    sql: str
    params: tuple[Any, ...]


def insert(rows: Sequence[Model], links: Mapping[str, str] | None = None) -> Part:
    """The insertion of unsaved rows of one model, whose keys rise in the order of the rows.

    links: column → name of the part whose only row it refers to, in place of the row's own value.
    """
    fields, linked = _columns(type(rows[0])), links or {}
    places = [_link(linked[column]) if column in linked else place for _, column, place in fields]
    params = [
        _plain(getattr(row, name), place) for row in rows for name, column, place in fields if column not in linked
    ]
    values = ", ".join([f"({', '.join(places)})"] * len(rows))
    return Part(f"{_head(type(rows[0]))} VALUES {values} RETURNING id", tuple(params))


def run(parts: Mapping[str, Part]) -> dict[str, list[int]]:
    """Execute the parts under their names; returns the keys of the rows that each wrote, rising."""
    texts = ", ".join(f"{name} AS ({part.sql})" for name, part in parts.items())
    answers = ", ".join(f"(SELECT array_agg(id ORDER BY id) FROM {name})" for name in parts)  # noqa: S608
    params = [param for part in parts.values() for param in part.params]
    with connection.cursor() as cursor:
        cursor.execute(f"WITH {texts} SELECT {answers}", params)
        return {name: written or [] for name, written in zip(parts, cursor.fetchone(), strict=True)}


def columns(model: type[Model], alias: str) -> str:
    """The columns of a model for a SELECT, in the order that `load` expects."""
    return ", ".join(f'{alias}."{field.column}"' for field in model._meta.concrete_fields)


@cache
def names(model: type[Model]) -> tuple[str, ...]:
    """The attributes of `columns`, in the same order."""
    return tuple(field.attname for field in model._meta.concrete_fields)


def load(model: type[ModelT], values: Sequence[Any]) -> ModelT:
    """The instance of a row of `columns`."""
    plain = list(values)
    for index in _json_places(model):
        if isinstance(plain[index], str):
            plain[index] = orjson.loads(plain[index])
    return model.from_db(connection.alias, names(model), plain)


@cache
def _json_places(model: type[Model]) -> tuple[int, ...]:
    fields = model._meta.concrete_fields
    return tuple(index for index, field in enumerate(fields) if isinstance(field, JSONField))


def mark_saved(row: Model, pk: int) -> None:
    """Make an instance that was written by `insert` a saved one."""
    row.pk = pk
    row._state.adding = False
    row._state.db = connection.alias


@cache
def _columns(model: type[Model]) -> tuple[tuple[str, str, str], ...]:
    """(attribute, column, placeholder) of what an insertion sets."""
    return tuple(
        (field.attname, str(field.column), "%s::jsonb" if isinstance(field, JSONField) else "%s")
        for field in model._meta.concrete_fields
        if not field.primary_key and not field.generated
    )


@cache
def _head(model: type[Model]) -> str:
    listed = ", ".join(f'"{column}"' for _, column, _ in _columns(model))
    return f'INSERT INTO "{model._meta.db_table}" ({listed})'


def _link(name: str) -> str:
    return f"(SELECT id FROM {name})"  # noqa: S608  a name of our own code


def _plain(value: Any, place: str) -> Any:
    return orjson.dumps(value).decode() if place == "%s::jsonb" and value is not None else value

"""Statements written by hand for the hot paths, where a round trip or the ORM's compiler costs more than the work.

Reading: a model's columns, and its instance from a row. Writing: several writes as one statement; each app says its own
part, the caller joins them, and the database checks foreign keys between the parts when the statement ends. Names of
columns come from the models, values are parameters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Final, TypeVar

import orjson
from django.db import DataError, connection
from django.db.models import Field, JSONField, Model
from django.db.models.base import ModelState

from config.project import prepared
from config.project.fields import PublicIdField
from config.project.transactions import sqlstate

ModelT = TypeVar("ModelT", bound=Model)
DIVISION_BY_ZERO: Final = "22012"


@dataclass(frozen=True, slots=True)
class Part:
    """One write with its RETURNING, and its parameters."""

    sql: str
    params: tuple[Any, ...]


def insert(
    rows: Sequence[Model], links: Mapping[str, str] | None = None, conflict: str = "", *, after: str = ""
) -> Part:
    """The insertion of unsaved rows of one model, whose keys rise in the order of the rows.

    links: column → name of the part whose only row it refers to, in place of the row's own value.
    conflict: an ON CONFLICT clause of our own code. after: name of the part without whose row nothing is written.
    """
    model = type(rows[0])
    linked = tuple(sorted(links.items())) if links else ()
    sql, names_of_values = _insertion(model, len(rows), linked, conflict, after)
    params = [_plain(getattr(row, name), is_json) for row in rows for name, is_json in names_of_values]
    return Part(sql, tuple(params))


class NothingWritten(Exception):
    """The part without which the others are nothing wrote no row, and so nothing was written."""


def run(parts: Mapping[str, Part], *, required: str = "") -> dict[str, list[int]]:
    """Execute the parts under their names; returns the keys of the rows that each wrote, rising.

    required: name of a part that must write a row; else NothingWritten is raised, with no transaction of the caller's
    needed to undo the others. Integers go as texts whose type the place says: else each of their sizes would be another
    statement to prepare.
    """
    params = [str(param) if type(param) is int else param for part in parts.values() for param in part.params]
    shape = tuple((name, part.sql) for name, part in parts.items())
    try:
        if prepared.is_direct():
            rows = prepared.fetch_numbered(_joined(shape, required, numbered=True), params)
        else:
            rows = prepared.fetch(_joined(shape, required, numbered=False), params)
    except DataError as error:
        if required and sqlstate(error) == DIVISION_BY_ZERO:
            raise NothingWritten(required) from error
        raise
    return {name: written or [] for name, written in zip(parts, rows[0][: len(parts)], strict=True)}


@lru_cache(maxsize=256)
def _joined(shape: tuple[tuple[str, str], ...], required: str, *, numbered: bool) -> str:
    texts = ", ".join(f"{name} AS ({sql})" for name, sql in shape)
    answers = ", ".join(f"(SELECT array_agg(id ORDER BY id) FROM {name})" for name, _ in shape)  # noqa: S608
    if required:
        answers += f", 1 / (SELECT count(*) FROM {required})"  # noqa: S608  the shortest way for a statement to fail
    whole = f"WITH {texts} SELECT {answers}"
    if not numbered:
        return whole
    first, *others = whole.split("%s")
    return first + "".join(f"${number}{text}" for number, text in enumerate(others, 1))


@lru_cache(maxsize=256)
def _insertion(
    model: type[Model], count: int, linked: tuple[tuple[str, str], ...], conflict: str, after: str
) -> tuple[str, tuple[tuple[str, bool], ...]]:
    """The text, and (attribute, whether it is JSON) of each row's values."""
    sources, fields = dict(linked), _columns(model)
    places = [_link(sources[column]) if column in sources else place for _, column, place in fields]
    source = "VALUES " + ", ".join([f"({', '.join(places)})"] * count)
    if after:
        source = f"SELECT * FROM ({source}) AS sent WHERE EXISTS (SELECT FROM {after})"  # noqa: S608  our own names
    names_of_values = tuple((name, "jsonb" in place) for name, column, place in fields if column not in sources)
    return f"{_head(model)} {source} {conflict} RETURNING id", names_of_values


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
    row = _bare(model, dict(zip(names(model), plain, strict=True)))
    row._state.adding = False
    row._state.db = connection.alias
    return row


def make(model: type[ModelT], related: Mapping[str, Model | None] | None = None, **given: Any) -> ModelT:
    """An unsaved instance of these attributes, the others at their defaults. related: instances by their field."""
    for name, other in (related or {}).items():
        given[f"{name}_id"] = None if other is None else other.pk
    values = {name: fresh() if fresh else constant for name, constant, fresh in _blanks(model) if name not in given}
    row = _bare(model, values | given)
    row._state.fields_cache.update(related or {})
    return row


def _bare(model: type[ModelT], values: dict[str, Any]) -> ModelT:
    """What `Model.__init__` makes of plain attributes, without its looks at each field: it takes ten times as long."""
    row = model.__new__(model)
    row.__dict__ = values
    row._state = ModelState()
    return row


@cache
def _blanks(model: type[Model]) -> tuple[tuple[str, Any, Callable[[], Any] | None], ...]:
    """(attribute, its default, what makes a new one where it is not always the same) of the columns to be written."""
    fields = [field for field in model._meta.concrete_fields if not field.generated]
    varies = [callable(field.default) or isinstance(field, PublicIdField) for field in fields]
    return tuple(
        (field.attname, None, field.get_default) if each else (field.attname, field.get_default(), None)
        for field, each in zip(fields, varies, strict=True)
    )


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
    """(attribute, column, place) of what an insertion sets; the place says its type, for where several rows meet."""
    return tuple(
        (field.attname, str(field.column), f"%s::{type_of(field)}")
        for field in model._meta.concrete_fields
        if not field.primary_key and not field.generated
    )


def type_of(field: Field[Any, Any]) -> str:
    """The column's type without its length: a cast to that would cut what is too long, instead of refusing it."""
    return re.sub(r"\(\d+(,\d+)?\)", "", str(field.db_type(connection)))


@cache
def _head(model: type[Model]) -> str:
    listed = ", ".join(f'"{column}"' for _, column, _ in _columns(model))
    return f'INSERT INTO "{model._meta.db_table}" ({listed})'


def _link(name: str) -> str:
    return f"(SELECT id FROM {name})"  # noqa: S608  a name of our own code


def _plain(value: Any, is_json: bool) -> Any:
    return orjson.dumps(value).decode() if is_json and value is not None else value

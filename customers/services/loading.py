"""The one set-based upsert: any number of staged rows become customers in one statement.

What a row asks for is worked out against the row as it stands at that moment, so two writers of different fields of
one customer both win; only rows that change are written; `updated_at` and `version` move with them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any, Final

from django.db import connection
from django.db.models import Field

from config.project import prepared, statements
from config.project.models import Project
from customers.models import Customer
from customers.staging import (
    BITS,
    COPY_COLUMNS,
    SCALARS,
    Folded,
    Profile,
    StagedRow,
    chains,
    copy_text,
    fold,
    to_json,
)

COPY_FROM: Final = 200
"""From this many rows on COPY into a temporary table is quicker than a JSON parameter."""

ROWS_PER_MILLISECOND: Final = 50
"""Rows of one load get distinct times, this many each: cursors over `created_at` stay exact after an import."""

ATTEMPTS: Final = 5

NESTED_LOOPS: Final = (
    "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL enable_seqscan = off;"
    " SET LOCAL enable_bitmapscan = off"
)
ANY_JOINS: Final = NESTED_LOOPS.replace(" off", " DEFAULT")
"""The planner knows nothing about the staged rows and, while a table grows, little about it: left alone it reads the
whole table for every batch sooner or later. Two index look-ups a row are right at every size. The first is a LATERAL
with LIMIT, which cannot become anything else: as a join it was once the whole project compared with every staged row,
because the statistics knew the project as empty.
"""

COLUMN_TYPES: Final = {
    **dict.fromkeys(COPY_COLUMNS, "text"),
    **{"row": "bigint", "given": "integer", "birthdate": "date", "birthday": "date"},
    **{"address": "jsonb", "metadata": "jsonb", "metadata_replaced": "boolean"},
    **{"address_removed": "text[]", "metadata_removed": "text[]", "nulled": "text[]"},
}


class Existing(Enum):
    """Which rows of a load are written."""

    BOTH = "both"
    ADD = "add"
    UPDATE = "update"


@dataclass(slots=True)
class Loaded:
    """What became of the rows.

    unknown: numbers of rows whose `id` belongs to no customer; nothing was written. created_keys: row ids.
    """

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    unknown: list[int] = field(default_factory=list)
    created_keys: list[int] = field(default_factory=list)


def load(
    *,
    project: Project,
    rows: Sequence[StagedRow],
    at: datetime,
    existing: Existing = Existing.BOTH,
    import_file: int | None = None,
) -> Loaded:
    """Write the rows in one transaction of the caller's; every key at most once (`staging.fold`).

    at: aware; row n gets it plus n ÷ 50 milliseconds. import_file: row id of the import to note with who is written.
    """
    loaded = Loaded()
    waiting = rows
    for _ in range(ATTEMPTS):
        with connection.cursor() as cursor:
            source = _bring(cursor, waiting)
            parameters = _parameters(project, at, existing) | {"rows": source.json, "import_file": import_file}
            if source.from_table:
                cursor.execute(NESTED_LOOPS)
            answer = "counts" if import_file is None else "noted counts"
            cursor.execute(_statement(source.from_table, answer), parameters)
            created_keys, updated, missing, unknown = cursor.fetchone() or ([], 0, 0, [])
            if source.from_table:
                cursor.execute(ANY_JOINS)
        loaded.created += len(created_keys)
        loaded.created_keys += created_keys
        loaded.updated += updated
        loaded.unknown += unknown
        if missing == len(created_keys) or existing is Existing.UPDATE:
            break
        # Somebody else created the rest between our look and our insert: they exist now, look again.
        waiting = [row for row in waiting if row.row not in set(loaded.unknown)]
    loaded.unchanged = len(rows) - loaded.created - loaded.updated - len(loaded.unknown)
    return loaded


def load_in_order(
    *,
    project: Project,
    rows: Iterable[StagedRow],
    at: datetime,
    existing: Existing = Existing.BOTH,
    import_file: int | None = None,
) -> Loaded:
    """As `load`, for rows that may share keys: later ones win, and each counts as what it would have done alone.

    Rows with an `id` go after the others: both may mean one customer, and a statement touches a customer once.
    """
    by_source: list[StagedRow] = []
    by_id: list[StagedRow] = []
    total = Loaded()
    found = chains(rows)
    repeated = {key: chain for key, chain in found.items() if len(chain) > 1}
    folded = _fold(project, repeated, existing)
    for key, chain in found.items():
        row = folded[key].row if key in folded else chain[0]
        (by_source if row.id is None else by_id).append(row)
    for group in (by_source, by_id):
        if group:
            loaded = load(project=project, rows=group, at=at, existing=existing, import_file=import_file)
            total.created += loaded.created
            total.created_keys += loaded.created_keys
            total.updated += loaded.updated
            total.unchanged += loaded.unchanged
            total.unknown += loaded.unknown
    _count_each(total, repeated, folded)
    return total


def _fold(
    project: Project, repeated: Mapping[tuple[str, object], list[StagedRow]], existing: Existing
) -> dict[tuple[str, object], Folded]:
    """Each chain as one row, beside the profile as it stands; the profiles stay locked until the caller's commit."""
    if not repeated:
        return {}
    rows = Customer.objects.of(project).alive().select_for_update(no_key=True).order_by("pk")
    known: dict[tuple[str, object], Profile] = {}
    for kind, column in (("source_id", "source_id"), ("id", "public_id")):
        if keys := [key for known_kind, key in repeated if known_kind == kind]:
            for customer in rows.filter(**{f"{column}__in": keys}):
                known[kind, getattr(customer, column)] = profile_of(customer)
    adds, updates = existing is not Existing.UPDATE, existing is not Existing.ADD
    return {key: fold(known.get(key), chain, adds=adds, updates=updates) for key, chain in repeated.items()}


def _count_each(
    total: Loaded,
    repeated: Mapping[tuple[str, object], list[StagedRow]],
    folded: Mapping[tuple[str, object], Folded],
) -> None:
    """Put the counts of all rows of a chain in place of that of the one row that was loaded."""
    unknown = set(total.unknown)
    for key, (row, counts, says) in folded.items():
        if row.row in unknown:
            total.unknown += [other.row for other in repeated[key] if other.row != row.row]
            continue
        created, updated, unchanged = (count - (says == place) for place, count in enumerate(counts))
        total.created += created
        total.updated += updated
        total.unchanged += unchanged


def profile_of(customer: Customer) -> Profile:
    """The fields a row is merged into."""
    return Profile(
        name=customer.name,
        description=customer.description,
        email=customer.email,
        phone=customer.phone,
        birthdate=None if customer.birthdate is None else customer.birthdate.isoformat(),
        birthday=None if customer.birthday is None else customer.birthday.isoformat(),
        address=customer.address,
        metadata=customer.metadata,
        nulled=tuple(customer.nulled_fields),
    )


def write(*, project: Project, row: StagedRow, at: datetime) -> Customer | None:
    """Write one row and return the customer, or None when nothing was written: equal already, or just created by
    somebody else.
    """
    parameters = _parameters(project, at, Existing.BOTH) | {"rows": to_json([row]).decode()}
    written = prepared.fetch(_statement(False, "customers"), parameters)
    return statements.load(Customer, written[0]) if written else None


@dataclass(frozen=True, slots=True)
class _Source:
    from_table: bool
    json: str | None


def _bring(cursor: Any, rows: Sequence[StagedRow]) -> _Source:
    if len(rows) < COPY_FROM:
        return _Source(False, to_json(rows).decode())
    columns = ", ".join(f'"{name}" {kind}' for name, kind in COLUMN_TYPES.items())
    cursor.execute(f"CREATE TEMPORARY TABLE IF NOT EXISTS customer_staging ({columns}) ON COMMIT DELETE ROWS")
    cursor.execute("DELETE FROM customer_staging")  # of this transaction; a commit empties it
    names = ", ".join(f'"{name}"' for name in COPY_COLUMNS)
    with connection.wrap_database_errors, cursor.copy(f"COPY customer_staging ({names}) FROM STDIN") as copy:
        copy.write(copy_text(rows))
    return _Source(True, None)


def _parameters(project: Project, at: datetime, existing: Existing) -> dict[str, Any]:
    return {
        "project": project.pk,
        "at": at,
        "adds": existing is not Existing.UPDATE,
        "updates": existing is not Existing.ADD,
    }


COUNTS: Final = """SELECT array(SELECT id FROM added), (SELECT count(*) FROM changed),
    (SELECT count(*) FROM matched WHERE customer_id IS NULL AND id IS NULL),
    array(SELECT u.row FROM matched u WHERE u.customer_id IS NULL AND u.id IS NOT NULL ORDER BY u.row)"""
NOTED: Final = """, noted AS (
    INSERT INTO customers_importedcustomer (import_file_id, customer_id, created)
    SELECT %(import_file)s, id, true FROM added UNION ALL SELECT %(import_file)s, id, false FROM changed
    ON CONFLICT DO NOTHING
) """


@cache
def _statement(from_table: bool, answer: str) -> str:
    """The SQL. answer: `counts` for a load, `noted counts` for one of an import, `customers` for the rows written."""
    if from_table:
        source = "SELECT * FROM customer_staging"
    else:
        columns = ", ".join(f'"{name}" {kind}' for name, kind in COLUMN_TYPES.items())
        source = f"SELECT * FROM jsonb_to_recordset(%(rows)s::jsonb) AS sent ({columns})"  # noqa: S608
    merged = _merged()
    old = ", ".join("c.nulled_fields::text[]" if name == "nulled_fields" else f"c.{name}" for name in merged)
    new = ", ".join(merged.values())
    sets = ", ".join(f"{name} = {expression}" for name, expression in merged.items())
    inserted = _inserted()
    returned = ", ".join(f'"{column.column}"' for column in Customer._meta.concrete_fields)
    moment = f"%(at)s::timestamptz + m.row / {ROWS_PER_MILLISECOND} * interval '1 millisecond'"
    tail = {
        "counts": COUNTS,
        "noted counts": NOTED + COUNTS,
        "customers": f"SELECT {returned} FROM changed UNION ALL SELECT {returned} FROM added",  # noqa: S608
    }[answer]
    changed_returns, added_returns = (_aliased("c"), returned) if answer == "customers" else ("c.id", "id")
    return f"""
        WITH staged AS MATERIALIZED ({source}), matched AS MATERIALIZED (
            SELECT s.*, c.id AS customer_id FROM staged s LEFT JOIN LATERAL (
                SELECT c.id FROM customers_customer c
                WHERE c.project_id = %(project)s AND c.source_id = s.source_id AND c.deleted_at IS NULL LIMIT 1
            ) c ON true WHERE s.id IS NULL
            UNION ALL
            SELECT s.*, c.id AS customer_id FROM staged s LEFT JOIN LATERAL (
                SELECT c.id FROM customers_customer c
                WHERE c.project_id = %(project)s AND c.public_id = s.id AND c.deleted_at IS NULL LIMIT 1
            ) c ON true WHERE s.id IS NOT NULL
        ), changed AS (
            UPDATE customers_customer c SET {sets}, updated_at = {moment}, version = c.version + 1
            FROM (SELECT * FROM matched ORDER BY customer_id) m
            WHERE c.id = m.customer_id AND c.deleted_at IS NULL AND %(updates)s AND ({old}) IS DISTINCT FROM ({new})
            RETURNING {changed_returns}
        ), added AS (
            INSERT INTO customers_customer ({", ".join(inserted)})
            SELECT {", ".join(inserted.values()).replace("%(moment)s", moment)} FROM matched m
            WHERE m.customer_id IS NULL AND m.id IS NULL AND %(adds)s ORDER BY m.source_id
            ON CONFLICT (project_id, source_id) WHERE deleted_at IS NULL DO NOTHING
            RETURNING {added_returns}
        ) {tail}"""  # noqa: S608  (names come from our own tables of fields)


def _aliased(alias: str) -> str:
    return ", ".join(f'{alias}."{column.column}"' for column in Customer._meta.concrete_fields)


def _merged() -> dict[str, str]:
    """Column → its value after row `m` went into customer `c`; the same rules as `staging.merge`."""
    merged = {}
    for name in SCALARS:
        merged[name] = f"CASE WHEN m.given & {BITS[name]} <> 0 THEN m.{name} ELSE c.{name} END"
    merged["email_key"] = f"CASE WHEN m.given & {BITS['email']} <> 0 THEN m.email_key ELSE c.email_key END"
    merged["address"] = f"""CASE WHEN m.given & {BITS["address"]} = 0 THEN c.address WHEN m.address IS NULL THEN NULL
        ELSE nullif((coalesce(c.address, '{{}}') - m.address_removed) || m.address, '{{}}') END"""
    merged["metadata"] = f"""CASE WHEN m.given & {BITS["metadata"]} = 0 THEN c.metadata
        WHEN c.metadata IS NULL THEN nullif(m.metadata, '{{}}')
        WHEN m.metadata_replaced THEN m.metadata
        ELSE (c.metadata - m.metadata_removed) || m.metadata END"""
    merged["nulled_fields"] = """CASE WHEN m.nulled <@ c.nulled_fields::text[] THEN c.nulled_fields::text[]
        ELSE array(SELECT DISTINCT unnest(c.nulled_fields::text[] || m.nulled) ORDER BY 1) END"""
    return merged


def _inserted() -> dict[str, str]:
    """Column → its value in a new customer made of row `m`; counters start at their defaults."""
    values = {name: f"m.{name}" for name in ("public_id", "source_id", "email_key", *SCALARS)}
    values |= {
        "project_id": "%(project)s",
        "address": "nullif(m.address, '{}')",
        "metadata": "nullif(m.metadata, '{}')",
        "nulled_fields": "m.nulled",
        "created_at": "%(moment)s",
    }
    for column in Customer._meta.concrete_fields:
        name = str(column.column)
        if name not in values and not column.primary_key and not column.generated:
            values[name] = default_of(column)
    return values


def default_of(column: Field[Any, Any]) -> str:
    """The default of a column, as SQL."""
    default = column.get_default()
    return {dict: "'{}'", int: str(default), type(None): "NULL"}[type(default)]

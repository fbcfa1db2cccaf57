"""Pure: one row on its way into the table, made of a wire's customer or of a line of a file.

A `StagedRow` says what to do with each field; `customers.services.loading` does it for any number of rows in one
statement, and `merge` here says in Python what that statement will do, for dry runs and to spare a write.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import reduce
from typing import Any, Final, NamedTuple

import orjson

from config.kernel.instants import parse_date
from customers.payloads import ADDRESS_KEYS, CustomerData, Unset, email_key

FIELDS: Final = ("name", "description", "email", "phone", "birthdate", "birthday", "address", "metadata")
BITS: Final[Mapping[str, int]] = {name: 1 << position for position, name in enumerate(FIELDS)}
SCALARS: Final = FIELDS[:6]
EVERY_FIELD: Final = (1 << len(FIELDS)) - 1


class StagedRow(NamedTuple):
    """given: bits of the fields to write (BITS); a given field that is None is cleared, the others are kept.

    address and metadata are merged key by key after the `removed` keys were taken out; `replaced` drops the stored
    metadata first. nulled: fields set to null by the wire, sorted, which answers show as null from then on.
    row: the number by which the caller knows it; public_id: the id it gets if it is new. Dates are YYYY-MM-DD.
    """

    row: int
    public_id: str
    id: str | None = None
    source_id: str | None = None
    given: int = 0
    name: str | None = None
    description: str | None = None
    email: str | None = None
    phone: str | None = None
    birthdate: str | None = None
    birthday: str | None = None
    address: Mapping[str, str | None] | None = None
    metadata: Mapping[str, Any] | None = None
    address_removed: tuple[str, ...] = ()
    metadata_removed: tuple[str, ...] = ()
    metadata_replaced: bool = False
    nulled: tuple[str, ...] = ()


class Profile(NamedTuple):
    """The stored fields a row is merged into; dates are YYYY-MM-DD."""

    name: str | None = None
    description: str | None = None
    email: str | None = None
    phone: str | None = None
    birthdate: str | None = None
    birthday: str | None = None
    address: Mapping[str, str | None] | None = None
    metadata: Mapping[str, Any] | None = None
    nulled: tuple[str, ...] = ()


def stage(row: int, public_id: str, data: CustomerData) -> StagedRow:
    """Return the row of a wire's customer (customers.md section 7). With an id its source_id is ignored."""
    given, nulled = 0, []
    values: dict[str, Any] = {}
    for name in FIELDS:
        value = getattr(data, name)
        if isinstance(value, Unset):
            continue
        given |= BITS[name]
        values[name] = value.isoformat() if isinstance(value, date) else value
        if value is None and name in SCALARS:
            nulled.append(name)
    target = None if isinstance(data.id, Unset) else data.id
    source_id = None if target is not None or isinstance(data.source_id, Unset) else data.source_id
    return StagedRow(row, public_id, target, source_id, given, **values, nulled=tuple(sorted(nulled)))


def combine(earlier: StagedRow, later: StagedRow) -> StagedRow:
    """Return one row that does what the two do one after the other, under the later one's number."""
    values: dict[str, Any] = {name: getattr(later if later.given & BITS[name] else earlier, name) for name in SCALARS}
    address, metadata = BITS["address"], BITS["metadata"]
    if earlier.given & address and later.given & address and later.address is not None:
        removed = ADDRESS_KEYS if earlier.address is None else earlier.address_removed
        values["address"] = _without(earlier.address, later.address_removed) | dict(later.address)
        values["address_removed"] = _joined(removed, later.address_removed, values["address"])
    else:
        last = later if later.given & address else earlier
        values |= {"address": last.address, "address_removed": last.address_removed}
    if earlier.given & metadata and later.given & metadata and not later.metadata_replaced:
        values["metadata"] = _without(earlier.metadata, later.metadata_removed) | dict(later.metadata or {})
        values["metadata_removed"] = _joined(earlier.metadata_removed, later.metadata_removed, values["metadata"])
        values["metadata_replaced"] = earlier.metadata_replaced
    else:
        last = later if later.given & metadata else earlier
        values |= {
            "metadata": last.metadata,
            "metadata_removed": last.metadata_removed,
            "metadata_replaced": last.metadata_replaced,
        }
    nulled = tuple(sorted({*earlier.nulled, *later.nulled}))
    return later._replace(given=earlier.given | later.given, nulled=nulled, **values)


class Folded(NamedTuple):
    """Rows about one customer as one row to load. counts: created, updated and unchanged of all of them, as if each had
    been loaded for itself; says: which of the three the one row will be.
    """

    row: StagedRow
    counts: tuple[int, int, int]
    says: int


CREATED, UPDATED, UNCHANGED = range(3)


def chains(rows: Iterable[StagedRow]) -> dict[tuple[str, object], list[StagedRow]]:
    """The rows by whom they are about, in order; the database refuses to touch one customer twice in a statement."""
    found: dict[tuple[str, object], list[StagedRow]] = {}
    for row in rows:
        found.setdefault(_key(row), []).append(row)
    return found


def _key(row: StagedRow) -> tuple[str, object]:
    if row.id is not None:
        return ("id", row.id)
    return ("source_id", row.source_id) if row.source_id else ("row", row.row)


def fold(stored: Profile | None, chain: Sequence[StagedRow], *, adds: bool, updates: bool) -> Folded:
    """The rows of one customer as one. stored: the profile before them; adds, updates: what a load may do."""
    counts = [0, 0, 0]
    profile, first, kept = stored, chain[0], list[StagedRow]()
    for row in chain:
        if profile is None:
            outcome = CREATED if adds else UNCHANGED
        else:
            outcome = UPDATED if updates and merge(profile, row) != profile else UNCHANGED
        counts[outcome] += 1
        if outcome != UNCHANGED:
            profile = merge(profile or Profile(), row)
            kept.append(row)
    says = CREATED if stored is None and profile is not None else UPDATED if profile != stored else UNCHANGED
    return Folded(reduce(combine, kept or [first]), (counts[0], counts[1], counts[2]), says)


def merge(stored: Profile, row: StagedRow) -> Profile:
    """Return the profile after the row; equal to `stored` when there is nothing to write."""
    values: dict[str, Any] = {name: getattr(row, name) for name in SCALARS if row.given & BITS[name]}
    if row.given & BITS["address"]:
        merged = None if row.address is None else _without(stored.address, row.address_removed) | dict(row.address)
        values["address"] = merged or None
    if row.given & BITS["metadata"]:
        kept = {} if row.metadata_replaced else _without(stored.metadata, row.metadata_removed)
        new = kept | dict(row.metadata or {})
        values["metadata"] = None if stored.metadata is None and not new else new
    added = [name for name in row.nulled if name not in stored.nulled]
    return stored._replace(**values, nulled=tuple(sorted((*stored.nulled, *added))) if added else stored.nulled)


def _without(stored: Mapping[str, Any] | None, removed: tuple[str, ...]) -> dict[str, Any]:
    return {key: value for key, value in (stored or {}).items() if key not in removed}


def _joined(earlier: tuple[str, ...], later: tuple[str, ...], kept: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(key for key in dict.fromkeys((*earlier, *later)) if key not in kept)


def to_json(rows: Iterable[StagedRow]) -> bytes:
    """The rows as the JSON array that the statement reads as a recordset."""
    return orjson.dumps([{**row._asdict(), "email_key": email_key(row.email)} for row in rows])


COPY_COLUMNS: Final = (
    *("row", "public_id", "id", "source_id", "given", "name", "description", "email", "email_key", "phone"),
    *("birthdate", "birthday", "address", "metadata", "address_removed", "metadata_removed", "metadata_replaced"),
    "nulled",
)
_ESCAPES: Final = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_needs_escape: Final = re.compile(r"[\\\t\n\r]").search


def copy_text(rows: Iterable[StagedRow]) -> str:
    """The rows as text of COPY, columns as in COPY_COLUMNS."""
    return "".join(map(_copy_line, rows))


def _copy_line(row: StagedRow) -> str:
    email = row.email
    values = (
        *(str(row.row), row.public_id, _copy_value(row.id), _copy_value(row.source_id), str(row.given)),
        *(_copy_value(row.name), _copy_value(row.description)),
        *(_copy_value(email), "\\N" if email is None else _copy_value(email_key(email))),
        *(_copy_value(row.phone), row.birthdate or "\\N", row.birthday or "\\N"),
        "\\N" if row.address is None else _copy_value(orjson.dumps(row.address).decode()),
        "\\N" if row.metadata is None else _copy_value(orjson.dumps(row.metadata).decode()),
        *(_copy_array(row.address_removed), _copy_array(row.metadata_removed)),
        *("t" if row.metadata_replaced else "f", _copy_array(row.nulled)),
    )
    return "\t".join(values) + "\n"


def _copy_value(value: str | None) -> str:
    if value is None:
        return "\\N"
    return value.translate(_ESCAPES) if _needs_escape(value) else value


def _copy_array(values: tuple[str, ...]) -> str:
    if not values:
        return "{}"
    items = ",".join('"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values)
    return _copy_value("{" + items + "}")


def profile_day(value: str | None) -> date | None:
    """The date of a staged day."""
    return None if value is None else parse_date(value)

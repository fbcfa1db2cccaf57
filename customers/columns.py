"""Pure: the columns of a customer file. Which header means what, and how a cell becomes a value.

Source: customers.md section 11, both of its header lists, without regard to case.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from config.imports.plan import Problem
from config.kernel import ids
from config.kernel.formulas import unguard
from config.kernel.instants import parse_instant
from config.kernel.texts import normal
from config.project.metadata_schema import NO_SCHEMA, Definition, Schema, check, from_text
from customers.payloads import AS_SENT, LENGTHS
from customers.staging import BITS, StagedRow

METADATA: Final = "metadata."


class Target(NamedTuple):
    """Where a column's cells go. headers: in lower case, the contract's; others: what people also write."""

    key: str
    label: str
    headers: tuple[str, ...]
    others: tuple[str, ...] = ()


TARGETS: Final = (
    Target("source_id", "Source id", ("source_id",), ("customer_source_id", "customer_id", "external_id", "crm_id")),
    Target("id", "Id", ("id",), ()),
    Target("name", "Name", ("name",), ("full_name", "customer_name", "customer")),
    Target("description", "Description", ("description",), ("note", "notes")),
    Target("email", "E-mail", ("email",), ("e_mail", "mail", "email_address", "e_mail_address")),
    Target("phone", "Phone", ("phone",), ("telephone", "phone_number", "mobile")),
    Target("birthdate", "Birthdate", ("birthdate",), ("birth_date", "date_of_birth", "dob")),
    Target("birthday", "Birthday (old)", ("birthday",), ()),
    Target("address.line_1", "Address line 1", ("address_line_1",), ("street", "address", "line_1")),
    Target("address.line_2", "Address line 2", ("address_line_2",), ("line_2",)),
    Target("address.city", "City", ("address_city", "city"), ("town",)),
    Target("address.postal_code", "Postal code", ("address_postal_code", "postal_code"), ("zip", "zip_code")),
    Target("address.state", "State", ("address_state", "state"), ("province",)),
    Target("address.country", "Country", ("address_country", "country"), ()),
)  # fmt: skip
BY_KEY: Final[Mapping[str, Target]] = {target.key: target for target in TARGETS}
BY_HEADER: Final[Mapping[str, str]] = {header: target.key for target in TARGETS for header in target.headers}
BY_OTHER_HEADER: Final[Mapping[str, str]] = {header: target.key for target in TARGETS for header in target.others}
TEMPLATE: Final = (
    *("Name", "Source_id", "Description", "Email", "Phone", "Address_line_1", "Address_line_2", "City", "Postal_Code"),
    *("State", "Country", "Birthdate"),
)
"""The official template's header, without its examples of metadata."""


def target_of(header: str) -> str:
    """Return where the contract sends a header: `source_id`, `address.city`, `metadata.<header>`, …

    A `metadata.` in front of a key, as our exports write it, is not doubled.
    """
    return BY_HEADER.get(header.strip().lower()) or _metadata(header)


def _metadata(header: str) -> str:
    return METADATA + header.removeprefix(METADATA)


REPORTED: Final = ("_line", "_error")
"""What the file of failed rows has at its end; it is mended and comes back."""


def propose(headers: Sequence[str]) -> list[str | None]:
    """Return a target for each header as a person would choose it: the contract's names first, then similar ones.

    No target twice; what nothing fits becomes metadata. Columns of our own report of failed rows go nowhere.
    """
    if tuple(headers[-2:]) == REPORTED:
        return [*propose(headers[:-2]), None, None]
    plain = [re.sub(r"[^a-z0-9]+", "_", header.strip().lower()).strip("_") for header in headers]
    proposed = [""] * len(headers)
    for names, known in ((headers, BY_HEADER), (plain, BY_HEADER), (plain, BY_OTHER_HEADER)):
        for position, name in enumerate(names):
            target = known.get(name.strip().lower(), "")
            if not proposed[position] and target not in proposed:
                proposed[position] = target
    return [target or _metadata(header) for target, header in zip(proposed, headers, strict=True)]


def mapping_problems(mapping: Sequence[str | None], headers: Sequence[str], *, needs_key: bool) -> list[str]:
    """Return why a mapping cannot be run, in sentences; empty means go ahead. None in it leaves a column out."""
    problems = []
    first: dict[str, str] = {}
    for target, header in zip(mapping, headers, strict=True):
        if target is None:
            continue
        if target not in BY_KEY and not (target.startswith(METADATA) and len(target) > len(METADATA)):
            problems.append(f"{header}: there is no field {target}")
        elif target in first:
            problems.append(f"{first[target]} and {header} go to the same field")
        first.setdefault(target, header)
    if needs_key and not {"id", "source_id"} & first.keys():
        problems.append("One column must be the source id or the id")
    if not first:
        problems.append("Every column is left out")
    return problems


class Columns:
    """A file's columns bound to where they go; makes a StagedRow of a row's cells.

    clear: an empty cell clears its field, and the metadata columns replace the stored metadata (the API's rule);
    else empty cells and metadata without a column are kept (the dashboard's start).
    schema: the project's for customers' metadata; keys it does not define are texts.
    unescape: take off the apostrophe that dashboard downloads put before formulas.
    fixed: metadata that every row gets, as if the file had a column of it.
    """

    def __init__(
        self,
        mapping: Sequence[str | None],
        headers: Sequence[str],
        *,
        clear: bool,
        schema: Schema = NO_SCHEMA,
        unescape: bool = False,
        fixed: Mapping[str, str] | None = None,
    ) -> None:
        self._fixed = list((fixed or {}).values())
        mapping, headers = [*mapping, *(METADATA + key for key in fixed or {})], [*headers, *(fixed or {})]
        self._clear = clear
        self._unescape = unescape
        self._id = self._source_id = -1
        self._texts: list[tuple[int, str, int, str, int]] = []
        self._days: list[tuple[int, str, int, str]] = []
        self._address: list[tuple[int, str, str, int]] = []
        self._metadata: list[tuple[int, str, str, Definition | None]] = []
        self._schema = schema
        self._definitions = schema.live()
        for index, (target, header) in enumerate(zip(mapping, headers, strict=True)):
            if target is not None:
                self._add(index, target, header)
        self._headers = headers
        self._as_sent = {index for index, target in enumerate(mapping) if target in AS_SENT}
        self._public_ids = _fresh_ids()

    def _add(self, index: int, target: str, header: str) -> None:
        kind, _, key = target.partition(".")
        if target == "id":
            self._id = index
        elif target == "source_id":
            self._source_id = index
        elif kind == "address":
            self._address.append((index, key, header, LENGTHS[key]))
        elif kind == "metadata":
            key = normal(target.removeprefix(METADATA))
            self._metadata.append((index, key, header, self._definitions.get(key)))
        elif target in ("birthdate", "birthday"):
            self._days.append((index, target, BITS[target], header))
        else:
            self._texts.append((index, target, BITS[target], header, LENGTHS[target]))

    def parse(self, row: int, cells: Sequence[str]) -> tuple[StagedRow | None, list[Problem]]:
        """Return the row, or None and every problem of it."""
        if self._unescape:
            cells = [unguard(cell) for cell in cells]
        if self._fixed:
            cells = [*cells, *self._fixed]
        if not "".join(cells).isascii():
            cells = [cell if index in self._as_sent else normal(cell) for index, cell in enumerate(cells)]
        problems: list[Problem] = []
        fields: dict[str, Any] = {}
        clear, given = self._clear, 0
        for index, name, bit, header, longest in self._texts:
            cell = cells[index]
            if cell and not cell.isspace():
                if len(cell) > longest:
                    problems.append(_too_long(header, cell, longest))
                fields[name] = cell
                given |= bit
            elif clear:
                given |= bit
        for index, name, bit, header in self._days:
            cell = cells[index].strip()
            if cell:
                day = clean_day(cell)
                if day is None:
                    problems.append(Problem(header, cell, f"{cell[:40]} is not a date; write 1990-12-31"))
                fields[name] = day
                given |= bit
            elif clear:
                given |= bit
        identifier = cells[self._id].strip() if self._id >= 0 else ""
        source_id = cells[self._source_id] if self._source_id >= 0 else ""
        if len(source_id) > LENGTHS["source_id"]:
            problems.append(_too_long(self._headers[self._source_id], source_id, LENGTHS["source_id"]))
        if self._address:
            given |= self._parse_address(cells, fields, problems)
        if self._metadata:
            given |= self._parse_metadata(cells, fields, problems, merges=not clear or bool(identifier))
        if problems:
            return None, problems
        source_id = "" if identifier or source_id.isspace() else source_id
        staged = StagedRow(row, next(self._public_ids), identifier or None, source_id or None, given, **fields)
        return staged, problems

    def _parse_address(self, cells: Sequence[str], fields: dict[str, Any], problems: list[Problem]) -> int:
        address, removed = {}, []
        for index, key, header, longest in self._address:
            cell = cells[index]
            if cell and not cell.isspace():
                if len(cell) > longest:
                    problems.append(_too_long(header, cell, longest))
                address[key] = cell
            else:
                removed.append(key)
        if not self._clear:
            removed = []
        if not address and not removed:
            return 0
        fields["address"] = address
        fields["address_removed"] = tuple(removed)
        return BITS["address"]

    def _parse_metadata(
        self, cells: Sequence[str], fields: dict[str, Any], problems: list[Problem], *, merges: bool
    ) -> int:
        metadata: dict[str, Any] = {}
        removed = []
        for index, key, _, definition in self._metadata:
            cell = cells[index]
            if not cell:
                removed.append(key)
            elif definition is None:
                metadata[key] = cell
            else:
                try:
                    metadata[key] = from_text(definition, cell.strip())
                except ValueError:
                    metadata[key] = cell  # of the wrong type, which the schema now says in the wire's words
        if self._schema is not NO_SCHEMA:
            self._check(metadata, cells, problems, whole=not merges)
        if not merges:
            fields["metadata_replaced"] = True
        elif self._clear:
            fields["metadata_removed"] = tuple(removed)
        elif not metadata:
            return 0
        fields["metadata"] = metadata
        return BITS["metadata"]

    def _check(self, metadata: dict[str, Any], cells: Sequence[str], problems: list[Problem], *, whole: bool) -> None:
        columns = {key: (header, cells[index]) for index, key, header, _ in self._metadata}
        for complaint in check(metadata, self._schema, whole=whole):
            key, _, reason = complaint.partition(": ")
            header, cell = columns.get(key, (key, ""))
            problems.append(Problem(header, cell[:200], reason))


def _fresh_ids() -> Iterator[str]:
    while True:
        yield from ids.new_many("cust_", 1000)


def _too_long(header: str, cell: str, longest: int) -> Problem:
    return Problem(header, cell[:200], f"is {len(cell):,} characters long; {longest:,} are the most")


@lru_cache(maxsize=10_000)
def clean_day(cell: str) -> str | None:
    """Return YYYY-MM-DD of an ISO 8601 date or date-time, or None."""
    try:
        return parse_instant(cell).date().isoformat()
    except ValueError:
        return None

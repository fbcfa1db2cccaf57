"""What the importer asks about customers: see `config.imports.subjects.Subject`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from config.imports.plan import Change, Outcome, PlannedRow, Problem, Repeated
from config.imports.subjects import EMPTY_CLEARS, Applied, Options, TargetChoice
from config.project.models import Project
from config.project.schemas import schema_of
from customers import columns
from customers.columns import METADATA, TARGETS, Columns
from customers.models import Customer
from customers.services import loading
from customers.services.loading import Existing, profile_of
from customers.staging import SCALARS, Profile, StagedRow, merge


class CustomerSubject:
    """A file whose rows are customers."""

    name = "customers"
    thing = "customer"
    action_type = "CUSTOMERS.IMPORT_CSV"
    keys: tuple[str, ...] = ("id", "source_id")

    def targets(self, project: Project) -> list[TargetChoice]:
        """The profile's fields, then the metadata keys of the schema."""
        keys = [TargetChoice(METADATA + key, key) for key in sorted(schema_of(project, "customer").live())]
        return [*(TargetChoice(target.key, target.label) for target in TARGETS), *keys]

    def propose(self, headers: Sequence[str]) -> list[str | None]:
        return list(columns.propose(headers))

    def mapping_problems(self, mapping: Sequence[str | None], headers: Sequence[str], *, needs_key: bool) -> list[str]:
        return columns.mapping_problems(mapping, headers, needs_key=needs_key)

    def parser(
        self, project: Project, mapping: Sequence[str | None], headers: Sequence[str], options: Options
    ) -> Columns:
        return Columns(
            mapping,
            headers,
            clear=options.empty == EMPTY_CLEARS,
            schema=schema_of(project, "customer"),
            unescape=options.unescape,
            fixed=options.metadata,
        )

    def key_of(self, values: StagedRow) -> str:
        return values.id or values.source_id or ""

    def loaders(self, mapping: Sequence[str | None]) -> int:
        return 1 if "id" in mapping else 2

    def compare(
        self, project: Project, rows: Sequence[PlannedRow], options: Options, repeated: Repeated
    ) -> list[PlannedRow]:
        stored = _stored(project, [row.values for row in rows])
        compared = []
        for row in rows:
            key = _key(row.values)
            before = repeated.states.get(key) or stored.get(key)
            if before is None and row.values.id is not None:
                compared.append(row._replace(outcome=Outcome.INVALID, problems=[_unknown(row.values.id)]))
                continue
            after = merge(before or Profile(), row.values)
            changes = list(_changes(before or Profile(), after))
            if before is None:
                outcome = Outcome.SAME if options.existing == "update" else Outcome.NEW
            else:
                outcome = Outcome.CHANGED if changes and options.existing != "add" else Outcome.SAME
            if outcome is not Outcome.SAME and self.key_of(row.values) in repeated:
                repeated.states[key] = after  # the next line about the same customer meets this one's work
            compared.append(row._replace(outcome=outcome, changes=changes if outcome is Outcome.CHANGED else ()))
        return compared

    def load(self, project: Project, rows: Sequence[StagedRow], options: Options, at: datetime) -> Applied:
        existing = Existing(options.existing)
        loaded = loading.load_in_order(
            project=project, rows=rows, at=at, existing=existing, import_file=options.import_file
        )
        by_number = {row.row: row for row in rows} if loaded.unknown else {}
        refused = {number: _unknown(by_number[number].id or "").reason for number in loaded.unknown}
        return Applied(loaded.created, loaded.updated, loaded.unchanged, refused)


SUBJECT: Final = CustomerSubject()


def _unknown(public_id: str) -> Problem:
    return Problem("Id", public_id, f"Cannot find customer with id {public_id}")


def _key(row: StagedRow) -> tuple[str, str]:
    return ("id", row.id) if row.id is not None else ("source_id", row.source_id or "")


def _stored(project: Project, rows: Sequence[StagedRow]) -> dict[tuple[str, str], Profile]:
    customers = Customer.objects.of(project).alive().order_by()
    public_ids = [row.id for row in rows if row.id is not None]
    source_ids = [row.source_id for row in rows if row.source_id is not None]
    found: dict[tuple[str, str], Profile] = {}
    for customer in customers.filter(public_id__in=public_ids) if public_ids else ():
        found["id", customer.public_id] = profile_of(customer)
    for customer in customers.filter(source_id__in=source_ids) if source_ids else ():
        found["source_id", customer.source_id or ""] = profile_of(customer)
    return found


def _changes(before: Profile, after: Profile) -> Iterator[Change]:
    """Old → new for every cell that differs; keys of address and metadata one by one."""
    for name in SCALARS:
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            yield Change(name, old, new)
    yield from _changed_keys("address", before.address or {}, after.address or {})
    yield from _changed_keys("metadata", before.metadata or {}, after.metadata or {})


def _changed_keys(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    for key in sorted({*old, *new}):
        if (key in old) != (key in new) or old.get(key) != new.get(key):
            yield Change(f"{name}.{key}", old.get(key), new.get(key))

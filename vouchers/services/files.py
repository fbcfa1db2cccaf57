"""What the importer asks about a file of vouchers: see `config.imports.subjects.Subject`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from config.imports.plan import Outcome, PlannedRow, Problem, Repeated
from config.imports.records import METADATA, Rows
from config.imports.subjects import Applied, Options, TargetChoice
from config.kernel.causes import INTERNAL
from config.project.models import Project
from config.project.schemas import schema_of
from vouchers.columns import REQUIRED, TABLE, describe
from vouchers.engine import codes
from vouchers.models import Voucher
from vouchers.services import importing, voucher_events
from vouchers.services.importing import Draft


@dataclass(frozen=True, slots=True)
class NumberedDraft:
    """A draft and the number of its row."""

    row: int
    draft: Draft


class VoucherRows:
    """Makes a NumberedDraft of a row's cells."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def parse(self, row: int, cells: Sequence[str]) -> tuple[NumberedDraft | None, list[Problem]]:
        """The row's voucher, or None and everything that is wrong with it."""
        record, problems = self._rows.parse(row, cells)
        if record is None:
            return None, problems
        data, problems = describe(record)
        fields = record.fields
        draft = Draft(
            fields["code"],
            data,
            redeemed_quantity=fields.get("redeemed_quantity", 0),
            redeemed_amount=fields.get("redeemed_amount", 0),
            rule_id=fields.get("validation_rule_id", ""),
        )
        return (None if problems else NumberedDraft(row, draft)), problems


class VoucherSubject:
    """A file whose rows are vouchers; codes that exist are changed."""

    name = "vouchers"
    thing = "voucher"
    action_type = "VOUCHERS.IMPORT_CSV"
    keys: tuple[str, ...] = ("code",)
    table = TABLE

    def targets(self, project: Project) -> list[TargetChoice]:
        keys = [TargetChoice(METADATA + key, key) for key in sorted(schema_of(project, "voucher").live())]
        return [*(TargetChoice(target.key, target.label) for target in TABLE.targets), *keys]

    def propose(self, headers: Sequence[str]) -> list[str | None]:
        return [TABLE.target_of(header) for header in headers]

    def mapping_problems(self, mapping: Sequence[str | None], headers: Sequence[str], *, needs_key: bool) -> list[str]:
        return TABLE.problems(mapping, headers, REQUIRED)

    def parser(
        self, project: Project, mapping: Sequence[str | None], headers: Sequence[str], options: Options
    ) -> VoucherRows:
        schema = schema_of(project, "voucher")
        return VoucherRows(Rows(TABLE, mapping, headers, required=REQUIRED, schema=schema, unescape=options.unescape))

    def key_of(self, values: NumberedDraft) -> str:
        return values.draft.code

    def loaders(self, mapping: Sequence[str | None]) -> int:
        return 1  # codes may be compared without regard to case

    def compare(
        self, project: Project, rows: Sequence[PlannedRow], options: Options, repeated: Repeated
    ) -> list[PlannedRow]:
        keys = [codes.comparable(self.key_of(row.values), case_sensitive=project.case_sensitive_codes) for row in rows]
        stored = Voucher.objects.of(project).alive().filter(code_key__in=keys)
        known = set(stored.values_list("code_key", flat=True))
        return [
            row._replace(outcome=Outcome.CHANGED if key in known else Outcome.NEW)
            for row, key in zip(rows, keys, strict=True)
        ]

    def load(self, project: Project, rows: Sequence[NumberedDraft], options: Options, at: datetime) -> Applied:
        done = importing.load(project=project, drafts=[row.draft for row in rows], at=at, updates=True)
        if options.webhooks:
            for voucher in done.made:
                voucher_events.told(project, "created", voucher, at, INTERNAL)
            for voucher in done.met:
                voucher_events.told(project, "updated", voucher, at, INTERNAL)
        refused = {
            rows[position].row: error.details or error.message for position, error in (done.refused or {}).items()
        }
        return Applied(done.created, done.updated, done.unchanged, refused)


SUBJECT: Final = VoucherSubject()

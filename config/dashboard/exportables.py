"""The lists that can be exported, each as the page shows it: same scope, filters, search, tab and order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import QuerySet

from config.dashboard import lists, metadata_samples
from config.dashboard.lists import ListSpec, Sort
from config.dashboard.narrowings import by_filter, by_import, by_segment
from config.exports import kinds
from config.exports.columns import METADATA_PREFIX, header
from config.exports.kinds import ExportKind, ListRows
from config.project import schemas
from config.project.models import Project
from config.project.permissions import Permission
from customers.dashboard.lists import customer_list, customers_of
from vouchers.dashboard.lists import redemption_list, redemptions_of, voucher_list, vouchers_of


@dataclass(frozen=True)
class View:
    """A list as a query narrows it. asked: the parameters that decide about rows and order."""

    rows: QuerySet[Any]
    asked: dict[str, str]
    sentence: str
    sort: Sort
    descending: bool


@dataclass(frozen=True)
class Exportable:
    """A list and the kind of export that writes it. permission: to see the list at all."""

    name: str
    kind: str
    label: str
    permission: Permission
    rows: Callable[[Project], QuerySet[Any]]
    spec: Callable[[Project, datetime], ListSpec[Any]]

    def view(self, project: Project, query: Mapping[str, str], at: datetime) -> View:
        """What the page shows for this query, on all its pages."""
        spec = self.spec(project, at)
        asked = {key: value for key, value in lists.asked_of(spec, query).items() if value and key != "cursor"}
        found = lists.narrow(spec, self.rows(project), asked)
        parts = [found.tab.label] if found.tab is not None and found.tab.key else []
        parts += [words for _, words in found.words]
        if "q" in asked:
            parts.append(f"search “{asked['q']}”")
        sentence = f"{self.label}: {'; '.join(parts)}" if parts else f"All {self.label.lower()}"
        return View(found.rows, asked, sentence, *lists.sorted_by(spec, asked))

    def list_rows(self, project: Project, query: Mapping[str, str], at: datetime) -> ListRows:
        """The same for the file's writer."""
        view = self.view(project, query, at)
        return ListRows(view.rows, view.sort.column, view.descending, view.sort.nullable)

    def export_kind(self) -> ExportKind:
        """What can stand in the file."""
        return kinds.KINDS[self.kind]

    def fields(self, project: Project) -> dict[str, str]:
        """Every field by name with its label; metadata keys from the schema and from the newest rows."""
        kind = self.export_kind()
        found = {name: header(name, raw=False) for name in kind.columns}
        if kind.metadata_path:
            declared = schemas.schema_of(project, kind.metadata_object or kind.name).live()
            for key in (*declared, *metadata_samples.look(kind.rows(project), kind.metadata_path).counts):
                found[METADATA_PREFIX + key] = key
        return found


def _customer_list(project: Project, at: datetime) -> ListSpec[Any]:
    return customer_list(project, at, [narrowing(project, at) for narrowing in (by_segment, by_filter, by_import)])


EXPORTABLES: Final = {
    one.name: one
    for one in (
        Exportable(
            *("customers", "customer", "Customers", Permission.SEE_CUSTOMERS, customers_of),
            spec=_customer_list,
        ),
        Exportable("vouchers", "voucher", "Vouchers", Permission.SEE_VOUCHERS, vouchers_of, voucher_list),
        Exportable(
            *("redemptions", "redemption", "Redemptions", Permission.SEE_REDEMPTIONS, redemptions_of),
            spec=lambda project, at: redemption_list(project, at),
        ),
    )
}


def register() -> None:
    """Tell the exports of every list."""
    for one in EXPORTABLES.values():
        kinds.register_list(one.name, one.list_rows)

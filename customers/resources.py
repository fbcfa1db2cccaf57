"""django-import-export's Resource of customers, made of `columns.py`: the operators' import and export in `/admin/`.

A row goes through the same parser, the same merge and the same upsert as a row of the wizard, with empty cells kept.
It does one row at a time: for files of some thousand rows. Larger ones belong in the wizard.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final

from django.core.exceptions import ValidationError
from import_export import resources
from import_export.fields import Field
from tablib import Dataset

from config.imports.errors import BrokenHeader, TooManyColumns, WrongMapping
from config.imports.reader import MOST_COLUMNS, cell_problem
from config.kernel import ids
from config.kernel.formulas import guard
from config.project.models import Project
from config.project.schemas import schema_of
from customers.columns import METADATA, TARGETS, Columns, Target, mapping_problems, propose
from customers.models import Customer
from customers.services import loading
from customers.services.loading import profile_of
from customers.services.profiles import stored_for
from customers.staging import Profile, StagedRow, merge


class ProfileField(Field):
    """One column of a customer file, read from the customer; it is written through the upsert only."""

    def __init__(self, target: Target) -> None:
        super().__init__(column_name=_header(target))
        self.target = target

    def get_value(self, instance: Customer) -> Any:
        kind, _, key = self.target.key.partition(".")
        if kind == "address":
            return (instance.address or {}).get(key)
        return instance.public_id if kind == "id" else getattr(instance, kind)

    def export(self, instance: Customer, **kwargs: Any) -> str:
        value = self.get_value(instance)
        return "" if value is None else value.isoformat() if isinstance(value, date) else str(value)


class MetadataField(Field):
    """One metadata key; lists joined by commas, as the import reads them."""

    def __init__(self, key: str) -> None:
        super().__init__(column_name=METADATA + key)
        self.key = key

    def export(self, instance: Customer, **kwargs: Any) -> str:
        value = (instance.metadata or {}).get(self.key)
        if isinstance(value, list):
            return ",".join(map(str, value))
        if isinstance(value, bool):
            return str(value).lower()
        return "" if value is None else str(value)


def _header(target: Target) -> str:
    """The header as the official template writes it: `Source_id`, `Address_City`."""
    return target.headers[0].title().replace("_Id", "_id").replace("_Line", "_line")


FIELDS: Final = tuple(ProfileField(target) for target in TARGETS)


class CustomerResource(resources.ModelResource):
    """Customers of one project as rows of a file."""

    class Meta:
        model = Customer
        fields = ()
        import_id_fields = ()
        skip_unchanged = True
        report_skipped = True
        use_transactions = True
        clean_model_instances = False

    def __init__(self, project: Project | None = None, at: datetime | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.project = project
        self.at = at
        self.fields = {field.target.key: field for field in FIELDS}

    def before_import(self, dataset: Dataset, **kwargs: Any) -> None:
        """Bind the file's headers. Raises BrokenHeader, TooManyColumns, WrongMapping."""
        assert self.project is not None
        self._headers = [str(header).strip() for header in dataset.headers or ()]
        if not 0 < len(self._headers) <= MOST_COLUMNS:
            raise TooManyColumns(f"The file has {len(self._headers)} columns; between 1 and {MOST_COLUMNS} are read")
        if any(not header or "\0" in header for header in self._headers):
            raise BrokenHeader("A column has no name, or a NUL character in it")
        mapping = propose(self._headers)
        if problems := mapping_problems(mapping, self._headers, needs_key=False):
            raise WrongMapping("; ".join(problems))
        schema = schema_of(self.project, "customer")
        self._columns = Columns(mapping, self._headers, clear=False, schema=schema, unescape=True)
        keys = [target.removeprefix(METADATA) for target in mapping if target and target.startswith(METADATA)]
        self.fields |= {METADATA + key: MetadataField(key) for key in keys}

    def get_or_init_instance(self, instance_loader: Any, row: dict[str, Any]) -> tuple[Customer, bool]:
        """The stored customer or a new one. Raises ValidationError with every problem of the row."""
        assert self.project is not None
        cells = [_text(cell) for cell in row.values()]
        if problem := cell_problem(cells):
            raise ValidationError(f"The row {problem}")
        staged, problems = self._columns.parse(0, cells)
        if staged is None:
            raise ValidationError([problem.sentence() for problem in problems])
        self._staged: StagedRow = staged
        stored = stored_for(self.project, staged)
        if stored is None and staged.id is not None:
            raise ValidationError(f"Cannot find customer with id {staged.id}")
        return stored or Customer(
            project=self.project, public_id=ids.new("cust_"), source_id=staged.source_id
        ), not stored

    def import_instance(self, instance: Customer, row: dict[str, Any], **kwargs: Any) -> None:
        """Show on the instance what the upsert will store."""
        self._before = Profile() if instance.pk is None else profile_of(instance)
        after = merge(self._before, self._staged)
        for name in (*Profile._fields[:4], "address", "metadata"):
            setattr(instance, name, getattr(after, name))
        for name in ("birthdate", "birthday"):
            value = getattr(after, name)
            setattr(instance, name, value and date.fromisoformat(value))
        self._after = after

    def skip_row(self, instance: Customer, original: Any, row: Any, import_validation_errors: Any = None) -> bool:
        """A row that changes nothing."""
        return instance.pk is not None and self._before == self._after

    def save_instance(self, instance: Customer, is_create: bool, row: Any, **kwargs: Any) -> None:
        """Upsert; a dry run is rolled back by its transaction."""
        assert self.project is not None
        assert self.at is not None
        written = loading.write(project=self.project, row=self._staged, at=self.at)
        if written is not None:
            instance.pk, instance.public_id = written.pk, written.public_id

    def save_m2m(self, instance: Customer, row: Any, **kwargs: Any) -> None:
        """A customer has none."""

    def before_export(self, queryset: Any, **kwargs: Any) -> None:
        """Add a column for every metadata key among the customers."""
        if queryset is not None:
            self.fields |= {METADATA + key: MetadataField(key) for key in queryset.metadata_keys()}

    def export_field(self, field: Field, instance: Customer, **kwargs: Any) -> str:
        """The cell, guarded: operators open it in a spreadsheet. (Differences on the import page are not.)"""
        return guard(field.export(instance))

    def get_export_fields(self, selected_fields: Any = None) -> list[Field]:
        return list(self.fields.values())

    def get_import_fields(self) -> list[Field]:
        return list(self.fields.values())


def _text(cell: Any) -> str:
    """A cell as a CSV file would hold it; spreadsheets bring numbers, dates and truth values."""
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == datetime.min.time() else cell.isoformat()
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return cell.isoformat() if isinstance(cell, date) else str(cell)

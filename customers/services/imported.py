"""Who came or changed with which import."""

from __future__ import annotations

from config.imports.models import ImportFile
from config.project.querysets import ScopedQuerySet
from customers.models import Customer, ImportedCustomer


def customers_of(file: ImportFile) -> ScopedQuerySet[Customer]:
    """The living customers whom the import added or changed."""
    written = ImportedCustomer.objects.filter(import_file=file).values("customer_id")
    return Customer.objects.of(file.project).alive().filter(pk__in=written)


def imports_of(customer: Customer, *, most: int) -> list[tuple[ImportFile, bool]]:
    """The newest imports that added (True) or changed the customer; each with its action."""
    rows = ImportedCustomer.objects.filter(customer=customer).select_related("import_file__action")
    return [(row.import_file, row.created) for row in rows.order_by("-import_file_id")[:most]]

"""A fixed segment of the customers of a file, made after its import."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from config.imports import files
from config.imports.models import ImportFile
from config.jobs.models import AsyncAction
from customers import lookups
from customers.models import Customer
from customers.services.importing import SUBJECT


def collect(action: AsyncAction, *, at: datetime) -> str | None:
    """Make the segment that the import's options name, once, and return its public id; None where none was asked for.

    Its members are the customers of all rows that went in, also of those that changed nothing.
    """
    with transaction.atomic():
        file = ImportFile.objects.select_for_update(of=("self",)).select_related("project", "created_by").get(
            action=action
        )  # fmt: skip
        made: str | None = file.options.get("segment_id")
        name = file.options.get("segment") or ""
        if made or not name:
            return made
        made = lookups.collect(project=file.project, name=name, batches=customers_of(file), at=at, user=file.created_by)
        file.options = file.options | {"segment_id": made}
        file.save(update_fields=["options"])
    return made


def customers_of(file: ImportFile) -> Iterator[list[int]]:
    """Row ids of the customers that the file's rows are about, in batches."""
    for batch in files.planned(file, SUBJECT):
        ids = [row.values.id for row in batch if row.values.id is not None]
        source_ids = [row.values.source_id for row in batch if row.values.source_id is not None]
        known = Customer.objects.of(file.project).alive().order_by()
        yield list(known.filter(Q(public_id__in=ids) | Q(source_id__in=source_ids)).values_list("pk", flat=True))

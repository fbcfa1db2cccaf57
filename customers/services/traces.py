"""What a person leaves in the work in the background: uploads, failed rows, exports, reports, results."""

from __future__ import annotations

import csv
import hashlib
import mmap
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import orjson
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast

from config.api import idempotency
from config.exports import files as export_files
from config.imports import files as import_files
from config.imports.models import ImportFailure, ImportFile
from config.jobs import files as job_files
from config.jobs.models import AsyncAction, Export, JobBatch, JobFile
from config.project import audit
from config.project.models import AuditDetail, Project
from customers.erasing import Person
from customers.models import ImportedCustomer

ENDED: Final = (AsyncAction.Status.DONE, AsyncAction.Status.FAILED)


def erase(person: Person) -> Mapping[str, int]:
    """Empty the person's records in files, and what rows about jobs say of them. The other records stay in place."""
    project = person.customer.project
    ImportedCustomer.objects.filter(customer=person.customer).delete()
    _erase_rows(person, project)
    _erase_audit(person, project)
    idempotency.erase(project, person.out_of_record)
    for upload in ImportFile.objects.of(project):
        _erase_upload(person, upload)
    for export in Export.objects.of(project).exclude(file_name=""):
        erase_records(export_files.path_of(export), person)
    for file in JobFile.objects.filter(action__project=project).select_related("action"):
        if file.kind == JobFile.Kind.REPORT:
            erase_records(job_files.path_of(file), person)
        elif file.action.status in ENDED:
            job_files.remove(file)
    return {}


def erase_records(path: Path, person: Person, *, encoding: str = "utf-8", delimiter: str = ",") -> bool:
    """Empty the cells of every record that names the person; a file that cannot be read any more is removed."""
    if not path.exists() or not _mentions(path, person.texts, encoding):
        return False
    draft = path.with_name(f"{path.name}.erased")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with (
            os.fdopen(descriptor, "w", newline="", encoding=encoding) as out,
            path.open(newline="", encoding=encoding) as source,
        ):
            records = csv.writer(out, delimiter=delimiter, lineterminator="\n")
            for number, cells in enumerate(csv.reader(source, delimiter=delimiter)):
                known = number > 0 and any(map(person.is_in, cells))
                records.writerow([""] * len(cells) if known else cells)
        draft.replace(path)
    except (csv.Error, UnicodeError):
        path.unlink()
    finally:
        draft.unlink(missing_ok=True)
    return True


def _mentions(path: Path, texts: Iterable[str], encoding: str) -> bool:
    """Whether the bytes of a text occur: quick enough to ask of every file."""
    if path.stat().st_size == 0:
        return False
    codecs = {"utf-16": ("utf-16-le", "utf-16-be")}.get(encoding, (encoding.removesuffix("-sig"),))
    spellings = {spelling for text in texts for spelling in (text, text.lower(), text.upper())}
    needles = {spelling.replace('"', '""').encode(codec, "ignore") for spelling in spellings for codec in codecs} - {
        b""
    }
    with path.open("rb") as source, mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return any(content.find(needle) >= 0 for needle in needles)


def _erase_upload(person: Person, upload: ImportFile) -> None:
    path = import_files.original(upload)
    changed: dict[str, Any] = {}
    if erase_records(path, person, encoding=upload.encoding, delimiter=upload.delimiter) and path.exists():
        with path.open("rb") as source:
            changed["sha256"] = hashlib.file_digest(source, "sha256").hexdigest()
        changed["size"] = path.stat().st_size
    for name in ("title", "given_name"):
        if person.is_in(getattr(upload, name)):
            changed[name] = ""
    if changed:
        ImportFile.objects.filter(pk=upload.pk).update(**changed)


def _erase_rows(person: Person, project: Project) -> None:
    failures = ImportFailure.objects.filter(import_file__project=project)
    named = _naming(failures, person, "cells", "problems", "key")
    ImportFailure.objects.filter(pk__in=[row.pk for row in named if _in_any(person, row, "cells", "problems")]).delete()
    rows: tuple[tuple[QuerySet[Any], tuple[str, ...]], ...] = (
        (AsyncAction.objects.of(project), ("title", "parameters", "result", "failure")),
        (Export.objects.of(project), ("title", "parameters")),
        (JobBatch.objects.filter(action__project=project), ("outcomes",)),
    )
    for table, columns in rows:
        for row in _naming(table, person, *columns):
            changed = {name: person.out_of(getattr(row, name)) for name in columns}
            type(row).objects.filter(pk=row.pk).update(**changed)


def _erase_audit(person: Person, project: Project) -> None:
    """The values go, the entries and their chain stay."""
    audit.erase(project=project, object_type="customer", object_id=person.customer.public_id)
    details = AuditDetail.objects.filter(entry__project=project)
    named = [row.pk for row in _naming(details, person, "values") if person.is_in_json(row.values)]
    AuditDetail.objects.filter(pk__in=named).delete()


def _naming(rows: QuerySet[Any], person: Person, *columns: str) -> QuerySet[Any]:
    """The rows in whose columns a text of the person occurs, perhaps as a part of another word."""
    condition = Q()
    for text in person.texts:
        written = orjson.dumps(text).decode()[1:-1]
        for name in columns:
            condition |= Q(**{f"{name}_text__icontains": written})
    named: QuerySet[Any] = rows.annotate(**{f"{name}_text": Cast(name, TextField()) for name in columns})
    return named.filter(condition)


def _in_any(person: Person, row: Any, *columns: str) -> bool:
    return any(person.out_of(getattr(row, name)) != getattr(row, name) for name in columns)

"""Uploaded files: kept under random names, read for the mapping page, and given back as the rows that failed.

import_file = files.store_upload(project=…, subject=SUBJECT, content=upload, given_name=upload.name, at=…, user=…)
found = files.inspect(import_file, SUBJECT)         # per column: header, samples, share filled, proposed target
summary = files.dry_run(import_file, SUBJECT, mapping=…, options=…)
action = customers.imports.start(import_file=import_file, mapping=…, options=…, …)
files.failed_rows_csv(import_file)                  # lines to stream
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

from django.conf import settings
from django.db import transaction

from config.imports import reader, workbooks
from config.imports.errors import FileChanged, FileTooLarge, HeaderOnly, UnreadableFile
from config.imports.models import ImportFailure, ImportFile
from config.imports.plan import Outcome, PlannedRow, Repeated, Summary, plan, reason_of
from config.imports.reader import Format, RawRow
from config.imports.subjects import Options, Subject
from config.kernel.formulas import guard, unguard
from config.project.models import Project, User

CHUNK: Final = 1024 * 1024
SAMPLED_ROWS: Final = 1000
SAMPLES: Final = 3
COMPARED_ROWS: Final = 2000
CHECKED_ROWS: Final = 50_000


@dataclass(frozen=True, slots=True)
class Column:
    """One column for the mapping page. filled: 0 to 1, over the rows looked at."""

    header: str
    samples: Sequence[str]
    filled: float
    proposed: str | None


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a look into a file shows. lines: of the whole file, header included; head: the first rows as they stand."""

    columns: Sequence[Column]
    head: Sequence[RawRow]
    lines: int
    encoding: str
    delimiter: str

    @property
    def proposed_mapping(self) -> list[str | None]:
        """One target per column."""
        return [column.proposed for column in self.columns]


def store_upload(
    *,
    project: Project,
    subject: Subject,
    content: BinaryIO,
    given_name: str,
    at: datetime,
    user: User | None = None,
    title: str = "",
    limit: int | None = None,
    delimiter: str | None = None,
    workbook: bool = False,
    at_once: int | None = None,
) -> ImportFile:
    """Keep an upload and find out how it is written. The file's name is random, mode 0600; the given one is only text.

    limit: bytes, `UPLOAD_LIMIT` by default. delimiter: fixed, else found out. workbook: XLSX is taken too; what is kept
    then is its first sheet as CSV, and everything after works on that. at_once: bytes of a workbook from which on it is
    kept as it came (`is_waiting`); `convert` it in the background.
    Raises FileTooLarge and UnreadableFile (empty, binary, header only, …), with a sentence; then nothing is kept.
    """
    path, size, digest = _write(content, limit or settings.UPLOAD_LIMIT)
    try:
        rows = None
        waits = False
        if workbook and workbooks.is_workbook(path):
            workbooks.check(path)
            waits = at_once is not None and size >= at_once
        if waits:
            written, headers = Format("utf-8", ",", 0, True), list[str]()
        elif workbook and workbooks.is_workbook(path):
            path, rows = _converted(path, limit or settings.UPLOAD_LIMIT)
            size, digest = path.stat().st_size, _digest_of(path)
        if not waits:
            with path.open("rb") as source:
                written = Format("utf-8", ",", rows, True) if rows else reader.detect(source, delimiter=delimiter)
                headers = _header_of(source, written)
        return ImportFile.objects.create(
            project=project,
            subject=subject.name,
            title=title or given_name[:200],
            given_name=given_name[:200],
            path=path.name,
            size=size,
            sha256=digest,
            encoding=written.encoding,
            delimiter=written.delimiter,
            headers=headers,
            mapping=subject.propose(headers),
            options={"lines": written.lines, "sheet": written.by_record, "workbook": waits},
            created_by=user,
            created_at=at,
        )
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def is_waiting(import_file: ImportFile) -> bool:
    """Whether it still is a workbook that nobody has read."""
    return bool(import_file.options.get("workbook"))


def convert(import_file: ImportFile, subject: Subject, *, tick: Callable[[int], None]) -> int:
    """Put a waiting workbook's first sheet as CSV in its place; returns the sheet's rows, also when done already.

    tick: told the rows done, may raise. Raises UnreadableFile: the workbook stays as it is.
    """
    if not is_waiting(import_file):
        return int(import_file.options.get("lines") or 0)
    book = original(import_file)
    if not book.exists():
        raise FileChanged("The uploaded file is no longer there; upload it again")
    path = book.with_name(secrets.token_hex(16))
    try:
        rows = workbooks.to_csv(book, path, limit=settings.UPLOAD_LIMIT, tick=tick)
        with path.open("rb") as source:
            headers = _header_of(source, Format("utf-8", ",", rows, True))
        import_file.path, import_file.size, import_file.sha256 = path.name, path.stat().st_size, _digest_of(path)
        import_file.headers, import_file.mapping = headers, subject.propose(headers)
        import_file.options = import_file.options | {"lines": rows, "workbook": False}
        import_file.save(update_fields=["path", "size", "sha256", "headers", "mapping", "options"])
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    book.unlink(missing_ok=True)
    return rows


def change_format(import_file: ImportFile, *, subject: Subject, encoding: str, delimiter: str) -> None:
    """Read the file as the person says it is written; the mapping starts anew. Raises UnreadableFile."""
    if delimiter not in reader.DELIMITERS:
        raise UnreadableFile("The delimiter must be a comma, a semicolon or a tab")
    if encoding not in reader.ENCODINGS:
        raise UnreadableFile(f"The encoding must be one of {', '.join(reader.ENCODINGS)}")
    if import_file.options.get("sheet"):
        raise UnreadableFile("A workbook says itself how it is written")
    with opened(import_file) as source:
        headers = _header_of(source, Format(encoding, delimiter))
    import_file.encoding, import_file.delimiter, import_file.headers = encoding, delimiter, headers
    import_file.mapping = subject.propose(headers)
    import_file.save(update_fields=["encoding", "delimiter", "headers", "mapping"])


def inspect(import_file: ImportFile, subject: Subject) -> Inspection:
    """Look at the first thousand rows."""
    with opened(import_file) as source:
        headers, rows = reader.read(source, format_of(import_file))
        sample = list(islice(rows, SAMPLED_ROWS))
    proposed = subject.propose(headers)
    readable = [row.cells for row in sample if not row.problem and len(row.cells) >= len(headers)]
    columns = []
    for index, header in enumerate(headers):
        filled = [cells[index] for cells in readable if cells[index].strip()]
        samples = list(dict.fromkeys(cell[:100] for cell in filled))[:SAMPLES]
        columns.append(Column(header, samples, len(filled) / len(readable) if readable else 0.0, proposed[index]))
    lines = int(import_file.options.get("lines") or 0)
    return Inspection(columns, sample[:5], lines, import_file.encoding, import_file.delimiter)


def dry_run(
    import_file: ImportFile,
    subject: Subject,
    *,
    mapping: Sequence[str | None],
    options: Options,
    tick: Callable[[int], None] = lambda rows: None,
) -> Summary:
    """Plan every row and compare it with what is stored; nothing is written. tick: told the rows done, may raise."""
    summary = Summary()
    with opened(import_file) as source:
        repeated = Repeated.among(_keys(import_file, subject, mapping, source, tick))
        source.seek(0)
        headers, raw = reader.read(source, format_of(import_file))
        parser = subject.parser(import_file.project, mapping, headers, options)
        rows = plan(raw, parser, len(headers))
        done = 0
        while batch := list(islice(rows, COMPARED_ROWS)):
            ready = [row for row in batch if row.outcome is Outcome.READY]
            for row in ready:
                summary.know(subject.key_of(row.values))
            compared = {row.row: row for row in subject.compare(import_file.project, ready, options, repeated)}
            summary.add(compared.get(row.row, row) for row in batch)
            done += len(batch)
            tick(done)
    return summary


def _keys(
    import_file: ImportFile,
    subject: Subject,
    mapping: Sequence[str | None],
    source: BinaryIO,
    tick: Callable[[int], None],
) -> Iterator[str]:
    """The key cell of every row, unread otherwise."""
    places = [mapping.index(target) for target in subject.keys if target in mapping]
    _, raw = reader.read(source, format_of(import_file))
    for number, row in enumerate(raw):
        if number % CHECKED_ROWS == 0:
            tick(0)
        cells = row.cells
        yield next((cells[place] for place in places if place < len(cells) and cells[place]), "")


def former_of(import_file: ImportFile) -> ImportFile | None:
    """The last import of this project with the same columns; its mapping and options can be taken over."""
    rows = ImportFile.objects.filter(project=import_file.project, subject=import_file.subject, action__isnull=False)
    return rows.exclude(pk=import_file.pk).filter(headers=import_file.headers).order_by("-created_at", "-pk").first()


def planned(import_file: ImportFile, subject: Subject) -> Iterator[list[PlannedRow]]:
    """The rows that can go in, as the run plans them, in batches."""
    with opened(import_file) as source:
        headers, raw = reader.read(source, format_of(import_file))
        options = Options.from_json(import_file.options)
        rows = plan(raw, subject.parser(import_file.project, import_file.mapping, headers, options), len(headers))
        while batch := list(islice((row for row in rows if row.outcome is Outcome.READY), COMPARED_ROWS)):
            yield batch


def failed_rows_csv(import_file: ImportFile) -> Iterator[str]:
    """The rows that did not go in, to be mended and uploaded again: the file's columns, `_line`, `_error`.

    What a spreadsheet might run has an apostrophe in front, which the wizard takes off again.
    """
    headers = import_file.headers
    unescape = bool(import_file.options.get("unescape"))
    yield _csv_line([*map(guard, headers), "_line", "_error"])
    last = 0
    while failures := list(import_file.failures.filter(row__gt=last).order_by("row")[:1000]):
        for failure in failures:
            cells = [guard(unguard(cell) if unescape else cell) for cell in failure.cells]
            cells += [""] * (len(headers) - len(cells))
            yield _csv_line([*cells[: len(headers)], str(failure.line), guard(reason_of(failure.problems))])
        last = failures[-1].row


def original(import_file: ImportFile) -> Path:
    """Where the upload lies."""
    return Path(settings.UPLOAD_DIR) / import_file.path


def format_of(import_file: ImportFile) -> Format:
    """How the file is written."""
    return Format(import_file.encoding, import_file.delimiter, by_record=bool(import_file.options.get("sheet")))


@contextmanager
def opened(import_file: ImportFile) -> Iterator[BinaryIO]:
    """The file's bytes. Raises FileChanged if it is gone."""
    try:
        source = original(import_file).open("rb")
    except FileNotFoundError as error:
        raise FileChanged("The uploaded file is no longer there; upload it again") from error
    with source:
        yield source


def check_unchanged(import_file: ImportFile, source: BinaryIO) -> None:
    """Raise FileChanged unless these are the bytes that were uploaded and mapped."""
    source.seek(0)
    digest = hashlib.sha256()
    for chunk in _chunks(source):
        digest.update(chunk)
    if digest.hexdigest() != import_file.sha256:
        raise FileChanged("The file changed after it was mapped; upload it again")


def remove(import_file: ImportFile) -> None:
    """Delete the stored file with its record; what was imported stays."""
    with transaction.atomic():
        path = original(import_file)
        import_file.delete()
    path.unlink(missing_ok=True)


def failure_of(import_file: ImportFile, row: PlannedRow) -> ImportFailure:
    """The record of a row that did not go in."""
    return ImportFailure(
        import_file=import_file,
        row=row.row,
        line=row.line,
        key=_key_cell(import_file, row.cells),
        problems=[problem._asdict() for problem in row.problems],
        cells=list(row.cells),
    )


def _key_cell(import_file: ImportFile, cells: Sequence[str]) -> str:
    named = next((target for target in ("source_id", "code") if target in import_file.mapping), None)
    if named is None:
        return ""
    index = import_file.mapping.index(named)
    return cells[index][:1000] if index < len(cells) and len(cells) >= len(import_file.headers) else ""


def _write(content: BinaryIO, limit: int) -> tuple[Path, int, str]:
    folder = Path(settings.UPLOAD_DIR)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / secrets.token_hex(16)
    digest, size = hashlib.sha256(), 0
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as target:
            for chunk in _chunks(content):
                size += len(chunk)
                if size > limit:
                    raise FileTooLarge(f"The file is larger than {limit:,} bytes")
                digest.update(chunk)
                target.write(chunk)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path, size, digest.hexdigest()


def _converted(path: Path, limit: int) -> tuple[Path, int]:
    """The workbook's sheet as CSV beside it, which takes its place; and the sheet's rows."""
    target = path.with_name(secrets.token_hex(16))
    try:
        rows = workbooks.to_csv(path, target, limit=limit)
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    path.unlink()
    return target, rows


def _digest_of(path: Path) -> str:
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def _chunks(content: BinaryIO) -> Iterable[bytes]:
    content.seek(0)
    return iter(lambda: content.read(CHUNK), b"")


def _header_of(source: BinaryIO, written: Format) -> list[str]:
    headers, rows = reader.read(source, written)
    if next(rows, None) is None:
        raise HeaderOnly("The file has only a header; there is no row below it")
    return headers


def _csv_line(cells: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()

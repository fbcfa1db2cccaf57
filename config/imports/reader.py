"""Pure: the bytes of a file → its header and its raw rows, lazily.

Reads what people have: UTF-8 with and without a byte-order mark, UTF-16, Windows' Latin-1; comma, semicolon, tab.
What is wrong with the whole file is raised (`errors.py`), what is wrong with one row is said on that row, and the
rows after it are read: after a broken quote from the next line on.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, NamedTuple

from config.imports.errors import BinaryFile, BrokenHeader, EmptyFile, TooManyColumns, UnreadableFile

MOST_COLUMNS: Final = 300
LONGEST_CELL: Final = 64 * 1024
LONGEST_RECORD: Final = 1024 * 1024
"""In characters."""

DELIMITERS: Final = (",", ";", "\t")
ENCODINGS: Final = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "latin-1")
HEAD: Final = 64 * 1024
CHUNK: Final = 1024 * 1024

_MAGIC: Final = {
    b"PK\x03\x04": "is a workbook or an archive; save it as CSV",
    b"\xd0\xcf\x11\xe0": "is an old or a password-protected workbook; save it without password as XLSX or CSV",
    b"%PDF": "is a PDF",
    b"\x1f\x8b": "is compressed; unpack it first",
    b"\x89PNG": "is a picture",
    b"\xff\xd8\xff": "is a picture",
    b"GIF8": "is a picture",
    b"SQLite format 3": "is a database",
}
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


class RawRow(NamedTuple):
    """row: data rows from 1, the header not counted. line: where the record starts in the file, from 1; a spreadsheet
    counts a record with line breaks in a cell as one line, an editor as several: this is the editor's.
    problem: why the cells could not be told apart; then `cells` holds the text as it stands.
    """

    row: int
    line: int
    cells: list[str]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Format:
    """How a file is written. lines: all of them, the header's and those inside cells too; None: not counted.

    by_record: rows are numbered by their record, as a sheet numbers its rows, not by lines of text.
    """

    encoding: str
    delimiter: str
    lines: int | None = None
    by_record: bool = False


def detect(source: BinaryIO, *, delimiter: str | None = None) -> Format:
    """Return how the file is written; reads all of it once, in chunks, and leaves it at its start.

    delimiter: known already, else the one that splits the header into most columns.
    Raises EmptyFile, BinaryFile.
    """
    source.seek(0)
    head = source.read(HEAD)
    _refuse_binary(head)
    encoding, lines = _encoding(source, head)
    text = _decoded_head(head, encoding)
    if not text.strip():
        raise EmptyFile("The file is empty")
    source.seek(0)
    return Format(encoding, delimiter or sniff(text), lines)


def sniff(head: str) -> str:
    """Return the delimiter that splits header and next line alike and into most cells; a comma when none does."""
    lines = io.StringIO(head.lstrip("\ufeff\r\n"), newline="")

    def fit(delimiter: str) -> tuple[bool, int]:
        lines.seek(0)
        records = csv.reader(lines, delimiter=delimiter, strict=False)
        try:
            columns, below = len(next(records, [])), len(next(records, []))
        except csv.Error:
            return False, 0
        return columns > 1 and below in (0, columns), columns

    return max(DELIMITERS, key=fit)


def read(source: BinaryIO, written: Format) -> tuple[list[str], Iterator[RawRow]]:
    """Return the header's names and an iterator over the rows below it; blank lines are skipped.

    Memory holds one record. Raises EmptyFile, TooManyColumns, BrokenHeader at once; UnreadableFile while iterating if
    the bytes are not in the encoding.
    """
    source.seek(0)
    text = io.TextIOWrapper(
        io.BufferedReader(_Unclosed(source), 1 << 17), encoding=written.encoding, errors="strict", newline=""
    )
    records = _Records(text, written.delimiter)
    if written.by_record:
        return _named(row._replace(line=number) for number, row in enumerate(records, start=1))
    return _named(records)


def _named(records: Iterator[RawRow]) -> tuple[list[str], Iterator[RawRow]]:
    header = next((record for record in records if any(cell.strip() for cell in record.cells)), None)
    if header is None:
        raise EmptyFile("The file is empty")
    if header.problem:
        raise BrokenHeader(f"The header in line {header.line} cannot be read: {header.problem}")
    names = [name.strip() for name in header.cells]
    while names and not names[-1]:
        names.pop()
    if len(names) > MOST_COLUMNS:
        raise TooManyColumns(f"The file has {len(names)} columns; {MOST_COLUMNS} are the most")
    if any(not name for name in names):
        raise BrokenHeader(f"Column {names.index('') + 1} has no name in the header (line {header.line})")
    return names, _numbered(records)


def _numbered(records: Iterator[RawRow]) -> Iterator[RawRow]:
    number = 0
    for record in records:
        if not record.problem and not any(record.cells):
            continue
        number += 1
        yield RawRow(number, record.line, record.cells, record.problem)


class _Records:
    """csv's records with the line each starts in; goes on after a record that cannot be read."""

    def __init__(self, text: io.TextIOWrapper, delimiter: str) -> None:
        self._lines = _Lines(text)
        self._parsed = csv.reader(self._lines, delimiter=delimiter, strict=True)

    def __iter__(self) -> Iterator[RawRow]:
        return self

    def __next__(self) -> RawRow:
        lines = self._lines
        lines.begin()
        try:
            cells = next(self._parsed)
        except csv.Error as error:
            return self._broken(str(error))
        except _RecordTooLong:
            return self._broken("")
        if lines.suspicious:
            problem = cell_problem(cells)
            if problem:
                return RawRow(0, lines.start, cells, problem)
        return RawRow(0, lines.start, cells)

    def _broken(self, error: str) -> RawRow:
        lines = self._lines
        first = lines.rewind()
        if lines.skipped:
            problem = f"is longer than {LONGEST_RECORD:,} characters"
        elif "unexpected end" in error or not error:
            problem = "has a quote that is opened and never closed"
        elif "expected after" in error:
            problem = "has a quote in the middle of a cell; write it twice to mean one"
        else:
            problem = f"cannot be read ({error})"
        return RawRow(0, lines.start, [first.rstrip("\r\n")[:LONGEST_CELL]], problem)


class _RecordTooLong(Exception):
    """Left the parser before it could fill the memory."""


class _Lines:
    """Lines for csv's reader that can be taken back: after a broken record the next one starts a line further down."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._readline: Callable[[int], str] = text.readline
        self._taken: list[str] = []
        self._given_back: list[str] = []
        self._size = 0
        self._line = 0
        self.start = 1
        self.suspicious = False
        self.skipped = False

    def begin(self) -> None:
        """Forget the last record's lines."""
        self._taken.clear()
        self._size = 0
        self.start = self._line + 1
        self.suspicious = self.skipped = False

    def rewind(self) -> str:
        """Give back all lines of this record but the first, which is returned."""
        taken = self._taken
        self._given_back.extend(reversed(taken[1:]))
        self._line -= len(taken) - 1
        return taken[0]

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self._given_back:
            line = self._given_back.pop()
        else:
            try:
                line = self._readline(LONGEST_RECORD + 1)
            except UnicodeError as error:
                raise UnreadableFile(f"The file cannot be read after line {self._line}: wrong encoding") from error
            if not line:
                raise StopIteration
        self._line += 1
        self._taken.append(line)
        self._size += len(line)
        if self._size > LONGEST_CELL or "\0" in line:
            self.suspicious = True
            if self._size > LONGEST_RECORD:
                self._skip_rest(line)
                raise _RecordTooLong
        return line

    def _skip_rest(self, line: str) -> None:
        """A single line beyond the limit is read to its end, in pieces, and dropped."""
        if len(self._taken) == 1:
            self.skipped = True
        while line and len(line) > LONGEST_RECORD and not line.endswith(("\n", "\r")):
            line = self._readline(LONGEST_RECORD + 1)


class _Unclosed(io.RawIOBase):
    """Lends a file to TextIOWrapper, which would close it with itself."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        view = memoryview(buffer)
        content = self._source.read(len(view))
        view[: len(content)] = content
        return len(content)


def cell_problem(cells: Sequence[str]) -> str:
    """Why the cells of a row cannot be taken, whatever they mean; "" when they can."""
    if any("\0" in cell for cell in cells):
        return "contains a NUL character"
    longest = max(map(len, cells), default=0)
    return f"has a cell of {longest:,} characters; {LONGEST_CELL:,} are the most" if longest > LONGEST_CELL else ""


def _refuse_binary(head: bytes) -> None:
    if not head.strip():
        raise EmptyFile("The file is empty")
    for magic, what in _MAGIC.items():
        if head.startswith(magic):
            raise BinaryFile(f"The file {what}")
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or _wide(head):
        return
    if len(_CONTROL.findall(head)) * 100 > len(head):
        raise BinaryFile("The file is not text; save it as CSV")


def _wide(head: bytes) -> str:
    """The UTF-16 of a file without byte-order mark: every second byte of Latin text is zero."""
    sample = head[: len(head) // 2 * 2][:2000]
    if len(sample) < 4:
        return ""
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    half = len(sample) // 2
    if odd > half * 0.7 and even < half * 0.1:
        return "utf-16-le"
    return "utf-16-be" if even > half * 0.7 and odd < half * 0.1 else ""


def _encoding(source: BinaryIO, head: bytes) -> tuple[str, int]:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16", _count_lines(source, head)
    if wide := _wide(head):
        return wide, _count_lines(source, head)
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    is_utf8, lines, undefined, chunk, last = True, 0, False, head, b""
    while chunk:
        lines += _line_ends(chunk)
        if is_utf8:
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError:
                is_utf8 = False
        undefined = undefined or _UNDEFINED.search(chunk) is not None
        last, chunk = chunk, source.read(CHUNK)
    if is_utf8:
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            is_utf8 = False
    lines += not last.endswith((b"\n", b"\r"))
    if is_utf8:
        return "utf-8-sig" if head.startswith(codecs.BOM_UTF8) else "utf-8", lines
    return "latin-1" if undefined else "cp1252", lines


_UNDEFINED: Final = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")
"""Bytes that Windows' Latin-1 leaves undefined."""


def _line_ends(chunk: bytes) -> int:
    return chunk.count(b"\n") or chunk.count(b"\r")


def _count_lines(source: BinaryIO, chunk: bytes) -> int:
    lines = 0
    while chunk:
        lines += _line_ends(chunk)
        chunk = source.read(CHUNK)
    return lines


def _decoded_head(head: bytes, encoding: str) -> str:
    return codecs.getincrementaldecoder(encoding)("replace").decode(head)

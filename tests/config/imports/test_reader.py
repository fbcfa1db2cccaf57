from __future__ import annotations

import csv
import io
import tracemalloc

import pytest

from config.imports import errors, reader
from config.imports.reader import RawRow


def read(content: bytes, **kwargs):
    source = io.BytesIO(content)
    header, rows = reader.read(source, reader.detect(source, **kwargs))
    return header, list(rows)


@pytest.mark.parametrize(
    ("_case", "content", "encoding", "delimiter"),
    [
        ("plain", b"Name,City\nNora,Berlin\n", "utf-8", ","),
        ("utf-8", "Name,City\nJürgen,Köln\n".encode(), "utf-8", ","),
        ("byte-order mark", "Name,City\nJürgen,Köln\n".encode("utf-8-sig"), "utf-8-sig", ","),
        ("utf-16 with mark", "Name,City\nJürgen,Köln\n".encode("utf-16"), "utf-16", ","),
        ("utf-16 without mark", "Name,City\nNora Lind,Berlin\n".encode("utf-16-le"), "utf-16-le", ","),
        ("windows latin-1", "Name,City\nJürgen – 5 €,Köln\n".encode("cp1252"), "cp1252", ","),
        ("latin-1", b"Name,City\nJ\xfcrgen\x81,K\xf6ln\n", "latin-1", ","),
        ("semicolon", b"Name;City\nNora, L.;Berlin\n", "utf-8", ";"),
        ("tab", b"Name\tCity, State\nNora\tBerlin\n", "utf-8", "\t"),
        ("one column", b"Name\nNora\n", "utf-8", ","),
        ("semicolons inside quotes", b'"a;b;c",d\n1,2\n', "utf-8", ","),
    ],
)
def test_detection(_case, content, encoding, delimiter):
    found = reader.detect(io.BytesIO(content))
    assert (found.encoding, found.delimiter, found.lines) == (encoding, delimiter, 2)


def test_every_encoding_gives_the_same_text():
    text = "Name,City\nJürgen,Köln\n"
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1"):
        assert read(text.encode(encoding)) == (["Name", "City"], [RawRow(1, 2, ["Jürgen", "Köln"])])


def test_a_late_character_beyond_the_head_decides_the_encoding():
    content = b"Name\n" + b"x\n" * 100_000 + b"J\xfcrgen\n"
    assert reader.detect(io.BytesIO(content)).encoding == "cp1252"


@pytest.mark.parametrize(
    ("_case", "content", "error", "sentence"),
    [
        ("empty", b"", errors.EmptyFile, "The file is empty"),
        ("blank lines", b"\n\r\n  \n", errors.EmptyFile, "The file is empty"),
        ("only a mark", b"\xef\xbb\xbf", errors.EmptyFile, "The file is empty"),
        (
            "workbook",
            b"PK\x03\x04" + bytes(100),
            errors.BinaryFile,
            "The file is a workbook or an archive; save it as CSV",
        ),
        ("random bytes", bytes(range(256)) * 10, errors.BinaryFile, "The file is not text; save it as CSV"),
        (
            "columns",
            b",".join(b"c%d" % n for n in range(301)),
            errors.TooManyColumns,
            "The file has 301 columns; 300 are the most",
        ),
        ("no name", b"a,,c\n1,2,3\n", errors.BrokenHeader, "Column 2 has no name in the header (line 1)"),
        (
            "header",
            b'a,"b"x\n1,2\n',
            errors.BrokenHeader,
            "The header in line 1 cannot be read: has a quote in the middle of a cell; write it twice to mean one",
        ),
    ],
)
def test_a_file_that_cannot_be_read_says_why(_case, content, error, sentence):
    with pytest.raises(error) as caught:
        read(content)
    assert caught.value.details == sentence


def test_lines_count_line_breaks_inside_cells_and_blank_lines():
    header, rows = read(b'\nName,Note\r\nNora,"one\r\ntwo"\r\n\r\nOle,x\r\nPia,y')
    assert header == ["Name", "Note"]
    assert rows == [RawRow(1, 3, ["Nora", "one\r\ntwo"]), RawRow(2, 6, ["Ole", "x"]), RawRow(3, 7, ["Pia", "y"])]


@pytest.mark.parametrize(
    ("_case", "bad", "problem"),
    [
        ("text after a quote", b'x,"y"z', "has a quote in the middle of a cell; write it twice to mean one"),
        ("never closed", b'x,"yz', "has a quote that is opened and never closed"),
        ("NUL", b"x,\0", "contains a NUL character"),
        ("a long cell", b"x," + b"y" * 70_000, "has a cell of 70,000 characters; 65,536 are the most"),
        ("a long line", b"x," + b"y" * 3_000_000, "is longer than 1,048,576 characters"),
    ],
)
def test_a_broken_row_costs_only_itself(_case, bad, problem):
    good = [b"a%d,b%d" % (number, number) for number in range(1, 1000)]
    good[498:498] = [bad]
    _, rows = read(b"Name,City\n" + b"\n".join(good) + b"\n")
    assert len(rows) == 1000
    assert (rows[498].row, rows[498].line, rows[498].problem) == (499, 500, problem)
    assert [row.cells[0] for row in rows if not row.problem] == [f"a{number}" for number in range(1, 1000)]
    assert rows[-1].line == 1001


def test_an_open_quote_before_a_quoted_cell_further_down_costs_one_row():
    _, rows = read(b'a,b\n1,"2\n3,4\n5,"6, six"\n7,8\n')
    assert [(row.line, bool(row.problem)) for row in rows] == [(2, True), (3, False), (4, False), (5, False)]
    assert rows[2].cells == ["5", "6, six"]


def test_many_open_quotes_do_not_take_forever():
    _, rows = read(b"a,b\n" + b'1,"2\n' * 50_000)
    assert len(rows) == 50_000


def test_memory_holds_one_record_not_the_file():
    line = b"x" * 50 + b"," + b"y" * 50 + b"\n"

    class Endless(io.RawIOBase):
        left = 300_000

        def readable(self):
            return True

        def seek(self, *_):
            return 0

        def read(self, size=-1):
            if self.left <= 0:
                return b""
            count = max(1, min(self.left, size // len(line)))
            self.left -= count
            return line * count

    tracemalloc.start()
    _, rows = reader.read(Endless(), reader.Format("utf-8", ","))
    assert sum(1 for _ in rows) > 100_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8_000_000


def test_rows_are_what_csv_makes_of_them():
    rows = [["a", "b"], ['say "hi"', "x,y"], ["", " "], ["line\nbreak", "é"]]
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    header, found = read(out.getvalue().encode())
    assert [header, *(row.cells for row in found)] == rows

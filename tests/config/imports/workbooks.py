"""Workbooks for tests: good ones, and ones that would fill memory or disk."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Sequence
from typing import Any

from openpyxl import Workbook

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
PARTS = {
    "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Override PartName="/xl/workbook.xml" ContentType='
    '"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
    '<Override PartName="/xl/sharedStrings.xml" ContentType='
    '"application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"/></Types>',
    "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"'
    ' Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{MAIN}"'
    ' xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
    '<sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"'
    ' Target="worksheets/sheet1.xml"/></Relationships>',
}


def workbook(*rows: Sequence[Any]) -> bytes:
    """A workbook of these rows."""
    book = Workbook()
    for row in rows:
        book.active.append(row)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def cell_at(place: str, value: Any = "x") -> bytes:
    """Two good rows, and one cell far away."""
    book = Workbook()
    book.active.append(["Source_id", "Name"])
    book.active.append(["a", "Ada"])
    book.active[place] = value
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def by_hand(cells: str, *, prolog: str = "", shared: str = "", extra: int = 0, drop: str = "") -> bytes:
    """A workbook of raw XML. cells: of sheetData; extra: empty parts beside; drop: a part left out."""
    sheet = f'{prolog}<worksheet xmlns="{MAIN}"><sheetData>{cells}</sheetData></worksheet>'
    parts = PARTS | {"xl/worksheets/sheet1.xml": sheet, "xl/sharedStrings.xml": f'<sst xmlns="{MAIN}">{shared}</sst>'}
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            if name != drop:
                archive.writestr(name, text)
        for number in range(extra):
            archive.writestr(f"xl/extra{number}.xml", "")
    return content.getvalue()


def inline(row: int, *texts: str) -> str:
    """A row of inline strings."""
    cells = "".join(f'<c t="inlineStr"><is><t>{text}</t></is></c>' for text in texts)
    return f'<row r="{row}">{cells}</row>'


def encrypted() -> bytes:
    """A workbook whose parts are marked as encrypted."""
    content = bytearray(workbook(["Source_id"], ["a"]))
    at = 0
    while (at := content.find(b"PK\x01\x02", at)) >= 0:
        content[at + 8] |= 1
        at += 4
    return bytes(content)


LAUGHS = "<!DOCTYPE x [<!ENTITY a '" + "ha" * 100 + "'>" + "".join(
    f"<!ENTITY {chr(98 + n)} '{f'&{chr(97 + n)};' * 10}'>" for n in range(9)
) + "]>"  # fmt: skip
"""Entities that unfold to gigabytes."""


HEADER = inline(1, "Source_id", "Name")
TWICE = '<row r="{0}"><c t="s"><v>0</v></c><c t="s"><v>0</v></c></row>'

BOMBS: dict[str, Callable[[], bytes]] = {
    "not an archive": lambda: b"PK\x03\x04" + b"\0" * 100,
    "cut off": lambda: workbook(["Source_id"], ["a"])[:-200],
    "another archive": lambda: by_hand(HEADER, drop="[Content_Types].xml"),
    "no workbook in it": lambda: by_hand(HEADER, drop="xl/workbook.xml"),
    "encrypted": encrypted,
    "many parts": lambda: by_hand(HEADER + inline(2, "a", "Ada"), extra=300),
    "zip bomb": lambda: by_hand(HEADER + inline(2, "a", "Ada" + "x" * 120_000_000)),
    "shared strings bomb": lambda: by_hand(HEADER, shared="<si><t>" + "x" * 110_000_000 + "</t></si>"),
    "one string many times": lambda: by_hand(
        "".join(TWICE.format(row) for row in range(1, 2000)), shared=f"<si><t>{'x' * 32_000}</t></si>"
    ),
    "entities": lambda: by_hand(HEADER.replace("Name", "&i;"), prolog=LAUGHS),
    "301 columns": lambda: workbook([f"c{number}" for number in range(301)], ["x"] * 301),
    "nothing in it": workbook,
}
"""Workbooks that must be refused, by what they are; made when asked for, some are large."""

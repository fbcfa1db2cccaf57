"""Pure: a code as a picture, QR or barcode (Code 128), PNG or SVG. size: pixels of one module, 1 to 100.

The libraries spell the code in modules; drawing them takes no imaging library.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, Final, NamedTuple

import segno
from barcode.codex import Code128

QUIET_QR: Final = 4
QUIET_BARCODE: Final = 10
"""Empty modules around, without which scanners do not find the code."""
HEIGHT_MODULES: Final = 25
MOST_HEIGHT: Final = 500
"""Pixels: a barcode of 200 characters in the largest size is wide enough as it is."""


class _Row(NamedTuple):
    """A line of modules, `1` is dark, and its height in pixels."""

    modules: str
    height: int


def qr(text: str, *, size: int, svg: bool) -> bytes:
    """The QR code of a text, of the smallest version that holds it with 15 % of correction or more."""
    made = segno.make(text, error="m", micro=False)
    lines = ["".join("1" if dark else "0" for dark in line) for line in made.matrix_iter(border=QUIET_QR)]
    return _drawn([_Row(line, size) for line in lines], size, svg=svg)


def can_be_barcode(text: str) -> bool:
    """Whether Code 128 has all its characters: printable ASCII."""
    return bool(text) and text.isascii() and text.isprintable()


def barcode(text: str, *, size: int, svg: bool) -> bytes:
    """The barcode of a text that `can_be_barcode`."""
    made: Any = Code128(text)
    quiet = "0" * QUIET_BARCODE
    modules = quiet + "".join(made.build()) + quiet
    return _drawn([_Row(modules, min(HEIGHT_MODULES * size, MOST_HEIGHT))], size, svg=svg)


def _drawn(rows: Sequence[_Row], size: int, *, svg: bool) -> bytes:
    return _svg(rows, size) if svg else _png(rows, size)


def _svg(rows: Sequence[_Row], size: int) -> bytes:
    width, height = len(rows[0].modules) * size, sum(row.height for row in rows)
    bars, top = list[str](), 0
    for row in rows:
        left = 0
        for mark, run in groupby(row.modules):
            right = left + len(list(run)) * size
            if mark == "1":
                bars.append(f"M{left} {top}H{right}v{row.height}H{left}z")
            left = right
        top += row.height
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
        f'<path fill="#fff" d="M0 0h{width}v{height}H0z"/><path d="{"".join(bars)}"/></svg>'
    ).encode()


def _png(rows: Sequence[_Row], size: int) -> bytes:
    """One bit a pixel, 1 is white."""
    width, height = len(rows[0].modules) * size, sum(row.height for row in rows)
    pack = zlib.compressobj(6)
    data = b"".join(pack.compress(line) for line in _lines(rows, size)) + pack.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", data), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in chunks)


def _lines(rows: Sequence[_Row], size: int) -> Iterable[bytes]:
    for row in rows:
        bits = "".join(("0" if mark == "1" else "1") * size for mark in row.modules)
        octets = (len(bits) + 7) // 8
        line = b"\0" + int(bits.ljust(octets * 8, "0"), 2).to_bytes(octets, "big")
        for _ in range(row.height):
            yield line


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

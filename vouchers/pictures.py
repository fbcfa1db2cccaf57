"""Pure: a code as a picture, QR or barcode (Code 128), PNG or SVG. size: pixels of one module, 1 to 100."""

from __future__ import annotations

import io
import struct
import zlib
from itertools import groupby
from typing import Any, Final

import segno
from barcode.codex import Code128

QUIET_MODULES: Final = 10
"""Empty modules on both sides of a barcode, without which scanners do not find it."""
HEIGHT_MODULES: Final = 25
MOST_HEIGHT: Final = 500
"""Pixels: a barcode of 200 characters in the largest size is wide enough as it is."""


def qr(text: str, *, size: int, svg: bool) -> bytes:
    """The QR code of a text, of the smallest version that holds it with 15 % of correction or more."""
    picture = io.BytesIO()
    made = segno.make(text, error="m", micro=False)
    made.save(picture, kind="svg" if svg else "png", scale=size)
    return picture.getvalue()


def can_be_barcode(text: str) -> bool:
    """Whether Code 128 has all its characters: printable ASCII."""
    return bool(text) and text.isascii() and text.isprintable()


def barcode(text: str, *, size: int, svg: bool) -> bytes:
    """The barcode of a text that `can_be_barcode`."""
    made: Any = Code128(text)
    quiet = "0" * QUIET_MODULES
    modules = quiet + "".join(made.build()) + quiet
    height = min(HEIGHT_MODULES * size, MOST_HEIGHT)
    return _svg(modules, size, height) if svg else _png(modules, size, height)


def _svg(modules: str, size: int, height: int) -> bytes:
    bars, position = [], 0
    for mark, run in groupby(modules):
        width = len(list(run))
        if mark == "1":
            bars.append(f"M{position * size} 0h{width * size}v{height}H{position * size}z")
        position += width
    width = len(modules) * size
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
        f'<path fill="#fff" d="M0 0h{width}v{height}H0z"/><path d="{"".join(bars)}"/></svg>'
    ).encode()


def _png(modules: str, size: int, height: int) -> bytes:
    """One bit a pixel; every line is the same."""
    bits = "".join(("0" if mark == "1" else "1") * size for mark in modules)
    width = len(bits)
    line = b"\0" + int(bits.ljust((width + 7) // 8 * 8, "0"), 2).to_bytes((width + 7) // 8, "big")
    pack = zlib.compressobj(6)
    data = b"".join(pack.compress(line) for _ in range(height)) + pack.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", data), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

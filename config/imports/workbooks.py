"""XLSX uploads: looked at as archives first, then turned into CSV by a process of its own (`sheet.py`)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from config.imports import sheet
from config.imports.errors import BinaryFile, UnreadableFile

MAGIC: Final = b"PK\x03\x04"
MOST_MEMBERS: Final = 200
MOST_SHARED_STRINGS: Final = 100 * 1024 * 1024
MOST_IN_ALL: Final = 2 * 1024 * 1024 * 1024
SHARED_STRINGS: Final = "xl/sharedstrings.xml"
SIGN: Final = "[Content_Types].xml"


def is_workbook(path: Path) -> bool:
    """Whether the file begins as a workbook does; it may still be another archive."""
    with path.open("rb") as source:
        return source.read(len(MAGIC)) == MAGIC


def check(path: Path) -> None:
    """Refuse what would unpack to too much, by what the archive declares; reading holds it to that.

    Raises BinaryFile, UnreadableFile.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
        raise BinaryFile("The file is a broken archive; save the workbook anew, or as CSV") from error
    if len(members) > MOST_MEMBERS:
        raise UnreadableFile(f"The workbook has {len(members):,} parts; {MOST_MEMBERS} are the most. Save it as CSV")
    if SIGN not in {member.filename for member in members}:
        raise BinaryFile("The file is an archive, not a workbook; save it as XLSX or CSV")
    if any(member.flag_bits & 1 for member in members):
        raise BinaryFile("The workbook is encrypted; save it without a password")
    shared = sum(member.file_size for member in members if member.filename.lower() == SHARED_STRINGS)
    if shared > MOST_SHARED_STRINGS or sum(member.file_size for member in members) > MOST_IN_ALL:
        raise UnreadableFile("The workbook unpacks to too much; save it as CSV")


def to_csv(path: Path, target: Path, *, limit: int, tick: Callable[[int], None] = lambda rows: None) -> int:
    """Write the workbook's first sheet as CSV (UTF-8, commas) and return its rows; record n is row n of the sheet.

    limit: bytes of the CSV. tick: told the rows done, may raise. Raises BinaryFile, UnreadableFile; `target` may then
    exist.
    """
    check(path)
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    command = [sys.executable, "-I", sheet.__file__, str(path), str(target), str(limit)]
    answer: dict[str, Any] = {}
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env={"PATH": os.environ.get("PATH", "")},
    ) as child:  # fmt: skip
        watch = threading.Timer(sheet.SECONDS, child.kill)
        watch.start()
        try:
            for line in child.stdout or ():
                answer = _read(line)
                if "progress" in answer:
                    tick(int(answer["progress"]))
        finally:
            watch.cancel()
            child.kill()
    if "error" in answer:
        raise UnreadableFile(answer["error"])
    if "rows" not in answer:
        raise UnreadableFile("The workbook takes more time or memory than is allowed; save it as CSV")
    return int(answer["rows"])


def _read(line: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(line)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}

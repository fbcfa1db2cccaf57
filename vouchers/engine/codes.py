"""Codes: their patterns, the characters that fill them, and how many different ones a pattern has."""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

ALPHANUMERIC: Final = string.digits + string.ascii_lowercase + string.ascii_uppercase
"""The contract's default."""
READABLE: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Without look-alikes (0 and O, 1 and I): what forms propose for codes that people type."""
DEFAULT_LENGTH: Final = 8
LONGEST: Final = 200
BLANK: Final = "#"


class CodeConfigError(ValueError):
    """The configuration cannot make codes; the message names the property."""


@dataclass(frozen=True, slots=True)
class CodeConfig:
    """prefix + pattern + postfix; every `#` of the pattern becomes a random character of the charset."""

    pattern: str = BLANK * DEFAULT_LENGTH
    charset: str = ALPHANUMERIC
    prefix: str = ""
    postfix: str = ""

    @property
    def length(self) -> int:
        """How many characters are random."""
        return self.pattern.count(BLANK)

    def possible(self, *, case_sensitive: bool = True) -> int:
        """How many different codes there are."""
        characters = self.charset if case_sensitive else self.charset.lower()
        return int(len(set(characters)) ** self.length)

    def to_wire(self) -> dict[str, Any]:
        """The echo of a campaign's template."""
        wire: dict[str, Any] = {"length": self.length, "charset": self.charset, "pattern": self.pattern}
        return wire | {key: text for key, text in (("prefix", self.prefix), ("postfix", self.postfix)) if text}


def parse_config(value: Any) -> CodeConfig:
    """Return the configuration; None and what is missing take the defaults. Raises CodeConfigError."""
    if value is None:
        return CodeConfig()
    if not isinstance(value, Mapping):
        raise CodeConfigError("Property .code_config should be an object")
    for name in ("charset", "prefix", "postfix", "pattern"):
        _check_text(name, value.get(name))
    charset = "".join(dict.fromkeys(value.get("charset") or ALPHANUMERIC))
    pattern = value.get("pattern")
    config = CodeConfig(
        pattern=pattern if pattern else BLANK * _length(value.get("length")),
        charset=charset,
        prefix=value.get("prefix") or "",
        postfix=value.get("postfix") or "",
    )
    if config.length == 0:
        raise CodeConfigError(f"Property .code_config.pattern should have at least one '{BLANK}'")
    if len(config.prefix) + len(config.pattern) + len(config.postfix) > LONGEST:
        raise CodeConfigError(f"Property .code_config makes codes longer than {LONGEST} characters")
    return config


def generate(config: CodeConfig, choose: Callable[[Sequence[str]], str] = secrets.choice) -> str:
    """Return one code, e.g. prefix `AB-`, pattern `###-##`: `AB-k3P-9x`."""
    filled = "".join(choose(config.charset) if mark == BLANK else mark for mark in config.pattern)
    return config.prefix + filled + config.postfix


def generate_many(config: CodeConfig, count: int) -> list[str]:
    """Return `count` codes, some of which may be the same; many times quicker than one by one."""
    parts = config.pattern.split(BLANK)
    width = len(parts) - 1
    pool = _random_characters(config.charset, width * count)
    filled = [pool[start : start + width] for start in range(0, width * count, width)]
    head, joints, tail = config.prefix + parts[0], parts[1:-1], parts[-1] + config.postfix
    if any(joints):
        joints = ["", *joints]
        filled = ["".join([joint + random for joint, random in zip(joints, text, strict=True)]) for text in filled]
    return [f"{head}{text}{tail}" for text in filled]


def numbered(config: CodeConfig, number: int, *, case_sensitive: bool = True) -> str:
    """The code of that number, from 0 to `possible` - 1; no two numbers have codes that compare as equal."""
    characters = config.charset
    if not case_sensitive:
        characters = "".join({character.lower(): character for character in characters}.values())
    filled = []
    for mark in config.pattern:
        if mark == BLANK:
            number, digit = divmod(number, len(characters))
            filled.append(characters[digit])
        else:
            filled.append(mark)
    return config.prefix + "".join(filled) + config.postfix


def comparable(code: str, *, case_sensitive: bool) -> str:
    """The code as it is compared and kept unique."""
    return code if case_sensitive else code.lower()


def _random_characters(charset: str, count: int) -> str:
    """Every character as likely as the others: bytes that would make some likelier are left out."""
    size = len(charset)
    table = bytes(index % size for index in range(256))
    uneven = bytes(range(256 // size * size, 256))
    pool = b""
    while len(pool) < count:
        pool += secrets.token_bytes((count - len(pool)) * 5 // 4 + 64).translate(table, uneven)
    indexes = pool[:count]
    if charset.isascii():
        return indexes.translate(charset.encode("ascii").ljust(256)).decode("ascii")
    return indexes.decode("latin-1").translate(dict(enumerate(charset)))


def _check_text(name: str, value: Any) -> None:
    if value is None:
        return
    if not isinstance(value, str):
        raise CodeConfigError(f"Property .code_config.{name} should be a string")
    if len(value) > LONGEST or not value.isprintable():
        raise CodeConfigError(f"Property .code_config.{name} should be at most {LONGEST} printable characters")


def _length(value: Any) -> int:
    if value is None:
        return DEFAULT_LENGTH
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LONGEST:
        raise CodeConfigError(f"Property .code_config.length should be an integer from 1 to {LONGEST}")
    return value

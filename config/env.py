"""Typed readers of the environment: a malformed value stops the start instead of turning into a default."""

from __future__ import annotations

import os
import secrets
from ipaddress import ip_network
from pathlib import Path

TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"0", "false", "no", "off"})


class BadSetting(SystemExit):
    """A setting in the environment cannot be understood."""

    def __init__(self, name: str, value: str, wanted: str) -> None:
        super().__init__(f"{name}={value!r} is not {wanted}.")


def env_str(name: str, default: str = "") -> str:
    """The value, or the default where it is unset or empty."""
    return os.environ.get(name, "") or default


def env_bool(name: str, default: bool) -> bool:
    """1/0, true/false, yes/no, on/off in any case."""
    value = os.environ.get(name, "").strip().lower()
    if not value:
        return default
    if value in TRUE | FALSE:
        return value in TRUE
    raise BadSetting(name, value, "yes or no")


def env_int(name: str, default: int, *, least: int = 0) -> int:
    """A whole number of at least `least`."""
    value = os.environ.get(name, "").strip()
    if not value:
        return default
    if not value.isascii() or not value.isdecimal() or int(value) < least:
        raise BadSetting(name, value, f"a whole number of at least {least}")
    return int(value)


def env_list(name: str, default: list[str] | None = None) -> list[str]:
    """Parts between commas, trimmed; empty parts are dropped."""
    value = os.environ.get(name, "")
    return [part.strip() for part in value.split(",") if part.strip()] if value else list(default or [])


def env_networks(name: str) -> list[str]:
    """Networks between commas, such as 10.0.0.0/8, fd00::/8."""
    networks = env_list(name)
    for network in networks:
        try:
            ip_network(network, strict=False)
        except ValueError:
            raise BadSetting(name, network, "a network such as 10.0.0.0/8") from None
    return networks


def env_secret(name: str, file: Path) -> str:
    """The secret from the environment, else from `file`, which is made (mode 600) where it is missing."""
    if value := os.environ.get(name, ""):
        return value
    if file.exists():
        return file.read_text().strip()
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = secrets.token_urlsafe(48)
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return file.read_text().strip()
    with os.fdopen(handle, "w") as out:
        out.write(fresh)
    return fresh


def env_rate(name: str, default: str) -> tuple[int, int] | None:
    """`5/5s` means 5 requests in 5 seconds; units s, m, h. `off` means no limit (None)."""
    value = env_str(name, default).strip().lower()
    if value == "off":
        return None
    count, _, window = value.partition("/")
    seconds = {"s": 1, "m": 60, "h": 3600}.get(window[-1:], 0)
    number = window[:-1] or "1"
    if not (count.isdecimal() and number.isdecimal() and seconds and int(count) and int(number)):
        raise BadSetting(name, value, "a rate such as 5/5s, 100/m or off")
    return int(count), int(number) * seconds

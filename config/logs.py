"""One JSON object a line, made of the fields listed here and of nothing else.

What a person typed never reaches a log: no bodies, query values, cookies or authorisation headers, and of an exception
only its type and where it was raised (psycopg's messages quote the values of the row).
"""

from __future__ import annotations

import json
import logging
import traceback
from datetime import UTC, datetime
from typing import Any, Final

FIELDS: Final = (
    "request_id", "trace_id", "method", "route", "status", "ms", "project", "key_id", "user_id",
    "job", "queue", "attempt", "action", "rows", "sqlstate", "delay", "count",
)  # fmt: skip
"""What a caller may add with `extra=`; anything else is dropped."""

PATHS_WITH_VALUES: Final = frozenset({"django.request", "django.security.DisallowedHost", "django.security.csrf"})
"""Loggers of Django whose message quotes the path or host of the request: their template is kept, its arguments not."""


class JsonFormatter(logging.Formatter):
    """Writes time, level, logger, message and the allowed fields."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self._message(record),
        }
        for field in FIELDS:
            value = getattr(record, field, None)
            if value is not None and value != "":
                line[field] = value if isinstance(value, int | float) else str(value)
        if record.exc_info and record.exc_info[0] is not None:
            line["exception"] = describe(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False)

    @staticmethod
    def _message(record: logging.LogRecord) -> str:
        if any(record.name == name or record.name.startswith(name + ".") for name in PATHS_WITH_VALUES):
            return str(record.msg)
        return record.getMessage()


def describe(error: BaseException | None) -> list[str]:
    """The types of an exception and its causes, with the frames of the first; without messages."""
    lines: list[str] = []
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        kind = type(error)
        sqlstate = getattr(error, "sqlstate", None)
        lines.append(f"{kind.__module__}.{kind.__qualname__}" + (f" [{sqlstate}]" if sqlstate else ""))
        lines.extend(
            f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)[-12:]
        )
        error = error.__cause__ or error.__context__
    return lines

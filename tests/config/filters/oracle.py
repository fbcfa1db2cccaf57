"""A second reading of the filter language in plain Python, made from the contract and not from the compiler.

It takes a filter as JSON and a customer as plain values (`Person`), and shares no code with `config.filters`.
"""

import re
import unicodedata
from calendar import isleap
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
INSTANT = re.compile(
    r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?)(Z|[+-]\d{2}(?::?\d{2})?)?", re.ASCII
)
NUMBER = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?")
NEGATIVE = {"$is_not": "$is", "$not_in": "$in", "$not_contain": "$contains", "$is_unknown": "$has_value"}
ALIASES = {
    "$more_than_or_equal": "$more_than_equal",
    "$less_than_or_equal": "$less_than_equal",
    "$is_more_days_ago": "$more_than_ago",
    "$is_less_days_ago": "$less_than_ago",
}
FLAGS = {"today", "tomorrow", "yesterday", *(f"{a}_{b}" for a in ("this", "last", "next") for b in ("week", "month"))}


@dataclass
class Person:
    """columns: by field key; counters: number and whether a record exists; events: name → (count, first, last)."""

    columns: dict[str, Any] = field(default_factory=dict)
    counters: dict[str, tuple[Any, bool]] = field(default_factory=dict)
    metadata: dict[str, Any] | None = None
    system_metadata: dict[str, Any] = field(default_factory=dict)
    events: dict[str, tuple[int, datetime, datetime]] = field(default_factory=dict)


@dataclass
class Now:
    at: datetime
    zone: Any

    @property
    def today(self):
        return self.at.astimezone(self.zone).date()


@dataclass
class Found:
    kind: str
    elements: list[Any]
    known: bool
    size: int
    birthday: bool = False


def member(filter: dict, person: Person, now: Now, kinds: dict[str, str] | None = None) -> bool:
    """Whether the person passes. kinds: the declared types of metadata keys."""
    verdicts = []
    for key, value in filter.items():
        if key == "junction":
            continue
        if "conditions" not in value:
            verdicts.append(member(value, person, now, kinds))
            continue
        found = look_up(person, key, kinds or {})
        verdicts.append(all(condition(found, op, raw, now, key) for op, raw in value["conditions"].items()))
    junction = filter["junction"].lower()
    return {"and": all, "or": any, "none": lambda found: not any(found)}[junction](verdicts)


def look_up(person: Person, key: str, kinds: dict[str, str]) -> Found:
    if key.startswith("metadata."):
        return from_json(dig(person.metadata, key.removeprefix("metadata.")), kinds.get(key, "any"))
    if key == "system_metadata.source":
        return from_json(dig(person.system_metadata, "source"), "text")
    if key == "system_metadata.web_widget.widgets":
        return from_json(dig(person.system_metadata, "web_widget.widgets"), "text")
    if key.startswith("events."):
        name, _, part = key.removeprefix("events.").rpartition(".")
        record = person.events.get(name)
        if part == "count":
            return Found("number", [record[0] if record else 0], record is not None, 1 if record else 0)
        return one("datetime", record and record[{"first": 1, "last": 2}[part]])
    if key in person.counters:
        number, exists = person.counters[key]
        return Found("number", [number], exists, 1 if exists else 0)
    if key.startswith(("loyalty.campaigns.", "loyalty_points.")) and not key.endswith("tier"):
        return Found("number", [0], False, 0)
    if key in ("birthdate", "birthday"):
        other = {"birthdate": "birthday", "birthday": "birthdate"}[key]
        value = person.columns.get(key) or person.columns.get(other)
        return Found("date", [] if value is None else [value], value is not None, 1, birthday=True)
    kind = "datetime" if key in ("created_at", "updated_at", "summary.orders.last_order_date") else "text"
    return one(kind, person.columns.get(key))


def one(kind: str, value: Any) -> Found:
    return Found(kind, [] if value is None else [value], value is not None, 1)


def dig(document: Any, path: str) -> Any:
    if not isinstance(document, dict):
        return None
    if path in document:
        return document[path]
    if "." in path:
        for key in path.split("."):
            document = document.get(key) if isinstance(document, dict) else None
        return document
    return None


def from_json(value: Any, kind: str) -> Found:
    elements = value if isinstance(value, list) else [] if value is None else [value]
    return Found(kind, elements, bool(elements), len(elements))


def condition(found: Found, op: str, raw: Any, now: Now, key: str) -> bool:
    op = ALIASES.get(op, op)
    values = raw if isinstance(raw, list) else [raw]
    if op in NEGATIVE:
        return not condition(found, NEGATIVE[op], raw, now, key)
    if values == [False] and is_flag(op):
        return not condition(found, op, True, now, key)
    if found.birthday and (op.removeprefix("$") in FLAGS or op in ("$is_days_ago", "$is_days_in_future")):
        op += "_md"
    if op == "$has_value":
        return found.known
    if op in ("$count", "$count_more", "$count_less"):
        n = int(values[0])
        return found.known and {"$count": found.size == n, "$count_more": found.size > n}.get(op, found.size < n)
    if op == "$includes":
        return all(any(passes("$is", e, [value], found, now, key) for e in found.elements) for value in values)
    op = {"$in": "$is", "$intersects": "$is"}.get(op, op)
    return any(passes(op, element, values, found, now, key) for element in found.elements)


def is_flag(op: str) -> bool:
    name = op.removeprefix("$").removesuffix("_md")
    return name in FLAGS or name in ("has_value", "this_year", "last_year", "next_year")


def passes(op: str, element: Any, values: list[Any], found: Found, now: Now, key: str) -> bool:
    if found.kind in ("date", "datetime") and op in ("$is", "$more_than", "$less_than"):
        if op != "$is":
            return dated(op + "_ago", element, values, found.kind, now)
        return any(same_moment(element, value, found.kind, now) for value in values)
    if op == "$is":
        return any(equal(element, value, found.kind, key) for value in values)
    if op in ("$contains", "$starts_with", "$ends_with"):
        text = text_of(element)
        wanted = [nfc(text_of(value)) for value in values]
        if key == "email":
            wanted = [value.lower() for value in wanted]
            text = text and text.lower()
        test = {"$contains": str.__contains__, "$starts_with": str.startswith, "$ends_with": str.endswith}[op]
        return text is not None and any(test(text, value) for value in wanted)
    if op in ("$more_than", "$less_than", "$more_than_equal", "$less_than_equal"):
        left, right = number_of(element), number_of(values[0])
        if left is None or right is None:
            return False
        return {
            "$more_than": left > right,
            "$less_than": left < right,
            "$more_than_equal": left >= right,
            "$less_than_equal": left <= right,
        }[op]
    return dated(op, element, values, found.kind, now)


def equal(element: Any, value: Any, kind: str, key: str) -> bool:
    if isinstance(element, dict | list) or element is None:
        return False
    if kind == "number" and not isinstance(element, str):
        return number_of(element) == number_of(value) is not None
    left, right = text_of(element), nfc(text_of(value))
    if key == "email":
        left, right = left.lower(), right.lower()
    if left == right:
        return True
    if isinstance(element, bool) or isinstance(value, bool) or isinstance(element, str) or text_of(element) is None:
        return False
    if isinstance(value, str) and canonical(Decimal(value) if NUMBER.fullmatch(value) else Decimal(0)) != value:
        return False
    return number_of(element) == number_of(value)


def nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def canonical(number: Decimal) -> str:
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def text_of(value: Any) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return canonical(Decimal(repr(value)))
    return str(value) if isinstance(value, int | Decimal) else None


def number_of(value: Any) -> Decimal | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        return Decimal(value) if NUMBER.fullmatch(value) else None
    return Decimal(repr(value)) if isinstance(value, int | float) else value if isinstance(value, Decimal) else None


def as_moment(element: Any, kind: str, zone: Any) -> date | datetime | None:
    """What a stored value means in time: a day, or an instant."""
    if isinstance(element, str):
        element = read_moment(element)
        if element is None:
            return None
        if kind == "date" and isinstance(element, datetime):
            return element.astimezone(zone).date()
        if kind == "datetime" and not isinstance(element, datetime):
            return datetime.combine(element, time.min, UTC)
    return element if isinstance(element, date) else None


def read_moment(text: str) -> date | datetime | None:
    try:
        if DAY.fullmatch(text):
            return date.fromisoformat(text)
        if match := INSTANT.fullmatch(text):
            zone = match[3] or "Z"
            zone = "+00:00" if zone == "Z" else zone if len(zone) > 3 else zone + ":00"
            if ":" not in zone:
                zone = zone[:3] + ":" + zone[3:]
            if int(zone[1:3]) > 14:
                return None
            at = datetime.fromisoformat(f"{match[1]}T{match[2]}{zone}").astimezone(UTC)
            return at.replace(microsecond=at.microsecond // 1000 * 1000)
    except (ValueError, OverflowError):
        return None
    return None


def same_moment(element: Any, value: Any, kind: str, now: Now) -> bool:
    moment = as_moment(element, kind, now.zone)
    if moment is None:
        return False
    if isinstance(value, int) or value.isdigit():
        return local_day(moment, now) == now.today - timedelta(days=int(value))
    wanted = read_moment(value)
    if isinstance(wanted, datetime):
        return moment == wanted if isinstance(moment, datetime) else moment == local_day(wanted, now)
    return local_day(moment, now) == wanted


def local_day(moment: date | datetime, now: Now) -> date:
    return moment.astimezone(now.zone).date() if isinstance(moment, datetime) else moment


def dated(op: str, element: Any, values: list[Any], kind: str, now: Now) -> bool:
    moment = as_moment(element, kind, now.zone)
    if moment is None:
        return False
    if op in ("$before", "$after", "$before_equal", "$after_equal"):
        return ordered(op, moment, values[0], now)
    if op.removesuffix("_ago") in ("$more_than", "$less_than") or (op.endswith("_future") and "than" in op):
        return rolling(op, moment, int(values[0]), now)
    return on_calendar(op, local_day(moment, now), values[0], now.today)


def ordered(op: str, moment: date | datetime, raw: Any, now: Now) -> bool:
    wanted = read_moment(raw) if isinstance(raw, str) else None
    if wanted is None:
        return False
    if isinstance(moment, datetime):
        wanted = wanted if isinstance(wanted, datetime) else datetime.combine(wanted, time.min, UTC)
    else:
        wanted = local_day(wanted, now)
    return {
        "$before": moment < wanted,
        "$after": moment > wanted,
        "$before_equal": moment <= wanted,
        "$after_equal": moment >= wanted,
    }[op]


def rolling(op: str, moment: date | datetime, n: int, now: Now) -> bool:
    present = now.at if isinstance(moment, datetime) else now.today
    then = timedelta(days=n)
    if op == "$more_than_ago":
        return moment < present - then
    if op == "$less_than_ago":
        return present - then < moment <= present
    return moment > present + then if op == "$more_than_future" else present <= moment < present + then


def on_calendar(op: str, day: date, raw: Any, today: date) -> bool:
    name = op.removeprefix("$")
    if name == "is_day_of_month":
        return day.day == int(raw)
    if name == "is_month":
        return day.month == int(raw)
    if name == "is_year":
        return day.year == int(raw)
    if name == "is_day":
        return f"{day:%m-%d}" == raw[-5:]
    if name == "is_years_ago":
        year = today.year - int(raw)
        return day == (today if isleap(year) or today.timetuple()[1:3] != (2, 29) else date(today.year, 2, 28)).replace(
            year=year
        )
    any_year = name.endswith("_md")
    name = name.removesuffix("_md")
    if name.startswith("is_more_"):
        return not within(day, *span(name.replace("is_more", "is_less"), raw, today), True)
    return within(day, *span(name, raw, today), any_year)


def within(day: date, first: date, last: date, any_year: bool) -> bool:
    if not any_year:
        return first <= day <= last
    return any(first <= observed(day, year) <= last for year in range(first.year, last.year + 1))


def observed(day: date, year: int) -> date:
    return date(year, 2, 28) if (day.month, day.day) == (2, 29) and not isleap(year) else day.replace(year=year)


def span(name: str, raw: Any, today: date) -> tuple[date, date]:
    offset = {"yesterday": -1, "today": 0, "tomorrow": 1, "last": -1, "this": 0, "next": 1}
    if name in ("today", "tomorrow", "yesterday"):
        return (today + timedelta(days=offset[name]),) * 2
    if name in ("is_days_ago", "is_days_in_future"):
        return (today + timedelta(days=int(raw) * (1 if "future" in name else -1)),) * 2
    if name == "is_less_days_ago":
        return today - timedelta(days=int(raw)), today
    if name == "is_less_days_in_future":
        return today, today + timedelta(days=int(raw))
    which, unit = name.split("_")
    if unit == "week":
        monday = today - timedelta(days=today.weekday()) + timedelta(weeks=offset[which])
        return monday, monday + timedelta(days=6)
    if unit == "year":
        return date(today.year + offset[which], 1, 1), date(today.year + offset[which], 12, 31)
    months = today.year * 12 + today.month - 1 + offset[which]
    return date(months // 12, months % 12 + 1, 1), date((months + 1) // 12, (months + 1) % 12 + 1, 1) - timedelta(
        days=1
    )

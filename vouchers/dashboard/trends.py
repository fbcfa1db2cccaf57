"""Charts, bars and histories that several pages show: geometry and words for the kit's templates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from config.dashboard import charts, kit
from config.project import audit
from config.project.models import AuditEntry, Project
from vouchers.reasons import title_of
from vouchers.reports import Sums, Usage

SERIES: Final = ("Succeeded", "Refused")
WEEKLY_FROM, MONTHLY_FROM = 90, 200
"""Over so many days a bar is a week, or a month."""
MOST_CHANGES: Final = 50


def drawings(usage: Usage, today: date) -> dict[str, Any]:
    """The chart of attempts, wide and for narrow screens: a bar for each day, week or month."""
    length = (usage.last - usage.first).days + 1
    unit = "month" if length >= MONTHLY_FROM else "week" if length >= WEEKLY_FROM else "day"
    drawn: list[charts.Day] = []
    for offset in range(length):
        day = usage.first + timedelta(days=offset)
        sums = usage.days.get(day, Sums())
        values = (sums.succeeded, sums.refused)
        begins = not drawn or unit == "day" or (day.day == 1 if unit == "month" else offset % 7 == 0)
        if begins:
            drawn.append(charts.Day(day, values))
        else:
            former = drawn[-1]
            drawn[-1] = charts.Day(former.day, (former.values[0] + values[0], former.values[1] + values[1]))
    last = drawn[-1].day if today >= drawn[-1].day else today
    names = [name.lower() for name in SERIES]
    return {
        "chart": charts.bars(drawn, names, width=1040, height=260, marks=7, today=last),
        "compact": charts.bars(drawn, names, width=360, height=220, marks=3, today=last),
        "days": drawn[::-1],
        "names": SERIES,
        "unit": unit,
    }


def refusals(usage: Usage, url: str, limit: int = 5) -> list[dict[str, Any]]:
    """The commonest reasons with their share of the longest bar."""
    rows = sorted(usage.refusals.items(), key=lambda row: (-row[1], row[0]))[:limit]
    most = max((count for _, count in rows), default=1)
    return [
        {"title": title_of(key), "count": count, "most": most, "url": f"{url}?tab=refused&reason={key}"}
        for key, count in rows
    ]


@dataclass(frozen=True)
class Change:
    """One line of a history."""

    at: datetime
    icon: str
    title: str
    tone: str = ""
    text: str = ""
    url: str = ""
    data: Mapping[str, Any] | None = None


ICONS: Final = {"created": "plus", "changed": "pencil", "deleted": "trash", "enabled": "check", "disabled": "pause"}


def changes(project: Project, object_type: str, object_id: str) -> list[tuple[str, list[Change]]]:
    """What was done to one object by whom, newest first, under the months."""
    rows = AuditEntry.objects.of(project).filter(object_type=object_type, object_id=object_id)
    return by_month(_change(row) for row in rows.select_related("detail").order_by("-pk")[:MOST_CHANGES])


def _change(row: AuditEntry) -> Change:
    values = audit.values_of(row)
    verb = row.action.rpartition(".")[2]
    who = values.get("actor") or ("An API key" if row.actor_type == "key" else "Somebody")
    parts = [f"{key}: {_short(before)} → {_short(after)}" for key, before, after in audit.differences(values)]
    text = "; ".join(parts[:4]) if verb == "changed" else ""
    title = row.action.replace(".", " ").replace("_", " ").capitalize()
    return Change(row.at, ICONS.get(verb, "pencil"), f"{title} by {who}", "bad" if verb == "deleted" else "", text)


def _short(value: Any) -> str:
    text = "nothing" if value in (None, "", {}, []) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def by_month(items: Iterable[Change]) -> list[tuple[str, list[Change]]]:
    """Grouped under their month."""
    months: list[tuple[str, list[Change]]] = []
    for item in items:
        label = f"{item.at:%B %Y}"
        if not months or months[-1][0] != label:
            months.append((label, []))
        months[-1][1].append(item)
    return months


def money(amount: int | None, project: Project) -> str:
    """An amount of the project's currency."""
    return kit.money_text(amount, project.currency)

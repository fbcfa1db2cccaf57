"""Settings › Audit log: who changed what, from where; as a list and as a file."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from config.dashboard import kit, lists
from config.dashboard.base import Crumb, Page
from config.dashboard.lists import Column, Filter, ListSpec, Sort
from config.kernel import instants
from config.kernel.formulas import guard
from config.project import audit
from config.project.models import ApiKey, AuditEntry, Member, Project
from config.project.permissions import Permission

SETTINGS: Final = Crumb("Settings")
OBJECTS: Final = (
    *("api_key", "async_action", "campaign", "category", "customer", "event_schema", "export", "import", "member"),
    *("metadata_schema", "order", "product", "product_collection", "project", "promotion_stack", "promotion_tier"),
    *("publication", "redemption", "segment", "sku", "stacking_rules", "user"),
    *("validation_rule", "voucher", "webhook"),
)
VERBS: Final = (
    ("created", "Created"),
    ("changed", "Changed"),
    ("deleted", "Deleted"),
    ("started", "Import or bulk write started"),
    ("imported", "Imported"),
    ("erased", "Erased for good"),
    ("downloaded", "Downloaded"),
    ("signed_in", "Signed in"),
    ("sign_in_refused", "Sign-in refused"),
)
MOST_ACTORS: Final = 200
DAY: Final = timedelta(days=1)
HEAD: Final = (
    *("at", "actor_type", "actor_id", "actor", "action", "object_type", "object_id", "name", "before", "after"),
    *("channel", "request_id", "number", "hash"),
)
CHANNELS: Final = tuple(AuditEntry.Channel.choices)
MOST_SHOWN: Final = 6
MOST_CHARACTERS: Final = 80


def entries_of(project: Project) -> QuerySet[AuditEntry]:
    """What the list shows of each entry."""
    return AuditEntry.objects.of(project).select_related("detail")


def words_of(action: str) -> str:
    """`customer.changed` → Customer changed."""
    return action.replace(".", " ").replace("_", " ").capitalize()


def audit_list(project: Project, at: datetime) -> ListSpec[AuditEntry]:
    """The entries of a project, newest first."""
    people = Member.objects.of(project).order_by("user__email").values_list("user__public_id", "user__email")
    keys = ApiKey.objects.of(project).order_by("name").values_list("app_id", "name")
    actors = [*people[:MOST_ACTORS], *((app_id, f"API key: {name}") for app_id, name in keys[:MOST_ACTORS])]
    return ListSpec(
        one="entry",
        many="entries",
        columns=(
            Column("When", lambda row: kit.moment(row.at, at)),
            Column("Who", _who_cell),
            Column("What", lambda row: words_of(row.action)),
            Column("Object", _object_cell),
            Column("Before → after", _change_cell),
            Column("From", _from_cell, on_phone=False),
        ),
        sorts=(Sort("when", "When", "pk", descending=True),),
        filters=(
            Filter("who", "Who", lambda rows, value: rows.filter(actor_id=value), choices=tuple(actors)),
            Filter("did", "What", lambda rows, value: rows.filter(action__endswith=_verb(value)), choices=VERBS),
            Filter(
                "object", "Kind of object", lambda rows, value: rows.filter(object_type=value),
                choices=tuple((name, name.replace("_", " ").capitalize()) for name in OBJECTS),
            ),
            Filter("from", "From", lambda rows, value: rows.filter(channel=value), choices=CHANNELS),
            Filter("since", "Since", lambda rows, value: rows.filter(at__gte=_day(value, project)), kind="date"),
            Filter(
                "until", "Until", lambda rows, value: rows.filter(at__lt=_day(value, project) + DAY), kind="date"
            ),
        ),
        search=lambda rows, text: rows.filter(object_id=text),
        search_hint="Id of an object",
    )  # fmt: skip


def _verb(value: str) -> str:
    """`created` → `.created`; work that was begun is named for what began: `.import_started`."""
    return "_started" if value == "started" else f".{value}"


def _day(text: str, project: Project) -> datetime:
    """The first instant of a day in the project's zone."""
    try:
        return datetime.combine(instants.parse_date(text), time.min, ZoneInfo(project.timezone or "UTC"))
    except ValueError as error:
        raise ValueError("This is not a date; write 2026-01-31.") from error


def _who_cell(row: AuditEntry) -> Any:
    name = audit.values_of(row).get("actor") or ("Unknown" if row.actor_type == "user" else row.actor_type)
    note = "API key" if row.actor_type == "key" and name != "API key" else ""
    return format_html("<span>{}</span>", kit.with_note(name, note))  # one box in the cards of a phone


def _object_cell(row: AuditEntry) -> SafeString:
    name = audit.values_of(row).get("name") or row.object_type.replace("_", " ").capitalize()
    return format_html("<span>{}</span>", kit.with_note(name, row.object_id))  # one box in the cards of a phone


def _change_cell(row: AuditEntry) -> Any:
    values = audit.values_of(row)
    if not values:
        return kit.muted("Erased")
    parts = [
        format_html("<div><b>{}</b> {}{}</div>", key, _old(before), _short(after))
        for key, before, after in list(audit.differences(values))
    ]
    if not parts:
        return kit.NONE
    if len(parts) <= MOST_SHOWN:
        return format_html("<div>{}</div>", kit.joined(parts))
    more = kit.joined(parts[MOST_SHOWN:])
    rest = format_html("<details><summary>{} more</summary>{}</details>", len(parts) - MOST_SHOWN, more)
    return format_html("<div>{}</div>", kit.joined([*parts[:MOST_SHOWN], rest]))


def _old(value: Any) -> SafeString:
    return (
        format_html('<span class="muted">{}</span> → ', _short(value)) if value not in (None, "", [], {}) else kit.EMPTY
    )


def _short(value: Any) -> str:
    if value is None:
        return "–"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}…"


def _from_cell(row: AuditEntry) -> SafeString:
    return kit.with_note(row.get_channel_display(), row.request_id)


class AuditLog(Page):
    """The log."""

    permission = Permission.SEE_AUDIT
    section = "audit"
    template_name = "dashboard/audit/list.html"
    title = "Audit log"
    crumbs = (SETTINGS,)

    def get(self, request: HttpRequest) -> HttpResponse:
        listing = lists.read(audit_list(self.project, self.at), entries_of(self.project), request.GET.dict())
        empty = {
            "icon": "clock",
            "title": "Nothing has been changed yet",
            "text": "Every change of customers, vouchers, segments, keys, members and settings is written down here.",
        }
        return self.render({"listing": listing, "empty": empty})


class AuditFile(Page):
    """What the list shows, whole, as CSV. Who takes it is written down as well."""

    permission = Permission.SEE_AUDIT
    read_in_transaction = False

    def get(self, request: HttpRequest) -> StreamingHttpResponse:
        spec = audit_list(self.project, self.at)
        audit.seal()
        rows = lists.narrow(spec, entries_of(self.project), request.GET.dict()).rows
        last = rows.order_by("-pk").values_list("pk", flat=True).first() or 0
        self.note("audit_log.downloaded", "project", self.project.public_id, name=self.project.name)
        answer = StreamingHttpResponse(
            lines(rows.filter(pk__lte=last).select_related("detail", "link")), content_type="text/csv; charset=utf-8"
        )
        answer["Content-Disposition"] = 'attachment; filename="audit-log.csv"'
        return answer


def lines(rows: QuerySet[AuditEntry]) -> Iterator[bytes]:
    """The entries as CSV, newest first, with cells that a spreadsheet does not run."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEAD)
    for row in rows.order_by("-pk").iterator(chunk_size=1000):
        values, link = audit.values_of(row), getattr(row, "link", None)
        cells = (
            *(instants.to_wire(row.at), row.actor_type, row.actor_id, values.get("actor", ""), row.action),
            *(row.object_type, row.object_id, values.get("name", "")),
            *(_json(values.get("before")), _json(values.get("after"))),
            *(row.channel, row.request_id),
            *((link.number, link.hash) if link is not None else ("", "")),
        )
        writer.writerow(guard(str(cell)) for cell in cells)
        yield out.getvalue().encode()
        out.seek(0)
        out.truncate()
    yield out.getvalue().encode()


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if value else ""

"""Background tasks: every long work of the project with its state, and what broke it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.contrib import messages
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.safestring import SafeString

from config.dashboard import kit, lists
from config.dashboard.base import Crumb, Page
from config.dashboard.lists import Column, ListSpec, Sort, Tab
from config.jobs import rendering, runner
from config.jobs.models import AsyncAction
from config.kernel.errors import NotFound
from config.project.permissions import Permission

DATA = Crumb("Data")
Status = AsyncAction.Status
RUNNING: Final = (Status.ENQUEUED, Status.IN_PROGRESS)


def name_of(action: AsyncAction) -> str:
    """What the dashboard calls it: its title, else its type in words."""
    return action.title or action.type.rsplit(".", 1)[-1].replace("_", " ").capitalize()


def state_of(action: AsyncAction) -> tuple[str, str]:
    """Tone and word."""
    if action.stopped:
        return "warn", "Stopped"
    match action.status:
        case Status.ENQUEUED:
            return "wait", "Queued"
        case Status.IN_PROGRESS:
            return "run", "Running"
        case Status.DONE:
            return "ok", "Done"
    return "bad", "Failed"


def rows_of(action: AsyncAction) -> str:
    """1,200 of 5,000."""
    if action.rows_total is None:
        return kit.number(action.rows_done) if action.rows_done else "–"
    return f"{action.rows_done:,} of {action.rows_total:,}"


def duration_of(action: AsyncAction, at: datetime) -> str:
    """How long it ran, or has been running."""
    if action.started_at is None:
        return "–"
    seconds = max(0, int(((action.finished_at or at) - action.started_at).total_seconds()))
    if seconds == 0:
        return "under 1 s"
    if seconds < 60:
        return f"{seconds} s"
    return (
        f"{seconds // 60} min {seconds % 60} s" if seconds < 3600 else f"{seconds // 3600} h {seconds % 3600 // 60} min"
    )


def task_list(at: datetime) -> ListSpec[AsyncAction]:
    """All tasks of a project."""
    return ListSpec(
        one="task",
        many="tasks",
        columns=(
            Column("Task", _name_cell),
            Column("State", lambda row: kit.status(*state_of(row))),
            Column("Rows", rows_of, number=True),
            Column("Took", lambda row: duration_of(row, at), number=True, on_phone=False),
            Column("Who", lambda row: row.user.email if row.user else row.channel, on_phone=False),
            Column("Started", lambda row: kit.moment(row.created_at, at)),
        ),
        sorts=(Sort("created", "Started", "created_at", descending=True),),
        tabs=(
            Tab("", "All"),
            Tab("running", "Running", Q(status__in=RUNNING)),
            Tab("failed", "Failed", Q(status=Status.FAILED)),
        ),
    )


def _name_cell(row: AsyncAction) -> SafeString:
    link = kit.link(reverse("dashboard:task", args=[row.public_id]), name_of(row), row=True)
    return kit.with_note(link, row.failure[:160])


class TaskList(Page):
    """Every task."""

    permission = Permission.SEE_TASKS
    section = "tasks"
    template_name = "dashboard/tasks/list.html"
    title = "Background tasks"
    crumbs = (DATA,)

    def get(self, request: HttpRequest) -> HttpResponse:
        rows = AsyncAction.objects.of(self.project).select_related("user").defer("result", "parameters")
        listing = lists.read(task_list(self.at), rows, request.GET.dict())
        empty = {
            "icon": "tasks",
            "title": "No tasks yet",
            "text": "Long work, such as an import or an export, runs in the background and is listed here.",
        }
        running = any(row.status in RUNNING for row in listing.rows)
        return self.render({"listing": listing, "empty": empty, "running": running})


class TaskPage(Page):
    """One task; the page keeps itself fresh while it runs. POST asks it to stop."""

    permission = Permission.SEE_TASKS
    section = "tasks"
    template_name = "dashboard/tasks/detail.html"

    def needs(self) -> Permission:
        return Permission.IMPORT if self.request.method == "POST" else self.permission

    def found(self, public_id: str) -> AsyncAction:
        rows = AsyncAction.objects.of(self.project).select_related("user", "import_file")
        if (action := rows.filter(public_id=public_id).first()) is None:
            raise NotFound.of("task", public_id)
        return action

    def get(self, request: HttpRequest, public_id: str) -> HttpResponse:
        action = self.found(public_id)
        return self.render(
            {
                "title": name_of(action),
                "crumbs": (DATA, Crumb("Background tasks", reverse("dashboard:tasks"))),
                "action": action,
                **progress_context(action, self.at),
            }
        )

    def post(self, request: HttpRequest, public_id: str) -> HttpResponse:
        action = self.found(public_id)
        with transaction.atomic():
            runner.request_stop(action)
            self.note("task.stopped", "async_action", action.public_id, name=name_of(action))
        messages.info(request, "It stops after the rows it is at. What was done until then stays.")
        return redirect("dashboard:task", public_id)


def progress_context(action: AsyncAction, at: datetime) -> dict[str, Any]:
    """What `_task_state.html` draws."""
    running = action.status in RUNNING
    waiting = action.status == Status.ENQUEUED and (at - action.created_at).total_seconds() > 10
    return {
        "state": state_of(action),
        "running": running,
        "waiting_since": action.created_at if waiting else None,
        "percent": rendering.percent(action),
        "rows": rows_of(action),
        "duration": duration_of(action, at),
        "speed": _speed(action, at),
        "left": _left(action, at),
    }


def _rate(action: AsyncAction, at: datetime) -> float:
    if action.started_at is None or not action.rows_done:
        return 0.0
    seconds = ((action.finished_at or at) - action.started_at).total_seconds()
    return action.rows_done / seconds if seconds > 0 else 0.0


def _speed(action: AsyncAction, at: datetime) -> str:
    rate = _rate(action, at)
    return f"{rate:,.0f} rows/s" if rate >= 1 else ""


def _left(action: AsyncAction, at: datetime) -> str:
    rate = _rate(action, at)
    if not rate or action.rows_total is None or action.finished_at is not None:
        return ""
    seconds = int((action.rows_total - action.rows_done) / rate)
    return f"about {seconds} s left" if seconds < 90 else f"about {seconds // 60 + 1} min left"

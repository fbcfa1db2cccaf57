"""Run queued jobs inside a test, without a worker."""

from __future__ import annotations

import json

from django.db import connection
from procrastinate.contrib.django import app

from config.jobs.models import AsyncAction


class _Context:
    """What a task is given in place of procrastinate's context."""

    def should_abort(self) -> bool:
        return False


def run_queued(limit: int = 100) -> int:
    """Run what is queued, in order, also what those jobs queue; returns how many ran.

    Errors of a job reach the test.
    """
    for done in range(limit):
        with connection.cursor() as cursor:
            cursor.execute(
                "DELETE FROM procrastinate_jobs WHERE id = (SELECT min(id) FROM procrastinate_jobs"
                " WHERE status = 'todo') RETURNING task_name, args"
            )
            row = cursor.fetchone()
        if row is None:
            return done
        name, arguments = row
        task = app.tasks[name]
        task.func(*([_Context()] if task.pass_context else []), **json.loads(arguments))
    raise AssertionError(f"more than {limit} jobs: does one queue itself?")


def queued() -> list[str]:
    """The names of the queued tasks, in order."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT task_name FROM procrastinate_jobs WHERE status = 'todo' ORDER BY id")
        return [name for (name,) in cursor.fetchall()]


def finished(action: AsyncAction) -> AsyncAction:
    """Run what is queued and return the action as it is then."""
    run_queued()
    action.refresh_from_db()
    return action

"""Long work with a visible state: started in the caller's transaction, run by a worker, resumable.

    @runner.job(queue=queues.LONG)
    def import_customers(run: Run) -> dict[str, Any]:
        for batch in batches_after(run.action.rows_done):
            with transaction.atomic():
                run.hold()                  # this worker still owns the job, and keeps it until commit
                apply(batch)
            run.progress(batch.last_row)    # leaves here when stopped, taken over or shut down
        return result

A killed worker's job is run again by another one, so a job does each part once by its own means (import batches, for
example, are rows). `attempt` is the token of whoever may write. `tries` counts attempts without progress.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeAlias

from django.db import connection, transaction
from django.db.models import F
from procrastinate import JobContext, RetryDecision, exceptions
from procrastinate.contrib.django import app
from procrastinate.jobs import Job
from procrastinate.retry import BaseRetryStrategy
from procrastinate.tasks import Task

from config.jobs.errors import LeaseLost, StopRequested
from config.jobs.models import AsyncAction
from config.kernel import instants
from config.kernel.errors import DomainError
from config.project.models import Project, User

log = logging.getLogger("tessera.jobs")

MOST_TRIES: Final = 5
Status = AsyncAction.Status
Outcome = AsyncAction.OperationStatus
Result: TypeAlias = Mapping[str, Any]


@dataclass(slots=True)
class Run:
    """One attempt at an action, as its job sees it."""

    action: AsyncAction
    should_abort: Callable[[], bool] = lambda: False
    partial: Result | None = field(default=None)
    """What to show as the result if the run is stopped before its end."""

    @property
    def parameters(self) -> Mapping[str, Any]:
        """What the job was asked to do."""
        return self.action.parameters  # type: ignore[no-any-return]

    def hold(self) -> None:
        """Keep the job until the end of this transaction. Raises LeaseLost."""
        hold(self.action)

    def progress(self, rows_done: int, rows_total: int | None = None) -> None:
        """Show how far the job is. Raises StopRequested, LeaseLost, or JobAborted when the worker is to stop."""
        progress(self.action, rows_done, rows_total)
        self.check()

    def check(self) -> None:
        """Leave when the worker is to stop; the job is put back and goes on elsewhere."""
        if self.should_abort():
            raise exceptions.JobAborted


JobFunction: TypeAlias = Callable[[Run], Result | None]
GaveUp: TypeAlias = Callable[[AsyncAction, datetime], None]
_functions: Final[dict[str, JobFunction]] = {}


class _TryAgain(BaseRetryStrategy):
    """Always again, a little later each time; `MOST_TRIES` ends it by marking the action as failed."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision:
        wait = 0 if isinstance(exception, exceptions.JobAborted) else min(2**job.attempts, 60)
        return RetryDecision(retry_in={"seconds": wait})


def job(
    *, queue: str, name: str | None = None, gave_up: GaveUp | None = None
) -> Callable[[JobFunction], Task[Any, Any, Any]]:
    """Make a task of a function that works on an AsyncAction; start it with `runner.start(task=…)`.

    gave_up: puts in order what a job leaves that was tried too often, in the transaction that says so.
    """

    def decorate(function: JobFunction) -> Task[Any, Any, Any]:
        @functools.wraps(function)
        def run_action(context: JobContext, action_id: int) -> None:
            run(function, action_id=action_id, should_abort=context.should_abort, gave_up=gave_up)

        task_name = name or f"{function.__module__}.{function.__qualname__}"
        _functions[task_name] = function
        return app.task(name=task_name, queue=queue, pass_context=True, retry=_TryAgain())(run_action)

    return decorate


def start(
    *,
    project: Project,
    type: str,
    task: Task[Any, Any, Any],
    parameters: Mapping[str, Any],
    at: datetime,
    title: str = "",
    user: User | None = None,
    channel: str = "API",
    request_id: str = "",
    rows_total: int | None = None,
    lock: str | None = None,
) -> AsyncAction:
    """Write the action and its job together: with the caller's transaction both come, or neither.

    lock: jobs with the same one run one after the other, in order of arrival.
    """
    with transaction.atomic():
        action = AsyncAction.objects.create(
            project=project,
            type=type,
            title=title,
            parameters=dict(parameters),
            rows_total=rows_total,
            user=user,
            channel=channel,
            request_id=request_id,
            created_at=at,
            updated_at=at,
        )
        (task.configure(lock=lock) if lock else task).defer(action_id=action.pk)
    return action


def keep(action: AsyncAction) -> None:
    """Take the job of a started action out of the queue, in the transaction that started it; `run_now` does it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM procrastinate_jobs WHERE status = 'todo' AND (args ->> 'action_id')::bigint = %s", [action.pk]
        )


def run_now(action: AsyncAction, task: Task[Any, Any, Any], *, at: datetime) -> None:
    """Do a started action here and at that instant; `keep` it first, or a worker takes it over. For commands."""
    run(_functions[task.name], action_id=action.pk, clock=lambda: at)


def request_stop(action: AsyncAction) -> None:
    """Ask the job to end after the batch it is at."""
    AsyncAction.objects.filter(pk=action.pk, status__in=[Status.ENQUEUED, Status.IN_PROGRESS]).update(
        stop_requested=True
    )


def resume(action: AsyncAction, *, task: Task[Any, Any, Any], at: datetime) -> bool:
    """Queue a stopped action again; False if it is not one."""
    with transaction.atomic():
        resumed = AsyncAction.objects.filter(pk=action.pk, stopped=True).update(
            status=Status.ENQUEUED, operation_status=Outcome.UNKNOWN, stopped=False, stop_requested=False,
            failure="", result=None, finished_at=None, tries=0, updated_at=at,
        )  # fmt: skip
        if resumed:
            task.defer(action_id=action.pk)
    return bool(resumed)


def hold(action: AsyncAction) -> None:
    """Lock the action against being taken over, until the end of this transaction. Raises LeaseLost.

    FOR KEY SHARE: several loaders hold it at once and progress may move; a claim (FOR UPDATE) waits for them.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM jobs_asyncaction WHERE id = %s AND attempt = %s AND status = %s FOR KEY SHARE",
            [action.pk, action.attempt, Status.IN_PROGRESS],
        )
        if cursor.fetchone() is None:
            raise LeaseLost


def progress(action: AsyncAction, rows_done: int, rows_total: int | None = None) -> None:
    """Move the visible progress; it never goes back, and getting further clears the count of tries.

    Raises LeaseLost, or StopRequested when somebody pressed Stop.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE jobs_asyncaction SET
                rows_done = GREATEST(rows_done, %(done)s), rows_total = COALESCE(%(total)s, rows_total),
                tries = CASE WHEN %(done)s > rows_done THEN 1 ELSE tries END, updated_at = %(at)s
            WHERE id = %(id)s AND attempt = %(attempt)s AND status = %(status)s
            RETURNING rows_done, rows_total, stop_requested
            """,
            {
                "done": rows_done, "total": rows_total, "at": instants.now(), "id": action.pk,
                "attempt": action.attempt, "status": Status.IN_PROGRESS,
            },
        )  # fmt: skip
        row = cursor.fetchone()
    if row is None:
        raise LeaseLost
    action.rows_done, action.rows_total, stop_requested = row
    if stop_requested:
        raise StopRequested


def finish(action: AsyncAction, result: Result | None, *, at: datetime) -> bool:
    """Mark the action as done; False if it is no longer this attempt's."""
    return _end(action, at, status=Status.DONE, operation_status=Outcome.SUCCESS, result=_plain(result))


def fail(action: AsyncAction, reason: str, *, at: datetime, result: Result | None = None) -> bool:
    """Mark the action as failed, with the reason in words; False if it is no longer this attempt's."""
    return _end(
        action, at, status=Status.FAILED, operation_status=Outcome.FAILED, failure=reason, result=_plain(result)
    )


def run(
    function: JobFunction,
    *,
    action_id: int,
    should_abort: Callable[[], bool] = lambda: False,
    clock: Callable[[], datetime] = instants.now,
    gave_up: GaveUp | None = None,
) -> None:
    """Claim the action, do one attempt at it, and record how it ended. Safe to call twice for one action."""
    action = _claim(action_id, clock(), gave_up)
    if action is None:
        return
    this = Run(action, should_abort)
    noted = {"action": action.public_id, "job": action.type, "attempt": action.attempt}
    try:
        result = function(this)
    except LeaseLost:
        log.warning("job was taken over by another worker", extra=noted)
    except StopRequested:
        _end(
            action, clock(), status=Status.FAILED, operation_status=Outcome.FAILED, stopped=True,
            failure="Stopped before its end", result=_plain(this.partial),
        )  # fmt: skip
    except exceptions.JobAborted:
        _put_back(action)
        raise
    except DomainError as error:
        fail(action, error.details or error.message, at=clock(), result=this.partial)
    except Exception:
        log.exception("job broke and will be tried again", extra=noted)
        raise
    else:
        finish(action, result, at=clock())


def _claim(action_id: int, at: datetime, gave_up: GaveUp | None = None) -> AsyncAction | None:
    """Take the action: a new token, one more try. None: it is done already, gone, or has been tried too often."""
    with transaction.atomic():
        action = AsyncAction.objects.select_for_update().filter(pk=action_id).first()
        if action is None or action.status in (Status.DONE, Status.FAILED):
            return None
        action.attempt += 1
        action.tries += 1
        action.status = Status.IN_PROGRESS
        action.started_at = action.started_at or at
        action.updated_at = at
        action.save(update_fields=["attempt", "tries", "status", "started_at", "updated_at"])
        if action.tries > MOST_TRIES:
            fail(action, f"Gave up after {MOST_TRIES} attempts without progress", at=at)
            if gave_up is not None:
                gave_up(action, at)
            return None
    return action


def _put_back(action: AsyncAction) -> None:
    """The worker stops in good order: this attempt does not count."""
    AsyncAction.objects.filter(pk=action.pk, attempt=action.attempt, status=Status.IN_PROGRESS).update(
        status=Status.ENQUEUED, tries=F("tries") - 1
    )


def _end(action: AsyncAction, at: datetime, **values: Any) -> bool:
    values |= {"finished_at": at, "updated_at": at}
    ended = AsyncAction.objects.filter(pk=action.pk, attempt=action.attempt, status=Status.IN_PROGRESS).update(**values)
    if ended:
        for name, value in values.items():
            setattr(action, name, value)
    return bool(ended)


def _plain(result: Result | None) -> dict[str, Any] | None:
    return None if result is None else dict(result)

"""Claiming, progress, stopping, giving back and giving up."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from django.db import connection, transaction
from procrastinate.contrib.django import app
from procrastinate.exceptions import JobAborted

from config.jobs import queues, runner
from config.jobs.errors import LeaseLost
from config.jobs.models import AsyncAction
from config.kernel.errors import InvalidPayload
from config.project.models import Project
from tests import jobs

AT = datetime(2026, 2, 3, 10, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db
calls: list[runner.Run] = []


@runner.job(queue=queues.SHORT, name="tests.counted")
def counted(run: runner.Run) -> dict[str, int]:
    """Does as many steps as its parameters say."""
    calls.append(run)
    for row in range(1, run.parameters.get("rows", 0) + 1):
        run.progress(row, run.parameters["rows"])
    return {"done_count": run.parameters.get("rows", 0)}


@runner.job(queue=queues.SHORT, name="tests.broken")
def broken(run: runner.Run) -> None:
    """Breaks every time."""
    raise RuntimeError("secret@example.com")


@runner.job(queue=queues.SHORT, name="tests.refused")
def refused(run: runner.Run) -> None:
    """Refused by a rule of the domain."""
    run.partial = {"done_count": 2}
    raise InvalidPayload("Unknown column: Foo")


@pytest.fixture
def project() -> Project:
    return Project.objects.create(name="Shop", tracking_secret="", webhook_token="", created_at=AT)


@pytest.fixture(autouse=True)
def _forget_calls():
    calls.clear()


def begin(project: Project, task=counted, **parameters: object) -> AsyncAction:
    return runner.start(project=project, type="CUSTOMERS.IMPORT_CSV", task=task, parameters=parameters, at=AT)


def test_a_started_action_is_queued_and_says_so(project):
    action = begin(project, rows=3)
    assert (action.status, action.operation_status, action.attempt) == ("ENQUEUED", "UNKNOWN", 0)
    assert jobs.queued() == ["tests.counted"]


def test_a_rolled_back_start_leaves_neither_action_nor_job(project):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        begin(project)
        raise ZeroDivisionError
    assert not AsyncAction.objects.exists()
    assert jobs.queued() == []


def test_a_kept_action_is_done_here_and_nowhere_else(project):
    with transaction.atomic():
        other, action = begin(project, rows=3), begin(project, rows=3)
        runner.keep(action)
    assert len(jobs.queued()) == 1
    assert jobs.finished(other).status == AsyncAction.Status.DONE
    action.refresh_from_db()
    assert action.status == AsyncAction.Status.ENQUEUED


def test_a_finished_action_keeps_result_progress_and_times(project):
    action = jobs.finished(begin(project, rows=3))
    assert (action.status, action.operation_status) == ("DONE", "SUCCESS")
    assert action.result == {"done_count": 3}
    assert (action.rows_done, action.rows_total, action.attempt) == (3, 3, 1)
    assert action.started_at is not None
    assert action.finished_at is not None
    assert action.finished_at >= action.started_at


def test_a_job_that_runs_a_second_time_does_nothing(project):
    action = jobs.finished(begin(project, rows=1))
    runner.run(counted.func.__wrapped__, action_id=action.pk)
    assert len(calls) == 1


def test_a_job_of_a_deleted_action_does_nothing(project):
    action = begin(project)
    pk = action.pk
    action.delete()
    runner.run(counted.func.__wrapped__, action_id=pk)
    assert calls == []


def test_a_refusal_of_the_domain_fails_the_action_at_once_in_its_own_words(project):
    action = jobs.finished(begin(project, refused))
    assert (action.status, action.operation_status) == ("FAILED", "FAILED")
    assert action.failure == "Unknown column: Foo"
    assert action.result == {"done_count": 2}


def test_a_job_that_always_breaks_is_given_up_after_five_tries(project, caplog):
    action = begin(project, broken)
    for _ in range(runner.MOST_TRIES):
        with pytest.raises(RuntimeError):
            runner.run(broken.func.__wrapped__, action_id=action.pk)
        action.refresh_from_db()
        assert action.status == "IN_PROGRESS"
    runner.run(broken.func.__wrapped__, action_id=action.pk)
    action.refresh_from_db()
    assert action.status == "FAILED"
    assert action.failure == "Gave up after 5 attempts without progress"


def test_a_job_that_gets_further_each_time_is_not_given_up(project):
    action = begin(project)
    for attempt in range(1, 9):

        def a_bit_further(run: runner.Run, attempt: int = attempt) -> None:
            run.progress(attempt)
            raise RuntimeError

        with pytest.raises(RuntimeError):
            runner.run(a_bit_further, action_id=action.pk)
    action.refresh_from_db()
    assert (action.status, action.attempt, action.tries) == ("IN_PROGRESS", 8, 1)


def test_a_worker_that_lost_the_job_can_neither_hold_nor_move_nor_end_it(project):
    action = begin(project)

    def taken_over(run: runner.Run) -> dict[str, int]:
        AsyncAction.objects.filter(pk=run.action.pk).update(attempt=7)
        with pytest.raises(LeaseLost), transaction.atomic():
            run.hold()
        with pytest.raises(LeaseLost):
            run.progress(10)
        return {"done_count": 10}

    runner.run(taken_over, action_id=action.pk)
    action.refresh_from_db()
    assert (action.status, action.rows_done, action.result, action.attempt) == ("IN_PROGRESS", 0, None, 7)


def test_progress_never_goes_back(project):
    action = begin(project)

    def again(run: runner.Run) -> None:
        run.progress(8, 10)
        run.progress(3)

    runner.run(again, action_id=action.pk)
    action.refresh_from_db()
    assert (action.rows_done, action.rows_total) == (8, 10)


def test_stop_ends_the_job_after_the_batch_it_is_at_and_it_can_go_on(project):
    action = begin(project, rows=5)

    def stopped_at_two(run: runner.Run) -> None:
        run.progress(1)
        run.partial = {"done_count": 1}
        runner.request_stop(run.action)
        run.progress(2)
        raise AssertionError("went on")

    runner.run(stopped_at_two, action_id=action.pk)
    action.refresh_from_db()
    assert (action.status, action.stopped, action.rows_done) == ("FAILED", True, 2)
    assert (action.failure, action.result) == ("Stopped before its end", {"done_count": 1})

    assert runner.resume(action, task=counted, at=AT)
    action.refresh_from_db()
    assert (action.status, action.stopped, action.failure, action.finished_at) == ("ENQUEUED", False, "", None)
    assert jobs.finished(action).status == "DONE"
    assert not runner.resume(action, task=counted, at=AT)


def test_a_worker_that_is_told_to_stop_puts_the_job_back_without_counting_it(project):
    action = begin(project, rows=5)
    with pytest.raises(JobAborted):
        runner.run(counted.func.__wrapped__, action_id=action.pk, should_abort=lambda: True)
    action.refresh_from_db()
    assert (action.status, action.attempt, action.tries, action.rows_done) == ("ENQUEUED", 1, 0, 1)
    assert jobs.finished(action).status == "DONE"


def test_a_broken_job_is_put_back_with_growing_delay_and_an_aborted_one_at_once():
    job = app.tasks["tests.broken"].configure().job
    delays = []
    for attempts, error in ((0, RuntimeError()), (3, RuntimeError()), (9, RuntimeError()), (9, JobAborted())):
        decision = broken.get_retry_exception(exception=error, job=job.evolve(attempts=attempts)).retry_decision
        delays.append(round((decision.retry_at - datetime.now(UTC)).total_seconds()))
    assert delays == [1, 8, 60, 0]


def test_the_log_of_a_broken_job_names_types_and_places_but_no_message(project, caplog):
    action = begin(project, broken)
    with pytest.raises(RuntimeError):
        runner.run(broken.func.__wrapped__, action_id=action.pk)
    from config.logs import JsonFormatter

    line = json.loads(JsonFormatter().format(caplog.records[-1]))
    assert line["action"] == action.public_id
    assert "builtins.RuntimeError" in line["exception"]
    assert "secret" not in json.dumps(line)


def test_every_task_runs_in_a_queue_that_has_slots():
    app.perform_import_paths()
    ours = {name: task.queue for name, task in app.tasks.items() if "procrastinate." not in name}
    assert {name: queue for name, queue in ours.items() if queue not in queues.SLOTS} == {}


def test_the_table_the_statements_name_is_the_models():
    assert AsyncAction._meta.db_table == "jobs_asyncaction"
    assert connection.vendor == "postgresql"

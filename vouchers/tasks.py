"""Work in the background about vouchers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from procrastinate.contrib.django import app

from config.dashboard.lists import narrow
from config.imports.runner import run_import
from config.jobs import bulk, queues, runner
from config.jobs.bulk import Done, refused
from config.jobs.runner import Run
from config.kernel import instants
from vouchers.dashboard import lists
from vouchers.services import (
    campaign_codes,
    campaign_imports,
    files,
    generation,
    importing,
    limit_sums,
    many,
    metadata,
    sessions,
    usage,
)
from vouchers.wire_drafts import draft_of


@app.periodic(cron="*/10 * * * *")
@app.task(name="vouchers.forget_sessions", queue=queues.UPKEEP, queueing_lock="vouchers.forget_sessions")
def forget_sessions(timestamp: int) -> None:
    """Drop locks of sessions that are over; every ten minutes. They count for nothing before that already."""
    sessions.forget_expired(before=instants.now())


@app.periodic(cron="* * * * *")
@app.task(name="vouchers.follow_usage", queue=queues.UPKEEP, queueing_lock="vouchers.follow_usage")
def follow_usage(timestamp: int) -> None:
    """Every minute: the daily sums that the overview reads."""
    usage.follow(at=instants.now())


@app.periodic(cron="* * * * *")
@app.task(name="vouchers.follow_limits", queue=queues.UPKEEP, queueing_lock="vouchers.follow_limits")
def follow_limits(timestamp: int) -> None:
    """Every minute: the sums behind limits of what is redeemed often."""
    limit_sums.follow(at=instants.now())


@runner.job(queue=queues.SHORT, name="vouchers.update_many")
def update_many(run: Run) -> dict[str, Any]:
    """Apply the items of one `vouchers/bulk/async`."""

    def apply(items: Sequence[Any], _: Any) -> Sequence[Done]:
        pairs = [(item["code"], item["metadata"]) for item in items]
        return metadata.merge_each(project=run.action.project, items=pairs, at=instants.now())

    return bulk.run(run, apply, clock=instants.now, key="code")


@runner.job(queue=queues.SHORT, name="vouchers.update_metadata")
def update_metadata(run: Run) -> dict[str, Any]:
    """Give all vouchers of one `vouchers/metadata/async` the same metadata."""

    def apply(items: Sequence[Any], shared: Any) -> Sequence[Done]:
        pairs = [(code, shared) for code in items]
        return metadata.merge_each(project=run.action.project, items=pairs, at=instants.now())

    return bulk.run(run, apply, clock=instants.now, key="code")


@runner.job(queue=queues.LONG, name="vouchers.import_many")
def import_many(run: Run) -> dict[str, Any]:
    """Store the codes of one `vouchers/import`."""

    def apply(items: Sequence[Any], _: Any) -> Sequence[Done]:
        drafts = [draft_of(item) for item in items]
        done = importing.load(project=run.action.project, drafts=drafts, at=instants.now(), updates=False)
        errors = done.refused or {}
        return [
            refused(draft.code, False, errors[position]) if position in errors else Done(draft.code, False, True)
            for position, draft in enumerate(drafts)
        ]

    return bulk.run(run, apply, clock=instants.now, key="code", thing="voucher")


@runner.job(queue=queues.LONG, name="vouchers.generate_codes", gave_up=generation.abandoned)
def generate_codes(run: Run) -> dict[str, Any]:
    """Make codes for a campaign."""
    return generation.generate(run, clock=instants.now)


@runner.job(queue=queues.LONG, name="vouchers.update_codes", gave_up=generation.abandoned)
def update_codes(run: Run) -> dict[str, Any]:
    """Let codes follow their campaign."""
    return campaign_codes.follow(run, clock=instants.now)


@runner.job(queue=queues.LONG, name="vouchers.delete_codes")
def delete_codes(run: Run) -> dict[str, Any]:
    """Take the codes of a removed campaign away."""
    return campaign_codes.remove(run, clock=instants.now)


@runner.job(queue=queues.LONG, name="vouchers.import_codes", gave_up=generation.abandoned)
def import_codes(run: Run) -> dict[str, Any]:
    """Bring given codes into a campaign."""
    return campaign_imports.bring_in(run, clock=instants.now)


@runner.job(queue=queues.LONG, name="vouchers.change_many")
def change_many(run: Run) -> dict[str, Any]:
    """Switch or remove what a list of the dashboard had."""
    project, at = run.action.project, run.action.created_at
    found = narrow(lists.voucher_list(project, at), lists.vouchers_of(project), run.parameters["query"])
    return many.work(run, found.rows, clock=instants.now)


@runner.job(queue=queues.LONG, name="vouchers.import_file")
def import_file(run: Run) -> dict[str, Any]:
    """Apply an uploaded file of vouchers."""
    return run_import(run, files.SUBJECT)

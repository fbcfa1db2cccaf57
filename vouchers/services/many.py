"""Many vouchers switched or removed by one hand: a few at once, more in the background."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import QuerySet

from config.jobs.runner import Run
from config.kernel.causes import Cause
from config.project.models import Project
from vouchers.models import Voucher
from vouchers.services import holders, vouchers

ACTS: Final[Mapping[str, str]] = {"enable": "enabled", "disable": "disabled", "delete": "deleted"}
"""What can be done, and the word for what was."""
AT_ONCE: Final = 500
BATCH: Final = 200


def change(*, project: Project, rows: QuerySet[Voucher], act: str, at: datetime, cause: Cause) -> int:
    """Do it to all of the rows, in the caller's transaction; returns how many it changed."""
    if act == "delete":
        holders.lock_of(rows)
    locked = rows.order_by("pk").select_related(None).only("pk").select_for_update(no_key=True, of=("self",))
    found = list(Voucher.objects.for_wire().filter(pk__in=[row.pk for row in locked]).order_by("pk"))
    if act == "delete":
        for row in found:
            vouchers.delete(project=project, voucher=row, at=at, cause=cause)
        return len(found)
    active = act == "enable"
    wanted = [row for row in found if row.active is not active]
    for row in wanted:
        vouchers.switch(project=project, voucher=row, active=active, at=at, cause=cause)
    return len(wanted)


def work(run: Run, rows: QuerySet[Voucher], *, clock: Callable[[], datetime]) -> dict[str, Any]:
    """Go through the rows by key; the body of the job. A second attempt meets what is done already and passes it."""
    act = run.parameters["act"]
    cause = Cause(run.parameters["source"], run.action.request_id)
    last, done = 0, run.action.rows_done
    mine = rows.filter(pk__lte=run.parameters["upto"]).order_by("pk")
    while pks := list(mine.filter(pk__gt=last).values_list("pk", flat=True)[:BATCH]):
        with transaction.atomic():
            run.hold()
            batch = Voucher.objects.of(run.action.project).alive().filter(pk__in=pks)
            done += change(project=run.action.project, rows=batch, act=act, at=clock(), cause=cause)
        last = pks[-1]
        run.partial = _answer(act, done)
        run.progress(done)
    return _answer(act, done)


def _answer(act: str, done: int) -> dict[str, Any]:
    return {"message": f"{done} voucher(s) {ACTS[act]}.", "done_count": done}

"""G14: unique codes for a campaign, against Python's `secrets` poured into the same table by one COPY.

    BENCH_ONLY=codes BENCH_CODES=1000000 make bench

The yardstick makes a code with one call of `secrets.token_urlsafe` and an id with another, writes the row's constant
rest as it is, and knows nothing of progress, retries or codes that are taken. Ours is the job, from claim to done.
"""

from __future__ import annotations

import secrets
import time
from typing import Final

from django.db import connection, transaction

from bench import busy as busy_pages
from bench.table import Line
from config.jobs import runner
from config.jobs.models import AsyncAction
from config.kernel import instants
from config.project import services
from config.project.models import Project
from vouchers import tasks
from vouchers.models import Campaign, Voucher
from vouchers.services import campaigns

CHUNK: Final = 20_000
COLUMNS: Final = (
    "project_id, public_id, code, code_key, asset_id, type, campaign_id, discount, gift_amount,"
    " gift_subtracted_amount, active, metadata, is_referral_code, publish_count, redeemed_quantity, redeemed_amount,"
    " redeemed_points, created_at"
)


def measure(codes: int) -> list[Line]:
    """Make `codes` codes twice by turns, into a table that already holds as many from the second turn on."""
    project = services.create_project(name="Bench", at=instants.now()).project
    lines = []
    for turn, what in enumerate(("into an empty table", "beside as many others")):
        yardstick = codes / _yardstick(project, codes)
        if turn == 0:
            _clean()
        ours = codes / _ours(project, codes, f"Campaign {turn}")
        share = f"{100 * ours / yardstick:.0f} %"
        lines.append(
            Line("G14", f"make {codes:,} unique codes {what}", f"{ours:,.0f}/s", f"{yardstick:,.0f}/s", share, "50 %")
        )
    busy = _campaign(project, "Busy", codes)
    code = Voucher.objects.of(project).order_by("-pk")[0]
    return [*lines, *busy_pages.measure(project, busy, code)]


def _clean() -> None:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE vouchers_voucher CASCADE")


def _campaign(project: Project, name: str, count: int) -> Campaign:
    template = {"type": "DISCOUNT_VOUCHER", "discount": {"type": "AMOUNT", "amount_off": 500}}
    return campaigns.create(
        project=project, data={"name": name, "voucher": template, "vouchers_count": count}, at=instants.now()
    )


def _ours(project: Project, codes: int, name: str) -> float:
    """Seconds of the job."""
    campaign = _campaign(project, name, codes)
    action = AsyncAction.objects.get(parameters__campaign=campaign.pk)
    runner.keep(action)
    began = time.perf_counter()
    runner.run_now(action, tasks.generate_codes, at=instants.now())
    took = time.perf_counter() - began
    action.refresh_from_db()
    if action.result is None or action.result["done_count"] != codes:
        raise RuntimeError(f"the job made {action.result}")
    return took


def _yardstick(project: Project, codes: int) -> float:
    """Seconds of one COPY."""
    campaign = _campaign(project, f"Yardstick {secrets.token_hex(4)}", 0)
    at = instants.to_wire(instants.now())
    rest = (
        f'DISCOUNT_VOUCHER\t{campaign.pk}\t{{"type":"AMOUNT","amount_off":500}}\t0\t0\tt\t{{}}\tf\t0\t0\t0\t0\t{at}\n'
    )
    began = time.perf_counter()
    with (
        transaction.atomic(),
        connection.cursor() as cursor,
        cursor.copy(f"COPY vouchers_voucher ({COLUMNS}) FROM STDIN") as copy,
    ):
        for start in range(0, codes, CHUNK):
            lines = []
            for number in range(start, min(start + CHUNK, codes)):
                code = secrets.token_urlsafe(9)
                asset = secrets.token_hex(16)
                lines.append(f"{project.pk}\tv_{number:09d}{asset[:23]}\t{code}\t{code}\t{asset}\t{rest}")
            copy.write("".join(lines))
    return time.perf_counter() - began

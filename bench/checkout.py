"""G4 to G9: validate and redeem over HTTP, against bare views on the same server and against pgbench."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench import load, servers, shop
from bench.shop import Shop
from bench.table import Line
from config import embedded

ROUNDS = 15
"""Short ones, because the speed of a shared machine changes from one second to the next: kinds take turns quickly."""
SCRIPT = """\\set id random(1, 10000)
BEGIN;
SELECT used, most FROM bench_codes WHERE id = :id FOR NO KEY UPDATE;
UPDATE bench_codes SET used = used + 1 WHERE id = :id;
INSERT INTO bench_uses (code_id, body, created_at) VALUES (:id, 'order', now());
COMMIT;
"""
VALIDATIONS = ("validate", "validate legacy", "validate client")
REDEMPTIONS = ("redeem", "redeem same")


@dataclass
class Result:
    """The median of the rounds."""

    rate: float
    processor_ms: float
    p95_ms: float


def measure(seconds: float) -> list[Line]:
    """All lines; seconds: a third of what each kind gets. A call that does not exist yet is left out."""
    made = shop.make()
    environment = {"CLIENT_RATE": "off", "API_RATE": "off", "CLIENT_MISS_RATE": "off", "LOG_LEVEL": "WARNING"}
    with ExitStack() as stack:
        bare = stack.enter_context(servers.running("bench.bare:application", environment))
        ours = stack.enter_context(servers.running("config.wsgi:application", environment))
        ports = {"bare read": bare, "bare write": bare}
        ports |= {kind: ours for kind in (*VALIDATIONS, *REDEMPTIONS) if _exists(ours, made, kind)}
        found = rounds(made, ports, seconds)
    lines = _of_validations(found)
    if REDEMPTIONS[0] in found:
        lines += _of_redemptions(found, pgbench(seconds))
    return lines


def _exists(port: int, made: Shop, kind: str) -> bool:
    status, _ = load.Connection(port).ask(shop.requests(made, kind, 1)[0])
    return status not in (404, 405)


def rounds(made: Shop, ports: dict[str, int], seconds: float) -> dict[str, Result]:
    """Kinds take turns, so that a busy moment of the machine meets all of them; each goes on where it stopped, so that
    new customers come as long as there are any.
    """
    prepared, seconds = {kind: shop.requests(made, kind) for kind in ports}, seconds * 3 / ROUNDS
    for kind, port in ports.items():
        load.run(port, prepared[kind], seconds=min(2.0, seconds))
    rounds: dict[str, list[Result]] = {kind: [] for kind in ports}
    for number in range(ROUNDS):
        for kind, port in ports.items():
            start = number * len(prepared[kind]) // ROUNDS
            turned = prepared[kind][start:] + prepared[kind][:start]
            rounds[kind].append(_once(port, turned, seconds))
    return {
        kind: Result(*(statistics.median(getattr(one, name) for one in results) for name in Result.__annotations__))
        for kind, results in rounds.items()
    }


def _once(port: int, requests: list[bytes], seconds: float) -> Result:
    used = servers.processor_seconds()
    measured = load.run(port, requests, seconds=seconds)
    used = servers.processor_seconds() - used
    wrong = {status: count for status, count in measured.statuses.items() if status != 200}
    if wrong:
        raise RuntimeError(f"answers other than 200: {wrong}; first request: {requests[0]!r}")
    return Result(measured.rate, 1000 * used / len(measured.latencies), measured.percentile(0.95))


def _of_validations(found: dict[str, Result]) -> list[Line]:
    read = found["bare read"]
    lines = []
    for kind in VALIDATIONS:
        if (one := found.get(kind)) is None:
            continue
        share, times = _share(one.rate, read.rate), f"{one.processor_ms / read.processor_ms:.2f}×"
        lines += [
            Line("G4", f"{kind}, requests/s", f"{one.rate:.0f}", f"{read.rate:.0f}", share, "60 %"),
            Line("G5", f"{kind}, CPU", f"{one.processor_ms:.2f} ms", f"{read.processor_ms:.2f} ms", times, "≤ 1.7×"),
            Line("G9", f"{kind}, p95", f"{one.p95_ms:.1f} ms", f"{read.p95_ms:.1f} ms", "", "≤ 15 ms"),
        ]
    return lines


def _of_redemptions(found: dict[str, Result], transactions: float) -> list[Line]:
    redeem, same, write = found["redeem"], found["redeem same"], found["bare write"]
    rates = [
        ("G6", "redeem, random codes, requests/s", redeem.rate, write.rate, "60 %"),
        ("G7", "redeem against pgbench, tx/s", redeem.rate, transactions, "20 %"),
        ("G8", "redeem, all the same code, requests/s", same.rate, redeem.rate, "65 %"),
    ]
    lines = [
        Line(goal, what, f"{ours:.0f}", f"{yardstick:.0f}", _share(ours, yardstick), must)
        for goal, what, ours, yardstick, must in rates
    ]
    cpu = f"{redeem.processor_ms / write.processor_ms:.2f}×"
    lines.append(Line("G6", "redeem, CPU", f"{redeem.processor_ms:.2f} ms", f"{write.processor_ms:.2f} ms", cpu, ""))
    return [*lines, Line("G9", "redeem, p95", f"{redeem.p95_ms:.1f} ms", f"{write.p95_ms:.1f} ms", "", "≤ 20 ms")]


def _share(ours: float, yardstick: float) -> str:
    return f"{100 * ours / yardstick:.0f} %"


def pgbench(seconds: float) -> float:
    """Transactions a second of BEGIN, three statements, COMMIT; simple protocol, 8 clients."""
    bundled = embedded._binaries() / "pgbench"
    program = str(bundled) if bundled.exists() else shutil.which("pgbench")
    if program is None:
        raise RuntimeError("pgbench is not installed")
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "redeem.sql"
        script.write_text(SCRIPT)
        done = subprocess.run(
            [program, "--no-vacuum", "-c", "8", "-j", "2", "-M", "simple", "-T", str(max(1, round(seconds * 3))),
             "-f", str(script), os.environ["DATABASE_URL"]],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    line = next(line for line in done.stdout.splitlines() if line.startswith("tps"))
    return float(line.split()[2])

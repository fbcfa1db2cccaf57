"""Starts a web server as in production, and reads how much processor time it and PostgreSQL have used."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TICK = os.sysconf("SC_CLK_TCK")
_started: set[int] = set()
"""Process ids of the servers that run now; their workers are their children."""


@contextmanager
def running(application: str, environment: dict[str, str]) -> Iterator[int]:
    """Serve the application with the flags of `make run`; yields the port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    flags = "--interface wsgi --http 1 --no-ws --no-access-log --log-level error --workers 2 --blocking-threads 64"
    process = subprocess.Popen(
        [sys.executable, "-m", "granian", application, "--host", "127.0.0.1", "--port", str(port), *flags.split()],
        cwd=ROOT, env={**os.environ, **environment}, start_new_session=True,
    )  # fmt: skip
    _started.add(process.pid)
    try:
        _wait(port, process)
        yield port
    finally:
        _started.discard(process.pid)
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("the server did not start")


def processor_seconds() -> float:
    """User and system time used so far by the servers started here and by PostgreSQL.

    Of the embedded PostgreSQL, its own processes; of another one, all that this machine runs.
    """
    mine = set(_started)
    postmaster = Path(os.environ["DATA_DIR"]) / "cluster" / "postmaster.pid"
    if postmaster.exists():
        mine.add(int(postmaster.read_text().split()[0]))
    total = 0
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            stranger = int(entry.name) not in mine and int(fields[1]) not in mine
            if stranger and (postmaster.exists() or b"postgres" not in (entry / "cmdline").read_bytes()):
                continue
            total += sum(int(value) for value in fields[11:15])
        except OSError:
            continue
    return total / TICK

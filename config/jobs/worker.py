"""The worker process: runs the queues, and goes on when PostgreSQL comes back.

procrastinate's own worker ends when its connection does, sometimes by returning normally; the loop here starts it anew
until the process is told to stop.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from django.db import close_old_connections
from procrastinate import App
from procrastinate.contrib.django import DjangoApp, app

from config.jobs import loops, queues, stalled

log = logging.getLogger("tessera.worker")

HEARTBEAT: Final = 5.0
POLL: Final = 1.0
"""Retries and jobs deferred behind a transaction pooler come by polling, not by NOTIFY."""
GRACE: Final = 3.0
"""Seconds a job may go on after the worker was told to stop; then it is asked to leave and put back."""


def run(*, slots: Mapping[str, int] = queues.SLOTS) -> None:
    """Work until SIGINT or SIGTERM."""
    asyncio.run(_run(slots))


async def _run(slots: Mapping[str, int]) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    log.info("worker started")
    while not stopping.is_set():
        try:
            await _work(slots, stopping)
        except Exception:
            log.warning("worker lost the database and starts anew", exc_info=True)
        if not stopping.is_set():
            await _sleep(1.0, stopping)
    log.info("worker stopped")


async def _work(slots: Mapping[str, int], stopping: asyncio.Event) -> None:
    worker_app = _worker_app()
    async with worker_app.open_async():
        await stalled.retry(worker_app.job_manager)
        workers = [
            asyncio.create_task(
                worker_app.run_worker_async(
                    queues=[queue], name=queue, concurrency=concurrency, install_signal_handlers=False,
                    fetch_job_polling_interval=POLL, abort_job_polling_interval=POLL,
                    update_heartbeat_interval=HEARTBEAT, stalled_worker_timeout=stalled.AFTER,
                    shutdown_graceful_timeout=GRACE, delete_jobs="successful",
                ),
                name=queue,
            )
            for queue, concurrency in slots.items()
        ]  # fmt: skip
        looping = [asyncio.create_task(_loop(loop, stopping), name=loop.name) for loop in loops.LOOPS.values()]
        stop = asyncio.create_task(stopping.wait())
        try:
            done, _ = await asyncio.wait([*workers, stop], return_when=asyncio.FIRST_COMPLETED)
            for task in done - {stop}:
                if error := task.exception():
                    raise error
        finally:
            stop.cancel()
            for task in workers:
                task.cancel()  # procrastinate takes it as "stop in good order"
            for task in looping:
                task.cancel()
            await asyncio.gather(*workers, *looping, return_exceptions=True)


async def _loop(loop: loops.Loop, stopping: asyncio.Event) -> None:
    """Step after step in a thread of its own. What a step has begun when the process is stopped, it ends."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix=loop.name) as thread:
        while not stopping.is_set():
            try:
                pause = 0.0 if await asyncio.get_running_loop().run_in_executor(thread, _step, loop) else loop.pause
            except Exception:
                log.warning("a step failed and will be tried again", exc_info=True, extra={"loop": loop.name})
                pause = 1.0
            if pause:
                await _sleep(pause, stopping)


def _step(loop: loops.Loop) -> bool:
    try:
        return loop.step()
    finally:
        close_old_connections()


def _worker_app() -> App:
    """The app with a connector that can listen.

    A second App over the same tasks, not `replace_connector`: the tasks stay bound to the first one, so a job deferred
    by a job is written on Django's connection, in the transaction that causes it.
    """
    connector = app.connector.get_worker_connector()  # type: ignore[attr-defined]
    worker_app = DjangoApp(connector=connector, import_paths=app.import_paths)
    worker_app.tasks = app.tasks
    worker_app.periodic_registry = app.periodic_registry
    return worker_app


async def _sleep(seconds: float, stopping: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(stopping.wait(), timeout=seconds)
    except TimeoutError:
        return

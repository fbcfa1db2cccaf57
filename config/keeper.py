"""The launcher's last will: a process that stays when the launcher is killed, stops the rest, and goes.

It uses the embedded server too, so whoever of the two leaves last stops it. On standard input it is told the process id
of the supervisor; the end of standard input means that the launcher is gone.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Final

from config import embedded

PATIENCE: Final = 30.0


def main(data: str) -> None:
    """Wait for the launcher to leave, well or badly.

    data: its folder, or an empty text where the database is not ours.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # they are for the launcher, whose end is what counts here
    with embedded.server(Path(data)) if data else nullcontext():
        told = sys.stdin.read().split()
        if told:
            _stop(int(told[-1]))


def _stop(pid: int) -> None:
    """Tell a process group's leader to stop, and wait until it is gone."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            os.kill(pid, signal.SIGTERM)
        except ProcessLookupError:
            return
        time.sleep(0.2)
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


if __name__ == "__main__":
    main(sys.argv[1])

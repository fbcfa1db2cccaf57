"""Processes that are told to stop when their parent dies.

`leash.py PROGRAM ARGUMENT…` runs a program so; a process of ours calls `hold()`. Linux does it (PR_SET_PDEATHSIG, kept
across exec but not across fork); elsewhere the program just runs. Imports nothing of ours, so that it costs little.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def hold(parent: int) -> None:
    """Ask for SIGTERM at the end of the parent, whose process id the caller knows; if it has ended already, end too."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)


def main() -> None:
    """Become the program; never returns."""
    hold(os.getppid())
    os.execv(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()

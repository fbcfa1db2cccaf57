"""`leash.py PROGRAM ARGUMENT…`: run a program that is told to stop when its parent dies.

Linux does it (PR_SET_PDEATHSIG, kept across exec); elsewhere the program just runs. Imports nothing of ours, so that it
costs a few milliseconds.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Become the program; never returns."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    os.execv(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()

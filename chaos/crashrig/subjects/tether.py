"""Run a program so that it ends when whoever started it ends: `tether.py COMMAND ARGUMENT…`.

Asks the kernel for SIGKILL at the parent's death (PR_SET_PDEATHSIG of prctl(2), which survives execve) and
becomes the command. Standard library only; used for programs that cannot ask for themselves, such as a shell.
"""

from __future__ import annotations

import os
import sys
from signal import SIGKILL

PR_SET_PDEATHSIG = 1
EXIT_CANNOT_RUN = 126


def tether() -> None:
    """Have the kernel kill this process when its parent dies; raises OSError where it refuses."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, int(SIGKILL), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")


def command(*argv: str) -> list[str]:
    """The command line that runs `argv` tethered."""
    return [sys.executable, "-I", "-S", os.path.abspath(__file__), *argv]


def main() -> None:
    """Tether this process and become the command in its arguments; exit 126 when that cannot be."""
    try:
        tether()
        os.execvp(sys.argv[1], sys.argv[1:])
    except OSError as error:
        print(f"cannot run {sys.argv[1]}: {error}", file=sys.stderr)
        sys.exit(EXIT_CANNOT_RUN)


if __name__ == "__main__":
    main()

"""Ending what a cell has left alive, to a fixpoint, and saying what could not be ended. Standard library only.

Nobody but the wards is ever signalled: each is looked up again after its descriptor was opened, so that a number
that has been given to another process meanwhile is not taken for the one that was found.
"""

from __future__ import annotations

import os
import signal
from time import monotonic, sleep

from crashrig import proc
from crashrig.sandbox.group import Group

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

MARKER = "CRASHRIG_CELL"
"""Environment variable that every process of a cell is born with; its value is RUN/NUMBER."""

POLL_SECONDS = 0.002


def end_all(wards: Callable[[], set[int]], group: Group, patience: float) -> list[int]:
    """Kill what `wards` finds and what is in `group`, again and again, until there is nothing.

    Returns what still lives after `patience` seconds.
    """
    deadline = monotonic() + patience
    while True:
        group.kill()
        left = _living(wards() | group.processes())
        if not left or monotonic() >= deadline:
            return sorted(left)
        _kill(left, wards, group)
        sleep(POLL_SECONDS)


def _living(pids: set[int]) -> set[int]:
    return {pid for pid in pids if pid != os.getpid() and proc.alive(pid)}


def _kill(pids: set[int], wards: Callable[[], set[int]], group: Group) -> None:
    opened = {pid: pidfd for pid in pids if (pidfd := _open(pid)) is not None}
    still = wards() | group.processes()
    for pid, pidfd in opened.items():
        try:
            if pid in still:
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        except ProcessLookupError:
            pass
        finally:
            os.close(pidfd)


def _open(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except OSError:
        return None


def remove_tree(path: str) -> bool:
    """Remove a directory and everything in it; True when it is gone. (shutil takes longer to import than to run.)"""
    for directory, directories, files in os.walk(path, topdown=False):
        for name in files:
            _try(os.unlink, f"{directory}/{name}")
        for name in directories:
            inner = f"{directory}/{name}"
            _try(os.unlink if os.path.islink(inner) else os.rmdir, inner)
    _try(os.rmdir, path)
    return not os.path.lexists(path)


def _try(remove: Callable[[str], None], path: str) -> None:
    try:
        remove(path)
    except OSError:
        pass

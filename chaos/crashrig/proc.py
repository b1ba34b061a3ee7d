"""Reading /proc, and the two requests to the kernel that Python has no words for.

Standard library only and quick to import: the reaper runs on it. Every function takes a process that has gone
meanwhile for granted and says so by an empty answer.
"""

from __future__ import annotations

import os
from signal import SIGKILL
from typing import NamedTuple

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


class Status(NamedTuple):
    """Some lines of /proc/PID/status: the state's letter, and signals as bit masks (bit 0 is signal 1)."""

    state: str
    pending: int
    caught: int

    @property
    def alive(self) -> bool:
        """Neither a zombie nor being taken away."""
        return self.state not in "ZX"

    @property
    def stopped(self) -> bool:
        """Stopped by a signal."""
        return self.state == "T"


def has_signal(mask: int, number: int) -> bool:
    """Whether a signal is in a mask of `Status`."""
    return bool(mask >> (number - 1) & 1)


def status(pid: int) -> Status | None:
    """What the kernel says of a process; None when there is none."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
            lines = dict(line.split(":", 1) for line in file.read().splitlines() if ":" in line)
    except OSError:
        return None
    pending = int(lines["SigPnd"], 16) | int(lines["ShdPnd"], 16)
    return Status(lines["State"].strip()[0], pending, int(lines["SigCgt"], 16))


def alive(pid: int) -> bool:
    """Whether the process exists and is no zombie."""
    found = status(pid)
    return found is not None and found.alive


def children(pid: int) -> list[int]:
    """The living children and zombies of a process, those of all its threads."""
    found: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children", "rb") as file:
                found.extend(map(int, file.read().split()))
    except OSError:
        pass
    return found


def descendants(pid: int) -> list[int]:
    """Everything below a process, parents first; what forks meanwhile may be missing: walk again."""
    found = children(pid)
    for one in found:  # grows while it is walked
        found.extend(child for child in children(one) if child not in found)
    return found


def parent(pid: int) -> int:
    """The parent of a process as it is now; 0 when there is none."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b") ")[2].split()[1])  # the name before it may hold anything
    except OSError:
        return 0


def descends(pid: int, ancestor: int) -> bool:
    """Whether a process is somewhere below another one."""
    while pid:
        pid = parent(pid)
        if pid == ancestor:
            return True
    return False


def command_line(pid: int) -> bytes:
    """The arguments of a process, each ended by NUL; empty for a zombie."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read()
    except OSError:
        return b""


def describe(pid: int) -> str:
    """A process as a person knows it: number and the beginning of its command line."""
    words = command_line(pid).replace(b"\0", b" ").decode("utf-8", "replace").strip()
    return f"{pid} ({words[:80] or 'no command line'})"


def marked(variable: str, value: str) -> list[int]:
    """Every living process of the machine whose environment had `variable` = `value` when its program began.

    `value` finds `value/anything` too: a run's id finds all of its cells.
    """
    exact = f"{variable}={value}".encode()
    below = exact + b"/"

    def has_it(name: str) -> bool:
        return any(entry == exact or entry.startswith(below) for entry in _environment(name))

    return [int(name) for name in os.listdir("/proc") if name.isdigit() and has_it(name) and alive(int(name))]


def _environment(name: str) -> list[bytes]:
    try:
        with open(f"/proc/{name}/environ", "rb") as file:
            return file.read().split(b"\0")
    except OSError:
        return []


def become_subreaper() -> None:
    """Orphans among the descendants of this process fall to it from now on (prctl(2)). OSError if refused."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent() -> None:
    """The kernel kills this process when the thread that forked it ends (prctl(2)); execve keeps that."""
    _prctl(PR_SET_PDEATHSIG, int(SIGKILL))


def _prctl(option: int, value: int) -> None:
    import ctypes  # slow to import, and not needed by everybody

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option}, {value})")

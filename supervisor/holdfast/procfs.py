"""Reading /proc: one process's status line, its children, its environment. No decisions, no signals.

Every function answers for a process that may vanish while it is being looked at, or that may not be looked at:
then there is nothing to say, and None or an empty answer says so. Any other failure (no descriptor left, EIO)
raises OSError, because "nothing seen" must never be taken for "nothing there". Numbers of processes are only
names; who may be signalled is decided in `walk`.
"""

import os
from typing import NamedTuple

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_CHUNK = 65536
_GONE = (FileNotFoundError, ProcessLookupError, PermissionError)


class Status(NamedTuple):
    """What /proc/PID/stat says, as far as it is needed (proc_pid_stat(5)).

    `started` is in clock ticks since boot: together with the number it names a process for ever.
    """

    pid: int
    parent: int
    session: int
    started: int


def status(pid: int) -> Status | None:
    """The status of a process, or None when there is none of that number (or it may not be looked at)."""
    line = read(f"/proc/{pid}/stat")
    end = line.rfind(b")")  # the name before it may hold anything, brackets and spaces too
    if end < 0:
        return None
    fields = line[end + 2 :].split()
    return Status(pid, int(fields[1]), int(fields[3]), int(fields[19]))


def children(pid: int) -> list[int]:
    """The direct children of all threads of a process, zombies included.

    The kernel promises a complete list only for a process that does not lose children meanwhile. The
    supervisor's own list is such: it loses children only by reaping, and what is added comes at the end.
    """
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except _GONE:
        return []
    found: list[int] = []
    for thread in threads:
        found += map(int, read(f"/proc/{pid}/task/{thread}/children").split())
    if not found and not _KERNEL_LISTS_CHILDREN:
        return _children_by_scan(pid)
    return found


def _children_by_scan(pid: int) -> list[int]:
    """The same for a kernel built without CONFIG_PROC_CHILDREN."""
    everyone = (status(int(name)) for name in os.listdir("/proc") if name.isdigit())
    return [each.pid for each in everyone if each is not None and each.parent == pid]


def environment(pid: int) -> dict[bytes, bytes]:
    """The environment a process was started with; empty when it may not be read (EACCES: not our user)."""
    entries = read(f"/proc/{pid}/environ").split(b"\0")
    return dict(entry.split(b"=", 1) for entry in entries if b"=" in entry)


def boot_ticks(boot_seconds: float) -> int:
    """A time on CLOCK_BOOTTIME in the unit of `Status.started`, rounded down as the kernel does."""
    return int(boot_seconds * TICKS_PER_SECOND)


def read(path: str) -> bytes:
    """The whole of a small file under /proc or /sys; nothing when it is gone or closed to us."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except _GONE:
        return b""
    try:
        data = piece = os.read(descriptor, _CHUNK)
        while len(piece) > 1024:  # /proc hands out large lists a page at a time
            piece = os.read(descriptor, _CHUNK)
            data += piece
    except _GONE:  # between opening and reading
        return b""
    finally:
        os.close(descriptor)
    return data


_KERNEL_LISTS_CHILDREN = os.path.exists(f"/proc/self/task/{os.getpid()}/children")

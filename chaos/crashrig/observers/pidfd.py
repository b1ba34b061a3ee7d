"""Descriptors of processes: they become readable at the death, and never mean another process.

Also the exit status of a process that is nobody's child here (PIDFD_GET_INFO, Linux 6.15 for PIDFD_INFO_EXIT).
"""

from __future__ import annotations

import fcntl
import os
import signal
import struct

INFO_SIZE = 64
"""sizeof(struct pidfd_info), first version: mask, cgroup, eleven ids, exit code (linux/pidfd.h)."""

PIDFD_GET_INFO = (3 << 30) | (INFO_SIZE << 16) | (0xFF << 8) | 11
PIDFD_INFO_EXIT = 1 << 3
_EXIT_CODE_AT = 60


def open_pidfd(pid: int) -> int | None:
    """A descriptor of the process, or None when it is gone."""
    try:
        return os.pidfd_open(pid)
    except (ProcessLookupError, FileNotFoundError):
        return None


def exit_status(pidfd: int) -> int | None:
    """The wait status of a dead process, also after it was reaped; None where the kernel cannot tell."""
    info = bytearray(INFO_SIZE)
    struct.pack_into("=Q", info, 0, PIDFD_INFO_EXIT)
    try:
        fcntl.ioctl(pidfd, PIDFD_GET_INFO, info)
    except OSError:
        return None
    if not struct.unpack_from("=Q", info, 0)[0] & PIDFD_INFO_EXIT:
        return None
    status: int = struct.unpack_from("=i", info, _EXIT_CODE_AT)[0]
    return status


def can_tell_exit_status() -> bool:
    """Whether `exit_status` works on this kernel, tried on a process of our own."""
    pid = os.posix_spawn("/bin/sh", ["sh", "-c", "exit 3"], {})
    pidfd = os.pidfd_open(pid)
    try:
        os.waitpid(pid, 0)
        return exit_status(pidfd) == 3 << 8
    finally:
        os.close(pidfd)


def send(pidfd: int, number: int) -> bool:
    """Send a signal; False when the process is gone."""
    try:
        signal.pidfd_send_signal(pidfd, number)
    except ProcessLookupError:
        return False
    return True

"""The exit status of a process that is nobody's child here: PIDFD_GET_INFO with PIDFD_INFO_EXIT, Linux 6.15.

A child of our own can be asked on any kernel, and is left for whoever reaps it.
"""

from __future__ import annotations

import fcntl
import os
import struct

INFO_SIZE = 64
"""sizeof(struct pidfd_info), first version: mask, cgroup, eleven ids, exit code (linux/pidfd.h)."""

PIDFD_GET_INFO = (3 << 30) | (INFO_SIZE << 16) | (0xFF << 8) | 11  # _IOWR(PIDFS_IOCTL_MAGIC, 11, struct pidfd_info)
PIDFD_INFO_EXIT = 1 << 3
_EXIT_CODE_AT = 60


def exit_status(pidfd: int) -> int | None:
    """The wait status of a dead process, if it was reaped or is our own child; None where that cannot be had."""
    status = _told_by_descriptor(pidfd)
    return _told_as_parent(pidfd) if status is None else status


def _told_by_descriptor(pidfd: int) -> int | None:
    info = bytearray(INFO_SIZE)
    struct.pack_into("=Q", info, 0, PIDFD_INFO_EXIT)
    try:
        fcntl.ioctl(pidfd, PIDFD_GET_INFO, info)
    except OSError:
        return None
    if not struct.unpack_from("=Q", info, 0)[0] & PIDFD_INFO_EXIT:
        return None  # a kernel that knows the request, but not this part of it
    status: int = struct.unpack_from("=i", info, _EXIT_CODE_AT)[0]
    return status


def _told_as_parent(pidfd: int) -> int | None:
    try:
        told = os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return None
    if told is None:
        return None
    return told.si_status << 8 if told.si_code == os.CLD_EXITED else told.si_status


def can_tell_exit_status() -> bool:
    """Whether the kernel tells the status of any process, tried on one of our own after it was reaped."""
    pid = os.posix_spawn("/bin/sh", ["sh", "-c", "exit 3"], {})
    pidfd = os.pidfd_open(pid)
    try:
        os.waitpid(pid, 0)
        return exit_status(pidfd) == 3 << 8
    finally:
        os.close(pidfd)

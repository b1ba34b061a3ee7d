"""Finding processes by walking the tree every few milliseconds: the fallback where kernel events cannot be had.

Deaths are exact all the same (a pidfd for each process); births are as late as the walk, and a process that
lives shorter than the interval is missed, which the resolution in the history's header says.
"""

from __future__ import annotations

import os
import select
from time import monotonic_ns
from typing import TYPE_CHECKING, NamedTuple

from crashrig.observers.pidfd import exit_status
from crashrig.observers.process_event import ProcessEvent
from crashrig.proc import children, command_line

if TYPE_CHECKING:
    from collections.abc import Iterator

INTERVAL_SECONDS = 0.005
"""A walk of ten processes takes some 0.1 ms, so that this costs a few hundredths of a processor."""


STATUS_SECONDS = 0.03
"""How long to wait for the status of a dead process; less than the judge holds observations back."""


class _Known(NamedTuple):
    pidfd: int
    command: bytes


class ScanObserver:
    """Walks the descendants of `root`, which must be their subreaper, or orphans get out of sight."""

    name = "walk of the process tree, pidfds"
    source = "scan"
    resolution = INTERVAL_SECONDS
    interval = INTERVAL_SECONDS
    sees_all = False

    def __init__(self, root: int) -> None:
        self._root = root
        self._known: dict[int, _Known] = {}
        self._dying: dict[int, int] = {}
        self._zombies: set[int] = set()
        self._poll = select.epoll()

    def fileno(self) -> int:
        """An epoll that is readable when one of the processes has died."""
        return self._poll.fileno()

    def read(self) -> list[ProcessEvent]:
        """Look for deaths, then walk: whatever is met only now was most likely born after those deaths."""
        return [*self._deaths(), *self._births(), *self._programs()]

    def _births(self) -> Iterator[ProcessEvent]:
        level, met = [self._root], set()
        while level:
            parent = level.pop()
            for pid in children(parent):
                level.append(pid)
                met.add(pid)
                if pid not in self._known and pid not in self._zombies and self._watch(pid, parent):
                    yield ProcessEvent(monotonic_ns(), "fork", pid, parent)
        self._zombies &= met

    def _watch(self, pid: int, parent: int) -> bool:
        try:
            pidfd = os.pidfd_open(pid)
        except OSError:  # gone, or a zombie that another process is reaping
            return False
        inherited = self._known[parent].command if parent in self._known else command_line(parent)
        self._known[pid] = _Known(pidfd, inherited)
        self._poll.register(pidfd, select.EPOLLIN)
        return True

    def _programs(self) -> Iterator[ProcessEvent]:
        """A command line that differs from the one before is an exec; one that is the same cannot be told."""
        for pid, known in list(self._known.items()):
            command = command_line(pid)
            if command and command != known.command:
                self._known[pid] = known._replace(command=command)
                yield ProcessEvent(monotonic_ns(), "exec", pid)

    def _deaths(self) -> Iterator[ProcessEvent]:
        """Deaths are timed at once; the status of a stranger can be had only when its parent has reaped it."""
        now = monotonic_ns()
        dead = {pidfd for pidfd, _ in self._poll.poll(0)}
        for pid, known in self._known.items():
            if known.pidfd in dead:
                self._dying[pid] = now
                self._poll.unregister(known.pidfd)  # or it would be readable all the time
        for pid, died in list(self._dying.items()):
            status = exit_status(self._known[pid].pidfd)
            if status is not None or now - died > STATUS_SECONDS * 1e9:
                yield ProcessEvent(died, "exit", pid, status=status)
                self._forget(pid)
                self._zombies.add(pid)  # it may be met again until its parent has reaped it

    def _forget(self, pid: int) -> None:
        pidfd = self._known.pop(pid).pidfd
        if self._dying.pop(pid, None) is None:
            self._poll.unregister(pidfd)
        os.close(pidfd)

    def close(self) -> None:
        """Let go of all descriptors."""
        for pid in list(self._known):
            self._forget(pid)
        self._poll.close()

"""The processes that a fault hits: found by what was observed, never by name, and held by descriptors."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import msgspec

from crashrig import proc
from crashrig.faults.injection import CannotInjectError
from crashrig.judging.reference import SUPERVISOR

if TYPE_CHECKING:
    from crashrig.faults.injection import Scene


class Target(msgspec.Struct, frozen=True):
    """One process, held by a descriptor."""

    pid: int
    pidfd: int

    def send(self, number: int) -> None:
        """Send a signal; a process that has just died is left alone, and the proof will be missing."""
        try:
            signal.pidfd_send_signal(self.pidfd, number)
        except ProcessLookupError:
            pass

    def close(self) -> None:
        """Let go of the descriptor."""
        os.close(self.pidfd)


def find_targets(scene: Scene, target: str, scope: str) -> list[Target]:
    """Every living process that is meant. CannotInjectError when there is none."""
    found = [held for pid in _pids(scene, target, scope) if (held := hold(pid, scene.root)) is not None]
    if not found:
        kind = "process" if scope == "tree" else "first process"
        raise CannotInjectError("the supervisor is gone" if target == SUPERVISOR else f"{target} has no living {kind}")
    return found


def _pids(scene: Scene, target: str, scope: str) -> list[int]:
    if target == SUPERVISOR:
        return [scene.supervisor]
    names = scene.members[target]
    if scope == "tree":
        return [process.pid for name in names for process in scene.family.living(name)]
    return [leader.pid for name in names if (leader := scene.family.leader(name)) is not None]


def hold(pid: int, root: int) -> Target | None:
    """A descriptor of a living descendant of `root`; None for any other process.

    The descriptor is opened first and the descent looked at afterwards, so that it cannot be of a stranger who
    was given the number meanwhile.
    """
    try:
        pidfd = os.pidfd_open(pid)
    except OSError:
        return None
    if proc.alive(pid) and proc.descends(pid, root):
        return Target(pid, pidfd)
    os.close(pidfd)
    return None

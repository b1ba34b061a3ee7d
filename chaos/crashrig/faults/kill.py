"""kill: a signal from outside to a first process, a whole tree, or the supervisor.

Proven, for every process hit, when it is seen dead of that signal, when the signal is pending there, when the
agent reports that it received it, when a stop or continue shows in the process's state; and for a supervisor,
which reports nothing, when it had a handler for the signal and the kernel took the signal for it.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from crashrig import proc
from crashrig.faults.injection import Momentary
from crashrig.faults.targets import find_targets
from crashrig.observers.family import how_it_ended

if TYPE_CHECKING:
    from crashrig.faults.injection import Scene
    from crashrig.faults.targets import Target
    from crashrig.scenario import Kill


class KillInjection(Momentary):
    """One `kill` of a scenario."""

    def __init__(self, order: Kill) -> None:
        self._order = order
        self._number = int(signal.Signals[order.signal])
        self._unproven: list[Target] = []
        self._handled = False

    def inject(self, scene: Scene) -> None:
        """Send the signal to every target."""
        self._unproven = find_targets(scene, self._order.target, self._order.scope)
        self._handled = _handles(scene.supervisor, self._number)
        for target in self._unproven:
            target.send(self._number)

    def proven(self, scene: Scene) -> bool:
        """Whether it is proven for all of them."""
        for target in list(self._unproven):
            if self._proven_for(target.pid, scene):
                self._unproven.remove(target)
                target.close()
        return not self._unproven

    def _proven_for(self, pid: int, scene: Scene) -> bool:
        process = scene.family.process(pid)
        if process is not None and process.status is not None and how_it_ended(process.status)[1] == self._number:
            return True
        if (pid, self._number) in scene.received or (pid == scene.supervisor and self._handled):
            return True
        status = proc.status(pid)
        return status is not None and status.alive and self._shows_in(status)

    def _shows_in(self, status: proc.Status) -> bool:
        if self._number == signal.SIGSTOP:
            return status.stopped
        if self._number == signal.SIGCONT:
            return not status.stopped
        return proc.has_signal(status.pending, self._number)

    def close(self) -> None:
        """Let go of those that could not be proven."""
        for target in self._unproven:
            target.close()
        self._unproven = []


def _handles(pid: int, number: int) -> bool:
    status = proc.status(pid)
    return status is not None and proc.has_signal(status.caught, number)

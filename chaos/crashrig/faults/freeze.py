"""freeze: SIGSTOP to a first process, a whole tree, or the supervisor, and SIGCONT after a while.

Proven when every process hit is in the state "stopped"; undone when none of them is any more, because it runs or
because it is dead.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from crashrig import proc
from crashrig.faults.targets import find_targets

if TYPE_CHECKING:
    from crashrig.faults.injection import Scene
    from crashrig.faults.targets import Target
    from crashrig.scenario import Freeze


class FreezeInjection:
    """One `freeze` of a scenario; without a duration it lasts until the cell is cleaned up."""

    def __init__(self, order: Freeze) -> None:
        self._order = order
        self._targets: list[Target] = []
        self.lasts: float | None = order.for_

    def inject(self, scene: Scene) -> None:
        """Stop every target."""
        self._targets = find_targets(scene, self._order.target, self._order.scope)
        for target in self._targets:
            target.send(signal.SIGSTOP)

    def proven(self, scene: Scene) -> bool:  # noqa: ARG002
        """Whether all of them stand still."""
        return all(_is_stopped(target.pid) for target in self._targets)

    def undo(self, scene: Scene) -> None:  # noqa: ARG002
        """Let them go on."""
        for target in self._targets:
            target.send(signal.SIGCONT)

    def undone(self, scene: Scene) -> bool:  # noqa: ARG002
        """Whether none of them stands still."""
        return not any(_is_stopped(target.pid) for target in self._targets)

    def close(self) -> None:
        """Let go of the processes; they stay as they are."""
        for target in self._targets:
            target.close()
        self._targets = []


def _is_stopped(pid: int) -> bool:
    status = proc.status(pid)
    return status is not None and status.stopped

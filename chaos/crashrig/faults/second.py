"""second: start the supervisor once more, on the same configuration and state.

Proven when the second process has been seen to run the supervisor's command, or to have ended. Whatever it has not
ended by itself when its time is over is killed; what it has started meanwhile is the cell's to judge and to end.
"""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from crashrig import proc
from crashrig.faults.injection import CannotInjectError
from crashrig.subjects import tether

if TYPE_CHECKING:
    from crashrig.faults.injection import Scene
    from crashrig.scenario import Second


class SecondInjection:
    """One `second` of a scenario."""

    def __init__(self, order: Second) -> None:
        self.lasts: float | None = order.for_
        self._process: subprocess.Popen[bytes] | None = None

    def inject(self, scene: Scene) -> None:
        """Start it; it dies with the cell."""
        launch = scene.launch
        try:
            self._process = subprocess.Popen(
                tether.command(*launch.argv),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd=launch.directory or None,
                env={**os.environ, **launch.environment},
                start_new_session=True,
            )
        except OSError as error:
            raise CannotInjectError(f"the second supervisor could not be started: {error}") from error

    def proven(self, scene: Scene) -> bool:
        """Whether it has become the supervisor's command, or is over already."""
        assert self._process is not None
        if self.undone(scene):
            return True
        running = proc.command_line(self._process.pid)
        return bool(running) and os.fsencode(tether.__file__) not in running

    def undo(self, scene: Scene) -> None:  # noqa: ARG002
        """Kill it, if it still lives."""
        if self._process is not None:
            self._process.kill()

    def undone(self, scene: Scene) -> bool:  # noqa: ARG002
        """Whether it is dead."""
        return self._process is None or self._process.poll() is not None

    def close(self) -> None:
        """Kill and reap it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

"""Killing whatever is left when the supervisor goes: after a fault of its own, or of an orphan nobody owned.

In the ordinary course nothing is left and nothing is done. Here, and only here, the supervisor waits in small
steps instead of in its loop, because the loop may be what has failed.
"""

import time
from signal import SIGKILL, pidfd_send_signal

from holdfast import clock
from holdfast.cgroups import Cgroups
from holdfast.tree import Forest
from holdfast.walk import walk_from

_STEP_SECONDS = 0.001


def end_everything(forest: Forest, cgroups: Cgroups, until: float) -> list[int]:
    """Kill all that agents have left, until nothing is or the time has come; returns who survived."""
    while True:
        forest.reap()
        try:
            left = forest.everything_left()
            if not left or clock.now() > until:
                return left
            _kill(left, forest, cgroups)
        except OSError:  # no descriptor or memory for a look: it may be there in the next step
            if clock.now() > until:
                return []
        time.sleep(_STEP_SECONDS)


def _kill(left: list[int], forest: Forest, cgroups: Cgroups) -> None:
    for tree in forest.trees():
        cgroups.kill(tree.agent)
    for member in walk_from(left):
        try:
            pidfd_send_signal(member.pidfd, SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass

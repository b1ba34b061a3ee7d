"""What was seen arrives by several ways, each with its own delay; here it is put in the order in which it happened.

Nothing is thrown away and no time is changed in the record. Only the live judge, which cannot go back, is told
of a latecomer as if it had just happened; the verdict is made from the sorted record.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from crashrig.history import Observation

HOLD_SECONDS = 0.03
"""Longer than a report takes from an agent's write to our read on a busy machine; kernel events are quicker."""


class InOrder:
    """Holds each observation back for `hold` real seconds and then lets them go in order of time."""

    def __init__(self, hold: float = HOLD_SECONDS) -> None:
        self._hold = hold
        self._record: list[Observation] = []
        self._heap: list[tuple[float, int, Observation]] = []
        self._released = float("-inf")

    def add(self, observation: Observation) -> None:
        """Take an observation in."""
        heappush(self._heap, (observation.t, len(self._record), observation))
        self._record.append(observation)

    def due(self, now: float) -> list[Observation]:
        """Those that have been held long enough at `now` (seconds of the history), in order."""
        return self._release(now - self._hold)

    def rest(self) -> list[Observation]:
        """All that are still held, in order."""
        return self._release(float("inf"))

    @property
    def next_time(self) -> float | None:
        """When `due` will have something, in seconds of the history; None when nothing is held."""
        return self._heap[0][0] + self._hold if self._heap else None

    def record(self) -> list[Observation]:
        """Everything taken in so far, by the time at which it happened."""
        return sorted(self._record, key=lambda observation: observation.t)

    def _release(self, until: float) -> list[Observation]:
        released = []
        while self._heap and self._heap[0][0] <= until:
            observation = heappop(self._heap)[2]
            if observation.t < self._released:
                observation = msgspec.structs.replace(observation, t=self._released)
            self._released = observation.t
            released.append(observation)
        return released

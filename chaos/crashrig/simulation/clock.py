"""Virtual time: a heap of things to do, done in order of their times and, at one time, of their making."""

from __future__ import annotations

from heapq import heappop, heappush
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Timer:
    """Something to do at a time; `cancel` makes it nothing."""

    __slots__ = ("action", "time")

    def __init__(self, time: float, action: Callable[[], None]) -> None:
        self.time = time
        self.action: Callable[[], None] | None = action

    def cancel(self) -> None:
        """Do nothing when the time comes."""
        self.action = None


class Clock:
    """`now` in virtual seconds, and what is still to come."""

    def __init__(self) -> None:
        self.now = 0.0
        self._heap: list[tuple[float, int, Timer]] = []
        self._made = 0

    def at(self, time: float, action: Callable[[], None]) -> Timer:
        """Do `action` at `time`; at once, but after what is due already, if that has passed. Never for `inf`."""
        timer = Timer(max(time, self.now), action)
        if time != inf:
            self._made += 1
            heappush(self._heap, (timer.time, self._made, timer))
        return timer

    def after(self, seconds: float, action: Callable[[], None]) -> Timer:
        """Do `action` so many seconds from now."""
        return self.at(self.now + seconds, action)

    @property
    def next_time(self) -> float:
        """When something is to be done next; `inf` when nothing is."""
        while self._heap and self._heap[0][2].action is None:
            heappop(self._heap)
        return self._heap[0][0] if self._heap else inf

    def step(self) -> None:
        """Go to that time and do the one thing; there must be one."""
        self.now, _, timer = heappop(self._heap)
        if timer.action is not None:
            timer.action()

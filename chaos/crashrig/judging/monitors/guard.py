"""Keeps a monitor from taking others along when it raises: its expectation is then an error, never a pass."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from crashrig.judging.monitors.protocol import moment
from crashrig.judging.monitors.unchanged import Unchanged
from crashrig.verdict import Result, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from crashrig.judging.event import Event
    from crashrig.judging.monitors.protocol import Clause, Monitor

_WAKES_MAX = 100
"""How often a monitor may ask to be woken at once, again and again, before it counts as broken."""


class Guard:
    """One monitor, made by `make`; whatever it raises, then or later, is told as its result."""

    def __init__(self, clause: Clause, make: Callable[[], Monitor]) -> None:
        self.clause = clause
        self.error = ""
        self.next_time = math.inf
        self._wakes = 0
        self._monitor: Monitor | None = None
        try:
            self._monitor = make()
            self.next_time = self._monitor.next_time
        except Exception as error:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        self.error = f"the checker failed: {type(error).__name__}: {error}"
        self.next_time = math.inf

    @property
    def listens(self) -> frozenset[str]:
        """The kinds of event it wants to see."""
        return self._monitor.listens if self._monitor is not None else frozenset()

    @property
    def waiting(self) -> bool:
        """Whether the run must go on for it."""
        return not self.error and self._monitor is not None and self._monitor.waiting

    @property
    def has_goal(self) -> bool:
        """Whether it is of a kind that the run goes on for."""
        return self._monitor is not None and self._monitor.has_goal

    @property
    def settled(self) -> bool:
        """Whether nothing can change its verdict."""
        return bool(self.error) or self._monitor is None or self._monitor.settled

    @property
    def witnessed(self) -> bool:
        """Whether what failed was seen to happen."""
        return self._monitor is not None and self._monitor.witnessed

    @property
    def about_trees(self) -> bool:
        """Whether it looks at processes that an observer can miss."""
        return self._monitor is not None and self._monitor.about_trees

    def observe(self, event: Event) -> None:
        """Show it an event."""
        if self._monitor is not None and not self.error:
            try:
                self._monitor.observe(event)
                self.next_time = self._monitor.next_time
            except Exception as error:
                self._fail(error)

    def advance(self, t: float) -> None:
        """Tell it the time."""
        if self._monitor is not None and not self.error:
            try:
                self._monitor.advance(t)
                self.next_time = self._monitor.next_time
                self._check_progress(t)
            except Exception as error:
                self._fail(error)

    def _check_progress(self, t: float) -> None:
        """A monitor that wants to be woken at the same time for ever would hang the rig."""
        self._wakes = self._wakes + 1 if self.next_time <= t else 0
        if self._wakes > _WAKES_MAX:
            raise RuntimeError(f"the monitor does not move on at {moment(t)}")

    def finish(self, t_end: float, survivors: Sequence[str]) -> Result:
        """Its result."""
        if self._monitor is not None and not self.error:
            try:
                if isinstance(self._monitor, Unchanged):
                    self._monitor.survivors = survivors
                return self._monitor.finish(t_end)
            except Exception as error:
                self._fail(error)
        clause = self.clause
        return Result(
            expectation=clause.number,
            operator=clause.operator,
            text=clause.text,
            promise=clause.promise,
            verdict=Verdict.ERROR,
            message=self.error,
        )

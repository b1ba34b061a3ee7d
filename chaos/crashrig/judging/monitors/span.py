"""The stretch of time that an expectation is about: from `after` to `until`, or the whole run.

An `after` without an index opens at the first occurrence of its event; with `#last` it opens anew at each one.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from crashrig.judging.condition import compile_moment
from crashrig.judging.moment import MomentWatch
from crashrig.judging.monitors.protocol import moment

if TYPE_CHECKING:
    from crashrig.judging.event import Event
    from crashrig.judging.monitors.protocol import Bench
    from crashrig.judging.reference import EventRef


class Span:
    """Opens at `opens` and closes at `closes`, nominal seconds; infinity while that is not known."""

    def __init__(self, bench: Bench, after: str | None = None, until: str | None = None) -> None:
        self._after = MomentWatch(compile_moment(after), bench.agents) if after else None
        self._until = MomentWatch(compile_moment(until), bench.agents) if until else None
        self.opens = _due(self._after, 0.0)
        self.closes = _due(self._until, math.inf)

    @property
    def refs(self) -> list[EventRef]:
        """The events that open and close it."""
        watches = [watch for watch in (self._after, self._until) if watch is not None]
        return [watch.moment.event for watch in watches if watch.moment.event is not None]

    @property
    def anchored(self) -> bool:
        """Whether it is known when it opens."""
        return self.opens < math.inf

    @property
    def rearms(self) -> bool:
        """Whether it may open again (`#last`)."""
        return self._after is not None and self._after.moment.rearms

    @property
    def ends(self) -> bool:
        """Whether it has an `until`."""
        return self._until is not None

    @property
    def until_event(self) -> bool:
        """Whether it closes exactly at an event, which tells before from after however late it is seen."""
        return self._until is not None and self._until.moment.event is not None and not self._until.moment.offset

    def see(self, event: Event) -> bool:
        """Take note of an event; True when it opened the span, or opened it anew."""
        if self._until is not None and self._until.see(event):
            self.closes = _due(self._until, math.inf)
        if self._after is None or not self._after.see(event):
            return False
        self.opens = _due(self._after, 0.0)
        return True

    def covers(self, t: float) -> bool:
        """Whether `t` lies in it, as far as is known; both ends belong to it."""
        return self.opens <= t <= self.closes

    def __str__(self) -> str:
        """For a message: " from worker.exit#1 (t=3 s) until t=60 s"."""
        text = "" if self._after is None else f" from {_named(self._after)}"
        return text if self._until is None else f"{text} until {_named(self._until)}"

    @property
    def start(self) -> str:
        """Where it opens, for a message: "worker.exit#1 (t=3 s)"."""
        return "the start of the run" if self._after is None else _named(self._after)

    @property
    def never_opened(self) -> str:
        """What to say of a span that did not open while the run lasted."""
        return f"{self.start} never came" if not self.anchored else f"the run ended before {self.start}"

    def window(self, t_end: float) -> tuple[float, float] | None:
        """What was covered of it in a run that lasted until `t_end`; None when nothing was."""
        if self.opens > t_end:
            return None
        return (self.opens, max(self.opens, min(self.closes, t_end)))


def _due(watch: MomentWatch | None, default: float) -> float:
    if watch is None:
        return default
    return math.inf if watch.due is None else watch.due


def _named(watch: MomentWatch) -> str:
    if watch.moment.event is None:
        return moment(watch.moment.offset)
    return watch.moment.text + (f" ({moment(watch.due)})" if watch.due is not None else "")

"""count E, min, max: that many of the events E lie in the window.

Window: from `after` (or the start) until `until` (or the end of the run). The event that opens it is not counted,
the one that closes it is; with `#last` in `after` counting begins anew at every occurrence. When the window closes
at a time, an event that comes late by no more than the allowance still helps to reach `min`; when it closes at an
event, what comes behind that event does not. A window that never opened has shown nothing: failed, also when only
a `max` was asked for (CHS-8).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from crashrig.judging.condition import compile_event
from crashrig.judging.event import EventWatch
from crashrig.judging.monitors.protocol import Bench, Clause, Finding, Monitor, moment
from crashrig.judging.monitors.span import Span
from crashrig.verdict import Verdict

if TYPE_CHECKING:
    from crashrig.judging.event import Event
    from crashrig.scenario import Expect


class Count(Monitor):
    """Counts; `_late` are events behind the window that may still help."""

    def __init__(self, clause: Clause, expect: Expect, bench: Bench) -> None:
        super().__init__(clause, bench)
        event = compile_event(expect.count or "", indexed=False).event
        assert event is not None
        self._watch = EventWatch(event, bench.agents)
        self._min = expect.min or 0
        self._max = math.inf if expect.max is None else expect.max
        self._span = Span(bench, expect.after, expect.until)
        self.has_goal = self._min > 0 or self._span.ends
        self.listen_for([event, *self._span.refs])
        self._reset()
        self._plan(0.0)

    def _reset(self) -> None:
        self._count = 0
        self._late: list[float] = []
        self._exceeded: float | None = None
        self._verdict: Verdict | None = None
        self._opened = False
        self._closed = False

    @property
    def waiting(self) -> bool:
        """Until the window opened, `min` is reached, and the end of the window has come."""
        if self.settled or self._exceeded is not None:
            return False
        return not self._opened or self._count + len(self._late) < self._min or (self._span.ends and not self._closed)

    def observe(self, event: Event) -> None:
        """Count an event that lies in the window as it was before."""
        if self.settled:
            return
        if self._watch.matches(event) and self._span.opens <= event.at:
            self._take(event.at)
        if self._span.see(event):
            self._reset()
        if self._span.until_event and self._span.closes <= event.at:
            self._close()
        self._plan(event.at)

    def _take(self, t: float) -> None:
        if self._closed or t > self._span.closes:
            if not self._span.until_event and self._count + len(self._late) < self._min:
                self._late.append(t)
            return
        self._count += 1
        if self._count > self._max and self._exceeded is None:
            self._exceeded = t
            self.witnessed = True
            self.settled = not self._span.rearms

    def advance(self, t: float) -> None:
        """Open or close the window at its time."""
        if self.settled:
            return
        if t >= self._span.closes:
            self._close()
        if self._closed and not self._span.rearms and t >= self._decided():
            self._verdict = self._weigh()
            self.settled = True
        self._plan(t)

    def _close(self) -> None:
        self._closed = True
        short = self._count < self._min and not self._span.until_event
        self.settled = not short and not self._span.rearms

    def _decided(self) -> float:
        """When all is known about events that were to lie in the window and came late."""
        tolerance = self.bench.tolerance
        end = max([self._span.closes + tolerance.late, *self._late])
        return tolerance.patience(self._span.opens, end)

    def _plan(self, t: float) -> None:
        self._opened = self._opened or t >= self._span.opens
        self.next_time = math.inf
        if self.settled:
            return
        if not self._opened:
            self.next_time = self._span.opens
        elif not self._closed:
            self.next_time = self._span.closes
        elif not self._span.rearms:
            self.next_time = self._decided()

    def find(self, t_end: float) -> Finding:
        """How many there were."""
        failed = self._span.opens > t_end or self._exceeded is not None
        verdict = Verdict.FAILED if failed else self._verdict or self._weigh()
        late = f", and {len(self._late)} late" if self._late else ""
        seen = f"seen {self._count}{late}"
        if self._exceeded is not None:
            seen = f"seen {self._count}, the one too many at {moment(self._exceeded)}"
        elif self._span.opens > t_end:
            seen = f"{self._span.never_opened}, so nothing was shown"
        return Finding(
            verdict=verdict,
            expected=f"{self._bound()} of {self._watch.ref}{self._span}",
            seen=seen,
            observed=self._count,
            bound=self._bound(),
            margin=self._margin(),
            unit="count",
            window=self._span.window(t_end),
            at=self._exceeded,
        )

    def _weigh(self) -> Verdict:
        missing = self._min - self._count
        if missing <= 0:
            return Verdict.PASSED
        if missing > len(self._late):
            return Verdict.FAILED
        came, tolerance = self._late[missing - 1], self.bench.tolerance
        return tolerance.classify(came - self._span.closes - tolerance.late, self._span.opens, came)

    def _margin(self) -> float:
        return min(self._max - self._count, self._count - self._min if self._min else math.inf)

    def _bound(self) -> str:
        if self._max == math.inf:
            return f"at least {self._min}"
        if not self._min:
            return f"at most {self._max:g}"
        return f"exactly {self._min}" if self._min == self._max else f"{self._min} to {self._max:g}"

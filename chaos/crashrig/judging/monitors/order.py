"""order [E1, E2, ...]: each of these events happens, and in this order.

Each must lie in the window from `after` (or the start) until `until` (or the end of the run). An event without an
index is the first of its kind in the window; `#2` is the second of the run; `#last` has no place in an order.
Events that bear the same time are in the order in which they were seen. Two that came the wrong way round, but no
further apart than the observer can tell, are inconclusive. An event that never comes has failed the expectation.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from crashrig.judging.condition import compile_event
from crashrig.judging.event import EventWatch
from crashrig.judging.monitors.protocol import Bench, Clause, Finding, Monitor, moment, seconds
from crashrig.judging.monitors.span import Span
from crashrig.verdict import Verdict

if TYPE_CHECKING:
    from crashrig.judging.event import Event
    from crashrig.scenario import Expect


class Order(Monitor):
    """Waits for all events; `_came` maps the place in the list to when that event came."""

    def __init__(self, clause: Clause, expect: Expect, bench: Bench) -> None:
        super().__init__(clause, bench)
        refs = [compile_event(text).event for text in expect.order or ()]
        self._watches = [EventWatch(ref, bench.agents) for ref in refs if ref is not None]
        self._span = Span(bench, expect.after, expect.until)
        self.listen_for([*(watch.ref for watch in self._watches), *self._span.refs])
        self._came: dict[int, float] = {}
        self._wrong: tuple[int, int] | None = None
        self._plan()

    def observe(self, event: Event) -> None:
        """Note the event's place; one that should have come before it and did not is out of order."""
        if self.settled:
            return
        covered = self._span.covers(event.at)
        if self._span.see(event):
            self._restart()
        for place, watch in enumerate(self._watches):
            counts = covered or watch.ref.index is not None
            if counts and watch.see(event) and covered:
                self._came[place] = event.at
                self._check(place)
        self._plan()
        if len(self._came) == len(self._watches):
            self._settle()

    def _restart(self) -> None:
        """The window opens (anew): what was seen before does not count."""
        self._came.clear()
        self._wrong = None

    def _check(self, place: int) -> None:
        missing = [earlier for earlier in range(place) if earlier not in self._came]
        if missing and self._wrong is None:
            self._wrong = (missing[-1], place)

    def _plan(self) -> None:
        """Wake when the window closes, or when an event out of order is no longer too close to tell."""
        self.next_time = self._span.closes
        if self._wrong is not None:
            came = self._came[self._wrong[1]] + self.bench.tolerance.resolution
            self.next_time = min(self.next_time, math.nextafter(came, math.inf))

    def advance(self, t: float) -> None:
        """What is still missing now comes too late, or not at all."""
        if not self.settled and t >= self.next_time:
            self._settle()

    def _settle(self) -> None:
        self.settled = True
        self.next_time = math.inf
        self.witnessed = self._wrong is not None and len(self._came) == len(self._watches)

    def find(self, t_end: float) -> Finding:
        """Whether they came, and how they lay."""
        verdict, seen = Verdict.PASSED, "seen"
        if self._wrong is not None:
            verdict, seen = self._out_of_order(*self._wrong)
        elif len(self._came) < len(self._watches):
            missing = [str(w.ref) for place, w in enumerate(self._watches) if place not in self._came]
            verdict, seen = Verdict.FAILED, f"{', '.join(missing)} never came (the run ended at {moment(t_end)})"
        times = [f"{self._watches[place].ref} at {moment(t)}" for place, t in sorted(self._came.items(), key=_by_time)]
        return Finding(
            verdict=verdict,
            expected=", then ".join(str(watch.ref) for watch in self._watches) + str(self._span),
            seen=f"{seen}: {', '.join(times) or 'nothing'}",
            unit="",
            window=self._span.window(t_end),
            at=max(self._came.values(), default=None),
        )

    def _out_of_order(self, missing: int, place: int) -> tuple[Verdict, str]:
        earlier, later = self._watches[missing].ref, self._watches[place].ref
        if missing not in self._came:
            return Verdict.FAILED, f"{later} came before {earlier}"
        apart = self._came[missing] - self._came[place]
        if not self.bench.tolerance.simulated and apart <= self.bench.tolerance.resolution:
            return Verdict.INCONCLUSIVE, f"{later} came {seconds(apart)} before {earlier}, closer than can be told"
        return Verdict.FAILED, f"{later} came {seconds(apart)} before {earlier}"


def _by_time(entry: tuple[int, float]) -> float:
    return entry[1]

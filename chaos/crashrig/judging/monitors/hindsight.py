"""Windows that are known only afterwards: `worker.exit#1 - 5s` opens before its event, `until worker.exit#last` has
its end when the run has.

The events are kept until both ends are known, and then shown to an ordinary monitor whose window has fixed times.
That costs memory as long as the ends are unknown, so only such windows are judged this way. Fixed times include
what happens at them, also the event that gave the window its name.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from crashrig.judging.condition import compile_moment
from crashrig.judging.moment import MomentWatch
from crashrig.judging.monitors.protocol import Bench, Clause, Finding, Monitor
from crashrig.judging.world import World

if TYPE_CHECKING:
    from collections.abc import Callable

    from crashrig.judging.event import Event
    from crashrig.scenario import Expect

    Build = Callable[[Clause, Expect, Bench], Monitor]


def needs_hindsight(expect: Expect) -> bool:
    """Whether an end of the window is known only after it has passed."""
    after = compile_moment(expect.after) if expect.after else None
    until = compile_moment(expect.until) if expect.until else None
    early = any(moment is not None and moment.event is not None and moment.offset < 0 for moment in (after, until))
    return early or (until is not None and until.rearms)


class Hindsight(Monitor):
    """Keeps events until the window is known; `_inner` judges them then, in a world of its own."""

    def __init__(self, clause: Clause, expect: Expect, bench: Bench, make: Build) -> None:
        super().__init__(clause, bench)
        self._expect = expect
        self._make = make
        self._ends = {
            name: MomentWatch(compile_moment(text), bench.agents)
            for name, text in (("after", expect.after), ("until", expect.until))
            if text
        }
        self._kept: list[Event] = []
        self._inner: Monitor | None = None
        self._world = World(bench.agents)
        like = make(clause, expect, bench._replace(world=World(bench.agents)))
        self.listens, self.has_goal, self.about_trees = like.listens, like.has_goal, like.about_trees

    @property
    def waiting(self) -> bool:
        """Until the ends are known that will be, and then as long as the monitor waits."""
        if self._inner is not None:
            return self._inner.waiting
        return any(watch.due is None and not watch.moment.rearms for watch in self._ends.values())

    def observe(self, event: Event) -> None:
        """Keep an event, or show it to the monitor."""
        for watch in self._ends.values():
            watch.see(event)
        if self._inner is None:
            self._kept.append(event)
            if all(watch.due is not None and not watch.moment.rearms for watch in self._ends.values()):
                self._begin()
        else:
            self._show(self._inner, event)
        self._follow()

    def advance(self, t: float) -> None:
        """Pass the time on."""
        if self._inner is not None:
            self._inner.advance(t)
        self._follow()

    def _begin(self) -> None:
        """Make the monitor, with the times that are known (to the last bit), and show it what was kept."""
        times = {name: f"{max(0.0, watch.due):.25f}s" for name, watch in self._ends.items() if watch.due is not None}
        if "after" in times and "until" not in times:
            times["until"] = ""  # an end that never came is no end
        fixed = msgspec.structs.replace(self._expect, **(times if "after" in times or not self._expect.after else {}))
        inner = self._inner = self._make(self.clause, fixed, self.bench._replace(world=self._world))
        for event in self._kept:
            self._show(inner, event)
        self._kept.clear()

    def _show(self, inner: Monitor, event: Event) -> None:
        while inner.next_time < event.at:
            inner.advance(inner.next_time)
        self._world.fold(event)
        if event.kind in inner.listens:
            inner.observe(event)

    def _follow(self) -> None:
        if self._inner is not None:
            self.settled, self.witnessed = self._inner.settled, self._inner.witnessed
            self.next_time = self._inner.next_time

    def find(self, t_end: float) -> Finding:
        """What the monitor found; the ends of the window are known now, or never will be."""
        if self._inner is None:
            self._begin()
        assert self._inner is not None
        while self._inner.next_time <= t_end < math.inf:
            self._inner.advance(self._inner.next_time)
        return self._inner.find(t_end)

"""Feeds the monitors of one scenario with observations in order of time, and wakes them when they want to be.

`checker` brings the observations, from a file or live. All times here are nominal.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from crashrig.judging.fault_record import FaultRecord
from crashrig.judging.monitors import build, clause_of
from crashrig.judging.monitors.guard import Guard
from crashrig.judging.monitors.protocol import Bench, Clause, seconds
from crashrig.judging.monitors.recover import recover
from crashrig.judging.monitors.tolerance import Tolerance
from crashrig.judging.world import World, agents_of
from crashrig.verdict import Result, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from crashrig.history import Header, Observation
    from crashrig.judging.event import Event
    from crashrig.scenario import Scenario

RIG = -1
"""Number of expectation in results that are about the run itself: operators `fault`, `history`."""


class Referee:
    """The monitors of one scenario, each behind a guard, and what is known of its faults."""

    def __init__(self, scenario: Scenario, header: Header) -> None:
        agents = agents_of(scenario)
        self.now = 0.0
        self._scenario = scenario
        self._tolerance = Tolerance(header)
        self._world = World(agents, header.pace)
        self._bench = Bench(agents, self._world, self._tolerance)
        self._guards = list(_guards(scenario, self._bench))
        self._listeners: dict[str, list[Guard]] = {}
        for guard in self._guards:
            for kind in guard.listens:
                self._listeners.setdefault(kind, []).append(guard)
        self._faults = FaultRecord(scenario.fault)
        self._lost: list[tuple[float, str]] = []
        self._end = ""
        self._waits = any(guard.has_goal for guard in self._guards)
        self.next_time = self._earliest()

    def take(self, observation: Observation) -> None:
        """Take in the next observation; nothing counts any more after the end of the run."""
        if self._end:
            return
        t = max(observation.t * self._world.pace, self.now)
        self._pass_time(t, including=False)
        self.now = t
        match observation.what:
            case "noise":
                self._tolerance.hear(observation)
            case "lost":
                self._lost.append((t, observation.text))
            case "end":
                self._end = observation.text or "end"
            case "fault":
                self._faults.see(observation)
        event = self._world.observe(observation)
        if event is not None:
            self._show(event)

    def _show(self, event: Event) -> None:
        listeners = self._listeners.get(event.kind)
        if listeners:
            for guard in listeners:
                guard.observe(event)
            self.next_time = self._earliest()

    def advance(self, t: float) -> None:
        """Take note that it is `t`."""
        if t > self.now and not self._end:
            self._pass_time(t, including=False)
            self.now = t

    def _pass_time(self, t: float, including: bool) -> None:
        """Wake the monitors that wanted to be woken before `t`, each at its own time."""
        while self.next_time < t or (including and self.next_time == t):
            now = self.next_time
            for guard in self._guards:
                if guard.next_time <= now:
                    guard.advance(now)
            self.next_time = self._earliest()

    def _earliest(self) -> float:
        return min((guard.next_time for guard in self._guards), default=math.inf)

    @property
    def settled(self) -> bool:
        """Whether the run has nothing to wait for any more, though it had."""
        return self._waits and self._faults.over and not any(guard.waiting for guard in self._guards)

    @property
    def undecided(self) -> list[str]:
        """What the run is waiting for."""
        return [guard.clause.text for guard in self._guards if guard.waiting] + self._faults.pending

    def finish(self, t_end: float, survivors: Sequence[str]) -> list[Result]:
        """All results of a run that lasted until `t_end`."""
        t_end = max(t_end, self.now) if not self._end else self.now
        self._pass_time(t_end, including=True)
        results = [self._excuse(guard, guard.finish(t_end, survivors)) for guard in self._guards]
        return results + self._problems()

    def _excuse(self, guard: Guard, result: Result) -> Result:
        """Blame nobody for what the rig did not do, and trust nothing that it may not have seen."""
        if result.verdict is Verdict.FAILED and self._faults.unproven and not guard.witnessed:
            return _inconclusive(result, f"{', '.join(self._faults.unproven)} could not be proven")
        lost = [text for t, text in self._lost if result.at is None or result.at >= t or not guard.settled]
        if result.verdict in (Verdict.PASSED, Verdict.FAILED) and guard.about_trees and lost:
            return _inconclusive(result, f"the observer lost something: {lost[0]}")
        return result

    def _problems(self) -> list[Result]:
        problems = [problem("fault", Verdict.INCONCLUSIVE, text) for text in self._faults.problems]
        if not self._guards:
            problems.append(problem("history", Verdict.ERROR, "the scenario expects nothing: nothing was judged"))
        if self._end == "interrupted":
            problems.append(problem("history", Verdict.INCONCLUSIVE, "the run was interrupted"))
        return problems


def _guards(scenario: Scenario, bench: Bench) -> Iterator[Guard]:
    for number, expect in enumerate(scenario.expect):
        clause = clause_of(number, expect)
        yield Guard(clause, partial(build, clause, expect, bench))
    if scenario.recover is not None:
        wanted = scenario.recover
        text = f"recover {wanted.steady}, within {seconds(wanted.within)}, for {seconds(wanted.for_)}"
        clause = Clause(len(scenario.expect), "recover", text)
        yield Guard(clause, partial(recover, clause, wanted, scenario.fault, bench))


def problem(operator: str, verdict: Verdict, message: str) -> Result:
    """A result about the run itself."""
    return Result(expectation=RIG, operator=operator, text=operator, verdict=verdict, message=message, unit="")


def _inconclusive(result: Result, reason: str) -> Result:
    message = f"{reason}, so this cannot be told\n{result.message}"
    return msgspec.structs.replace(result, verdict=Verdict.INCONCLUSIVE, message=message)

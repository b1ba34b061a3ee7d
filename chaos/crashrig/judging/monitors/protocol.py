"""What a monitor is: the judge of one expectation, fed with events in order of time.

A monitor's verdict depends only on the events and the passing of time, not on how often it is asked; so the same
monitor judges a stored history, a live cell and a simulated one. How a miss is weighed is in `tolerance`; the
stretch of time that is judged is in `span`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from crashrig.judging.monitors.tolerance import Tolerance
from crashrig.judging.reference import FAULT, SUPERVISOR, EventRef, Observable
from crashrig.judging.world import World
from crashrig.units import format_duration
from crashrig.verdict import Result, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from crashrig.judging.condition import Condition
    from crashrig.judging.event import Event

_OBSERVABLE_KINDS = {
    "live": {"start", "exit"},
    "generation": {"start", "exit"},
    "starts": {"start"},
    "exits": {"exit"},
    "beats": {"beat"},
    "claimed": {"claimed"},
}
_TREE_KINDS = {"start", "exit", "birth", "death"}
_TREE_NAMES = {"tree", "orphans", "stale", "birth", "death"}


class Bench(NamedTuple):
    """What the monitors of one history share."""

    agents: Mapping[str, int]
    world: World
    tolerance: Tolerance


class Clause(NamedTuple):
    """Which expectation a monitor judges, for its result: `text` is how the scenario says it."""

    number: int
    operator: str
    text: str
    promise: str = ""
    name: str = ""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What a monitor found. `expected` and `seen` are for people; the rest is as in verdict.Result."""

    verdict: Verdict
    expected: str
    seen: str
    observed: float | None = None
    bound: str = ""
    margin: float | None = None
    unit: str = "s"
    window: tuple[float, float] | None = None
    at: float | None = None


class Monitor:
    """Judge of one expectation. Subclasses implement `observe`, `advance`, `waiting` and `find`.

    `settled`: nothing that comes later can change the verdict. `waiting`: the run must go on for this one; a
    monitor without an end (always, never, count max) does not wait, once its window is open. `has_goal`: it has an
    end to wait for; when no monitor of a scenario has one, the run lasts as long as its timeout. `next_time`: when,
    in nominal seconds, it wants `advance` at the latest; infinity when only an event can move it. `listens`: the
    kinds of event that can move it; others need not be shown to it, but the world must have taken them in.
    `witnessed`: what failed was seen to happen, and did not merely fail to come. `about_trees`: it looks at other
    processes than the first, which an observer can miss.
    """

    listens: frozenset[str] = frozenset()
    settled: bool = False
    has_goal: bool = True
    next_time: float = math.inf
    witnessed: bool = False
    about_trees: bool = False

    def __init__(self, clause: Clause, bench: Bench) -> None:
        self.clause = clause
        self.bench = bench

    @property
    def waiting(self) -> bool:
        """Whether the run must go on for this monitor."""
        return not self.settled

    def observe(self, event: Event) -> None:
        """Take note of an event that the world has just taken in."""

    def advance(self, t: float) -> None:
        """Take note that it is `t` nominal seconds, and that all events before then have been shown."""

    def find(self, t_end: float) -> Finding:
        """Say what was found in a run that lasted until `t_end`."""
        raise NotImplementedError

    def finish(self, t_end: float) -> Result:
        """The result, for a run that lasted until `t_end` nominal seconds."""
        finding = self.find(t_end)
        return Result(
            expectation=self.clause.number,
            operator=self.clause.operator,
            text=self.clause.text,
            promise=self.clause.promise,
            verdict=finding.verdict,
            message=message(self.clause, finding),
            observed=finding.observed,
            bound=finding.bound,
            margin=finding.margin,
            unit=finding.unit,
            resolution=self.bench.tolerance.resolution,
            window=finding.window,
            at=finding.at,
        )

    def listen_to(self, condition: Condition) -> None:
        """Be told of everything that can change a condition, and have the world keep what it asks for."""
        names = condition.names
        for ref in names.events:
            self.bench.world.watch(ref)
        self.listen_for(names.events)
        for observable in names.observables:
            self.listens |= _OBSERVABLE_KINDS.get(observable.name, _TREE_KINDS)
        self.about_trees = self.about_trees or any(observable.name in _TREE_NAMES for observable in names.observables)

    def listen_for(self, refs: Iterable[EventRef]) -> None:
        """Be told of certain events."""
        for ref in refs:
            self.listens |= {ref.kind}
            self.about_trees = self.about_trees or ref.kind in _TREE_NAMES

    def evidence(self, condition: Condition) -> str:
        """The values of a condition's names now, and which processes they count."""
        world = self.bench.world
        counted = {o.agent for o in condition.names.observables if _is_count_of_processes(o)}
        lists = [world.living(agent) for agent in sorted(counted)]
        return condition.describe(world) + "".join(f"; alive: {text}" for text in lists)


def _is_count_of_processes(observable: Observable) -> bool:
    return observable.name in ("live", "tree", "orphans", "stale") and observable.agent not in (SUPERVISOR, FAULT)


def message(clause: Clause, finding: Finding) -> str:
    """What a person reads first: one line when all is well, and what was wrong when it is not."""
    if finding.verdict in (Verdict.FAILED, Verdict.ERROR):
        required = " ".join(part for part in (clause.promise, clause.name) if part) or clause.text
        return f"Required: {required}\nExpected: {finding.expected}\nObserved: {finding.seen}"
    return f"expected {finding.expected}; {finding.seen}"


def seconds(value: float) -> str:
    """A time as judgements state it; long ones stay in seconds, so that they can be compared with bounds."""
    return format_duration(value) if abs(value) < 120 else f"{value:.1f}".removesuffix(".0") + " s"


def moment(t: float) -> str:
    """A point in time: "t=120 s"."""
    return f"t={seconds(t)}"


def margin_text(margin: float | None, verdict: Verdict, allowance: float) -> str:
    """How far a bound was away: ", margin 1.8 s"; for a bound that was missed, what it passed by all the same."""
    if margin is None:
        return ""
    if margin < 0 and verdict is Verdict.PASSED:
        return f", {seconds(-margin)} beyond the bound, inside the allowance of {seconds(allowance)}"
    return f", margin {seconds(margin)}"

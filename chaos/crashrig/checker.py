"""Judges a history by the expectations of its scenario, stored or while it is being made.

`judge` takes a whole history; `LiveJudge` is fed while a cell runs and knows when nothing more has to be waited
for. Both feed the same monitors in the same order and come to the same results. `verdict_of` turns the results of
a cell into its verdict. Whatever goes wrong in here is an error, never a pass.
"""

from __future__ import annotations

import math
from bisect import insort
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from crashrig.monitors import build, describe
from crashrig.monitors.protocol import Bench, Clause, Monitor, moment, seconds
from crashrig.monitors.recover import end_of, recover
from crashrig.monitors.tolerance import ROUNDING, Tolerance
from crashrig.monitors.unchanged import Unchanged
from crashrig.verdict import Result, Verdict, merge
from crashrig.world import World, agents_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from crashrig.event import Event
    from crashrig.history import Header, History, Observation
    from crashrig.scenario import Fault, Scenario

RIG = -1
"""Number of expectation in results that are about the run itself: operators `fault`, `history`, `observer`."""
REORDER = 0.050
"""Real seconds that a live judge holds observations back, so that those of several observers can be sorted."""
_WAKES_MAX = 100
"""How often a monitor may ask to be woken at once, again and again, before it counts as broken."""


def judge(scenario: Scenario, history: History, leftovers: Sequence[str] = ()) -> list[Result]:
    """The results of all expectations, in the order of the file, then `recover`, then problems of the run itself.

    Observations are sorted by time first (those of equal time keep their order), and what came after the end of
    the run is left out.
    """
    if history.footer is None:
        return [_problem("history", Verdict.ERROR, "the history has no footer: it was cut off")]
    referee = _Referee(scenario, history.header)
    for observation in sorted(history.observations, key=_time):
        referee.take(observation)
    return referee.finish(referee.now, leftovers)


def _time(observation: Observation) -> float:
    return observation.t


class LiveJudge:
    """Judges while a cell runs. All times here are those of observations: real seconds since the history's zero.

    Observations may come out of order by up to `reorder` seconds (none in a simulation). `late` counts those that
    came later than that; when there are any, `judge` on the stored history has the last word.
    """

    def __init__(self, scenario: Scenario, header: Header, reorder: float = REORDER) -> None:
        self.late = 0
        self._referee = _Referee(scenario, header)
        self._pace = header.pace
        self._reorder = 0.0 if header.simulated else reorder
        self._held: list[Observation] = []

    def observe(self, observation: Observation) -> None:
        """Take in what was seen; it is judged by a later `advance`, or by `finish`."""
        if observation.t * self._pace < self._referee.now:
            self.late += 1
        insort(self._held, observation, key=_time)

    def advance(self, t: float) -> None:
        """Judge all that happened until `t`, less the time that observations are held back."""
        self._release(t - self._reorder)
        self._referee.advance((t - self._reorder) * self._pace)

    def _release(self, until: float) -> None:
        count = 0
        for observation in self._held:
            if observation.t > until:
                break
            self._referee.take(observation)
            count += 1
        del self._held[:count]

    @property
    def next_time(self) -> float | None:
        """When `advance` is wanted at the latest; None when only an observation can change anything."""
        wanted = (self._referee.next_time + ROUNDING) / self._pace
        if self._held:
            wanted = min(wanted, self._held[0].t)
        return wanted + self._reorder if wanted < math.inf else None

    @property
    def settled(self) -> bool:
        """Whether the run is over: all faults have been injected, and no expectation waits for anything.

        A scenario in which nothing ever waits (only always, never, and counts without a minimum) is not settled:
        it lasts as long as its timeout.
        """
        return not self._held and self._referee.settled

    @property
    def undecided(self) -> list[str]:
        """What the run is still waiting for, in the words of the scenario."""
        return self._referee.undecided

    def finish(self, t_end: float, leftovers: Sequence[str] = ()) -> list[Result]:
        """The results, for a run that ended at `t_end`."""
        self._release(math.inf)
        return self._referee.finish(t_end * self._pace, leftovers)


class _Referee:
    """Feeds the monitors of one scenario, in order of time. All times are nominal."""

    def __init__(self, scenario: Scenario, header: Header) -> None:
        agents = agents_of(scenario)
        self.now = 0.0
        self._scenario = scenario
        self._tolerance = Tolerance(header)
        self._world = World(agents, header.pace)
        self._bench = Bench(agents, self._world, self._tolerance)
        self._guards = list(_guards(scenario, self._bench))
        self._listeners: dict[str, list[_Guard]] = {}
        for guard in self._guards:
            for kind in guard.listens:
                self._listeners.setdefault(kind, []).append(guard)
        self._faults = _Faults(scenario.fault)
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

    def finish(self, t_end: float, leftovers: Sequence[str]) -> list[Result]:
        """All results of a run that lasted until `t_end`."""
        t_end = max(t_end, self.now) if not self._end else self.now
        self._pass_time(t_end, including=True)
        results = [self._excuse(guard, guard.finish(t_end, leftovers)) for guard in self._guards]
        return results + self._problems()

    def _excuse(self, guard: _Guard, result: Result) -> Result:
        """Blame nobody for what the rig did not do, and trust nothing that it may not have seen."""
        if result.verdict is Verdict.FAILED and self._faults.unproven and not guard.witnessed:
            return _inconclusive(result, f"{', '.join(self._faults.unproven)} could not be proven")
        lost = [text for t, text in self._lost if result.at is None or result.at >= t or not guard.settled]
        if result.verdict in (Verdict.PASSED, Verdict.FAILED) and guard.about_trees and lost:
            return _inconclusive(result, f"the observer lost something: {lost[0]}")
        return result

    def _problems(self) -> list[Result]:
        problems = [_problem("fault", Verdict.INCONCLUSIVE, text) for text in self._faults.problems]
        if not self._guards:
            problems.append(_problem("history", Verdict.ERROR, "the scenario expects nothing: nothing was judged"))
        if self._end == "interrupted":
            problems.append(_problem("history", Verdict.INCONCLUSIVE, "the run was interrupted"))
        return problems


def _guards(scenario: Scenario, bench: Bench) -> Iterator[_Guard]:
    for number, expect in enumerate(scenario.expect):
        clause = Clause(number, expect.operator, describe(expect), expect.promise, expect.name)
        yield _Guard(clause, partial(build, number, expect, bench))
    if scenario.recover is not None:
        wanted = scenario.recover
        text = f"recover {wanted.steady}, within {seconds(wanted.within)}, for {seconds(wanted.for_)}"
        clause = Clause(len(scenario.expect), "recover", text)
        yield _Guard(clause, partial(recover, clause, wanted, scenario.fault, bench))


class _Guard:
    """A monitor that may raise without taking the others along: its expectation is then an error."""

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

    def finish(self, t_end: float, leftovers: Sequence[str]) -> Result:
        """Its result."""
        if self._monitor is not None and not self.error:
            try:
                if isinstance(self._monitor, Unchanged):
                    self._monitor.leftovers = leftovers
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


class _Faults:
    """Which of a scenario's faults were injected, proven and lifted (CHS-3)."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self._faults = dict(enumerate(faults, 1))
        self._phases: dict[int, set[str]] = {number: set() for number in self._faults}

    def see(self, observation: Observation) -> None:
        """Take note of a fault's progress."""
        self._phases.setdefault(int(observation.text.partition(" ")[0]), set()).add(observation.phase)

    def _is_over(self, number: int, fault: Fault) -> bool:
        return "unproven" in self._phases[number] or end_of(number, fault).kind in self._phases[number]

    @property
    def over(self) -> bool:
        """Whether every fault has come and gone."""
        return all(self._is_over(number, fault) for number, fault in self._faults.items())

    @property
    def pending(self) -> list[str]:
        """The faults that have not."""
        return [_name(n, fault) for n, fault in self._faults.items() if not self._is_over(n, fault)]

    @property
    def unproven(self) -> list[str]:
        """The injections that were tried and not seen to work."""
        return [_name(n, fault) for n, fault in self._faults.items() if self._unproven(n)]

    def _unproven(self, number: int) -> bool:
        return bool(self._phases[number]) and "proven" not in self._phases[number]

    @property
    def problems(self) -> list[str]:
        """What went wrong with the faults."""
        problems = []
        for number, fault in self._faults.items():
            if self._unproven(number):
                problems.append(f"{_name(number, fault)} could not be proven from outside")
            elif not self._phases[number]:
                problems.append(f"{_name(number, fault)} was never injected: {fault.when} never came")
            elif not self._is_over(number, fault):
                problems.append(f"{_name(number, fault)} was never lifted")
        return problems


def _name(number: int, fault: Fault) -> str:
    return f"fault#{number} ({fault.kind})"


def _problem(operator: str, verdict: Verdict, message: str) -> Result:
    return Result(expectation=RIG, operator=operator, text=operator, verdict=verdict, message=message, unit="")


def _inconclusive(result: Result, reason: str) -> Result:
    message = f"{reason}, so this cannot be told\n{result.message}"
    return msgspec.structs.replace(result, verdict=Verdict.INCONCLUSIVE, message=message)


def verdict_of(results: Sequence[Result], scenario: Scenario, subject: str) -> tuple[Verdict, str]:
    """The verdict of a cell and the reason for it (empty when it passed).

    The worst result decides; `sometimes` does not, unless there is nothing else: it counts over a whole run. A
    failure that the scenario announces for this subject is *xfailed*, and an unexpected pass is *failed*.
    """
    if not results:
        return Verdict.ERROR, "nothing was judged"
    counted = [result for result in results if result.operator != "sometimes"] or list(results)
    verdict = merge(result.verdict for result in counted)
    reason = _reason(next(result for result in counted if result.verdict is verdict))
    known = next((one for one in scenario.xfail if one.subject == subject), None)
    if known is not None and verdict is Verdict.FAILED:
        return Verdict.XFAILED, known.reason
    if known is not None and verdict is Verdict.PASSED:
        return Verdict.FAILED, f"passed, but was announced to fail: {known.reason}; take the entry out of [[xfail]]"
    return verdict, reason


def _reason(result: Result) -> str:
    if result.verdict is Verdict.PASSED:
        return ""
    text = result.message.rpartition("\nObserved: ")[2] or result.message
    return text if result.expectation == RIG else f"{result.text}: {text}"

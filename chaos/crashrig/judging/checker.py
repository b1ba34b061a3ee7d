"""Judges a history by the expectations of its scenario, stored or while it is being made.

`judge` takes a whole history; `LiveJudge` is fed while a cell runs and knows when nothing more has to be waited
for. Both feed the same monitors in the same order and come to the same results. `verdict_of` turns the results of
a cell into its verdict. Whatever goes wrong in here is an error, never a pass.
"""

from __future__ import annotations

import math
from bisect import insort
from typing import TYPE_CHECKING

from crashrig.judging.monitors.tolerance import ROUNDING
from crashrig.judging.referee import RIG, Referee, problem
from crashrig.verdict import Result, Verdict, merge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crashrig.history import Header, History, Observation
    from crashrig.scenario import Scenario

__all__ = ["REORDER", "RIG", "LiveJudge", "judge", "verdict_of"]

REORDER = 0.050
"""Real seconds that a live judge holds observations back, so that those of several observers can be sorted."""


def judge(scenario: Scenario, history: History, survivors: Sequence[str] = ()) -> list[Result]:
    """The results of all expectations, in the order of the file, then `recover`, then problems of the run itself.

    Observations are sorted by time first (those of equal time keep their order), and what came after the end of
    the run is left out.
    """
    if history.footer is None:
        return [problem("history", Verdict.ERROR, "the history has no footer: it was cut off")]
    referee = Referee(scenario, history.header)
    for observation in sorted(history.observations, key=_time):
        referee.take(observation)
    return referee.finish(referee.now, survivors)


def _time(observation: Observation) -> float:
    return observation.t


class LiveJudge:
    """Judges while a cell runs. All times here are those of observations: real seconds since the history's zero.

    Observations may come out of order by up to `reorder` seconds (none in a simulation). `late` counts those that
    came later than that; when there are any, `judge` on the stored history has the last word.
    """

    def __init__(self, scenario: Scenario, header: Header, reorder: float = REORDER) -> None:
        self.late = 0
        self._referee = Referee(scenario, header)
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

    def finish(self, t_end: float, survivors: Sequence[str] = ()) -> list[Result]:
        """The results, for a run that ended at `t_end`."""
        self._release(math.inf)
        return self._referee.finish(t_end * self._pace, survivors)


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

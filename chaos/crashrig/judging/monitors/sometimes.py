"""sometimes C: the condition is true at least once, in any cell of a run.

A single cell cannot fail it: there it is passed when it happened, else skipped as not exercised. What counts is
all cells of a run together (`merge_sometimes`): when it happened in none of them, the suite says NOT EXERCISED.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from crashrig.judging.condition import compile_condition
from crashrig.judging.monitors.protocol import Bench, Clause, Finding, Monitor, moment
from crashrig.judging.monitors.span import Span
from crashrig.verdict import Result, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from crashrig.judging.event import Event
    from crashrig.scenario import Expect


class Sometimes(Monitor):
    """Looks for one moment at which the condition is true; the run never waits for it."""

    has_goal = False

    def __init__(self, clause: Clause, expect: Expect, bench: Bench) -> None:
        super().__init__(clause, bench)
        self._condition = compile_condition(expect.sometimes or "")
        self._span = Span(bench, expect.after, expect.until)
        self.listen_to(self._condition)
        self.listen_for(self._span.refs)
        self._came: float | None = None
        self.next_time = self._span.opens

    @property
    def waiting(self) -> bool:
        """Never."""
        return False

    def observe(self, event: Event) -> None:
        """Look whether it is true after this event."""
        if self.settled:
            return
        if self._span.see(event):
            self.next_time = self._span.opens
        self._look(event.at)

    def advance(self, t: float) -> None:
        """Look when the window opens."""
        self._look(t)

    def _look(self, t: float) -> None:
        if t >= self._span.opens:
            self.next_time = math.inf
        if not self.settled and self._span.covers(t) and self._condition.evaluate(self.bench.world):
            self._came = t
            self.settled = True

    def find(self, t_end: float) -> Finding:
        """Whether and when it was true."""
        seen = "not exercised in this cell" if self._came is None else f"seen at {moment(self._came)}"
        return Finding(
            verdict=Verdict.SKIPPED if self._came is None else Verdict.PASSED,
            expected=f"{self._condition.text} at some time, in some cell",
            seen=seen,
            unit="",
            window=self._span.window(t_end),
            at=self._came,
        )


def merge_sometimes(cells: Iterable[tuple[str, Sequence[Result]]]) -> list[Result]:
    """What each `sometimes` came to over all cells of a run, given as (scenario id, its results)."""
    merged: dict[tuple[str, int], tuple[int, int, Result]] = {}
    for scenario, results in cells:
        for result in results:
            if result.operator == "sometimes":
                key = (scenario, result.expectation)
                happened, of, _ = merged.get(key, (0, 0, result))
                merged[key] = (happened + (result.verdict is Verdict.PASSED), of + 1, result)
    return [_over_all(scenario, *numbers) for (scenario, _), numbers in merged.items()]


def _over_all(scenario: str, happened: int, of: int, result: Result) -> Result:
    text = f"happened in {happened} of {of} cells" if happened else f"NOT EXERCISED: never true in {of} cells"
    return msgspec.structs.replace(
        result,
        text=f"{scenario}: {result.text}",
        verdict=Verdict.PASSED if happened else Verdict.SKIPPED,
        message=text,
        observed=happened,
        unit="count",
        window=None,
        at=None,
    )

"""stays C, for D: from `after` on, the condition holds without a break for D.

`grace` is the time to get there: what counts is an unbroken stretch of D that begins no later than `grace` after
`after` (and the allowance of an upper bound); D itself is a lower bound. A break no longer than the observer's
resolution is none; an unknown condition does not hold. When `after` never comes, or the run ends before D is over,
the expectation has failed.

With `#last` in `after` every occurrence starts anew what was not yet fulfilled, also after a break: `stays
worker.live == 0` after `worker.exit#last` waits for the exit that no start follows.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from crashrig.judging.condition import compile_condition
from crashrig.judging.monitors.protocol import Bench, Clause, Finding, Monitor, moment, seconds
from crashrig.judging.monitors.span import Span
from crashrig.verdict import Verdict

if TYPE_CHECKING:
    from crashrig.judging.event import Event
    from crashrig.scenario import Expect


class Stays(Monitor):
    """Waits for an unbroken stretch; `_held` is when it began, `_lost` when the condition ceased to hold in it."""

    def __init__(self, clause: Clause, bench: Bench, text: str, span: Span, grace: float, lasting: float) -> None:
        super().__init__(clause, bench)
        self._condition = compile_condition(text)
        self._span = span
        self._grace = grace
        self._for = lasting
        self.listen_to(self._condition)
        self.listen_for(span.refs)
        self._longest = 0.0
        self._reset()
        self._plan()

    def _reset(self) -> None:
        self._opened = False
        self._held: float | None = None
        self._lost: float | None = None
        self._verdict: Verdict | None = None
        self._broken = ""

    def observe(self, event: Event) -> None:
        """Start anew at `after`, then look whether the condition holds."""
        if self.settled:
            return
        if self._span.see(event):
            self._reset()
        if self._verdict is None:
            self._look(event.at)
        self._plan()

    def _look(self, t: float) -> None:
        if t < self._span.opens:
            return
        self._opened = True
        if self._condition.evaluate(self.bench.world):
            self._held, self._lost = (t if self._held is None else self._held), None
        elif self._held is not None and self._lost is None:
            self._lost = t

    def advance(self, t: float) -> None:
        """Look when the window opens; count a break, a stretch that is long enough, or a chance gone by."""
        if self.settled or self._verdict is not None:
            return
        if not self._opened:
            self._look(t)
        elif self._lost is not None:
            self._break(t, self._lost)
        elif t >= self._threshold():
            self._decide(self._weigh())
        self._plan()

    def _break(self, t: float, lost: float) -> None:
        if t < lost + self.bench.tolerance.resolution:
            return
        assert self._held is not None
        if lost - self._held >= self._for - self.bench.tolerance.early:
            self._decide(self._weigh())
            return
        self._longest = max(self._longest, lost - self._held)
        self._broken = self._broken or f"broken at {moment(lost)}: {self.evidence(self._condition)}"
        self._held = self._lost = None
        if t > self._latest():
            self._decide(Verdict.FAILED)

    def _latest(self) -> float:
        """The latest time at which the stretch may begin."""
        return self._span.opens + self._grace + self.bench.tolerance.late

    def _decide(self, verdict: Verdict) -> None:
        self._verdict = verdict
        self._broken = self._broken or f"never held: {self.evidence(self._condition)}"
        self.settled = verdict is Verdict.PASSED or not self._span.rearms

    def _weigh(self) -> Verdict:
        if self._held is None:
            return Verdict.FAILED
        return self.bench.tolerance.classify(self._held - self._latest(), self._span.opens, self._held)

    def _threshold(self) -> float:
        """When the stretch under way is long enough and judged, or when none can begin any more."""
        patience = self.bench.tolerance.patience
        if self._held is None:
            return patience(self._span.opens, self._latest())
        late = self._held > self._latest()
        return max(self._held + self._for, patience(self._span.opens, self._held) if late else -math.inf)

    def _plan(self) -> None:
        if self.settled or self._verdict is not None or not self._span.anchored:
            self.next_time = math.inf
        elif not self._opened:
            self.next_time = self._span.opens
        elif self._lost is not None:
            self.next_time = self._lost + self.bench.tolerance.resolution
        else:
            self.next_time = self._threshold()

    def find(self, t_end: float) -> Finding:
        """How long the condition held, and what broke it."""
        held = 0.0 if self._held is None else (t_end if self._lost is None else self._lost) - self._held
        longest = max(self._longest, min(held, self._for))
        verdict = self._verdict or self._at_end(held)
        late = None if self._held is None or not self._grace else self._grace - (self._held - self._span.opens)
        return Finding(
            verdict=verdict,
            expected=self._expected(),
            seen=self._seen(verdict, longest, t_end),
            observed=longest,
            bound=f">= {seconds(self._for)}",
            margin=late if verdict is Verdict.PASSED else longest - self._for,
            window=self._span.window(t_end),
            at=self._held,
        )

    def _at_end(self, held: float) -> Verdict:
        return self._weigh() if held >= self._for - self.bench.tolerance.early else Verdict.FAILED

    def _seen(self, verdict: Verdict, longest: float, t_end: float) -> str:
        if not self._span.anchored or t_end < self._span.opens:
            return self._span.never_opened
        if self._held is not None and longest >= self._for - self.bench.tolerance.early:
            word = "held" if verdict is Verdict.PASSED else "held too late,"
            return f"{word} from {moment(self._held)} ({seconds(self._held - self._span.opens)} after it)"
        why = self._broken or f"the run ended at {moment(t_end)}: {self.evidence(self._condition)}"
        return f"held for {seconds(longest)} at most; {why}"

    def _expected(self) -> str:
        there = f", from {seconds(self._grace)} after it at the latest" if self._grace else ""
        return f"{self._condition.text} for {seconds(self._for)} after {self._span.start}{there}"


def stays(clause: Clause, expect: Expect, bench: Bench) -> Stays:
    """The monitor of a `stays`."""
    span = Span(bench, expect.after)
    return Stays(clause, bench, expect.stays or "", span, float(expect.grace or 0.0), float(expect.for_ or 0.0))

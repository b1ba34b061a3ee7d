"""eventually C: the condition becomes true within `within` of `after` (or of the start of the run).

`within` is a duration or [shortest, longest]: with a shortest one, a condition that is true earlier has failed,
also when it was true already at `after`. Being true for a moment is enough. When `after` never comes, or the
condition does not come true in time or before the run ends, the expectation has failed. Without `within` the run
may take as long as its timeout.

With `#last` in `after` (`worker.beat#last`) every occurrence sets the clock back to zero, until the condition
comes true or a deadline is missed: a missed deadline is final, as it is for a watchdog.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from crashrig.judging.condition import compile_condition
from crashrig.judging.monitors.protocol import Bench, Clause, Finding, Monitor, margin_text, moment, seconds
from crashrig.judging.monitors.span import Span
from crashrig.verdict import Verdict

if TYPE_CHECKING:
    from crashrig.judging.event import Event
    from crashrig.scenario import Expect


class Eventually(Monitor):
    """Waits for the condition; `_came` is when it came true, `_overdue` that the deadline has passed before.

    It goes on looking after a failure is settled, only so that the message can say when the condition did come.
    """

    def __init__(self, clause: Clause, expect: Expect, bench: Bench) -> None:
        super().__init__(clause, bench)
        self._condition = compile_condition(expect.eventually or "")
        self._low = expect.within.low if expect.within else 0.0
        self._high = expect.within.high if expect.within else math.inf
        self._span = Span(bench, expect.after)
        self.listen_to(self._condition)
        self.listen_for(self._span.refs)
        self._opened = False
        self._came: float | None = None
        self._overdue = False
        self._verdict: Verdict | None = None
        self._last_seen = ""
        self._plan()

    def observe(self, event: Event) -> None:
        """Set the clock, then look whether the condition is true."""
        if self._came is not None:
            return
        if not self._overdue and self._span.see(event):
            self._opened = False
        self._look(event.at)
        self._plan()

    def _look(self, t: float) -> None:
        if t < self._span.opens:
            return
        self._opened = True
        if self._condition.evaluate(self.bench.world):
            self._came = t
            if not self.settled and self._miss() <= 0:
                self._settle()

    def _miss(self) -> float:
        """By how much the condition came too late or too early; negative when it came in time."""
        assert self._came is not None
        took = self._came - self._span.opens
        tolerance = self.bench.tolerance
        early = self._low - tolerance.early - took if self._low else -math.inf
        return max(took - self._high - tolerance.late, early)

    def advance(self, t: float) -> None:
        """Look when the window opens; give up when the deadline has passed and nothing can excuse it."""
        if self.settled:
            return
        if self._came is not None or self._overdue:
            if t >= self._decided():
                self._settle()
        elif not self._opened:
            self._look(t)
        elif t >= self._deadline():
            self._overdue = True
            self._last_seen = self.evidence(self._condition)
        self._plan()

    def _settle(self) -> None:
        self._verdict = self._weigh()
        self.settled = True

    def _weigh(self) -> Verdict:
        if self._came is None:
            return Verdict.FAILED
        return self.bench.tolerance.classify(self._miss(), self._span.opens, self._came)

    def _deadline(self) -> float:
        return self._span.opens + self._high + self.bench.tolerance.late

    def _decided(self) -> float:
        end = self._deadline() if self._came is None else self._came
        return self.bench.tolerance.patience(self._span.opens, end)

    def _plan(self) -> None:
        if self.settled or not self._span.anchored:
            self.next_time = math.inf
        elif self._came is not None or self._overdue:
            self.next_time = self._decided()
        else:
            self.next_time = self._deadline() if self._opened else self._span.opens

    def find(self, t_end: float) -> Finding:
        """When the condition came true, and by how much that was in time."""
        finding = self._not_come(t_end) if self._came is None else self._found(self._came)
        return msgspec.structs.replace(finding, expected=self._expected(), bound=self._bound())

    def _found(self, came: float) -> Finding:
        took = came - self._span.opens
        margin = min(self._high - took, took - self._low if self._low else math.inf)
        known = margin if margin < math.inf else None
        verdict = self._verdict or self._weigh()
        slack = margin_text(known, verdict, self.bench.tolerance.late)
        words = "seen" if verdict is Verdict.PASSED else "too early" if took < self._low else "too late"
        return Finding(
            verdict=verdict,
            expected="",
            seen=f"{words}: after {seconds(took)} ({moment(came)}){slack}",
            observed=took,
            margin=known,
            window=(self._span.opens, came),
            at=came,
        )

    def _not_come(self, t_end: float) -> Finding:
        seen = f"not seen by {moment(t_end)}: {self._last_seen or self.evidence(self._condition)}"
        if not self._span.anchored or t_end < self._span.opens:
            seen = self._span.never_opened
        elif not self._overdue and self._high < math.inf:
            seen = f"the run ended {seconds(t_end - self._span.opens)} after it, {seen}"
        return Finding(verdict=Verdict.FAILED, expected="", seen=seen, window=self._span.window(t_end))

    def _expected(self) -> str:
        when = f"after {self._span.start}"
        if self._low:
            when = f"between {seconds(self._low)} and {seconds(self._high)} {when}"
        elif self._high < math.inf:
            when = f"within {seconds(self._high)} {when}"
        return f"{self._condition.text} {when}"

    def _bound(self) -> str:
        if self._low:
            return f"{seconds(self._low)}..{seconds(self._high)}"
        return f"<= {seconds(self._high)}" if self._high < math.inf else "before the end"

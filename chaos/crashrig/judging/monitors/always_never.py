"""always C, never C: the condition holds (never holds) at every moment of the window.

Window: from `after` (or the start) until `until` (or the end of the run). A state that lasts no time does not
count, nor one shorter than the observer's resolution. An unknown condition breaks nothing.

`grace` forgives a breach that is over within that time (and the allowance of an upper bound). When `after` names
an event without an index, each further occurrence of it starts the grace of a breach under way anew: `never
worker.orphans > 0` after `worker.exit` with a grace of 500 ms gives every generation its own 500 ms. With `#last`
everything before the newest occurrence is forgotten: the window begins at the last one of the run.

Nothing vacuous passes (CHS-8): when the window never opened, or the condition was never known in it to hold as it
should, the expectation has failed, with a message that says so.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from crashrig.judging.condition import compile_condition, compile_moment
from crashrig.judging.event import EventWatch
from crashrig.judging.monitors.protocol import Bench, Clause, Finding, Monitor, moment, seconds
from crashrig.judging.monitors.span import Span
from crashrig.judging.reference import LAST
from crashrig.verdict import Verdict

if TYPE_CHECKING:
    from crashrig.judging.event import Event
    from crashrig.scenario import Expect

_BREACHES_MAX = 100
"""How many breaches that noise may excuse are kept; the first few tell the story."""


class Breach(NamedTuple):
    """A stretch of time, longer than allowed, in which the condition was as it must not be."""

    start: float
    end: float
    evidence: str


class AlwaysNever(Monitor):
    """Watches for a breach; `_since` is when the one under way began.

    A failure that is settled is followed until it ends, so that the message can tell how long it lasted.
    """

    def __init__(self, clause: Clause, expect: Expect, bench: Bench) -> None:
        super().__init__(clause, bench)
        text = expect.always if expect.always is not None else expect.never
        self._condition = compile_condition(text or "")
        self._wrong = expect.always is None
        self._grace = expect.grace or 0.0
        tolerance = bench.tolerance
        self._limit = self._grace + tolerance.late if self._grace else tolerance.resolution
        self._span = Span(bench, expect.after, expect.until)
        self.has_goal = self._span.ends
        self._again = _every(expect.after, bench) if self._grace else None
        self.listen_to(self._condition)
        self.listen_for(self._span.refs)
        self._opened = False
        self._closed = False
        self._failed = False
        self._forget()
        self._plan()

    def _forget(self) -> None:
        self._since: float | None = None
        self._evidence = ""
        self._shown = False
        self._longest = 0.0
        self._breaches: list[Breach] = []

    @property
    def waiting(self) -> bool:
        """Until the window opened, its end came, and a breach under way is judged."""
        if self.settled or self._closed:
            return False
        return not self._opened or self._span.ends or (self._since is not None and not self._evidence)

    def observe(self, event: Event) -> None:
        """Judge the condition after an event in the window; the event that closes it does not count any more."""
        if self._closed or (self.settled and self._since is None):
            return
        if self._span.see(event) and self._opened:
            self._forget()
        if self._span.closes <= event.at:
            self._close()
        elif self._span.opens <= event.at:
            self._opened = True
            self._look(event.at)
            if self._again is not None and self._again.see(event) and self._since is not None and not self._evidence:
                self._since = event.at
        self._plan()

    def _look(self, t: float) -> None:
        value = self._condition.evaluate(self.bench.world)
        if value is self._wrong:
            if self._since is None:
                self._since = t
            return
        self._shown = self._shown or value is not None
        self._end_breach(t)

    def _end_breach(self, t: float) -> None:
        if self._since is None:
            return
        self._longest = max(self._longest, t - self._since)
        if self._evidence and len(self._breaches) < _BREACHES_MAX:
            self._breaches.append(Breach(self._since, t, self._evidence))
        self._since, self._evidence = None, ""

    def advance(self, t: float) -> None:
        """Open or close the window at its time; count a breach that has outlasted its grace."""
        if self.settled or self._closed:
            return
        if t >= self._span.closes:
            self._close()
        elif not self._opened:
            self._opened = t >= self._span.opens
            if self._opened:
                self._look(t)
        elif self._since is not None and t >= self._since + self._limit:
            self._outlast(t, self._since)
        self._plan()

    def _outlast(self, t: float, since: float) -> None:
        self._evidence = self._evidence or self.evidence(self._condition)
        self.witnessed = True
        if not self._span.rearms and t >= self._decided(since):
            self.settled = self._failed = True

    def _decided(self, since: float) -> float:
        """When a breach that began at `since` cannot be excused any more."""
        if not self._grace:
            return since + self._limit
        return self.bench.tolerance.patience(since, since + self._limit)

    def _close(self) -> None:
        self._end_breach(self._span.closes)
        self._closed = True
        self.settled = self.settled or not (self._breaches or self._span.rearms)

    def _plan(self) -> None:
        if self.settled or self._closed:
            self.next_time = math.inf
            return
        if not self._opened:
            self.next_time = min(self._span.opens, self._span.closes)
            return
        threshold = math.inf
        if self._since is not None and not self._evidence:
            threshold = self._since + self._limit
        elif self._since is not None and not self._span.rearms:
            threshold = self._decided(self._since)
        self.next_time = min(self._span.closes, threshold)

    def find(self, t_end: float) -> Finding:
        """The worst breach; or that there was none; or that there was nothing to see."""
        finding = self._judge(min(t_end, self._span.closes))
        return msgspec.structs.replace(finding, window=self._span.window(t_end))

    def _judge(self, t_end: float) -> Finding:
        breaches = self._all_breaches(t_end)
        if breaches:
            return self._breached(breaches)
        if not self._opened or not self._shown:
            return self._nothing_shown()
        if self._since is not None:
            return self._undecided(t_end, self._since)
        longest = f", longest breach {seconds(self._longest)}" if self._longest else ""
        return Finding(
            verdict=Verdict.PASSED,
            expected=self._expected(),
            seen=f"held until {moment(t_end)}{longest}",
            observed=self._longest if self._grace else None,
            bound=self._bound(),
            margin=self._grace - self._longest if self._grace else None,
        )

    def _all_breaches(self, t_end: float) -> list[Breach]:
        if self._since is None or not self._evidence:
            return self._breaches
        return [*self._breaches, Breach(self._since, t_end, self._evidence)]

    def _breached(self, breaches: list[Breach]) -> Finding:
        worst = max(breaches, key=lambda breach: (self._weigh(breach).rank, breach.end - breach.start))
        length = worst.end - worst.start
        more = f"; {len(breaches)} such breaches" if len(breaches) > 1 else ""
        return Finding(
            verdict=Verdict.FAILED if self._failed else self._weigh(worst),
            expected=self._expected(),
            seen=f"from {moment(worst.start)} for {seconds(length)}: {worst.evidence}{more}",
            observed=length,
            bound=self._bound(),
            margin=self._grace - length,
            at=worst.start,
        )

    def _weigh(self, breach: Breach) -> Verdict:
        if not self._grace:
            return Verdict.FAILED
        miss = breach.end - breach.start - self._limit
        verdict = self.bench.tolerance.classify(max(miss, 0.0), breach.start, breach.end)
        return Verdict.INCONCLUSIVE if verdict is Verdict.PASSED else verdict

    def _nothing_shown(self) -> Finding:
        seen = "the condition was never known in that window"
        if self._since is not None:
            seen = f"it never held as it should: {self.evidence(self._condition)}"
        if not self._opened:
            seen = f"{self._span.never_opened}, so nothing was shown"
        return Finding(verdict=Verdict.FAILED, expected=self._expected(), seen=seen, bound=self._bound())

    def _undecided(self, t_end: float, since: float) -> Finding:
        seen = f"the run ended {seconds(t_end - since)} into a breach: {self.evidence(self._condition)}"
        return Finding(verdict=Verdict.INCONCLUSIVE, expected=self._expected(), seen=seen, bound=self._bound())

    def _expected(self) -> str:
        word = "never" if self._wrong else "always"
        grace = f", or for no longer than {seconds(self._grace)}" if self._grace else ""
        return f"{word} {self._condition.text}{self._span}{grace}"

    def _bound(self) -> str:
        return f"<= {seconds(self._grace)}" if self._grace else "no breach"


def _every(after: str | None, bench: Bench) -> EventWatch | None:
    """A watch for each occurrence of an event that `after` names without an index."""
    event = compile_moment(after).event if after else None
    if event is None or event.index is not None:
        return None
    return EventWatch(msgspec.structs.replace(event, index=LAST), bench.agents)

"""gaps "E1 -> E2", are [D1, D2, ...]: from each E1 to the next E2 it takes the n-th of these durations.

Never earlier, and later by no more than `tolerance` (100 ms, RST-4, unless the scenario says otherwise) and the
allowance of an upper bound. The last duration repeats when more pairs come; fewer pairs than durations have
failed. When E1 comes twice, the nearer one counts. Where both events name a group of agents, every agent has its
own pairs, and all must be as listed. Window: pairs whose E1 lies between `after` and `until`; the event that
opens it may itself be an E1. A window that never opened has failed.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from crashrig.judging.condition import compile_gap
from crashrig.judging.event import EventWatch
from crashrig.judging.monitors.protocol import Bench, Clause, Finding, Monitor, margin_text, moment, seconds
from crashrig.judging.monitors.span import Span
from crashrig.judging.reference import SUPERVISOR, TOTAL, members
from crashrig.verdict import Verdict, merge

if TYPE_CHECKING:
    from crashrig.judging.event import Event
    from crashrig.scenario import Expect

TOLERANCE = 0.100
"""Nominal seconds that a restart may come after its delay (RST-4)."""
_SHOWN_MAX = 12
"""How many gaps a message lists."""


class Gap(NamedTuple):
    """One pair of events that came, and what was wanted of it."""

    start: float
    end: float
    wanted: float

    @property
    def length(self) -> float:
        """How long it took."""
        return self.end - self.start


class Row:
    """The pairs of one agent so far; `since` is an E1 that waits for its E2."""

    def __init__(self) -> None:
        self.since: float | None = None
        self.count = 0


class Gaps(Monitor):
    """Measures each pair as it comes. `_missed` are gaps outside their bounds, which noise may excuse.

    A pair that was given up is still measured when it ends, only so that the message can say how long it took.
    """

    def __init__(self, clause: Clause, expect: Expect, bench: Bench) -> None:
        super().__init__(clause, bench)
        first, second = (use.event for use in compile_gap(expect.gaps or ""))
        assert first is not None
        assert second is not None
        self._first, self._second = EventWatch(first, bench.agents), EventWatch(second, bench.agents)
        self._are = [float(one) for one in expect.are or ()]
        self._tolerance = TOLERANCE if expect.tolerance is None else expect.tolerance
        self._span = Span(bench, expect.after, expect.until)
        self.listen_for([first, second, *self._span.refs])
        self._names = self._told_apart(first.agent)
        self._reset()
        self._plan()

    def _reset(self) -> None:
        self._rows = {name: Row() for name in self._names}
        self._missed: list[Gap] = []
        self._weighed: list[tuple[Verdict, Gap]] = []
        self._shown: list[str] = []
        self._tightest: Gap | None = None
        self._closed = False
        self._given_up: Row | None = None

    def _told_apart(self, agent: str) -> tuple[str, ...]:
        """Whose pairs are counted each on their own; one empty name when all pairs are one row."""
        if self._first.ref.agent != self._second.ref.agent or agent == SUPERVISOR:
            return ("",)
        names = members(self.bench.agents)
        if agent == TOTAL:
            return tuple(dict.fromkeys(one for group in self.bench.agents for one in names[group]))
        return names.get(agent, (agent,))

    @property
    def waiting(self) -> bool:
        """Until every listed duration has its pair and every miss is weighed."""
        return not self.settled and (bool(self._missed) or not self._complete())

    def _complete(self) -> bool:
        return all(row.count >= len(self._are) for row in self._rows.values())

    def observe(self, event: Event) -> None:
        """End a pair, begin a pair, or both."""
        if self.settled:
            self._follow(event)
            return
        if self._span.see(event):
            self._reset()
        row = self._row_of(event)
        if row is not None:
            self._pair(row, event)
        self._plan()

    def _follow(self, event: Event) -> None:
        row = self._given_up
        if row is not None and row.since is not None and self._second.matches(event) and self._row_of(event) is row:
            self._measure(Gap(row.since, event.at, self._wanted(row)))
            row.since = None

    def _row_of(self, event: Event) -> Row | None:
        return self._rows.get("" if self._names == ("",) else event.agent)

    def _pair(self, row: Row, event: Event) -> None:
        if row.since is not None and self._second.matches(event):
            self._measure(Gap(row.since, event.at, self._wanted(row)))
            row.since = None
            row.count += 1
        if self._first.matches(event) and self._span.covers(event.at):
            row.since = event.at

    def _wanted(self, row: Row) -> float:
        return self._are[min(row.count, len(self._are) - 1)]

    def _measure(self, gap: Gap) -> None:
        if len(self._shown) < _SHOWN_MAX:
            self._shown.append(seconds(gap.length))
        if self._tightest is None or self._margin(gap) < self._margin(self._tightest):
            self._tightest = gap
        if self._miss(gap) > 0:
            self._missed.append(gap)

    def _margin(self, gap: Gap) -> float:
        return min(gap.length - gap.wanted, gap.wanted + self._tolerance - gap.length)

    def _miss(self, gap: Gap) -> float:
        """By how much a gap is outside its widened bounds; negative inside."""
        tolerance = self.bench.tolerance
        late = gap.length - gap.wanted - self._tolerance - tolerance.late
        return max(late, gap.wanted - tolerance.early - gap.length)

    def advance(self, t: float) -> None:
        """Give up when a gap was wrong, or a listed pair is overdue, and nothing can excuse it."""
        if self.settled or self._span.rearms:
            return
        self._weigh_misses(t)
        self._given_up = next((row for row in self._rows.values() if t >= self._overdue(row)), None)
        if self._given_up is not None:
            self.settled = True
        if t >= self._span.closes:
            self._close()
        self._plan()

    def _weigh_misses(self, t: float) -> None:
        for gap in [gap for gap in self._missed if t >= self._known(gap)]:
            verdict = self._weigh(gap)
            self._missed.remove(gap)
            self._weighed.append((verdict, gap))
            if verdict is Verdict.FAILED:
                self.witnessed = self.settled = True
                return

    def _known(self, gap: Gap) -> float:
        return self.bench.tolerance.patience(gap.start, gap.end)

    def _weigh(self, gap: Gap) -> Verdict:
        return self.bench.tolerance.classify(self._miss(gap), gap.start, gap.end)

    def _overdue(self, row: Row) -> float:
        """When a listed pair that is under way cannot come in time any more."""
        if row.since is None or row.count >= len(self._are):
            return math.inf
        tolerance = self.bench.tolerance
        return tolerance.patience(row.since, row.since + self._wanted(row) + self._tolerance + tolerance.late)

    def _close(self) -> None:
        """No pair begins any more: what is missing now will not come, unless it is under way."""
        self._closed = True
        idle = all(row.since is None for row in self._rows.values())
        self.settled = self.settled or (idle and not self._missed)

    def _plan(self) -> None:
        self.next_time = math.inf
        if self.settled or self._span.rearms:
            return
        if self._closed and not self._missed and all(row.since is None for row in self._rows.values()):
            self.settled = True
            return
        known = [self._known(gap) for gap in self._missed]
        overdue = [self._overdue(row) for row in self._rows.values()]
        self.next_time = min([math.inf if self._closed else self._span.closes, *known, *overdue])

    def find(self, t_end: float) -> Finding:
        """The gaps there were, and the one that missed its bounds most."""
        wrong = [*self._weighed, *((self._weigh(gap), gap) for gap in self._missed)]
        verdict = merge([Verdict.PASSED, *(one for one, _ in wrong)])
        worst = next((gap for one, gap in wrong if one is verdict), self._tightest)
        short = verdict is not Verdict.FAILED and not self._complete()
        return Finding(
            verdict=Verdict.FAILED if short else verdict,
            expected=self._expected(),
            seen=self._short(t_end) if short else self._seen(verdict, worst),
            observed=None if worst is None else worst.length,
            bound="" if worst is None else f"{seconds(worst.wanted)}..{seconds(worst.wanted + self._tolerance)}",
            margin=None if worst is None else self._margin(worst),
            window=self._span.window(t_end),
            at=None if worst is None else worst.end,
        )

    def _seen(self, verdict: Verdict, worst: Gap | None) -> str:
        text = self._list()
        if worst is None:
            return text
        margin = margin_text(self._margin(worst), verdict, self.bench.tolerance.late)
        if verdict is Verdict.PASSED:
            return f"{text}{margin}"
        word = "too early" if worst.length < worst.wanted else "too late"
        return (
            f"{text}; {seconds(worst.length)} from {moment(worst.start)} is {word} for {seconds(worst.wanted)}{margin}"
        )

    def _short(self, t_end: float) -> str:
        if self._span.opens > t_end:
            return f"{self._span.never_opened}, so nothing was shown"
        missing = {name: row for name, row in self._rows.items() if row.count < len(self._are)}
        parts = [self._lacking(name, row) for name, row in missing.items()]
        return f"{self._list()}; " + "; ".join(parts)

    def _lacking(self, name: str, row: Row) -> str:
        who = f"{name}: " if name else ""
        open_text = (
            "" if row.since is None else f", {self._second.ref} did not follow {self._first.ref} at {moment(row.since)}"
        )
        return f"{who}{row.count} of {len(self._are)} pairs came{open_text}"

    def _list(self) -> str:
        more = " ..." if len(self._shown) >= _SHOWN_MAX else ""
        return f"gaps seen: {', '.join(self._shown) or 'none'}{more}"

    def _expected(self) -> str:
        durations = ", ".join(seconds(one) for one in self._are)
        late = f"never earlier, at most {seconds(self._tolerance)} later"
        return f"{self._first.ref} -> {self._second.ref} in {durations} ({late}){self._span}"

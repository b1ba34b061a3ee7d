"""recover: once the last fault is over, `steady` is true within `within`, and then without a break for `for`.

A fault that lasts is over when it was lifted; every other fault when it was proven. Without faults the
clock starts with the run. A fault that never was leaves nothing to recover from: the expectation has failed.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from crashrig.judging.event import EventWatch
from crashrig.judging.monitors.protocol import Bench, Clause, moment
from crashrig.judging.monitors.span import Span
from crashrig.judging.monitors.stays import Stays
from crashrig.judging.reference import FAULT, EventRef

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crashrig.judging.event import Event
    from crashrig.scenario import Fault, Recover


def end_of(number: int, fault: Fault) -> EventRef:
    """The event with which a fault is over."""
    return EventRef(FAULT, "lifted" if fault.lasts else "proven", number)


class AfterFaults(Span):
    """Opens when all faults are over."""

    def __init__(self, bench: Bench, faults: Sequence[Fault]) -> None:
        super().__init__(bench)
        self._ends = [EventWatch(end_of(number, fault), bench.agents) for number, fault in enumerate(faults, 1)]
        self.opens = math.inf if faults else 0.0

    @property
    def refs(self) -> list[EventRef]:
        """The events that open it."""
        return [watch.ref for watch in self._ends]

    def see(self, event: Event) -> bool:
        """Take note of an event; True when it was the end of the last fault."""
        seen = [watch.see(event) for watch in self._ends]
        if not any(seen):
            return False
        times = [watch.event.at for watch in self._ends if watch.event is not None]
        if len(times) < len(self._ends):
            return False
        self.opens = max(times)
        return True

    @property
    def start(self) -> str:
        """Where it opens, for a message."""
        return "the last fault" + (f" ({moment(self.opens)})" if self.anchored else "")


def recover(clause: Clause, wanted: Recover, faults: Sequence[Fault], bench: Bench) -> Stays:
    """The monitor of a `[recover]`."""
    return Stays(clause, bench, wanted.steady, AfterFaults(bench, faults), float(wanted.within), float(wanted.for_))

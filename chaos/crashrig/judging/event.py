"""Events: those observations that change what conditions can see, in nominal time and by the names conditions use.

A pure mapping; what the events add up to is kept by `world`.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import msgspec

from crashrig.judging.reference import FAULT, LAST, SUPERVISOR, TOTAL, EventRef, members

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crashrig.history import Observation

GOOD_BEATS = frozenset({"good", "future"})
"""Kinds of beat that are signs of life; a beat stamped in the future is one, as the agent did write it (HB-4)."""

_KINDS = {name: name for name in ("start", "exit", "birth", "death", "beat", "ready", "claimed")} | {
    "received": "term",
    "subject.start": "start",
    "subject.exit": "exit",
    "fault": FAULT,
}


class Event(msgspec.Struct, frozen=True, gc=False):
    """Something that happened to an agent, the supervisor or a fault; `at` in nominal seconds.

    `number` is the place of a fault in the scenario file. `text` is the state that was claimed.
    """

    at: float
    agent: str
    kind: str
    generation: int = 0
    pid: int = 0
    code: int | None = None
    signal: int | None = None
    text: str = ""
    number: int = 0

    def attribute(self, name: str) -> float | None:
        """A value of reference.ATTRIBUTES; None when it was not observed."""
        if name == "signal" and self.signal is None and self.code is not None:
            return 0
        if name == "code" and self.code is None and self.signal is not None:
            return -self.signal
        value: float | None = getattr(self, name)
        return value


def event_of(observation: Observation, pace: float = 1.0) -> Event | None:
    """The event an observation stands for; None when no condition can see it (notes, noise, bad beats)."""
    kind = _KINDS.get(observation.what)
    if kind is None:
        return None
    if kind == FAULT:
        return _fault(observation, pace)
    if kind == "beat" and observation.text not in GOOD_BEATS:
        return None
    if kind == "term" and observation.signal != signal.SIGTERM:
        return None
    return Event(
        observation.t * pace,
        SUPERVISOR if observation.what.startswith("subject.") else observation.agent,
        kind,
        observation.generation,
        observation.pid,
        observation.code,
        observation.signal,
        observation.text,
    )


def _fault(observation: Observation, pace: float) -> Event | None:
    if observation.phase not in ("proven", "lifted"):
        return None
    number = observation.text.partition(" ")[0]
    return Event(observation.t * pace, FAULT, observation.phase, number=int(number))


class EventWatch:
    """Finds the event that a reference names while events come in, one at a time."""

    def __init__(self, ref: EventRef, agents: Mapping[str, int]) -> None:
        self.ref = ref
        self.event: Event | None = None
        self.count = 0
        self._agents = None if ref.agent == TOTAL else frozenset(members(agents).get(ref.agent, (ref.agent,)))

    def matches(self, event: Event) -> bool:
        """Whether `event` is of the kind and the agent named, whichever its place in the row."""
        if event.kind != self.ref.kind:
            return False
        if event.agent == FAULT:
            return self.ref.agent == FAULT and event.number == self.ref.index
        if self._agents is None:
            return event.agent != SUPERVISOR
        return event.agent in self._agents

    def see(self, event: Event) -> bool:
        """Take note of `event`; True when it is now the one that is named."""
        if not self.matches(event):
            return False
        self.count += 1
        found = self._named()
        if found:
            self.event = event
        return found

    def _named(self) -> bool:
        if self.ref.index == LAST:
            return True
        return self.count == (1 if self.ref.agent == FAULT else self.ref.index or 1)

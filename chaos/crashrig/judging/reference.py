"""The names that conditions and moments may use: observables, events and their attributes.

`condition` and `moment` parse text into these; `world` looks them up. Nothing is evaluated here.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SUPERVISOR = "supervisor"
TOTAL = "total"
FAULT = "fault"

OBSERVABLES: dict[str, str] = {
    "live": "living first processes of the agent, of all its generations",
    "tree": "all living processes of the agent",
    "orphans": "living processes of generations whose first process is dead",
    "stale": "living processes of generations older than the newest",
    "generation": "number of the newest generation, 0 before the first start (of several agents: the highest)",
    "starts": "how often a first process has started",
    "exits": "how often a first process has ended",
    "beats": "how many good signs of life were given",
    "claimed": "the state the supervisor claims for the agent, a text; unknown before it claims one",
}

EVENTS: dict[str, str] = {
    "start": "a generation's first process executes",
    "exit": "that process ended; has .code or .signal",
    "beat": "the agent gave a good sign of life",
    "term": "the agent got SIGTERM",
    "birth": "another process of the agent's tree began to live",
    "death": "such a process ended",
    "ready": "the agent said READY=1",
    "claimed": "the supervisor claimed another state for the agent",
}

SUPERVISOR_EVENTS: dict[str, str] = {
    "start": "the supervisor was started",
    "exit": "the supervisor ended; has .code or .signal",
}

FAULT_EVENTS: dict[str, str] = {
    "proven": "the injection was seen from outside; written fault#1",
    "lifted": "the injection was undone; written fault#1.lifted",
}

ATTRIBUTES: dict[str, str] = {
    "signal": "the signal that ended the process, 0 when it exited by itself",
    "code": "its exit code; minus the signal when a signal ended it",
    "generation": "which start of the agent it belongs to",
    "pid": "the process",
    "at": "when, in nominal seconds since the start of the run",
}

LAST = -1
"""Index of `#last`: the newest occurrence so far."""


class ConditionError(ValueError):
    """A condition or a moment is not written as it must be.

    `column` counts characters from 1; `hint` says what to write instead, empty when there is nothing to say.
    """

    def __init__(self, message: str, column: int = 1, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.column = column
        self.hint = hint

    def __str__(self) -> str:
        hint = f" ({self.hint})" if self.hint else ""
        return f"column {self.column}: {self.message}{hint}"


class Observable(msgspec.Struct, frozen=True):
    """A value of the world that can be asked for at any time: `worker.live`."""

    agent: str
    name: str

    def __str__(self) -> str:
        return f"{self.agent}.{self.name}"


class EventRef(msgspec.Struct, frozen=True):
    """An event by name: `worker.exit#2`. `index` counts from 1, LAST is the newest; None means the first.

    A fault has the agent "fault", the kind "proven" or "lifted", and its number as index.
    """

    agent: str
    kind: str
    index: int | None = None

    def __str__(self) -> str:
        mark = "" if self.index is None else "#last" if self.index == LAST else f"#{self.index}"
        if self.agent == FAULT:
            return f"{FAULT}{mark}" + (".lifted" if self.kind == "lifted" else "")
        return f"{self.agent}.{self.kind}{mark}"


class Attribute(msgspec.Struct, frozen=True):
    """What an event was like: `worker.exit#2.signal`. It has no value before the event."""

    event: EventRef
    name: str

    def __str__(self) -> str:
        return f"{self.event}.{self.name}"


Name = Observable | EventRef | Attribute


class Use(NamedTuple):
    """A name as it stands in a text, and the column where it begins."""

    name: Name
    column: int

    @property
    def agent(self) -> str:
        """The agent (or `supervisor`, `total`, `fault`) it is about."""
        return self.name.event.agent if isinstance(self.name, Attribute) else self.name.agent

    @property
    def event(self) -> EventRef | None:
        """The event it names, if it names one."""
        match self.name:
            case EventRef():
                return self.name
            case Attribute(event=event):
                return event
            case _:
                return None


class Word(NamedTuple):
    """One part of a dotted name; `mark` is what follows `#` ("2", "last"), empty for none."""

    text: str
    mark: str
    column: int


def resolve(words: Sequence[Word]) -> Use:
    """What a dotted name means. ConditionError when it means nothing."""
    words = _join_last(words)
    head = words[0]
    if head.text == FAULT:
        return Use(_resolve_fault(words), head.column)
    if head.mark:
        raise ConditionError(
            f"{head.text}#{head.mark} is not an event", head.column, f"write {head.text}.exit#{head.mark} or the like"
        )
    if len(words) == 1:
        hint = f"expected {head.text}.live, {head.text}.exit#1.signal or the like"
        raise ConditionError(f"{head.text!r} alone says nothing", head.column, hint)
    return Use(_resolve_agent(head.text, words[1], words[2:]), head.column)


def _join_last(words: Sequence[Word]) -> list[Word]:
    """`worker.beat.last` is another way to write `worker.beat#last`."""
    joined: list[Word] = []
    for word in words:
        if word.text == "last" and not word.mark and joined and not joined[-1].mark and len(joined) > 1:
            joined[-1] = joined[-1]._replace(mark="last")
        else:
            joined.append(word)
    return joined


def _resolve_agent(agent: str, word: Word, rest: Sequence[Word]) -> Name:
    observables, events = _vocabulary(agent)
    if word.text in observables and not word.mark and not (rest and word.text in events):
        if rest:
            raise ConditionError(f"{agent}.{word.text} has no parts", rest[0].column)
        return Observable(agent, word.text)
    if word.text not in events:
        raise _unknown(f"{agent}.{word.text}", word, [*observables, *events])
    return _attribute(EventRef(agent, word.text, _index(word)), rest)


def _vocabulary(agent: str) -> tuple[Iterable[str], Iterable[str]]:
    if agent == SUPERVISOR:
        return ["live"], SUPERVISOR_EVENTS
    if agent == TOTAL:
        return [name for name in OBSERVABLES if name != "claimed"], EVENTS
    return OBSERVABLES, EVENTS


def _resolve_fault(words: Sequence[Word]) -> Name:
    head, rest = words[0], words[1:]
    index = _index(head)
    if index == LAST:
        raise ConditionError("faults have numbers", head.column, "write fault#1, the first in the file")
    kind = "proven"
    if rest and rest[0].text in FAULT_EVENTS:
        if rest[0].mark:
            raise ConditionError("the number belongs to the fault", rest[0].column, "write fault#1.lifted")
        kind, rest = rest[0].text, rest[1:]
    return _attribute(EventRef(FAULT, kind, index or 1), rest)


def _attribute(event: EventRef, rest: Sequence[Word]) -> EventRef | Attribute:
    if not rest:
        return event
    word = rest[0]
    names = ["at"] if event.agent == FAULT else list(ATTRIBUTES)
    if word.mark or word.text not in names:
        raise _unknown(f"{event}.{word.text}", word, names)
    if len(rest) > 1:
        raise ConditionError(f"{event}.{word.text} has no parts", rest[1].column)
    return Attribute(event, word.text)


def _index(word: Word) -> int | None:
    if word.mark in ("", "last"):
        return LAST if word.mark else None
    if word.mark.isdigit() and int(word.mark) > 0:
        return int(word.mark)
    raise ConditionError(f"#{word.mark} is no place in a row", word.column, "write #1, #2, ... or #last")


def _unknown(name: str, word: Word, known: Sequence[str]) -> ConditionError:
    return ConditionError(f"{name} is not known", word.column, nearest(word.text, known))


def nearest(word: str, known: Sequence[str]) -> str:
    """A hint: the known name nearest to `word`, or all of them when none is near."""
    near = get_close_matches(word, known, n=1)
    return f"did you mean {near[0]}?" if near else "known: " + ", ".join(dict.fromkeys(known))


def members(agents: Mapping[str, int]) -> dict[str, tuple[str, ...]]:
    """The fake agents that each name of a scenario stands for: `count = 2` makes worker_1 and worker_2."""
    names = {name: _numbered(name, count) for name, count in agents.items()}
    return names | {one: (one,) for group in names.values() for one in group}


def _numbered(name: str, count: int) -> tuple[str, ...]:
    return (name,) if count == 1 else tuple(f"{name}_{number}" for number in range(1, count + 1))


def check_uses(uses: Iterable[Use], agents: Mapping[str, int], faults: int) -> list[ConditionError]:
    """Names that a scenario with these `agents` (name to count) and so many `faults` does not have."""
    known = [*members(agents), SUPERVISOR, TOTAL]
    problems = []
    for use in uses:
        event = use.event
        if use.agent == FAULT:
            if event is not None and (event.index or 1) > faults:
                problems.append(
                    ConditionError(f"there is no fault#{event.index}", use.column, f"the file has {faults}")
                )
        elif use.agent not in known:
            problems.append(ConditionError(f"there is no agent {use.agent!r}", use.column, nearest(use.agent, known)))
        elif isinstance(use.name, Observable) and use.name.name == "claimed" and agents.get(use.agent, 1) > 1:
            hint = f"name one of them: {use.agent}_1.claimed"
            problems.append(ConditionError(f"{use.agent} is several agents", use.column, hint))
    return problems

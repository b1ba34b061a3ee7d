"""Moments: points in time that a scenario names, and finding out when they are.

A moment is an event (`worker.start#2`), an event and a duration (`worker.start#2 + 40s`), or a duration from the
start of the run (`40s`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from crashrig.judging.event import Event, EventWatch, event_of
from crashrig.judging.reference import FAULT, LAST, Attribute, ConditionError, EventRef, Observable, Use, Word, resolve
from crashrig.units import parse_duration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crashrig.history import Observation

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:#\w*)?(?:\.[A-Za-z_][A-Za-z0-9_]*(?:#\w*)?)*")
_PART = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?:(#)(\w*))?")
_OFFSET = re.compile(r"\s*([+-])\s*(\S+)\s*")
_HINT = 'expected an event, an event and a duration, or a duration: "worker.start#2 + 40s", "40s"'


class Moment(NamedTuple):
    """A named point in time: `offset` nominal seconds after `event`, or after the start of the run without one."""

    text: str
    event: EventRef | None
    offset: float
    uses: tuple[Use, ...]

    @property
    def rearms(self) -> bool:
        """Whether it moves on with every occurrence of its event (`#last`)."""
        return self.event is not None and self.event.index == LAST


def compile_moment(text: str) -> Moment:
    """The moment that `text` names. ConditionError says what is wrong and where."""
    start = len(text) - len(text.lstrip())
    stripped = text.strip()
    if stripped[:1].isdigit():
        return Moment(stripped, None, _duration(stripped, start), ())
    use, end = parse_event(text, start)
    assert use.event is not None
    return Moment(stripped, use.event, _offset(text, end), (use,))


def parse_event(text: str, start: int = 0) -> tuple[Use, int]:
    """The event named in `text` from index `start` on, and the index behind it."""
    match = _NAME.match(text, start)
    if match is None:
        raise ConditionError(f"{text.strip()!r} is not a moment", start + 1, _HINT)
    use = resolve(split_name(match[0], start))
    if isinstance(use.name, Observable | Attribute):
        raise ConditionError(f"{use.name} is a value, not an event", use.column, _HINT)
    return use, match.end()


def compile_event(text: str, indexed: bool = True) -> Use:
    """The event that `text` names, and nothing else; without `indexed` it must not say which occurrence."""
    use, end = parse_event(text, len(text) - len(text.lstrip()))
    if text[end:].strip():
        raise ConditionError(f"expected one event, found {text[end:].strip()!r} behind it", end + 1)
    _check_index(use, indexed)
    return use


def compile_gap(text: str) -> tuple[Use, Use]:
    """The two events of "E1 -> E2"."""
    first, arrow, second = text.partition("->")
    if not arrow:
        raise ConditionError("expected two events with -> between them", len(text) + 1, "worker.exit -> worker.start")
    return compile_event(first, indexed=False), compile_event(" " * len(first + arrow) + second, indexed=False)


def _check_index(use: Use, indexed: bool) -> None:
    assert use.event is not None
    if use.event.agent == FAULT or use.event.index is None:
        return
    if not indexed:
        raise ConditionError(f"{use.event} is one event, expected all of its kind", use.column, "leave out the #")
    if use.event.index == LAST:
        raise ConditionError("#last has no fixed place", use.column, "write #1, #2, ...")


def split_name(name: str, start: int) -> list[Word]:
    """The parts of a dotted name that begins at index `start` of its text."""
    words = []
    for part in _PART.finditer(name):
        if part[2] and not part[3]:
            raise ConditionError("a # without a number", start + part.start(2) + 1, "write #1, #2, ... or #last")
        words.append(Word(part[1], part[3] or "", start + part.start() + 1))
    return words


def _offset(text: str, end: int) -> float:
    if not text[end:].strip():
        return 0.0
    match = _OFFSET.fullmatch(text, end)
    if match is None:
        raise ConditionError(f"cannot read {text[end:].strip()!r}", end + 1, _HINT)
    seconds = _duration(match[2], match.start(2))
    return seconds if match[1] == "+" else -seconds


def _duration(text: str, start: int) -> float:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise ConditionError(str(error), start + 1) from error


class MomentWatch:
    """Finds out when a moment is, while the run goes on.

    `due` is its nominal time as soon as it is known, else None. With `#last` every occurrence of the event sets
    `due` anew. With a negative offset `due` lies in the past when it becomes known.
    """

    def __init__(self, moment: Moment, agents: Mapping[str, int], pace: float = 1.0) -> None:
        self.moment = moment
        self.due: float | None = moment.offset if moment.event is None else None
        self._pace = pace
        self._watch = EventWatch(moment.event, agents) if moment.event is not None else None

    def observe(self, observation: Observation) -> bool:
        """Take note of an observation; True when `due` was set by it."""
        event = event_of(observation, self._pace)
        return event is not None and self.see(event)

    def see(self, event: Event) -> bool:
        """Take note of an event; True when `due` was set by it."""
        if self._watch is None or not self._watch.see(event):
            return False
        self.due = event.at + self.moment.offset
        return True

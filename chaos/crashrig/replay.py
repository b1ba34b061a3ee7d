"""Replay: a real holdfast's journal fed back into the core, and held against what was seen from outside.

The core made from the journal's header is given the same events at the same times; every decision must come out as
it was taken. And what the journal says of processes, which is the supervisor's word, must be what the history of
the cell has seen. Files are found by `commands.replay`.
"""

from __future__ import annotations

from collections import Counter
from itertools import zip_longest
from math import inf
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from holdfast.effects import Finish
from holdfast.events import Exited, Spawned
from holdfast.fleet import Fleet

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from crashrig.history import History, Observation
    from holdfast.effects import Effect
    from holdfast.journal_format import Entry
    from holdfast.journal_reader import Run

T = TypeVar("T")


LAST_TURN_SECONDS = 0.1
"""A supervisor that was killed may have known of what happened so shortly before, and not have written it down."""


class Life(NamedTuple):
    """The end of a first process, as both sides can tell it."""

    agent: str
    pid: int
    code: int | None
    signal: int | None

    def __str__(self) -> str:
        ending = f"exit {self.code}" if self.signal is None else f"signal {self.signal}"
        return f"{self.agent} process {self.pid}: {ending}"


def replay(run: Run) -> list[str]:
    """Every decision of a run that the core does not take again, in plain words; none when all agree.

    After the first difference the core's state is no longer the one of then, so that is the last one told. Where
    the journal has lost lines, nothing after them can be compared, which is told as well.
    """
    fleet = Fleet({agent.name: agent.policy for agent in run.settings.agents}, run.settings.fleet)
    lost_at = min((_now(note) for note in run.notes if note.get("note") == "lost"), default=None)
    for number, entry in enumerate(run.entries, 1):
        if lost_at is not None and entry.now >= lost_at:
            return [f"the journal has lost lines before decision {number}: nothing after them can be compared"]
        try:
            decided = fleet.begin(entry.now) if entry.event is None else fleet.handle(entry.event, entry.now)
        except KeyError as error:
            return [f"{_place(number, entry)}: there is no agent {error}"]
        if decided != entry.effects:
            return [f"{_place(number, entry)}:", *_compare(decided, entry.effects)]
    return []


def _now(note: dict[str, object]) -> float:
    value = note.get("now")
    return value if isinstance(value, float) else 0.0


def _place(number: int, entry: Entry) -> str:
    event = "the beginning" if entry.event is None else repr(entry.event)
    return f"decision {number}, at {entry.now:.6f} s, on {event}"


def _compare(now: Sequence[Effect], then: Sequence[Effect]) -> Iterator[str]:
    for ours, journals in zip_longest(now, then):
        if ours == journals:
            yield f"    both     {ours}"
        else:
            yield f"    journal  {journals if journals is not None else 'nothing more'}"
            yield f"    replay   {ours if ours is not None else 'nothing more'}"


# The journal and the history -------------------------------------------------------------------------------------


def cross_check(runs: Sequence[Run], history: History) -> list[str]:
    """What the journal claims of first processes and the history has not seen, and the other way round.

    A process is known by its number. A supervisor that did not finish could not write down what happened after its
    death, or just before; and a start that no observer saw is made up for by an exit that one saw.
    """
    entries = [entry for run in runs for entry in run.entries]
    known_until = inf if _finished(entries) else _death(history.observations) - LAST_TURN_SECONDS
    known = [one for one in history.observations if one.t < known_until]
    claimed_starts = [(e.event.agent, e.event.pid) for e in entries if isinstance(e.event, Spawned)]
    claimed_ends = list(_claimed_ends(entries))
    starts, ends = _starts(history.observations), _ends(history.observations)
    ended = {(life.agent, life.pid) for life in ends}
    unwritten = [*map(_name, _more(_starts(known), claimed_starts)), *map(str, _more(_ends(known), claimed_ends))]
    unseen = [_name(start) for start in _more(claimed_starts, starts) if start not in ended]
    unseen += map(str, _more(claimed_ends, ends))
    return [f"seen, but not in the journal: {what}" for what in unwritten] + [
        f"in the journal, but not seen: {what}" for what in unseen
    ]


def _starts(observations: Iterable[Observation]) -> list[tuple[str, int]]:
    return [(one.agent, one.pid) for one in observations if one.what == "start"]


def _ends(observations: Iterable[Observation]) -> list[Life]:
    return [Life(one.agent, one.pid, one.code, one.signal) for one in observations if one.what == "exit"]


def _claimed_ends(entries: Iterable[Entry]) -> Iterator[Life]:
    pids: dict[tuple[str, int], int] = {}
    for entry in entries:
        match entry.event:
            case Spawned(agent, generation, pid):
                pids[agent, generation] = pid
            case Exited(agent, generation, code, signal):
                yield Life(agent, pids.get((agent, generation), 0), code, signal)


def _finished(entries: Iterable[Entry]) -> bool:
    return any(isinstance(effect, Finish) for entry in entries for effect in entry.effects)


def _death(observations: Iterable[Observation]) -> float:
    return min((one.t for one in observations if one.what == "subject.exit"), default=inf)


def _more(these: Iterable[T], those: Iterable[T]) -> list[T]:
    return list((Counter(these) - Counter(those)).elements())


def _name(start: tuple[str, int]) -> str:
    return f"{start[0]} process {start[1]}: its start"

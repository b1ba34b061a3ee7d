"""One cell's history as the page draws it: columns of numbers, small enough to stand in the page itself.

Times are whole ticks of nominal time; long columns hold differences. Where there are more points than any screen
can show they are put into buckets, with their counts. Drawing is done by templates/timeline.js.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crashrig.history import History, Observation

TICK = 0.0001
"""Nominal seconds: a tenth of a millisecond is finer than any observer tells."""

POINTS_MAX = 4000
"""Points kept of one column: twice what the widest usual screen has pixels, so that zooming in still shows some."""


class Generations(msgspec.Struct):
    """An agent's starts, one entry each: first process from `start` to `exit`, last process gone at `gone`.

    A time that never came is -1: still alive when the cell ended. `ending` is "exit 1" or "SIGKILL".
    """

    number: list[int] = []
    pid: list[int] = []
    start: list[int] = []
    exit: list[int] = []
    gone: list[int] = []
    ending: list[str] = []


class Steps(msgspec.Struct):
    """A value that changes at times: `t` as differences, `n` the value from then on (of a bucket: the highest)."""

    t: list[int] = []
    n: list[int] = []


class Beats(msgspec.Struct, frozen=True):
    """Signs of life of one kind in one generation: `t` as differences, `n` how many each stands for."""

    generation: int
    kind: str
    t: list[int]
    n: list[int]


class Mark(msgspec.Struct, frozen=True, array_like=True):
    """Something said or received at one moment, in one generation (0: in none)."""

    t: int
    generation: int
    kind: str
    text: str


class Track(msgspec.Struct):
    """All that is drawn of one agent."""

    agent: str
    generations: Generations = msgspec.field(default_factory=Generations)
    tree: Steps = msgspec.field(default_factory=Steps)
    beats: list[Beats] = []
    marks: list[Mark] = []


class Shade(msgspec.Struct, kw_only=True):
    """A fault, from injected to lifted (-1: never lifted, or over at once); `proof` is proven, unproven or empty."""

    number: str
    kind: str
    target: str = ""
    start: int = -1
    end: int = -1
    proof: str = ""


class Timeline(msgspec.Struct, kw_only=True):
    """Everything the page draws of one cell."""

    tick: float = TICK
    pace: float
    simulated: bool
    observer: str
    resolution: float
    end: int
    ending: str
    observations: int
    supervisor: Generations
    agents: list[Track]
    faults: list[Shade]
    marks: list[Mark]


def build(history: History) -> Timeline:
    """Arrange a history for drawing."""
    folding = _Folding(history.header.pace)
    for observation in history.observations:
        folding.add(observation)
    return folding.finish(history)


class _Living:
    """The processes of one agent that live just now, to tell tree size and when a generation is gone."""

    def __init__(self) -> None:
        self.generation_of: dict[int, int] = {}
        self.count: dict[int, int] = {}

    def add(self, pid: int, generation: int) -> None:
        self.generation_of[pid] = generation
        self.count[generation] = self.count.get(generation, 0) + 1

    def remove(self, pid: int) -> int:
        """Forget a process; returns the generation that has none left now, or 0."""
        generation = self.generation_of.pop(pid, 0)
        if not generation:
            return 0
        self.count[generation] -= 1
        return 0 if self.count[generation] else generation


class _Folding:
    """Folds observations into tracks, one after the other."""

    def __init__(self, pace: float) -> None:
        self._scale = pace / TICK
        self._tracks: dict[str, Track] = {}
        self._living: dict[str, _Living] = {}
        self._places: dict[tuple[str, int], int] = {}
        self._beats: dict[str, dict[tuple[int, str], list[int]]] = {}
        self._sizes: dict[str, list[tuple[int, int]]] = {}
        self._supervisor = Generations()
        self._faults: dict[str, Shade] = {}
        self._marks: list[Mark] = []
        self._end = 0

    def add(self, seen: Observation) -> None:
        """Take in one observation."""
        t = round(seen.t * self._scale)
        self._end = max(self._end, t)
        match seen.what:
            case "start" | "birth" | "exit" | "death":
                self._lived(seen, t)
            case "beat":
                kinds = self._beats.setdefault(self._track(seen.agent).agent, {})
                kinds.setdefault((seen.generation, seen.text), []).append(t)
            case "ready" | "received" | "note" | "claimed":
                text = _signal_name(seen.signal) if seen.signal is not None else seen.text
                self._track(seen.agent).marks.append(Mark(t, seen.generation, seen.what, text))
            case "fault":
                self._injected(seen, t)
            case "subject.start":
                _begin(self._supervisor, len(self._supervisor.number) + 1, seen.pid, t)
            case "subject.exit":
                _end(self._supervisor, len(self._supervisor.number) - 1, t, _ending(seen))
            case "noise" | "lost" | "end":
                text = f"{(seen.value or 0.0) * 1000:.3g} ms late" if seen.what == "noise" else seen.text
                self._marks.append(Mark(t, 0, seen.what, text))

    def finish(self, history: History) -> Timeline:
        """The timeline, with dense columns put into buckets."""
        for agent, track in self._tracks.items():
            for (generation, kind), times in self._beats.get(agent, {}).items():
                first, counts = _bucketed(times)
                track.beats.append(Beats(generation, kind, _differences(first), counts))
            track.tree = _thinned(self._sizes.get(agent, []))
        return Timeline(
            pace=history.header.pace,
            simulated=history.header.simulated,
            observer=history.header.observer,
            resolution=history.header.resolution,
            end=self._end,
            ending=history.footer.end if history.footer else "cut off",
            observations=len(history.observations),
            supervisor=self._supervisor,
            agents=list(self._tracks.values()),
            faults=list(self._faults.values()),
            marks=self._marks,
        )

    def _track(self, agent: str) -> Track:
        return self._tracks.setdefault(agent, Track(agent))

    def _lived(self, seen: Observation, t: int) -> None:
        """A process began or ended."""
        generations = self._track(seen.agent).generations
        living = self._living.setdefault(seen.agent, _Living())
        key = (seen.agent, seen.generation)
        if seen.what == "start":
            self._places[key] = _begin(generations, seen.generation, seen.pid, t)
        if seen.what == "exit" and key in self._places:
            _end(generations, self._places[key], t, _ending(seen))
        if seen.what in ("start", "birth"):
            living.add(seen.pid, seen.generation)
        else:
            emptied = living.remove(seen.pid)
            if (seen.agent, emptied) in self._places:
                generations.gone[self._places[seen.agent, emptied]] = t
        self._sizes.setdefault(seen.agent, []).append((t, len(living.generation_of)))

    def _injected(self, seen: Observation, t: int) -> None:
        """A fault was injected, proven or lifted; its text is "<number> <kind>"."""
        number, _, kind = seen.text.partition(" ")
        shade = self._faults.setdefault(number, Shade(number=number, kind=kind, target=seen.agent))
        match seen.phase:
            case "proven" | "unproven":
                shade.proof = seen.phase
            case "lifted":
                shade.end = t
        if shade.start < 0:
            shade.start = t


def _begin(generations: Generations, number: int, pid: int, t: int) -> int:
    generations.number.append(number)
    generations.pid.append(pid)
    generations.start.append(t)
    generations.exit.append(-1)
    generations.gone.append(-1)
    generations.ending.append("")
    return len(generations.number) - 1


def _end(generations: Generations, place: int, t: int, ending: str) -> None:
    if place >= 0:
        generations.exit[place] = t
        generations.ending[place] = ending


def _ending(seen: Observation) -> str:
    if seen.signal is not None:
        return _signal_name(seen.signal)
    return "ended" if seen.code is None else f"exit {seen.code}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal, or none of this machine's
        return f"signal {number}"


def _differences(times: Sequence[int]) -> list[int]:
    return [time - before for time, before in zip(times, (0, *times), strict=False)]


def _bucketed(times: list[int]) -> tuple[list[int], list[int]]:
    """At most POINTS_MAX times, each the first of its bucket, with how many it stands for; all ones left out."""
    if len(times) <= POINTS_MAX:
        return times, []
    width = (times[-1] - times[0]) / POINTS_MAX or 1.0
    buckets: dict[int, tuple[int, int]] = {}
    for time in times:
        place = int((time - times[0]) / width)
        first, count = buckets.get(place, (time, 0))
        buckets[place] = (first, count + 1)
    return [first for first, _ in buckets.values()], [count for _, count in buckets.values()]


def _thinned(sizes: list[tuple[int, int]]) -> Steps:
    """At most about POINTS_MAX steps; of each bucket the highest size and the last one are kept."""
    if len(sizes) > POINTS_MAX:
        stride = 2 * len(sizes) // POINTS_MAX + 1
        chunks = [sizes[place : place + stride] for place in range(0, len(sizes), stride)]
        sizes = [step for chunk in chunks for step in ((chunk[0][0], max(n for _, n in chunk)), chunk[-1])]
    return Steps(_differences([t for t, _ in sizes]), [n for _, n in sizes])

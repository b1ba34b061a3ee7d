"""The world as conditions see it: observations folded, one after the other, into named values and events.

Observations must come in order of time; `checker` sorts a stored history and holds back a live one for a moment.
Nominal time is real time times the pace. Memory stays bounded: only living processes, counts, and the events that
were asked for in advance are kept.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Protocol

from crashrig.judging.event import Event, EventWatch, event_of
from crashrig.judging.population import Population
from crashrig.judging.reference import FAULT, SUPERVISOR, TOTAL, EventRef, members

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from crashrig.history import Observation
    from crashrig.scenario import Scenario


_LIVING_MAX = 12
"""How many processes of an agent a message lists."""


def agents_of(scenario: Scenario) -> dict[str, int]:
    """The agents of a scenario and how many there are of each."""
    return {name: agent.count for name, agent in scenario.agents.items()}


class _Source(Protocol):
    """Whatever answers for a name before the dot."""

    def value(self, name: str) -> float | str | None: ...


class _Group:
    """Several agents under one name: sums; the highest generation; a claimed state only when all share it."""

    def __init__(self, populations: Mapping[str, Population], names: Iterable[str] | None) -> None:
        self._populations = populations
        self._names = None if names is None else list(names)

    def value(self, name: str) -> float | str | None:
        parts = self._parts()
        if name == "claimed":
            claims = {part.claimed for part in parts}
            return claims.pop() if len(claims) == 1 else None
        if name == "generation":
            return max((part.generation for part in parts), default=0)
        total: float = sum(getattr(part, name) for part in parts)
        return total

    def _parts(self) -> list[Population]:
        if self._names is None:
            return list(self._populations.values())
        return [self._populations[name] for name in self._names]


class _Supervisor:
    def __init__(self) -> None:
        self.live = 0

    def value(self, name: str) -> float:
        value: float = getattr(self, name)
        return value

    def fold(self, event: Event) -> None:
        self.live = max(0, self.live + (1 if event.kind == "start" else -1))


class World:
    """Everything that conditions can ask about, at the time of the newest observation, `now` (nominal seconds).

    `agents` maps the names of a scenario to their counts. `events` are the events that will be asked for.
    """

    def __init__(self, agents: Mapping[str, int], pace: float = 1.0, events: Iterable[EventRef] = ()) -> None:
        self.now = 0.0
        self.pace = pace
        self._agents = dict(agents)
        names = members(agents)
        self._populations = {one: Population() for group in names.values() for one in group}
        self._supervisor = _Supervisor()
        self._sources: dict[str, _Source] = {name: _Group(self._populations, group) for name, group in names.items()}
        self._sources |= self._populations
        self._sources |= {TOTAL: _Group(self._populations, None), SUPERVISOR: self._supervisor}
        self._watches: dict[EventRef, EventWatch] = {}
        self._by_kind: dict[str, list[EventWatch]] = {}
        for ref in events:
            self.watch(ref)

    def watch(self, ref: EventRef) -> None:
        """Ask for an event in advance, before it happens."""
        if ref not in self._watches:
            watch = self._watches[ref] = EventWatch(ref, self._agents)
            self._by_kind.setdefault(ref.kind, []).append(watch)

    def observe(self, observation: Observation) -> Event | None:
        """Take in an observation; returns the event it stands for, if it is one that conditions can see."""
        self.now = max(self.now, observation.t * self.pace)
        event = event_of(observation, self.pace)
        if event is not None:
            self.fold(event)
        return event

    def fold(self, event: Event) -> None:
        """Take in an event."""
        self.now = max(self.now, event.at)
        if event.agent == SUPERVISOR:
            self._supervisor.fold(event)
        elif event.agent != FAULT:
            self._population(event.agent).fold(event)
        for watch in self._by_kind.get(event.kind, ()):
            watch.see(event)

    def _population(self, agent: str) -> Population:
        population = self._populations.get(agent)
        if population is None:
            population = self._populations[agent] = self._sources[agent] = Population()
        return population

    def observable(self, agent: str, name: str) -> float | str | None:
        """The value of `agent.name` now; None when it is unknown."""
        return self._sources[agent].value(name)

    def event(self, ref: EventRef) -> Event | None:
        """The event named, which must have been asked for; None when it has not happened."""
        return self._watches[ref].event

    def living(self, agent: str) -> str:
        """The living processes of an agent or group, for a message: "generation 1: pid 40 (first process dead)"."""
        names = list(self._populations) if agent == TOTAL else members(self._agents).get(agent, (agent,))
        groups = [text for name in names if name in self._populations for text in self._generations(name)]
        return "; ".join(groups) or "none"

    def _generations(self, name: str) -> Iterator[str]:
        population = self._populations[name]
        groups: dict[int, list[int]] = {}
        for pid, generation in islice(population.processes.items(), _LIVING_MAX):
            groups.setdefault(generation, []).append(pid)
        for generation, pids in sorted(groups.items()):
            dead = " (its first process is dead)" if population.is_headless(generation) else ""
            yield f"{name} generation {generation}: {_pids(pids)}{dead}"
        if population.tree > _LIVING_MAX:
            yield f"{name}: {population.tree - _LIVING_MAX} more"


def _pids(pids: list[int]) -> str:
    return f"pid{'s' if len(pids) > 1 else ''} {', '.join(str(pid) for pid in sorted(pids))}"

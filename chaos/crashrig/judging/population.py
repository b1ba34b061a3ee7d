"""The processes of one agent as conditions count them: who lives, of which start, and whose first process is dead.

Counted up and down with every event, so that no question needs a walk through all processes. `world` keeps one for
each agent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crashrig.judging.event import Event


class Population:
    """The processes of one agent.

    A start that was not seen (the process died before it could say so) is made up for by its exit.
    """

    def __init__(self) -> None:
        self.generation = 0
        self.starts = 0
        self.exits = 0
        self.beats = 0
        self.orphans = 0
        self.stale = 0
        self.claimed: str | None = None
        self.processes: dict[int, int] = {}
        self.leaders: dict[int, int] = {}
        self._sizes: dict[int, int] = {}

    @property
    def live(self) -> int:
        """Living first processes."""
        return len(self.leaders)

    @property
    def tree(self) -> int:
        """All living processes."""
        return len(self.processes)

    def is_headless(self, generation: int) -> bool:
        """Whether the first process of a generation has started and is dead."""
        return generation <= self.generation and generation not in self.leaders

    def value(self, name: str) -> float | str | None:
        """An observable of reference.OBSERVABLES."""
        value: float | str | None = getattr(self, name)
        return value

    def fold(self, event: Event) -> None:
        """Take in an event of this agent."""
        change = _CHANGES.get(event.kind)
        if change is not None:
            change(self, event)

    def start(self, event: Event) -> None:
        """A first process began to live."""
        self.starts += 1
        self._advance_to(event.generation)
        if self.is_headless(event.generation):
            self.orphans -= self._sizes.get(event.generation, 0)
        self.leaders[event.generation] = event.pid
        self._add(event.pid, event.generation)

    def exit(self, event: Event) -> None:
        """A first process died."""
        self.exits += 1
        self._advance_to(event.generation)
        self._remove(event.pid)
        if self.leaders.pop(event.generation, None) is not None:
            self.orphans += self._sizes.get(event.generation, 0)

    def _advance_to(self, generation: int) -> None:
        """A newer generation makes all before it stale, and no generation up to it is still to start."""
        for number in range(self.generation, generation):
            self.stale += self._sizes.get(number, 0)
            self.orphans += self._sizes.get(number + 1, 0)
        self.generation = max(self.generation, generation)

    def birth(self, event: Event) -> None:
        """Another process began to live."""
        self._add(event.pid, event.generation)

    def death(self, event: Event) -> None:
        """Another process died."""
        self._remove(event.pid)

    def beat(self, _: Event) -> None:
        """A good sign of life."""
        self.beats += 1

    def claim(self, event: Event) -> None:
        """The supervisor's word on the agent changed."""
        self.claimed = event.text

    def _add(self, pid: int, generation: int) -> None:
        self._remove(pid)
        self.processes[pid] = generation
        self._change(generation, 1)

    def _remove(self, pid: int) -> None:
        generation = self.processes.pop(pid, None)
        if generation is not None:
            self._change(generation, -1)

    def _change(self, generation: int, number: int) -> None:
        size = self._sizes.pop(generation, 0) + number
        if size:
            self._sizes[generation] = size
        self.stale += number * (generation < self.generation)
        self.orphans += number * self.is_headless(generation)


_CHANGES = {
    "start": Population.start,
    "exit": Population.exit,
    "birth": Population.birth,
    "death": Population.death,
    "beat": Population.beat,
    "claimed": Population.claim,
}

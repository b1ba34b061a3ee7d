"""Carrying out what the core wants on simulated processes, and telling it what became of them.

Counterpart of `holdfast.driver`. Containment is perfect here: every descendant is known, and nothing is ever
signalled that does not belong to the generation.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from crashrig.simulation.body import SimulatedBody
from crashrig.simulation.heartbeat_file import HeartbeatFile
from crashrig.simulation.watch import FileWatch, HeardWatch, Watch
from holdfast.events import Exited, Spawned, SpawnFailed, TreeEmptied
from holdfast.settings import BeatSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from crashrig.agents.body import Program
    from crashrig.agents.plan_file import Plan
    from crashrig.simulation.clock import Clock
    from crashrig.simulation.kernel import Kernel
    from crashrig.simulation.process import Process
    from holdfast.effects import SignalTree, Spawn
    from holdfast.settings import AgentSettings


class _Tree:
    """One generation, as far as the shell remembers it."""

    def __init__(self, leader: Process) -> None:
        self.generation = leader.generation
        self.left = False  # its leader's end has been told, though not yet that nothing of it lives
        self.has_had_term: set[int] = set()


class Driver:
    """All agents of the simulated supervisor, as processes."""

    def __init__(
        self,
        agents: tuple[AgentSettings, ...],
        plans: Mapping[str, Plan],
        broken: Mapping[str, str],
        clock: Clock,
        kernel: Kernel,
        on_news: Callable[[], None],
    ) -> None:
        """`broken` says why an agent's command cannot be started; `on_news` is called when something died."""
        self._plans = plans
        self._broken = broken
        self._clock = clock
        self._kernel = kernel
        self._on_news = on_news
        self._trees: dict[str, _Tree] = {}
        self._deaths: list[tuple[Process, int | None, int | None]] = []
        self._files = {agent.name: HeartbeatFile() for agent in agents}
        self.watches = {agent.name: watch for agent in agents if (watch := self._watch(agent)) is not None}
        self.pid = kernel.new_pid()
        self.deaf = False
        kernel.on_death = self._process_died

    def _watch(self, agent: AgentSettings) -> Watch | None:
        heartbeat, policy = agent.heartbeat, agent.policy.heartbeat
        if heartbeat is None or policy is None:
            return None
        if heartbeat.source is not BeatSource.FILE:
            return HeardWatch(agent.name, policy, self._clock)
        file = self._files[agent.name]
        watch = FileWatch(
            agent.name, policy, self._clock, file, heartbeat.format, lambda pid: self._is_member(agent.name, pid)
        )
        file.on_change = lambda: self._changed(watch)
        return watch

    def _is_member(self, agent: str, pid: int) -> bool:
        return pid != self.pid and self._kernel.may_be_of(agent, pid)

    def _changed(self, watch: Watch) -> None:
        watch.changed()
        self._on_news()

    # What agents see of it -----------------------------------------------------------------------------------

    def heartbeat_file(self, agent: str) -> HeartbeatFile:
        """The agent's heartbeat file."""
        return self._files[agent]

    def hear(self, agent: str) -> str:
        """WATCHDOG=1 or a line of output; what went wrong, or nothing."""
        if self.deaf:
            return "beat not sent: nobody listens"
        watch = self.watches.get(agent)
        if isinstance(watch, HeardWatch):
            watch.hear()
            self._on_news()
        return ""

    # Starting and signalling ---------------------------------------------------------------------------------

    def spawn(self, wanted: Spawn) -> Spawned | SpawnFailed:
        """Start a generation."""
        agent = wanted.agent
        if agent in self._broken:
            return SpawnFailed(agent, wanted.generation, self._broken[agent])

        def program(process: Process) -> Program:
            return SimulatedBody(process, plan, self._kernel, self._clock, self).live_by(plan)

        plan = self._plans[agent]
        if agent in self.watches:
            self.watches[agent].begin(wanted.generation)
        leader = self._kernel.spawn(agent, wanted.generation, self.pid, program)
        self._trees[agent] = _Tree(leader)
        return Spawned(agent, wanted.generation, leader.pid)

    def signal(self, wanted: SignalTree) -> None:
        """SIGTERM once to each process, with SIGCONT behind it; SIGKILL to all (see `effects.SignalTree`)."""
        tree = self._trees.get(wanted.agent)
        if tree is None or tree.generation != wanted.generation:
            return
        for process in self._kernel.tree(wanted.agent, tree.generation):
            if wanted.signal == signal.SIGKILL:
                self._kernel.kill(process, signal.SIGKILL)
            elif process.pid not in tree.has_had_term:
                tree.has_had_term.add(process.pid)
                self._kernel.kill(process, wanted.signal)
                self._kernel.kill(process, signal.SIGCONT)

    # Ends ----------------------------------------------------------------------------------------------------

    def _process_died(self, process: Process, code: int | None, number: int | None) -> None:
        if process.leader:
            self._deaths.append((process, code, number))
        self._on_news()

    def reap(self) -> Iterator[Exited]:
        """The ends of leaders, each with the proof that nothing else of the generation lives, or without."""
        deaths, self._deaths = self._deaths, []
        for process, code, number in deaths:
            self._trees[process.agent].left = True
            empty = self._bury_if_empty(process.agent)
            yield Exited(process.agent, process.generation, code, number, empty)

    def emptied(self) -> Iterator[TreeEmptied]:
        """Generations without a leader of which nothing lives any more."""
        for agent, tree in list(self._trees.items()):
            if tree.left and self._bury_if_empty(agent):
                yield TreeEmptied(agent, tree.generation)

    def _bury_if_empty(self, agent: str) -> bool:
        if self._kernel.tree(agent, self._trees[agent].generation):
            return False
        del self._trees[agent]
        if agent in self.watches:
            self.watches[agent].end()
        return True

"""holdfast's core in virtual time: what the real loop does around it, on simulated processes.

It feeds the core as the loop does: input that is pending is fed first, then `Woke` when the loop ran late, then
`DeadlineReached`; effects are carried out in order and `Spawn` is answered at once. Containment is perfect here:
every descendant is known. The only times that pass are the constants below.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from crashrig.history import Observation
from crashrig.simulation.beat_watch import BeatWatch
from crashrig.simulation.body import SimulatedBody
from crashrig.simulation.heartbeat_file import HeartbeatFile
from holdfast.effects import Alert, Finish, SignalTree, Spawn, StateChanged
from holdfast.events import (
    BeatRejected,
    BeatSeen,
    DeadlineReached,
    Exited,
    RestartRequested,
    ShutdownRequested,
    Spawned,
    SpawnFailed,
    StartRequested,
    StopRequested,
    TreeEmptied,
    Woke,
)
from holdfast.fleet import Fleet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from crashrig.agents.body import Program
    from crashrig.agents.plan_file import Plan
    from crashrig.history import What
    from crashrig.simulation.clock import Clock, Timer
    from crashrig.simulation.kernel import Kernel
    from crashrig.simulation.process import Process
    from holdfast.effects import Effect
    from holdfast.events import Event
    from holdfast.settings import BeatFormat, Settings

NOTICE_SECONDS = 0.00005
"""From something that happens to the loop's hearing of it: a wake-up from epoll_wait(2) on a quiet machine."""

LATE_SECONDS = 0.1
"""The loop says that it woke late when it is later than this, as the real one does."""

_ORDERS: dict[str, type[StartRequested | StopRequested | RestartRequested]] = {
    "start": StartRequested,
    "stop": StopRequested,
    "restart": RestartRequested,
}
_SHUTDOWN = frozenset({signal.SIGTERM, signal.SIGINT})


class _Generation:
    """What the shell knows of an agent's newest generation."""

    def __init__(self, leader: Process) -> None:
        self.number = leader.generation
        self.leader = leader
        self.over = False  # its end has been told to the core, though not yet that nothing of it lives
        self.has_had_term: set[int] = set()


class Supervisor:
    """A simulated holdfast process and its loop."""

    def __init__(
        self,
        settings: Settings,
        plans: Mapping[str, Plan],
        broken: Mapping[str, str],
        clock: Clock,
        kernel: Kernel,
        observe: Callable[[Observation], None],
    ) -> None:
        """`broken` says of each agent whose command cannot be started why not."""
        self._clock = clock
        self._kernel = kernel
        self._observe = observe
        self._plans = plans
        self._broken = broken
        self._fleet = Fleet({agent.name: agent.policy for agent in settings.agents}, settings.fleet)
        self._generations: dict[str, _Generation] = {}
        self._files = {agent.name: HeartbeatFile() for agent in settings.agents}
        self._watches = {
            agent.name: self._watch(agent.name, agent.heartbeat.format, agent.policy.heartbeat.timeout)
            for agent in settings.agents
            if agent.heartbeat is not None and agent.heartbeat.path and agent.policy.heartbeat is not None
        }
        self._looks: dict[str, float] = {}
        self._orders: list[Event] = []
        self._deaths: list[tuple[Process, int | None, int | None]] = []
        self._heard: list[Event] = []
        self._turn_timer: Timer | None = None
        self._planned: float | None = None
        self._shutdowns = 0
        self.pid = kernel.new_pid()
        self.alive = True
        self.frozen = False
        kernel.on_death = self._process_died

    def _watch(self, agent: str, form: BeatFormat, timeout: float) -> BeatWatch:
        file = self._files[agent]
        file.on_change = lambda: self._file_changed(agent)
        return BeatWatch(file, form, timeout, lambda pid: self._kernel.may_be_of(agent, pid) and pid != self.pid)

    def begin(self) -> None:
        """Start the supervisor, and with it every agent."""
        self._tell("subject.start")
        self._carry_out(self._fleet.begin(self._clock.now))
        self._plan()

    # What reaches the process --------------------------------------------------------------------------------

    def operate(self, command: str, agents: Iterable[str]) -> None:
        """An operator's command, for all these agents; `shutdown` is for the supervisor itself."""
        if command == "shutdown":
            self._orders.append(ShutdownRequested())
        else:
            self._orders += [_ORDERS[command](agent) for agent in agents]
        self._wake()

    def kill(self, number: int) -> None:
        """A signal to the supervisor's process."""
        if number in (signal.SIGSTOP, signal.SIGTSTP):
            self.frozen = True
        elif number == signal.SIGCONT:
            self.frozen = False
            self._wake()
        elif number in _SHUTDOWN:
            self._shutdowns += 1
            self._orders.append(ShutdownRequested(urgent=self._shutdowns > 1))
            self._wake()
        else:
            self._end(None, number)

    def hear(self, agent: str, generation: int) -> str:
        """WATCHDOG=1 or a line of output; what went wrong, or nothing."""
        if not self.alive:
            return "beat not sent: nobody listens"
        self._heard.append(BeatSeen(agent, generation))
        self._wake()
        return ""

    def heartbeat_file(self, agent: str) -> HeartbeatFile:
        """The agent's heartbeat file."""
        return self._files[agent]

    def _file_changed(self, agent: str) -> None:
        at = self._looks.setdefault(agent, self._watches[agent].next_look(self._clock.now))
        self._turn_at(at)

    def _process_died(self, process: Process, code: int | None, number: int | None) -> None:
        if process.leader:
            self._deaths.append((process, code, number))
        self._wake()

    # The loop ------------------------------------------------------------------------------------------------

    def _wake(self) -> None:
        self._turn_at(self._clock.now + NOTICE_SECONDS)

    def _turn_at(self, time: float) -> None:
        if not self.alive or self.frozen:
            return
        if self._turn_timer is not None:
            if self._turn_timer.time <= time:
                return
            self._turn_timer.cancel()
        self._turn_timer = self._clock.at(time, self._turn)

    def _turn(self) -> None:
        """One turn of the loop: everything that is pending, then the deadline."""
        self._turn_timer = None
        if self.frozen:
            return
        self._take_deaths()
        self._take_beats()
        orders, self._orders = self._orders, []
        for order in orders:
            self._handle(order)
        self._take_time()
        self._plan()

    def _take_deaths(self) -> None:
        deaths, self._deaths = self._deaths, []
        for process, code, number in deaths:
            self._generations[process.agent].over = True
            empty = self._forget_if_empty(process.agent)
            self._handle(Exited(process.agent, process.generation, code, number, empty))
        for agent, generation in list(self._generations.items()):
            if generation.over and self._forget_if_empty(agent):
                self._handle(TreeEmptied(agent, generation.number))

    def _forget_if_empty(self, agent: str) -> bool:
        empty = not self._kernel.tree(agent, self._generations[agent].number)
        if empty:
            del self._generations[agent]
        return empty

    def _take_beats(self) -> None:
        heard, self._heard = self._heard, []
        for event in heard:
            self._handle(event)
        for agent in [agent for agent, at in self._looks.items() if at <= self._clock.now]:
            del self._looks[agent]
            self._look(agent)

    def _look(self, agent: str) -> None:
        generation = self._generations.get(agent)
        if generation is None or generation.over:
            return
        found = self._watches[agent].look()
        if found is not None:
            number = generation.number
            self._handle(BeatRejected(agent, number, found) if found else BeatSeen(agent, number))

    def _take_time(self) -> None:
        now = self._clock.now
        if self._planned is None or now < self._planned:
            return
        if now > self._planned + LATE_SECONDS:
            self._handle(Woke(now - self._planned))
        deadline = self._fleet.deadline
        if deadline is not None and now >= deadline:
            self._handle(DeadlineReached())

    def _plan(self) -> None:
        times = [*self._looks.values(), self._fleet.deadline]
        self._planned = min((time for time in times if time is not None), default=None)
        if self._planned is not None:
            self._turn_at(self._planned)

    # The core ------------------------------------------------------------------------------------------------

    def _handle(self, event: Event) -> None:
        if self.alive:
            self._carry_out(self._fleet.handle(event, self._clock.now))

    def _carry_out(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Spawn():
                    self._handle(self._spawn(effect.agent, effect.generation))
                case SignalTree():
                    self._signal_tree(effect.agent, effect.signal)
                case StateChanged():
                    self._tell("claimed", effect.agent, effect.generation, text=str(effect.new))
                case Finish():
                    self._end(effect.code, None)
                case Alert():
                    pass  # nothing that can be seen from outside yet

    def _spawn(self, agent: str, number: int) -> Event:
        if agent in self._broken:
            return SpawnFailed(agent, number, self._broken[agent])

        def program(process: Process) -> Program:
            body = SimulatedBody(process, plan, self._kernel, self._clock, self)
            return body.live_by(plan)

        plan = self._plans[agent]
        leader = self._kernel.spawn(agent, number, self.pid, program)
        self._generations[agent] = _Generation(leader)
        if agent in self._watches:
            self._watches[agent].begin()
        return Spawned(agent, number, leader.pid)

    def _signal_tree(self, agent: str, number: int) -> None:
        """SIGTERM once to each, SIGCONT behind it; SIGKILL to all, until there are none (see `effects.SignalTree`)."""
        generation = self._generations.get(agent)
        if generation is None:
            return
        for process in self._kernel.tree(agent, generation.number):
            if number == signal.SIGKILL:
                self._kernel.kill(process, number)
            elif process.pid not in generation.has_had_term:
                generation.has_had_term.add(process.pid)
                self._kernel.kill(process, number)
                self._kernel.kill(process, signal.SIGCONT)

    # Its own end ---------------------------------------------------------------------------------------------

    def _end(self, code: int | None, number: int | None) -> None:
        self.alive = False
        if self._turn_timer is not None:
            self._turn_timer.cancel()
        self._tell("subject.exit", code=code, number=number)

    def _tell(
        self,
        what: What,
        agent: str = "",
        generation: int = 0,
        *,
        text: str = "",
        code: int | None = None,
        number: int | None = None,
    ) -> None:
        pid = 0 if agent else self.pid
        self._observe(
            Observation(
                t=self._clock.now,
                what=what,
                agent=agent,
                generation=generation,
                pid=pid,
                code=code,
                signal=number,
                text=text,
                source="subject" if agent else "simulation",
            )
        )

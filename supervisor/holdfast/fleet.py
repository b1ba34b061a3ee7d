"""All agents of a supervisor, decided together: who may start now, who stops first, when everything is done.

What one agent does is in `agent`. The fleet hands each event to the agent it concerns, grants starts (slots,
dependencies), stops dependents before what they depend on, and keeps one deadline for all. Like everything
pure it reads no clock: `now` is the caller's monotonic time in seconds.
"""

from collections.abc import Mapping
from heapq import heappop, heappush

from holdfast.agent import Agent, AgentView
from holdfast.effects import Effect, Finish, State, StateChanged
from holdfast.events import (
    DeadlineReached,
    Event,
    RestartRequested,
    ShutdownRequested,
    StartRequested,
    StopRequested,
    Woke,
)
from holdfast.policy import AgentPolicy, FleetPolicy

_READY = frozenset({State.RUNNING, State.EXITED})
"""States of an agent that let those start which come after it."""


class Fleet:
    """The core of the supervisor: `handle(event, now)` and `deadline`."""

    def __init__(self, agents: Mapping[str, AgentPolicy], policy: FleetPolicy) -> None:
        self.policy = policy
        self._agents = {name: Agent(name, wanted, f"{policy.seed}/{name}") for name, wanted in agents.items()}
        self._dependents: dict[str, list[str]] = {name: [] for name in agents}
        for name, wanted in agents.items():
            for needed in wanted.after:
                self._dependents[needed].append(name)
        self._queue: dict[str, None] = {}
        self._slots = _Slots(policy.start_burst, policy.start_spacing)
        self._heap: list[tuple[float, str]] = []
        self._deadlines: dict[str, float | None] = dict.fromkeys(agents)
        self._slot_at: float | None = None
        self._shutting_down = False
        self._to_stop: set[str] = set()
        self._finished = False

    def view(self) -> list[AgentView]:
        """A snapshot of every agent, in the order of the configuration."""
        return [agent.view() for agent in self._agents.values()]

    @property
    def deadline(self) -> float | None:
        """When `DeadlineReached` is to be sent at the latest; None while there is nothing to wait for."""
        while self._heap and self._deadlines[self._heap[0][1]] != self._heap[0][0]:
            heappop(self._heap)
        first = self._heap[0][0] if self._heap else None
        if self._slot_at is None:
            return first
        return self._slot_at if first is None else min(first, self._slot_at)

    def begin(self, now: float) -> list[Effect]:
        """Start every agent."""
        out: list[Effect] = []
        for name in self._agents:
            out += self._tell(name, StartRequested(name), now)
        return out + self._turn(now)

    def handle(self, event: Event, now: float) -> list[Effect]:
        """Take one event in and give the effects out, in the order in which they are to be carried out.

        Raises KeyError for an agent that does not exist: whoever takes names from outside checks them first.
        """
        match event:
            case ShutdownRequested():
                out = self._shut_down(event.urgent, now)
            case DeadlineReached():
                out = self._deadline_reached(now)
            case Woke():
                out = [effect for name in self._agents for effect in self._tell(name, event, now)]
            case StartRequested() | RestartRequested() if self._shutting_down or self._finished:
                out = []  # stop means stop
            case _:
                out = self._tell(event.agent, event, now)
        return out + self._turn(now)

    def _tell(self, name: str, event: Event, now: float) -> list[Effect]:
        assert not isinstance(event, ShutdownRequested)
        agent = self._agents[name]
        out = agent.handle(event, now)
        self._note(agent)
        return out

    def _note(self, agent: Agent) -> None:
        """Keep the queue and the heap in step with what an agent wants."""
        if agent.due:
            self._queue[agent.name] = None
        else:
            self._queue.pop(agent.name, None)
        deadline = agent.deadline
        if deadline != self._deadlines[agent.name]:
            self._deadlines[agent.name] = deadline
            if deadline is not None:
                heappush(self._heap, (deadline, agent.name))
                self._drop_outdated()

    def _drop_outdated(self) -> None:
        """Every beat moves a deadline and leaves the old one in the heap; their number stays in proportion."""
        if len(self._heap) > 4 * len(self._agents) + 64:
            self._heap = sorted((at, name) for name, at in self._deadlines.items() if at is not None)

    def _deadline_reached(self, now: float) -> list[Effect]:
        reached: list[str] = []
        while self._heap and self._heap[0][0] <= now:
            deadline, name = heappop(self._heap)
            if self._deadlines[name] == deadline:
                self._deadlines[name] = None
                reached.append(name)
        return [effect for name in reached for effect in self._tell(name, DeadlineReached(), now)]

    def _turn(self, now: float) -> list[Effect]:
        """What one agent's news means for the others."""
        out: list[Effect] = []
        if self._shutting_down:
            out += self._stop_next(now)
        elif self._queue:
            out += self._admit(now)
        else:
            self._slot_at = None
        finish = self._finish()
        return [*out, finish] if finish else out

    # Starting ------------------------------------------------------------------------------------------------

    def _admit(self, now: float) -> list[Effect]:
        """Grant the starts that are due, as far as dependencies and slots allow.

        First come, first served; but a restart does not queue behind first starts, or a large fleet's beginning
        would hold up everybody's recovery (RST-10).
        """
        out: list[Effect] = []
        full_until: float | None = None
        queue = [self._agents[name] for name in self._queue]
        for agent in sorted(queue, key=Agent.is_new):
            if full_until is None or agent.state is not State.WAITING:  # the others have been told already
                out += self._admit_one(agent, now)
                self._note(agent)
                if agent.due and self._slots.free_at > now:
                    full_until = self._slots.free_at
        self._slot_at = full_until
        if any(isinstance(effect, StateChanged) and effect.new is State.FATAL for effect in out):
            out += self._admit(now)  # a refusal may be another one's reason
        return out

    def _admit_one(self, agent: Agent, now: float) -> list[Effect]:
        """Start it, or say what it waits for."""
        needed = [self._agents[name] for name in agent.policy.after]
        failed = [need.name for need in needed if need.state is State.FATAL]
        missing = [need.name for need in needed if need.state not in _READY]
        if failed:
            return agent.refuse(f"{failed[0]} is fatal", now)
        if missing:
            return agent.wait(f"after {', '.join(missing)}", now)
        if self._slots.take(now):
            return agent.start(now)
        return agent.wait("start slot", now)

    # Stopping ------------------------------------------------------------------------------------------------

    def _shut_down(self, urgent: bool, now: float) -> list[Effect]:
        self._slot_at = None
        if not self._shutting_down:
            self._shutting_down = True
            self._to_stop = set(self._agents)
        if not urgent:
            return []
        self._to_stop.clear()
        out: list[Effect] = []
        for agent in self._agents.values():
            out += agent.kill(now)
            self._note(agent)
        return out

    def _stop_next(self, now: float) -> list[Effect]:
        """Stop every agent whose dependents are all down (STOP-3)."""
        out: list[Effect] = []
        if not self._to_stop:
            return out
        for name in [name for name in self._agents if name in self._to_stop]:
            if all(self._agents[dependent].settled for dependent in self._dependents[name]):
                self._to_stop.discard(name)
                out += self._tell(name, StopRequested(name), now)
        if out and self._to_stop:
            out += self._stop_next(now)
        return out

    def _finish(self) -> Finish | None:
        """The end of the run, once: everything is down, and nobody can want it up again (RST-6)."""
        if self._finished or not all(agent.settled for agent in self._agents.values()):
            return None
        states = {agent.state for agent in self._agents.values()}
        if not self._shutting_down and State.STOPPED in states:
            return None  # an operator stopped it and may start it again
        self._finished = True
        if self._shutting_down or State.FATAL not in states:
            return Finish(0)
        return Finish(self.policy.fatal_exit)


class _Slots:
    """So many starts at one instant, further ones a fixed time apart: a leaky bucket (RST-10)."""

    def __init__(self, burst: int, spacing: float) -> None:
        self._room = (burst - 1) * spacing
        self._spacing = spacing
        self._full_at = 0.0

    @property
    def free_at(self) -> float:
        """When the next start may happen."""
        return self._full_at - self._room

    def take(self, now: float) -> bool:
        """Take a slot if one is free."""
        if self._full_at - self._room > now:
            return False
        self._full_at = max(self._full_at, now) + self._spacing
        return True

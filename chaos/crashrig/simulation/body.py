"""A fake agent's process in the simulation: the `Body` that the simulated kernel makes.

The programs that run on it are the very ones that real fake agents run (`agents.behaviours`), and what it
observes is what `agents.real_body` reports.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Protocol

from crashrig.agents.beat_text import SPOILT, content, stamp
from crashrig.agents.behaviours import perform
from crashrig.agents.chance import Chance
from crashrig.simulation.heartbeat_file import WALL_ZERO
from crashrig.simulation.process import ProcessEnded

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

    from crashrig.agents.body import Body, Program
    from crashrig.agents.plan_file import Plan
    from crashrig.simulation.clock import Clock
    from crashrig.simulation.heartbeat_file import HeartbeatFile
    from crashrig.simulation.kernel import Kernel
    from crashrig.simulation.process import Process


class Surroundings(Protocol):
    """Where signs of life go: the supervisor's ear, and the file."""

    pid: int

    def heartbeat_file(self, agent: str) -> HeartbeatFile:
        """The agent's heartbeat file."""

    def hear(self, agent: str) -> str:
        """A message on the socket or a line of output; what went wrong, or nothing."""


class SimulatedBody:
    """One process of a simulated fake agent."""

    def __init__(self, process: Process, plan: Plan, kernel: Kernel, clock: Clock, around: Surroundings) -> None:
        self._process = process
        self._plan = plan
        self._kernel = kernel
        self._clock = clock
        self._around = around
        self._chance = Chance(plan.seed, process.generation)
        self._last_beat = self._wall
        self._ready = False

    def live_by(self, plan: Plan) -> Program:
        """The life of an agent's first process."""
        self._kernel.set_alarm(self._process, self._clock.now + plan.lifetime)
        return self.live(perform(self, plan.behaviour(self._process.generation)))

    def live(self, program: Program) -> Program:
        """The program, with exit 0 at its end."""
        yield from program
        self.exit(0)

    @property
    def _lifetime_ends(self) -> float:
        assert self._process.alarm is not None
        return self._process.alarm.time

    # Time, chance and signs of life --------------------------------------------------------------------------

    @property
    def _wall(self) -> float:
        return WALL_ZERO + self._clock.now

    def scaled(self, nominal: float) -> float:
        """Divided by the pace of the plan, which is 1 unless a test wants another."""
        return nominal / self._plan.pace

    def now(self) -> float:
        """Virtual time."""
        return self._clock.now

    def chance(self) -> float:
        """The next draw, the same as a real agent's."""
        return self._chance.draw()

    def beat(self, kind: str) -> None:
        """Into the simulated file, or to the simulated supervisor."""
        problem = self._beat_file(kind) if self._plan.source == "file" else self._beat_supervisor()
        if problem:
            self._kernel.tell(self._process, "note", text=problem)
        else:
            self._kernel.tell(self._process, "beat", text=kind)

    def _beat_file(self, kind: str) -> str:
        file = self._around.heartbeat_file(self._plan.agent)
        claimed = stamp(kind, self._wall, self._last_beat)
        if kind == "good":
            self._last_beat = claimed
        data = content(kind, self._plan.format, claimed, self._process.pid, self._around.pid)
        modified = claimed if self._plan.format == "mtime" else self._wall
        (file.write if kind in SPOILT else file.replace)(data, modified)
        return ""

    def _beat_supervisor(self) -> str:
        problem = self._around.hear(self._plan.agent)
        if not problem and self._plan.source == "notify" and not self._ready:
            self._ready = True
            self._kernel.tell(self._process, "ready")
        return problem

    # Endings and signals -------------------------------------------------------------------------------------

    def exit(self, code: int) -> NoReturn:
        """Said, then done."""
        self._kernel.tell(self._process, "note", text=f"exit {code}", code=code)
        self._kernel.end(self._process, code, None)
        raise ProcessEnded

    def signal_self(self, number: int) -> None:
        """Said, then done."""
        self._kernel.tell(self._process, "note", text=f"signal {number}", signal=number)
        self._process.handlers.pop(number, None)
        self._kernel.kill(self._process, number)
        self._go_on_if_alive()

    def signal_group(self, number: int) -> None:
        """Said, then sent to the members in order of age."""
        self._kernel.tell(self._process, "note", text=f"signal {number} to the group", signal=number)
        for member in self._kernel.group(self._process.group):
            self._kernel.kill(member, number)
        self._go_on_if_alive()

    def _go_on_if_alive(self) -> None:
        if not self._process.alive:
            raise ProcessEnded

    def ignore(self, number: int) -> None:
        """Handled, by an observation."""

        def report() -> None:
            self._kernel.tell(self._process, "received", signal=number)

        self._process.handlers[number] = report

    def on_term(self, reaction: Callable[[Body], Program]) -> None:
        """The reaction takes the program's place."""

        def take_over() -> Program:
            self.ignore(signal.SIGTERM)
            self._kernel.tell(self._process, "received", signal=int(signal.SIGTERM))
            return self.live(reaction(self))

        self._process.handlers[signal.SIGTERM] = take_over

    def stop(self) -> None:
        """Stopped from here on: the next rest lasts at least until SIGCONT, but no longer than the lifetime."""
        self._kernel.set_alarm(self._process, self._lifetime_ends, signal.SIGKILL)
        self._kernel.kill(self._process, signal.SIGSTOP)

    def deadlock(self) -> None:
        """Nothing to do: a program that rests for ever is as good."""

    # Children ------------------------------------------------------------------------------------------------

    def fork(self, program: Callable[[Body], Program]) -> int:
        """The child has a body of its own with the same plan."""

        def begin(child: Process) -> Program:
            self._kernel.set_alarm(child, self._lifetime_ends)
            body = SimulatedBody(child, self._plan, self._kernel, self._clock, self._around)
            return body.live(program(body))

        child = self._kernel.fork(self._process, begin)
        self._go_on_if_alive()
        return child.pid

    def wait_for(self, pid: int) -> None:
        """Nothing to do: a child runs up to its first rest, or to its end, before `fork` returns."""

    def new_session(self) -> None:
        """setsid(2)."""
        self._process.session = self._process.group = self._process.pid

    def release_output(self) -> None:
        """Nothing to do: nobody reads simulated output to its end."""

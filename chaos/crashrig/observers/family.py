"""Which process belongs to which start of which agent: process events become observations here.

A process belongs to the cell when it descends from the cell's own process by the forks that were seen. The first
process of a start is known by the program it executes, which is the very command the supervisor was given; where
that could not be read in time, by the agent's own report. Everything that a first process forks, and what that
forks, is of the same start, whatever session it joins and whoever adopts it. A supervisor's helpers are
nobody's.

An observer that can miss forks cannot be trusted with this: an orphan whose parent it never saw looks like a start.
With such a one, only what the agents report tells who is who.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec

from crashrig.history import Observation
from crashrig.proc import command_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from crashrig.observers.process_event import ProcessEvent


class Process(msgspec.Struct, gc=False):
    """A process of the cell; times in nanoseconds of CLOCK_MONOTONIC. `generation` 0: of no agent."""

    pid: int
    parent: int
    forked: int
    agent: str = ""
    generation: int = 0
    leader: bool = False
    executed: int = 0
    ended: int = 0
    status: int | None = None
    said: tuple[int | None, int | None] | None = None


class Family:
    """All processes of one cell, from the events of an observer and the reports of the agents.

    `root` is the cell's own process, `commands` the agents' names by command line, `zero` the history's.
    `sees_all`: the observer misses no fork. `read_command` is replaced in tests.
    """

    def __init__(
        self,
        root: int,
        commands: Mapping[str, Sequence[str]],
        zero: int,
        source: str,
        *,
        sees_all: bool = True,
        read_command: Callable[[int], bytes] = command_line,
    ) -> None:
        self._root = root
        self._agents = {b"".join(os.fsencode(word) + b"\0" for word in words): name for name, words in commands.items()}
        self._zero = zero
        self._source = source
        self._sees_all = sees_all
        self._read_command = read_command
        self._processes: dict[int, Process] = {}
        self._announced: dict[int, str] = {}
        self._kin: dict[int, Process] = {}
        self._starts: dict[str, int] = {}
        self._supervisor = 0

    # What is -------------------------------------------------------------------------------------------------

    def living(self, agent: str = "") -> list[Process]:
        """Processes of an agent, or of all agents, that have not been seen to end; the eldest first."""
        return [p for p in self._processes.values() if p.generation and not p.ended and agent in ("", p.agent)]

    def leader(self, agent: str) -> Process | None:
        """The youngest living first process of an agent."""
        return next((p for p in reversed(self.living(agent)) if p.leader), None)

    def process(self, pid: int) -> Process | None:
        """What is known of a process of this cell, dead ones included."""
        return self._processes.get(pid)

    # What happens --------------------------------------------------------------------------------------------

    def supervisor_is(self, pid: int) -> None:
        """The end of this process is `subject.exit`; what was seen of its birth comes after this."""
        self._supervisor = pid
        self._processes[pid] = Process(pid, self._root, self._zero)

    def see(self, event: ProcessEvent) -> Iterator[Observation]:
        """The observations that one process event amounts to; none for a process outside the cell."""
        match event.what:
            case "fork":
                yield from self._forked(event)
            case "exec":
                yield from self._executed(event)
            case "exit":
                yield from self._exited(event)
            case "lost":
                yield Observation(t=self._seconds(event.t), what="lost", text=event.text, source=self._source)

    def hear(self, report: Observation) -> Iterator[Observation]:
        """The observations that an agent's report amounts to.

        A report of a start or a birth is not taken for the thing itself, which the observer sees; it only tells
        who a process is, if that is not known yet.
        """
        process = self._processes.get(report.pid)
        if report.what == "start":
            yield from self._announce(process, report)
            return
        if report.what == "birth":
            yield from self._own(process, report)
            return
        if process is not None and process.generation:
            report = msgspec.structs.replace(report, agent=process.agent, generation=process.generation)
            if report.what == "note":
                process.said = (report.code, report.signal)
        yield report

    def _forked(self, event: ProcessEvent) -> Iterator[Observation]:
        parent = self._processes.get(event.parent)
        if parent is None and event.parent != self._root:
            return
        process = Process(event.pid, event.parent, event.t)
        self._processes[event.pid] = process
        kin = self._kin.pop(event.pid, None)
        if parent is not None and parent.generation:
            kin = parent
        if kin is not None:
            yield from self._take_in(process, kin)

    def _executed(self, event: ProcessEvent) -> Iterator[Observation]:
        process = self._processes.get(event.pid)
        if process is None or process.generation:
            return
        process.executed = event.t
        agent = self._announced.pop(event.pid, None)
        if agent is None and self._sees_all:
            agent = self._agents.get(self._read_command(event.pid))
        if agent is not None:
            yield self._begin(process, agent)

    def _announce(self, process: Process | None, report: Observation) -> Iterator[Observation]:
        if process is None:
            self._announced[report.pid] = report.agent
        elif not process.generation:
            yield self._begin(process, report.agent)
            yield from self._adopt_children(process)
            if process.ended:
                yield self._ending(process)

    def _own(self, process: Process | None, report: Observation) -> Iterator[Observation]:
        """A process says whose child it is; its parent may be one that was never seen."""
        parent = self._processes.get(report.parent)
        kin = parent if parent is not None and parent.generation else self._kin.get(report.parent)
        if kin is None:
            return
        if process is None:
            self._kin[report.pid] = kin
        elif not process.generation:
            yield from self._take_in(process, kin)

    def _take_in(self, process: Process, kin: Process) -> Iterator[Observation]:
        process.agent, process.generation = kin.agent, kin.generation
        yield self._observation(process.forked, "birth", process)
        yield from self._adopt_children(process)
        if process.ended:
            yield self._ending(process)

    def _adopt_children(self, parent: Process) -> Iterator[Observation]:
        """Those that were born before it was known whose they are."""
        for child in [p for p in self._processes.values() if p.parent == parent.pid and not p.generation]:
            yield from self._take_in(child, parent)

    def _begin(self, process: Process, agent: str) -> Observation:
        self._starts[agent] = self._starts.get(agent, 0) + 1
        process.agent, process.generation, process.leader = agent, self._starts[agent], True
        return self._observation(process.executed or process.forked, "start", process)

    def _exited(self, event: ProcessEvent) -> Iterator[Observation]:
        process = self._processes.get(event.pid)
        if process is None or process.ended:
            return
        process.ended, process.status = event.t, event.status
        if process.generation or process.pid == self._supervisor:
            yield self._ending(process)

    def _ending(self, process: Process) -> Observation:
        code, signal = how_it_ended(process.status) if process.status is not None else process.said or (None, None)
        what = "exit" if process.leader else "death"
        if process.pid == self._supervisor:
            what = "subject.exit"
        return self._observation(process.ended, what, process, code, signal)

    def _observation(
        self, t: int, what: str, process: Process, code: int | None = None, signal: int | None = None
    ) -> Observation:
        return Observation(
            t=self._seconds(t),
            what=what,  # type: ignore[arg-type]  # one of the words of history.What, by construction
            agent=process.agent,
            generation=process.generation,
            pid=process.pid,
            parent=process.parent,
            code=code,
            signal=signal,
            source=self._source,
        )

    def _seconds(self, t: int) -> float:
        return (t - self._zero) / 1e9


def how_it_ended(status: int) -> tuple[int | None, int | None]:
    """Exit code or signal of a wait status; the other one is None."""
    if os.WIFSIGNALED(status):
        return None, os.WTERMSIG(status)
    return os.WEXITSTATUS(status), None

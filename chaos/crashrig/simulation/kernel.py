"""Processes in virtual time: they are born, run their programs, get signals and die, as signal(7) says.

The kernel tells births and deaths as observations, and deaths to whoever supervises. There are no zombies and no
orphans' reaping here: holdfast's core knows neither.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from crashrig.history import Observation
from crashrig.simulation.process import Process, ProcessEnded

if TYPE_CHECKING:
    from collections.abc import Callable

    from crashrig.agents.body import Program
    from crashrig.history import What
    from crashrig.simulation.clock import Clock

FIRST_PID = 1000
EXEC_SECONDS = 0.0001
"""From the order to start a program to its first instruction: what posix_spawn(3) takes on a quiet machine."""

_IGNORED = frozenset({signal.SIGCHLD, signal.SIGURG, signal.SIGWINCH})
_STOPPING = frozenset({signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU})


class Kernel:
    """All simulated processes. `on_death` is called with each that ends, `observe` with what an observer sees."""

    def __init__(self, clock: Clock, observe: Callable[[Observation], None]) -> None:
        self._clock = clock
        self._observe = observe
        self._next_pid = FIRST_PID
        self._processes: dict[int, Process] = {}
        self._trees: dict[str, dict[int, Process]] = {}
        self.on_death: Callable[[Process, int | None, int | None], None] = lambda *_: None

    # Births --------------------------------------------------------------------------------------------------

    def new_pid(self) -> int:
        """The next process number; none is ever used twice."""
        self._next_pid += 1
        return self._next_pid - 1

    def spawn(self, agent: str, generation: int, parent: int, program: Callable[[Process], Program]) -> Process:
        """Start a generation's first process in a session of its own; its program begins a little later."""
        process = Process(self.new_pid(), parent, agent, generation, leader=True)
        self._add(process)
        process.program = program(process)
        process.timer = self._clock.after(EXEC_SECONDS, lambda: self._rested(process))
        return process

    def fork(self, parent: Process, program: Callable[[Process], Program]) -> Process:
        """Make a child in the parent's group and session, with default actions; it runs up to its first rest."""
        child = Process(self.new_pid(), parent.pid, parent.agent, parent.generation, leader=False)
        child.group, child.session = parent.group, parent.session
        self._add(child)
        child.program = program(child)
        self._run(child)
        return child

    def _add(self, process: Process) -> None:
        self._processes[process.pid] = process
        self._trees.setdefault(process.agent, {})[process.pid] = process

    # Programs ------------------------------------------------------------------------------------------------

    def _run(self, process: Process) -> None:
        """Run a program up to its next rest, or to the end of the process."""
        if not process.executes:
            process.executes = True
            self.tell(process, "start" if process.leader else "birth", parent=process.parent)
        process.on_cpu = True
        try:
            seconds = self._next_rest(process)
        except ProcessEnded:
            return
        finally:
            process.on_cpu = False
        assert process.alive, "whoever ends a running process raises ProcessEnded in it"
        process.timer = self._clock.after(seconds, lambda: self._rested(process))

    def _next_rest(self, process: Process) -> float:
        while True:
            assert process.program is not None
            seconds = next(process.program)
            if process.next_program is None:
                return seconds
            process.program, process.next_program = process.next_program, None

    def _rested(self, process: Process) -> None:
        if process.stopped:
            process.overdue = True
        else:
            self._run(process)

    # Signals -------------------------------------------------------------------------------------------------

    def kill(self, process: Process, number: int) -> None:
        """Send a signal (kill(2)); to a dead process it is nothing."""
        if not process.alive:
            return
        if number == signal.SIGKILL:
            self.end(process, None, number)
        elif number == signal.SIGCONT:
            self._continue(process)
        elif process.stopped:
            if number not in process.pending:
                process.pending.append(number)
        else:
            self._deliver(process, number)

    def _deliver(self, process: Process, number: int) -> None:
        handler = process.handlers.get(number)
        if handler is not None:
            self._leave_for(process, handler())
        elif number in _STOPPING:
            process.stopped = True
        elif number not in _IGNORED:
            self.end(process, None, number)

    def _leave_for(self, process: Process, program: Program | None) -> None:
        if program is None:
            return
        if process.on_cpu:
            process.next_program = program
            return
        if process.timer is not None:
            process.timer.cancel()
        process.overdue = False
        process.program = program
        self._run(process)

    def _continue(self, process: Process) -> None:
        process.stopped = False
        waiting, process.pending = process.pending, []
        for number in waiting:
            if process.alive:
                self.kill(process, number)
        if process.alive and process.overdue and not process.stopped:
            process.overdue = False
            self._run(process)

    def set_alarm(self, process: Process, at: float, number: int = signal.SIGALRM) -> None:
        """Send a signal at a time, whatever the process does (setitimer(2)); in the place of an alarm set before."""
        if process.alarm is not None:
            process.alarm.cancel()
        process.alarm = self._clock.at(at, lambda: self.kill(process, number))

    # Deaths --------------------------------------------------------------------------------------------------

    def end(self, process: Process, code: int | None, number: int | None) -> None:
        """End a process by exit code or by signal."""
        process.alive = False
        del self._processes[process.pid]
        del self._trees[process.agent][process.pid]
        for timer in (process.timer, process.alarm):
            if timer is not None:
                timer.cancel()
        if not process.on_cpu and process.program is not None:
            process.program.close()
        if process.executes:
            self._tell_death(process, code, number)
        self.on_death(process, code, number)

    def _tell_death(self, process: Process, code: int | None, number: int | None) -> None:
        if process.leader:
            self.tell(process, "exit", code=code, signal=number)
        else:
            self.tell(process, "death")

    # Looking -------------------------------------------------------------------------------------------------

    def tree(self, agent: str, generation: int | None = None) -> list[Process]:
        """The living processes of a generation, or of all of an agent's, oldest first."""
        tree = self._trees.get(agent, {}).values()
        return [process for process in tree if generation in (None, process.generation)]

    def leader(self, agent: str) -> Process | None:
        """The living first process of an agent, the newest if there are several."""
        return next((process for process in reversed(self.tree(agent)) if process.leader), None)

    def may_be_of(self, agent: str, pid: int) -> bool:
        """Whether a process is of an agent's tree, or gone, which leaves it the benefit of the doubt."""
        if not FIRST_PID <= pid < self._next_pid:
            return False  # the rest of the machine
        process = self._processes.get(pid)
        return process is None or process.agent == agent

    def group(self, number: int) -> list[Process]:
        """The living processes of a process group."""
        return [process for process in self._processes.values() if process.group == number]

    def tell(
        self,
        process: Process,
        what: What,
        *,
        text: str = "",
        parent: int = 0,
        code: int | None = None,
        signal: int | None = None,
    ) -> None:
        """Let the observer see something of a process."""
        self._observe(
            Observation(
                t=self._clock.now,
                what=what,
                agent=process.agent,
                generation=process.generation,
                pid=process.pid,
                parent=parent,
                code=code,
                signal=signal,
                text=text,
                source="simulation",
            )
        )

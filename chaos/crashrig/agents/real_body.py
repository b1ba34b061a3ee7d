"""A fake agent's process as it really is: the `Body` that system calls make.

Every process rests in a poll on the run's FIFO (`channel`) and ends when its run is gone; `safety` holds it where
it cannot poll.
"""

from time import monotonic, monotonic_ns

from crashrig.agents import safety
from crashrig.agents.beat_writer import writer
from crashrig.agents.chance import Chance
from crashrig.agents.quick import end, os, signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

    from crashrig.agents.body import Body, Program
    from crashrig.agents.channel import Channel
    from crashrig.agents.plan_file import Plan


class RealBody:
    """One process of a fake agent; after a fork the child's copy goes on as the body of the child."""

    def __init__(self, plan: "Plan", generation: int, channel: "Channel") -> None:
        self._plan = plan
        self._generation = generation
        self._channel = channel
        self._chance = Chance(plan.seed, generation)
        self._writer = writer(plan, lambda: self.report("ready"))
        self._handled: set[int] = set()
        self._mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        self._become(os.getpid())
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # children are reaped by the kernel

    def _become(self, pid: int) -> None:
        self._pid = pid
        self._head = f'"a":"{self._plan.agent}","g":{self._generation},"p":{pid}'

    def live(self, program: "Program") -> "NoReturn":
        """Run a program to its end, then exit with 0."""
        for seconds in program:
            signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)
            self._channel.rest(seconds)
        self.exit(0)

    def report(self, kind: str, at: int = 0, **values: "str | int") -> None:
        """Tell the rig; `at` is the time in nanoseconds on the monotonic clock, 0 for now."""
        self._channel.send(self._head, kind, at, values)

    # Time, chance and signs of life --------------------------------------------------------------------------

    def scaled(self, nominal: float) -> float:
        """Divided by the pace."""
        return nominal / self._plan.pace

    def now(self) -> float:
        """CLOCK_MONOTONIC."""
        return monotonic()

    def chance(self) -> float:
        """The next draw."""
        return self._chance.draw()

    def beat(self, kind: str) -> None:
        """Reported with the time at which the writing began: nobody can have seen it earlier."""
        at = monotonic_ns()
        problem = self._writer.beat(kind, self._pid)
        if problem:
            self.report("note", text=problem)
        else:
            self.report("beat", at, text=kind)

    # Endings and signals -------------------------------------------------------------------------------------

    def exit(self, code: int) -> "NoReturn":
        """Said before it is done: where the kernel tells nobody, this is how the exit code is known."""
        self.report("note", text=f"exit {code}", code=code)
        end(code)

    def signal_self(self, number: int) -> None:
        """Said before it is done, as above."""
        self.report("note", text=f"signal {number}", signal=number)
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, signal.SIG_DFL)
        os.kill(self._pid, number)

    def signal_group(self, number: int) -> None:
        """kill(2) with pid 0."""
        self.report("note", text=f"signal {number} to the group", signal=number)
        os.kill(0, number)

    def ignore(self, number: int) -> None:
        """Handled, by a report."""
        self._handled.add(number)
        signal.signal(number, self._received)

    def on_term(self, reaction: "Callable[[Body], Program]") -> None:
        """The reaction runs inside the handler and never returns from it."""

        def take_over(number: int, frame: object) -> None:
            self.ignore(signal.SIGTERM)
            self._received(number, frame)
            self.live(reaction(self))

        self._handled.add(signal.SIGTERM)
        signal.signal(signal.SIGTERM, take_over)

    def _received(self, number: int, frame: object) -> None:  # noqa: ARG002
        self.report("received", signal=number)

    def stop(self) -> None:
        """kill(2) with SIGSTOP, and a timer that ends even a stopped process."""
        safety.kill_after(signal.getitimer(signal.ITIMER_REAL)[0])
        os.kill(self._pid, signal.SIGSTOP)

    def deadlock(self) -> None:
        """Never returns."""
        safety.deadlock(self._channel.rest)

    # Children ------------------------------------------------------------------------------------------------

    def fork(self, program: "Callable[[Body], Program]") -> int:
        """No signal reaches the child before its birth is reported and its program has come to its first rest."""
        left, _ = signal.getitimer(signal.ITIMER_REAL)
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        pid = os.fork()
        if pid == 0:
            try:
                self._be_born(left)
                self.live(program(self))
            except Exception as error:
                self.report("note", text=f"failed with {type(error).__name__}")
            finally:
                end(1)  # never back into the parent's program
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        return pid

    def _be_born(self, lifetime: float) -> None:
        safety.end_after(lifetime)
        parent = self._pid
        self._become(os.getpid())
        for number in self._handled:
            signal.signal(number, signal.SIG_DFL)
        self._handled.clear()
        self.report("birth", parent=parent)

    def wait_for(self, pid: int) -> None:
        """waitpid(2) waits even where SIGCHLD is ignored, and then finds no child."""
        try:
            os.waitpid(pid, 0)
        except ChildProcessError:
            pass

    def new_session(self) -> None:
        """setsid(2)."""
        os.setsid()

    def release_output(self) -> None:
        """To /dev/null."""
        null = os.open("/dev/null", os.O_RDWR)
        os.dup2(null, 1)
        os.dup2(null, 2)

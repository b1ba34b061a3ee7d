"""The protocol between a fake agent's programs and the process they run on, real or simulated.

Only types live here. `real_body` and `simulation.body` implement them; `behaviours` use them.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import NoReturn, Protocol

Program = Generator[float, None, None]
"""A running program: what it yields is how many seconds it rests, `FOREVER` included. Whoever drives it ends the
process with exit 0 when it runs out."""


class Body(Protocol):
    """One process of a fake agent, as its program sees it.

    Calls take no time. To let time pass a program yields seconds; signals are answered while it rests.
    """

    def scaled(self, nominal: float) -> float:
        """Seconds of this run that stand for `nominal` seconds of a real life: divided by the pace."""

    def now(self) -> float:
        """Seconds on this body's steady clock."""

    def chance(self) -> float:
        """The next number in [0, 1) drawn from the agent's seed and this generation."""

    def beat(self, kind: str) -> None:
        """Give one sign of life, or something that only looks like one, and report it."""

    def exit(self, code: int) -> NoReturn:
        """End this process with an exit code."""

    def signal_self(self, number: int) -> None:
        """Get a signal with its default action; returns only if that does not end the process."""

    def signal_group(self, number: int) -> None:
        """Send a signal to every process of the own group, itself included."""

    def ignore(self, number: int) -> None:
        """From now on a signal is reported and otherwise changes nothing."""

    def on_term(self, reaction: Callable[[Body], Program]) -> None:
        """When SIGTERM comes, leave what the process does and run `reaction` instead; later ones are reported."""

    def fork(self, program: Callable[[Body], Program]) -> int:
        """Make a child with default signal actions that runs `program`; its pid."""

    def wait_for(self, pid: int) -> None:
        """Return once this child is dead."""

    def new_session(self) -> None:
        """Become the leader of a session and of a group of its own."""

    def release_output(self) -> None:
        """Let go of standard output and error."""

    def deadlock(self) -> None:
        """Take a lock that is already held. A simulated body returns, and the program rests for ever."""

    def stop(self) -> None:
        """Stop as by SIGSTOP; returns after SIGCONT."""

"""A simulated process: what the kernel remembers of it. What happens to it is in `kernel`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from crashrig.agents.body import Program
    from crashrig.simulation.clock import Timer


class ProcessEnded(BaseException):
    """Not an error: it unwinds the program of a process that has ended."""


class Process:
    """One process. `generation` and `agent` are inherited by children: they are what a tree is made of.

    `timer` ends its rest, `alarm` its life. While it is stopped, signals wait in `pending` and a rest that ends is
    `overdue`. `next_program` is what a signal handler has put in the place of a program that could not be left at
    that moment.
    """

    __slots__ = (
        "agent",
        "alarm",
        "alive",
        "executes",
        "generation",
        "group",
        "handlers",
        "leader",
        "next_program",
        "on_cpu",
        "overdue",
        "parent",
        "pending",
        "pid",
        "program",
        "session",
        "stopped",
        "timer",
    )

    def __init__(self, pid: int, parent: int, agent: str, generation: int, *, leader: bool) -> None:
        self.pid = pid
        self.parent = parent
        self.agent = agent
        self.generation = generation
        self.leader = leader
        self.group = pid
        self.session = pid
        self.alive = True
        self.executes = False
        self.stopped = False
        self.overdue = False
        self.on_cpu = False
        self.pending: list[int] = []
        self.handlers: dict[int, Callable[[], Program | None]] = {}
        self.program: Program | None = None
        self.next_program: Program | None = None
        self.timer: Timer | None = None
        self.alarm: Timer | None = None

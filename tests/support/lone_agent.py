"""One fake agent without a supervisor, simulated and real, told of by the same observations.

The real one is this process's child, reports into a FIFO as in a cell, and is gone, children and all, when
`real` returns.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from typing import TYPE_CHECKING

from crashrig.agents.plan import ENTRY, make_step
from crashrig.agents.plan_file import Plan, dump
from crashrig.agents.reports import Reports
from crashrig.history import Observation
from crashrig.simulation.body import SimulatedBody
from crashrig.simulation.clock import Clock
from crashrig.simulation.heartbeat_file import HeartbeatFile
from crashrig.simulation.kernel import Kernel

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from crashrig.agents.body import Program
    from crashrig.simulation.process import Process

SECONDS_MAX = 10.0


def plan_of(*steps: Mapping[str, object], pace: float = 1.0, seed: int = 1, source: str = "file") -> Plan:
    """A plan with one behaviour, repeated at every start."""
    plan = Plan()
    plan.agent = "worker"
    plan.pace, plan.seed, plan.source = pace, seed, source
    plan.lifetime = 86400.0
    plan.behaviours = [[make_step(step) for step in steps]]
    return plan


class Ear:
    """Stands for the supervisor of a simulated agent: keeps the file, hears everything."""

    pid = 1

    def __init__(self) -> None:
        self.file = HeartbeatFile()
        self.contents: list[bytes | None] = []
        self.file.on_change = lambda: self.contents.append(self.file.content)

    def heartbeat_file(self, agent: str) -> HeartbeatFile:
        return self.file

    def hear(self, agent: str) -> str:
        return ""


class Simulated:
    """A simulated agent; `observations` grow as `run` lets time pass."""

    def __init__(self, plan: Plan, generation: int = 1) -> None:
        self.clock = Clock()
        self.ear = Ear()
        self.observations: list[Observation] = []
        self.kernel = Kernel(self.clock, self.observations.append)

        def program(process: Process) -> Program:
            return SimulatedBody(process, plan, self.kernel, self.clock, self.ear).live_by(plan)

        self.leader = self.kernel.spawn(plan.agent, generation, 0, program)

    def send(self, at: float, number: int) -> None:
        self.clock.at(at, lambda: self.kernel.kill(self.leader, number))

    def run(self, until: float) -> None:
        while self.clock.next_time <= until:
            self.clock.step()
        self.clock.now = until


def simulated(plan: Plan, signals: Iterable[tuple[float, int]] = (), until: float = SECONDS_MAX) -> list[Observation]:
    """What is observed of a simulated agent that gets these signals at these times."""
    agent = Simulated(plan)
    for at, number in signals:
        agent.send(at, number)
    agent.run(until)
    return agent.observations


class Real:
    """A real agent under a directory of the test's; close it, or use it in a `with`."""

    def __init__(self, plan: Plan, directory: Path, environment: Mapping[str, str] | None = None) -> None:
        plan.lifetime = min(plan.lifetime, SECONDS_MAX)
        plan.reports = str(directory / "reports")
        plan.starts = str(directory / "starts")
        plan.file = str(directory / "heartbeat")
        (directory / "starts").mkdir(exist_ok=True)
        (directory / "plan").write_text(dump(plan))
        if not (directory / "reports").exists():
            os.mkfifo(directory / "reports")
        self.reader = os.open(plan.reports, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        self.zero = time.monotonic_ns()
        self._reports = Reports(self.zero)
        self.observations: list[Observation] = []
        command = [sys.executable, "-I", "-S", "-E", str(ENTRY), str(directory / "plan")]
        self.pid = os.posix_spawn(command[0], command, dict(environment or {}), setsid=True)
        self.status: int | None = None

    def __enter__(self) -> Real:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, number: int) -> None:
        if self.status is None:
            os.kill(self.pid, number)

    def read(self, seconds: float) -> None:
        """Take in what arrives within so many seconds."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            ready, _, _ = select.select([self.reader], [], [], left)
            data = os.read(self.reader, 65536) if ready else b""
            self.observations += self._reports.feed(data)
            if not data:
                time.sleep(min(0.002, max(left, 0.0)))  # no writer left, or none yet: select returns at once

    def read_until(self, what: str, count: int = 1) -> None:
        """Take in what arrives until `what` was seen so often."""
        deadline = time.monotonic() + SECONDS_MAX
        while sum(seen.what == what for seen in self.observations) < count:
            assert time.monotonic() < deadline, f"no {what} in {self.observations}"
            self.read(0.005)

    def wait(self) -> None:
        """Take in what arrives until the first process is dead, and say how it ended."""
        deadline = time.monotonic() + SECONDS_MAX
        while self.status is None:
            assert time.monotonic() < deadline, f"still alive: {self.observations}"
            self.read(0.005)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = status
        self.read(0.02)
        code = os.waitstatus_to_exitcode(self.status)
        ended = Observation(
            t=(time.monotonic_ns() - self.zero) / 1e9,
            what="exit",
            agent="worker",
            generation=1,
            pid=self.pid,
            code=code if code >= 0 else None,
            signal=-code if code < 0 else None,
        )
        self.observations.append(ended)

    def children(self) -> set[int]:
        """Every other process of the agent that reported its birth."""
        return {seen.pid for seen in self.observations if seen.what == "birth"}

    def close(self) -> None:
        """The rig is gone: nobody reads any more. Whatever still lives then has a moment to notice."""
        if self.reader >= 0:
            os.close(self.reader)
            self.reader = -1
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            self.status = os.waitpid(self.pid, 0)[1]


def is_alive(pid: int) -> bool:
    """Whether a process lives; a zombie does not."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] not in ("Z", "X")
    except FileNotFoundError:
        return False


def real(plan: Plan, directory: Path, signals: Iterable[tuple[float, int]] = ()) -> list[Observation]:
    """What is observed of a real agent that gets these signals so long after its start, until it ends."""
    with Real(plan, directory) as agent:
        agent.read_until("start")
        started = time.monotonic()
        for at, number in signals:
            agent.read(max(0.0, started + at - time.monotonic()))
            agent.send(number)
        agent.wait()
        return agent.observations


def told(observations: Iterable[Observation]) -> tuple[list[str], list[list[str]]]:
    """What the first process told, in order, and what each other one did, whatever their order and times."""
    by_pid: dict[int, list[str]] = {}
    leader = 0
    for seen in observations:
        if seen.what == "death":
            continue
        if seen.what == "start":
            leader = seen.pid
        details = [seen.text, *(f"{name} {value}" for name, value in _numbers(seen) if value is not None)]
        by_pid.setdefault(seen.pid, []).append(" ".join([seen.what, *filter(None, details)]))
    first = by_pid.pop(leader)
    return first, sorted(by_pid.values())


def _numbers(seen: Observation) -> list[tuple[str, int | None]]:
    return [("code", seen.code), ("signal", seen.signal)]

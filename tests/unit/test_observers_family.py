"""Whose process is it? From process events and reports to observations (RST-11, STOP-2: the tree is everything)."""

from __future__ import annotations

import signal
from typing import Literal

import pytest

from crashrig.history import Observation
from crashrig.observers.family import Family
from crashrig.observers.process_event import ProcessEvent

CELL, SUPERVISOR = 100, 200
COMMANDS = {"worker": ["python", "worker.plan"], "other": ["python", "other.plan"]}
WORKER, OTHER, SHELL = b"python\0worker.plan\0", b"python\0other.plan\0", b"sh\0-c\0true\0"


class Machine:
    """Plays the kernel to a family; times are milliseconds."""

    def __init__(self, *, sees_all: bool = True) -> None:
        self.programs: dict[int, bytes] = {}
        self.family = Family(
            CELL,
            COMMANDS,
            0,
            "kernel",
            sees_all=sees_all,
            read_command=lambda pid: self.programs.get(pid, b""),
        )
        self.family.supervisor_is(SUPERVISOR)
        self.seen: list[Observation] = []

    def happens(
        self, ms: int, what: Literal["fork", "exec", "exit"], pid: int, *, parent: int = 0, status: int | None = None
    ) -> None:
        self.seen += self.family.see(ProcessEvent(ms * 1_000_000, what, pid, parent, status))

    def fork(self, ms: int, pid: int, parent: int) -> None:
        self.happens(ms, "fork", pid, parent=parent)

    def exec(self, ms: int, pid: int, program: bytes) -> None:
        self.programs[pid] = program
        self.happens(ms, "exec", pid)

    def exit(self, ms: int, pid: int, status: int | None = 0) -> None:
        self.happens(ms, "exit", pid, status=status)

    def start(self, ms: int, pid: int, program: bytes = WORKER) -> None:
        self.fork(ms, pid, SUPERVISOR)
        self.exec(ms + 1, pid, program)

    def report(self, what: Literal["start", "birth", "beat", "note"], pid: int, **more: object) -> list[Observation]:
        told = list(self.family.hear(Observation(t=0.5, what=what, agent="worker", generation=9, pid=pid, **more)))  # type: ignore[arg-type]
        self.seen += told
        return told

    def said(self) -> list[tuple[str, str, int, int]]:
        return [(one.what, one.agent, one.generation, one.pid) for one in self.seen]


@pytest.fixture
def machine() -> Machine:
    return Machine()


def test_a_start_is_the_moment_at_which_the_agent_s_program_is_executed(machine: Machine) -> None:
    machine.start(10, 300)
    assert machine.said() == [("start", "worker", 1, 300)]
    assert machine.seen[0].t == 0.011


def test_starts_are_counted_for_each_agent(machine: Machine) -> None:
    machine.start(10, 300)
    machine.start(20, 301, OTHER)
    machine.exit(30, 300)
    machine.start(40, 302)
    assert [entry for entry in machine.said() if entry[0] == "start"] == [
        ("start", "worker", 1, 300),
        ("start", "other", 1, 301),
        ("start", "worker", 2, 302),
    ]


def test_a_shell_that_becomes_the_agent_starts_it_once(machine: Machine) -> None:
    machine.start(10, 300, SHELL)
    assert machine.said() == []
    machine.exec(15, 300, WORKER)
    machine.exec(16, 300, WORKER)
    assert machine.said() == [("start", "worker", 1, 300)]


def test_whatever_descends_from_a_first_process_is_of_its_generation(machine: Machine) -> None:
    machine.start(10, 300)
    machine.fork(20, 301, 300)
    machine.exit(21, 300)
    machine.fork(22, 302, 301)  # its parent is an orphan by now
    machine.exec(23, 302, WORKER)  # a child is no start, whatever it executes
    machine.exit(24, 301)
    assert machine.said()[1:] == [
        ("birth", "worker", 1, 301),
        ("exit", "worker", 1, 300),
        ("birth", "worker", 1, 302),
        ("death", "worker", 1, 301),
    ]
    assert [process.pid for process in machine.family.living("worker")] == [302]
    assert machine.family.leader("worker") is None


def test_the_supervisor_s_helpers_and_strangers_are_nobody_s(machine: Machine) -> None:
    machine.start(10, 300, SHELL)
    machine.exit(11, 300)
    machine.fork(12, 400, 999)
    machine.exec(13, 400, WORKER)
    assert machine.seen == []
    assert machine.family.process(400) is None


def test_the_end_of_the_supervisor(machine: Machine) -> None:
    machine.exit(10, SUPERVISOR, 100 << 8)
    assert [(one.what, one.code, one.signal) for one in machine.seen] == [("subject.exit", 100, None)]
    machine.exit(11, SUPERVISOR, 0)
    assert len(machine.seen) == 1


def test_how_a_process_ended(machine: Machine) -> None:
    machine.start(10, 300)
    machine.exit(20, 300, 7 << 8)
    machine.start(30, 301)
    machine.exit(40, 301, signal.SIGSEGV | 0x80)  # with a core
    assert [(one.code, one.signal) for one in machine.seen if one.what == "exit"] == [(7, None), (None, signal.SIGSEGV)]


def test_an_end_that_nobody_saw_is_told_by_what_the_agent_said_last(machine: Machine) -> None:
    machine.start(10, 300)
    machine.report("note", 300, text="exit 4", code=4)
    machine.exit(20, 300, None)
    machine.start(30, 301)
    machine.exit(40, 301, None)
    assert [(one.code, one.signal) for one in machine.seen if one.what == "exit"] == [(4, None), (None, None)]


def test_a_report_is_of_the_generation_that_was_seen_whatever_it_says(machine: Machine) -> None:
    machine.start(10, 300)
    beat = machine.report("beat", 300, text="good")
    assert [(one.agent, one.generation) for one in beat] == [("worker", 1)]


def test_reports_of_starts_and_births_are_not_the_thing_itself(machine: Machine) -> None:
    machine.start(10, 300)
    assert machine.report("start", 300) == []
    assert machine.report("birth", 301) == []


def test_a_program_that_could_not_be_read_is_known_by_its_report(machine: Machine) -> None:
    machine.fork(10, 300, SUPERVISOR)
    machine.happens(11, "exec", 300)
    machine.fork(12, 301, 300)
    machine.exit(13, 301)
    machine.exit(14, 300, 3 << 8)
    assert machine.seen == []
    machine.report("start", 300)
    assert [(one.what, one.pid, one.t) for one in machine.seen] == [
        ("start", 300, 0.011),
        ("birth", 301, 0.012),
        ("death", 301, 0.013),
        ("exit", 300, 0.014),
    ]


def test_a_report_that_comes_before_the_exec_was_seen_is_kept(machine: Machine) -> None:
    machine.report("start", 300)
    machine.fork(10, 300, SUPERVISOR)
    machine.happens(11, "exec", 300)
    assert machine.said() == [("start", "worker", 1, 300)]


def test_a_number_that_is_used_again_is_another_process(machine: Machine) -> None:
    machine.start(10, 300)
    machine.exit(20, 300)
    machine.start(30, 300, OTHER)
    machine.exit(40, 300)
    assert machine.said()[2:] == [("start", "other", 1, 300), ("exit", "other", 1, 300)]


def test_a_loss_is_an_observation(machine: Machine) -> None:
    lost = list(machine.family.see(ProcessEvent(7_000_000, "lost", text="3 events")))
    assert [(one.what, one.text, one.t) for one in lost] == [("lost", "3 events", 0.007)]


def test_an_orphan_whose_parent_was_never_seen_is_no_start() -> None:
    machine = Machine(sees_all=False)
    machine.start(10, 300)
    machine.report("start", 300)
    machine.start(30, 302)  # adopted by the supervisor, and running the agent's program, which it was forked with
    machine.report("birth", 301, parent=300)
    machine.report("birth", 302, parent=301)
    machine.exit(40, 302)
    assert machine.said() == [
        ("start", "worker", 1, 300),
        ("birth", "worker", 1, 302),
        ("death", "worker", 1, 302),
    ]


def test_a_child_that_spoke_before_it_was_seen_is_known() -> None:
    machine = Machine(sees_all=False)
    machine.start(10, 300)
    machine.report("start", 300)
    machine.report("birth", 301, parent=300)
    machine.fork(20, 301, SUPERVISOR)
    assert machine.said()[1:] == [("birth", "worker", 1, 301)]

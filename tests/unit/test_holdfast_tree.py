"""Whose an orphan is, and when a generation is proven empty: on a process table made up for the test."""

from __future__ import annotations

import os
from typing import NamedTuple

import pytest

from holdfast import procfs, tree
from holdfast.tree import Death, Forest, Tree

SUPERVISOR = os.getpid()


class Fake(NamedTuple):
    parent: int
    session: int
    started: int
    environment: dict[bytes, bytes]


class Table:
    """A made-up process table with a supervisor in it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.processes: dict[int, Fake] = {}
        self.dead: list[Death] = []
        self.groups: dict[int, str] = {}
        self.brands: dict[int, int] = {}
        self.reports: list[str] = []
        self.unreadable = False
        monkeypatch.setattr(tree, "become_subreaper", lambda: None)
        monkeypatch.setattr(tree, "_open_children_list", lambda _pid: -1)
        monkeypatch.setattr(tree, "_reap_one", self.reap_one)
        monkeypatch.setattr(procfs, "children", self.children)
        monkeypatch.setattr(procfs, "status", self.status)
        monkeypatch.setattr(procfs, "environment", lambda pid: self.processes[pid].environment)
        monkeypatch.setattr(tree, "brand_of", lambda pid: self.brands.get(pid, 0))
        monkeypatch.setattr(os, "pidfd_open", lambda _pid: -1)

    def forest(self) -> Forest:
        return Forest(self.groups.get, self.reports.append)

    def children(self, pid: int) -> list[int]:
        if self.unreadable:
            raise OSError(24, "Too many open files")
        return [number for number, process in self.processes.items() if process.parent == pid]

    def status(self, pid: int) -> procfs.Status | None:
        process = self.processes.get(pid)
        return process and procfs.Status(pid, process.parent, process.session, process.started)

    def add(
        self,
        pid: int,
        parent: int = SUPERVISOR,
        session: int = 0,
        started: int = 100,
        marks: tuple[str, int] | None = None,
    ) -> None:
        environment: dict[bytes, bytes] = {}
        if marks:
            name, generation = marks
            environment = {
                b"HOLDFAST_PID": str(SUPERVISOR).encode(),
                b"HOLDFAST_AGENT": name.encode(),
                b"HOLDFAST_GENERATION": str(generation).encode(),
            }
        self.processes[pid] = Fake(parent, session or pid, started, environment)

    def plant(self, forest: Forest, agent: str, pid: int, born: int = 50) -> Tree:
        self.add(pid, started=born)
        return forest.plant(agent, 1, pid, born)

    def die(self, pid: int) -> None:
        """Its children become the supervisor's, as the kernel does it."""
        del self.processes[pid]
        for number, process in self.processes.items():
            if process.parent == pid:
                self.processes[number] = process._replace(parent=SUPERVISOR)
        self.dead.append(Death(pid, 1, None))

    def reap_one(self) -> Death | None:
        if self.dead:
            return self.dead.pop(0)
        return None if self.children_left() else Death(0, None, None)

    def children_left(self) -> bool:
        return any(process.parent == SUPERVISOR for process in self.processes.values())


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Table:
    return Table(monkeypatch)


def test_a_generation_with_its_leader_is_not_empty(table: Table) -> None:
    forest = table.forest()
    assert not forest.is_empty(table.plant(forest, "a", 10))


def test_without_any_child_it_is_empty_without_looking(table: Table) -> None:
    forest = table.forest()
    one = table.plant(forest, "a", 10)
    table.die(10)
    assert forest.reap() == ([(one, Death(10, 1, None))], False)
    table.unreadable = True
    assert forest.is_empty(one)


def test_other_agents_do_not_hold_it_up(table: Table) -> None:
    forest = table.forest()
    one, _two = table.plant(forest, "a", 10), table.plant(forest, "b", 20)
    table.add(21, parent=20)
    table.die(10)
    forest.reap()
    assert forest.is_empty(one)


def test_an_orphan_holds_it_up_until_it_is_reaped(table: Table) -> None:
    forest = table.forest()
    one = table.plant(forest, "a", 10)
    table.add(11, parent=10, session=10)
    table.die(10)
    forest.reap()
    assert not forest.is_empty(one)
    table.die(11)
    forest.reap()
    assert forest.is_empty(one)


def test_what_cannot_be_seen_is_not_proven(table: Table) -> None:
    forest = table.forest()
    one, _two = table.plant(forest, "a", 10), table.plant(forest, "b", 20)
    table.die(10)
    forest.reap()
    table.unreadable = True
    assert not forest.is_empty(one)


@pytest.mark.parametrize("how", ["brand", "session", "marks", "group", "company"])
def test_an_orphan_is_known_by(table: Table, how: str) -> None:
    forest = table.forest()
    one, two = table.plant(forest, "a", 10), table.plant(forest, "b", 20)
    if how == "brand":
        two.brand = 777
        table.add(30)
        table.brands[30] = 777
    elif how == "session":
        table.add(30, session=20)
    elif how == "marks":
        table.add(30, marks=("b", 1))
    elif how == "group":
        table.add(30)
        table.groups[30] = "b"
    else:  # in the session of another orphan that is known
        table.add(31, marks=("b", 1))
        table.add(30, session=31)
    assert 30 in forest.roots(two)
    assert 30 not in forest.roots(one)
    assert table.reports == []


@pytest.mark.parametrize("marks", [("b", 2), ("c", 1)], ids=["another generation", "no such agent"])
def test_marks_of_somebody_else_are_none(table: Table, marks: tuple[str, int]) -> None:
    forest = table.forest()
    one, two = table.plant(forest, "a", 10), table.plant(forest, "b", 20)
    table.add(30, marks=marks)
    assert 30 not in [*forest.roots(one), *forest.roots(two)]


def test_marks_of_an_inner_supervisor_are_none(table: Table) -> None:
    forest = table.forest()
    table.plant(forest, "a", 10)
    two = table.plant(forest, "b", 20)
    table.add(30, session=20, marks=("a", 1))
    inner = {**table.processes[30].environment, b"HOLDFAST_PID": b"20"}
    table.processes[30] = table.processes[30]._replace(environment=inner)
    assert 30 in forest.roots(two)


def test_what_it_belongs_to_is_remembered(table: Table) -> None:
    """A process can change its session after it was recognised by it."""
    forest = table.forest()
    table.plant(forest, "a", 10)
    two = table.plant(forest, "b", 20)
    table.add(30, session=20)
    assert 30 in forest.roots(two)
    table.processes[30] = table.processes[30]._replace(session=30)
    assert 30 in forest.roots(two)


def test_only_one_generation_is_old_enough(table: Table) -> None:
    forest = table.forest()
    one, _two = table.plant(forest, "a", 10, born=50), table.plant(forest, "b", 20, born=200)
    table.add(30, started=100)
    assert 30 in forest.roots(one)


def test_an_ambiguous_orphan_is_reported_once_and_holds_nobody_up(table: Table) -> None:
    forest = table.forest()
    one, two = table.plant(forest, "a", 10), table.plant(forest, "b", 20)
    table.add(30)
    table.die(10)
    forest.reap()
    assert forest.is_empty(one)
    assert forest.is_empty(one)
    assert 30 not in forest.roots(two)
    assert len(table.reports) == 1
    assert "30" in table.reports[0]


def test_an_ambiguous_orphan_goes_with_the_last_that_can_have_borne_it(table: Table) -> None:
    forest = table.forest()
    one, two = table.plant(forest, "a", 10), table.plant(forest, "b", 20)
    table.add(30)
    table.die(10)
    forest.reap()
    assert forest.is_empty(one)
    forest.uproot(one)
    table.plant(forest, "a", 40, born=300)
    table.die(20)
    forest.reap()
    assert not forest.is_empty(two)
    assert list(forest.roots(two)) == [30]


def test_when_all_that_can_have_borne_it_are_dead_the_first_takes_it(table: Table) -> None:
    forest = table.forest()
    one, two = table.plant(forest, "a", 10), table.plant(forest, "b", 20)
    table.add(30)
    table.die(10)
    table.die(20)
    forest.reap()
    assert not forest.is_empty(one)
    assert forest.is_empty(two)


def test_children_from_before_are_left_alone_and_end_all_guessing(table: Table) -> None:
    table.add(5)
    forest = table.forest()
    one = table.plant(forest, "a", 10)
    table.add(30)
    assert list(forest.roots(one)) == [10]
    assert forest.everything_left() == [10]


def test_nobody_is_guessed_at_as_pid_1(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other programs of a container leave their orphans to PID 1."""
    monkeypatch.setattr(os, "getpid", lambda: 1)
    forest = table.forest()
    one = table.plant(forest, "a", 10)
    table.processes[10] = table.processes[10]._replace(parent=1)
    table.add(30, parent=1)
    table.add(31, parent=1, session=10)
    assert list(forest.roots(one)) == [10, 31]


def test_everything_left_is_leaders_orphans_and_the_ambiguous(table: Table) -> None:
    forest = table.forest()
    table.plant(forest, "a", 10)
    table.plant(forest, "b", 20)
    table.add(30)
    table.add(31, session=20)
    assert sorted(forest.everything_left()) == [10, 20, 30, 31]


def test_membership_is_descent(table: Table) -> None:
    forest = table.forest()
    one, two = table.plant(forest, "a", 10), table.plant(forest, "b", 20)
    table.add(11, parent=10)
    table.add(12, parent=11)
    table.add(30, session=20)
    table.add(31, parent=30)
    table.add(99, parent=1)
    assert [pid for pid in (10, 11, 12, 20, 30, 31, 99) if forest.contains(one, pid)] == [10, 11, 12]
    assert [pid for pid in (10, 11, 12, 20, 30, 31, 99) if forest.contains(two, pid)] == [20, 30, 31]
    assert forest.contains(one, 12345)  # gone already: the benefit of the doubt


def test_who_is_known_is_not_looked_at_again(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    """A storm: many generations end in one moment and leave much behind; every turn asks which are empty (RST-10)."""
    forest = table.forest()
    trees = [table.plant(forest, f"a{n}", 1000 + n) for n in range(50)]
    for n in range(50):
        for m in range(10):
            table.add(2000 + 10 * n + m, session=1000 + n)
        table.die(1000 + n)
    forest.reap()
    assert forest.empty_among(trees) == []
    looks: list[int] = []
    monkeypatch.setattr(procfs, "status", lambda pid: looks.append(pid) or table.status(pid))
    assert forest.empty_among(trees) == []
    assert looks == []
    for m in range(10):
        table.die(2030 + m)
    forest.reap()
    assert forest.empty_among(trees) == [trees[3]]


def test_a_number_that_became_another_agents_is_no_root(table: Table) -> None:
    """Listed as the orphan of one, reaped, and given to the new first process of another, or to its orphan."""
    forest = table.forest()
    one = table.plant(forest, "a", 10)
    table.add(30, session=10)
    table.add(31, session=10)
    assert list(forest.roots(one)) == [10, 30, 31]
    table.die(30)
    table.die(31)
    forest.reap()
    two = table.plant(forest, "b", 30, born=200)
    table.add(31, session=30, started=210)
    for number in (30, 31):
        status = table.status(number)
        assert status is not None
        assert forest.is_root(two, status)
        assert not forest.is_root(one, status)

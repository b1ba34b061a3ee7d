"""Whatever a cell leaves behind and whoever is killed, the sandbox cleans up, and says what it found (CHS-4)."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from running import exists, until

from crashrig import proc
from crashrig.sandbox import group
from crashrig.sandbox.launch import Outcome, Sandbox
from crashrig.sandbox.reaper import Order
from crashrig.sandbox.sweep import MARKER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.real

LONG = "sleep 60"
ESCAPES = "setsid sh -c 'setsid sleep 60 & setsid sleep 60 &'"  # gone when it returns, its children are orphans
GONE_SECONDS = 5.0


@pytest.fixture(params=["groups", "no groups"])
def bases(request: pytest.FixtureRequest) -> dict[str, str]:
    """With what this machine has, and as on one that has nothing."""
    return group.bases() if request.param == "groups" else {}


class Case:
    """One sandbox whose cell is a shell script; it writes a word when it is ready."""

    def __init__(self, script: str, directory: Path, bases: dict[str, str], deadline: float) -> None:
        self.name = f"test{os.getpid()}-1"
        self.groups = group.Group.named(bases, self.name)
        self.ready = directory / "ready"
        self.scratch = directory / "scratch"
        self.mark = f"{self.name}/1"
        joins = "".join(f"echo 0 > {path}/cgroup.procs; " for path in self.groups.directories.values())
        self.sandbox = Sandbox(
            Order(
                cell=self.mark,
                command=["/bin/sh", "-c", joins + self._written(script)],
                environment=dict(os.environ),
                log=str(directory / "log"),
                scratch=str(self.scratch),
                group=self.groups.directories,
                processes=64,
                memory=1 << 28,
                deadline=deadline,
            )
        )

    def _written(self, script: str) -> str:
        return script.replace("READY", f"echo $$ > {self.ready}").replace("SCRATCH", str(self.scratch))

    def cell(self) -> int:
        """The cell's pid, once it is ready."""
        return int(until(lambda: self.ready.exists() and self.ready.read_text().strip(), "the cell is ready"))

    def left(self) -> list[str]:
        """Anything at all of this sandbox."""
        found = [proc.describe(pid) for pid in proc.marked(MARKER, self.mark)]
        return found + [path for path in (*self.groups.directories.values(), self.scratch) if os.path.exists(path)]


@pytest.fixture
def begin(tmp_path: Path, bases: dict[str, str]) -> Iterator[Callable[..., Case]]:
    begun: list[Case] = []

    def begin_one(script: str, deadline: float = 30.0) -> Case:
        begun.append(Case(script, tmp_path, bases, deadline))
        return begun[-1]

    yield begin_one
    for case in begun:
        case.sandbox.kill()
        case.sandbox.wait()


def test_a_cell_that_ends_by_itself(begin: Callable[..., Case]) -> None:
    case = begin("READY; exit 3")
    outcome = case.sandbox.wait()
    assert outcome == Outcome(why="ended", status=3 << 8)
    assert case.left() == []


def test_what_a_cell_leaves_is_killed_and_told(begin: Callable[..., Case]) -> None:
    case = begin(f"{ESCAPES}; READY")
    outcome = case.sandbox.wait()
    assert (outcome.why, outcome.leftovers) == ("ended", [])
    assert len(outcome.swept) == 2
    assert case.left() == []


def test_children_born_while_it_is_cleaned_up_are_killed_too(begin: Callable[..., Case]) -> None:
    hydra = "setsid sh -c 'trap \"\" TERM; for i in 1 2 3 4 5 6 7 8; do (sleep 0.0$i; exec sleep 60) & done; wait' &"
    case = begin(f"{hydra} READY")
    assert case.sandbox.wait().leftovers == []
    assert case.left() == []


def test_files_in_the_scratch_directory_go(begin: Callable[..., Case]) -> None:
    case = begin("mkdir -p SCRATCH/a/b; echo x > SCRATCH/a/b/c; ln -s /etc SCRATCH/a/link; mkfifo SCRATCH/fifo; READY")
    assert case.sandbox.wait().leftovers == []
    assert case.left() == []
    assert Path("/etc/passwd").exists()


def test_a_cell_that_does_not_end_in_time_is_killed(begin: Callable[..., Case]) -> None:
    case = begin(f"trap '' TERM; READY; {ESCAPES}; {LONG}", deadline=0.5)
    outcome = case.sandbox.wait()
    assert (outcome.why, outcome.status, outcome.leftovers) == ("deadline", signal.SIGKILL, [])
    assert case.left() == []


def test_interrupting_lets_the_cell_end_in_good_order(begin: Callable[..., Case]) -> None:
    case = begin(f"trap 'exit 7' TERM; READY; {LONG} & wait")
    case.cell()
    case.sandbox.interrupt()
    outcome = case.sandbox.wait()
    assert (outcome.why, outcome.status) == ("interrupted", 7 << 8)
    assert case.left() == []


def test_killing_does_not_ask(begin: Callable[..., Case]) -> None:
    case = begin(f"trap '' TERM; READY; {ESCAPES}; {LONG}")
    case.cell()
    case.sandbox.kill()
    assert case.sandbox.wait().leftovers == []
    assert case.left() == []


def test_kill_9_of_the_cell(begin: Callable[..., Case]) -> None:
    case = begin(f"{ESCAPES}; READY; {LONG}")
    os.kill(case.cell(), signal.SIGKILL)
    outcome = case.sandbox.wait()
    assert (outcome.why, outcome.status, outcome.leftovers) == ("ended", signal.SIGKILL, [])
    assert case.left() == []


def test_a_dead_runner_is_an_end_of_file(begin: Callable[..., Case]) -> None:
    """The kernel closes a dead runner's pipe; here it is closed for it."""
    case = begin(f"{ESCAPES}; READY; {LONG}")
    cell = case.cell()
    process = case.sandbox._process
    assert process.stdin is not None
    process.stdin.close()
    until(lambda: not exists(cell) and case.left() == [], "everything is gone", GONE_SECONDS)


def test_kill_9_of_the_reaper(begin: Callable[..., Case]) -> None:
    """The runner does its work; a cell that ties itself to its reaper, as real ones do, dies with it."""
    case = begin(f"{ESCAPES}; READY; {LONG}")
    case.cell()
    os.kill(case.sandbox.pid, signal.SIGKILL)
    outcome = case.sandbox.wait()
    assert (outcome.why, outcome.leftovers) == ("reaper-killed", [])
    assert case.left() == []


def test_a_reaper_ignores_what_a_terminal_sends(begin: Callable[..., Case]) -> None:
    case = begin(f"READY; {LONG}")
    case.cell()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(case.sandbox.pid, number)
    waiting = threading.Thread(target=case.sandbox.wait)
    waiting.start()
    waiting.join(0.3)
    assert waiting.is_alive()
    case.sandbox.kill()
    waiting.join(GONE_SECONDS)


def test_a_group_s_limit_on_processes_holds(tmp_path: Path) -> None:
    found = group.bases()
    if "pids" not in found:
        pytest.skip("no pids controller here")
    limited = group.Group({"pids": f"{found['pids']}/crashrig-test{os.getpid()}-limit"})
    limited.make(processes=5, memory=1 << 30)
    try:
        assert Path(limited.directories["pids"], "pids.max").read_text().strip() == "5"
    finally:
        assert limited.remove(1.0) == []

"""Running one cell and making a result of whatever comes of it: a simulated one here, a real one in its sandbox."""

from __future__ import annotations

import os
import threading
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from crashrig.driving import frozen
from crashrig.driving.cell_spec import HISTORY, LOG, RESULT, SPEC, CellSpec
from crashrig.driving.host import scratch_root
from crashrig.history import write_history
from crashrig.judging.checker import judge, verdict_of
from crashrig.results import CellResult
from crashrig.sandbox.group import PREFIX, Group
from crashrig.sandbox.launch import Outcome, Sandbox, cell_command
from crashrig.sandbox.reaper import Order
from crashrig.verdict import Verdict

if TYPE_CHECKING:
    from crashrig.driving.cells import Cell

CELL_SECONDS = 30.0
"""What a cell may take beside its scenario's timeout and grace; it is killed then, and that is an error."""

RIG_PROCESSES = 96
"""Tasks that a cell's group may hold beside the scenario's budget: the cell, the supervisor, an adapter's helpers."""

RIG_MEMORY = 384 << 20
"""Bytes for the same. The limits hold back what runs away; what a scenario says of memory is judged elsewhere."""


class Workshop(msgspec.Struct, frozen=True, kw_only=True):
    """What all cells of a run share: its short id, its directory, the machine's control groups, the observer."""

    run: str
    directory: Path
    bases: dict[str, str]
    observer: str


def run_simulated(cell: Cell, workshop: Workshop) -> CellResult:
    """Run a cell in virtual time, in this process."""
    started = time.monotonic()
    directory = _make_directory(cell, workshop)
    try:
        result = _simulate(cell, directory)
    except Exception as error:  # the rig's own fault: said in the result, and in full beside it
        (directory / LOG).write_text(traceback.format_exc(), encoding="utf-8")
        result = cell.result(Verdict.ERROR, f"the simulation failed: {type(error).__name__}: {error}")
    result.seconds = time.monotonic() - started
    return _finished(cell, workshop, result)


def _simulate(cell: Cell, directory: Path) -> CellResult:
    from crashrig.simulation.run import simulate

    history = simulate(cell.scenario, cell.key.scenario, cell.key.seed, cell.config.override)
    write_history(directory / HISTORY, history)
    results = judge(cell.scenario, history)
    verdict, reason = verdict_of(results, cell.scenario, cell.key.subject)
    return CellResult(key=cell.key, verdict=verdict, reason=reason, results=results)


class RealCells:
    """Runs real cells, each in a sandbox of its own; may be called by several threads at once."""

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop
        self._running: dict[int, Sandbox] = {}
        self._lock = threading.Lock()
        self._last = 0
        self._stopped = False

    def run(self, cell: Cell) -> CellResult | None:
        """Run a cell to its end; None when the run was interrupted before it began."""
        started = time.monotonic()
        directory = _make_directory(cell, self._workshop)
        sandbox = self._start(cell, directory)
        if sandbox is None:
            return None
        try:
            outcome = sandbox.wait()
        finally:
            with self._lock:
                del self._running[sandbox.pid]
        result = _result(cell, directory, outcome)
        result.seconds = time.monotonic() - started
        return _finished(cell, self._workshop, result)

    def _start(self, cell: Cell, directory: Path) -> Sandbox | None:
        with self._lock:
            if self._stopped:
                return None
            self._last += 1
            sandbox = Sandbox(self._order(cell, directory, self._last))
            self._running[sandbox.pid] = sandbox
            return sandbox

    def _order(self, cell: Cell, directory: Path, number: int) -> Order:
        name = f"{self._workshop.run}-{number}"
        group = Group.named(self._workshop.bases, name).directories
        scratch = str(scratch_root() / f"{PREFIX}{name}")
        spec = CellSpec(
            key=cell.key,
            subject=cell.subject.name,
            subject_version=cell.subject.record.version,
            scenario=str(directory / frozen.DIRECTORY / frozen.SCENARIO),
            directory=str(directory),
            scratch=scratch,
            group=group,
            pace=cell.pace,
            observer=self._workshop.observer,
            override=cell.config.override,
        )
        (directory / SPEC).write_bytes(msgspec.json.encode(spec))
        return Order(
            cell=f"{self._workshop.run}/{number}",
            command=cell_command(directory / SPEC),
            environment=_environment(),
            log=str(directory / LOG),
            scratch=scratch,
            group=group,
            processes=cell.scenario.budget.processes + RIG_PROCESSES,
            memory=cell.scenario.budget.memory + RIG_MEMORY,
            deadline=(cell.scenario.timeout + cell.scenario.policy.grace) / cell.pace + CELL_SECONDS,
        )

    def interrupt(self) -> None:
        """Begin no more cells, and have the running ones end in good order."""
        with self._lock:
            self._stopped = True
            for sandbox in self._running.values():
                sandbox.interrupt()

    def kill(self) -> None:
        """Have the running cells killed at once; their reapers still clean up."""
        with self._lock:
            self._stopped = True
            for sandbox in self._running.values():
                sandbox.kill()


def _environment() -> dict[str, str]:
    """Our own, with bytecode allowed: a Python supervisor that compiles itself at every start is slow for nothing."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _make_directory(cell: Cell, workshop: Workshop) -> Path:
    directory = workshop.directory / cell.directory
    directory.mkdir(parents=True)
    frozen.write_frozen(cell, directory)
    return directory


def _result(cell: Cell, directory: Path, outcome: Outcome) -> CellResult:
    """What the cell says of itself, unless what became of its process says otherwise."""
    (directory / SPEC).unlink(missing_ok=True)
    result = _read_result(cell, directory, outcome)
    if outcome.leftovers:
        result = cell.result(Verdict.ERROR, "left behind: " + ", ".join(outcome.leftovers))
        result.leftovers = outcome.leftovers
    log = directory / LOG
    if log.exists() and not log.stat().st_size:
        log.unlink()
    return result


def _read_result(cell: Cell, directory: Path, outcome: Outcome) -> CellResult:
    try:
        data = (directory / RESULT).read_bytes()
    except FileNotFoundError:
        return cell.result(*_without_result(outcome))
    return msgspec.json.decode(data, type=CellResult)


def _without_result(outcome: Outcome) -> tuple[Verdict, str]:
    match outcome.why:
        case "interrupted" | "orphaned":
            return Verdict.SKIPPED, "the run was interrupted"
        case "deadline":
            return Verdict.ERROR, "the cell did not end in time and was killed"
        case "reaper-killed":
            return Verdict.ERROR, "the cell's reaper was killed, and the cell with it"
        case _:
            how = "" if outcome.status is None else f" with wait status {outcome.status}"
            return Verdict.ERROR, f"the cell's process died{how}; see its {LOG}"


def _finished(cell: Cell, workshop: Workshop, result: CellResult) -> CellResult:
    directory = workshop.directory / cell.directory
    result = cell.complete(result)
    result.directory = cell.directory
    result.reproduce = frozen.command_for(directory)
    (directory / RESULT).write_bytes(msgspec.json.encode(result))
    return result

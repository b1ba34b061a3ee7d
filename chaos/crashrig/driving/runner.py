"""One run: cells go in, in any order; a `results.Run` comes out, with its exit code, and the host as it was.

Simulated cells run here, one after the other; real ones side by side in an executor, each with its own sandbox.
How one cell is run is in `run_cell`, what a cell is in `cells`, what is shown meanwhile in `report.console`.
"""

from __future__ import annotations

import os
import queue
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

import msgspec

from crashrig import __version__, proc
from crashrig.driving.exit_codes import ERROR, exit_code, gates
from crashrig.driving.host import facts, snapshot
from crashrig.driving.run_cell import RealCells, Workshop, run_simulated
from crashrig.judging.monitors.sometimes import merge_sometimes
from crashrig.observers import choice
from crashrig.results import CellResult, Run
from crashrig.sandbox import group
from crashrig.verdict import Verdict, merge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from concurrent.futures import Executor
    from pathlib import Path

    from crashrig.driving.cells import Cell
    from crashrig.results import CellKey, SubjectRecord

LATEST = "latest"

WAKE_SECONDS = 0.25
"""How often a waiting run looks up: Python runs signal handlers only then, and a signal that comes just before the
waiting begins, or to another thread, does not end it."""


class Reporter(Protocol):
    """Whoever is told how a run goes on; all calls come from the thread that runs it."""

    def started(self, run: Run, total: int) -> None:
        """A run of `total` cells begins."""

    def cell_started(self, key: CellKey) -> None:
        """A cell begins."""

    def cell_finished(self, result: CellResult) -> None:
        """A cell has ended."""

    def finished(self, run: Run, directory: Path | None) -> None:
        """The run has ended, and its reports lie in `directory`."""

    def close(self) -> None:
        """Nothing more will come."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How to run, beside what: `reports` is where runs are kept; `fail_fast` begins nothing after a failure.

    `link_latest` is whether the link `latest` is to lead to this run.
    """

    reports: Path
    argv: list[str]
    jobs: int = 4
    fail_fast: bool = False
    link_latest: bool = True


class Runner:
    """One run. `run` is used once, by the main thread.

    `show` is told how it goes on; `write` puts the reports of the whole run into its directory.
    """

    def __init__(
        self,
        cells: Sequence[Cell],
        subjects: list[SubjectRecord],
        options: Options,
        show: Reporter,
        write: Callable[[Run, Path], object],
    ) -> None:
        self._cells = list(cells)
        self._options = options
        self._show = show
        self._write = write
        self._short = os.urandom(3).hex()
        started = datetime.now(UTC)
        name = f"{started:%Y%m%dT%H%M%SZ}-{self._short}"
        self.directory = options.reports.absolute() / name
        bases, observer = group.bases(), choice.probe()
        self._workshop = Workshop(run=self._short, directory=self.directory, bases=bases, observer=observer.observer)
        self._real = RealCells(self._workshop)
        self._results: dict[str, CellResult] = {}
        self._beside = {subject.name for subject in subjects if subject.beside}
        self._told: queue.SimpleQueue[CellKey | CellResult | _Interrupt | None] = queue.SimpleQueue()
        self._stopping = False
        self._simulating = False
        self.run_record = Run(
            id=name,
            version=__version__,
            argv=options.argv,
            started=started.isoformat(timespec="seconds"),
            host=facts(group.in_words(bases), observer.words),
            subjects=subjects,
        )

    def run(self) -> Run:
        """Run everything and write all reports; OSError when they cannot be written."""
        started = time.monotonic()
        self.directory.mkdir(parents=True)
        proc.become_subreaper()
        before = snapshot(self._short, self._workshop.bases)
        self._show.started(self.run_record, len(self._cells))
        try:
            with _Signals(self._signalled):
                self._run_cells()
        finally:
            self._show.close()
        left = snapshot(self._short, self._workshop.bases).left_since(before)
        self._conclude(left, time.monotonic() - started)
        self._write(self.run_record, self.directory)
        if self._options.link_latest:
            point_latest(self.directory)
        self._show.finished(self.run_record, self.directory)
        return self.run_record

    # Cells ---------------------------------------------------------------------------------------------------

    def _run_cells(self) -> None:
        runnable = []
        for cell in self._cells:
            if cell.settled is not None:
                self._take(cell.settled)
            else:
                runnable.append(cell)
        for cell in runnable:
            if cell.subject.simulated and not self.run_record.interrupted:
                self._run_here(cell)
        self._run_beside([cell for cell in runnable if not cell.subject.simulated])

    def _run_here(self, cell: Cell) -> None:
        if self._stopping:
            self._take(_not_begun(cell))
            return
        self._show.cell_started(cell.key)
        try:
            self._simulating = True
            result = run_simulated(cell, self._workshop)
        except KeyboardInterrupt:
            self._interrupted()
            return
        except Exception as error:
            result = _broken(cell, error)
        finally:
            self._simulating = False
        self._take(result)

    def _run_beside(self, cells: list[Cell]) -> None:
        """Those that may take longest first, so that none is left to run alone at the end."""
        cells = sorted(cells, key=lambda cell: -cell.scenario.timeout / cell.pace)
        with ThreadPoolExecutor(self._options.jobs, thread_name_prefix="cell") as executor:
            self._hand_out(executor, cells)
            for _ in cells:
                self._await_one()

    def _hand_out(self, executor: Executor, cells: Iterable[Cell]) -> None:
        for cell in cells:
            executor.submit(self._run_in_thread, cell)

    def _run_in_thread(self, cell: Cell) -> None:
        """Whatever happens, exactly one result, or None for a cell that was not begun, ends it."""
        result: CellResult | None = None
        try:
            if self._stopping:
                result = None if self.run_record.interrupted else _not_begun(cell)
            else:
                self._told.put(cell.key)
                result = self._real.run(cell)
        except Exception as error:
            result = _broken(cell, error)
        finally:
            self._told.put(result)

    def _await_one(self) -> None:
        """Tell of what happens until one more cell has ended."""
        while True:
            match self._next_word():
                case None:
                    return
                case CellResult() as result:
                    self._take(result)
                    return
                case _Interrupt():
                    self._interrupted()
                case key:
                    self._show.cell_started(key)

    def _next_word(self) -> CellKey | CellResult | _Interrupt | None:
        while True:
            try:
                return self._told.get(timeout=WAKE_SECONDS)
            except queue.Empty:
                continue

    def _signalled(self) -> None:
        """A simulation is broken off; a real cell is ended by its own sandbox."""
        if self._simulating:
            raise KeyboardInterrupt
        self._told.put(_Interrupt())

    def _interrupted(self) -> None:
        """Once: end in good order. Twice: at once."""
        if self.run_record.interrupted:
            self._real.kill()
        else:
            self._real.interrupt()
        self.run_record.interrupted = True
        self._stopping = True

    def _take(self, result: CellResult) -> None:
        result.beside = result.key.subject in self._beside
        self._results[str(result.key)] = result
        self._show.cell_finished(result)
        if self._options.fail_fast and gates(result) and result.verdict.rank >= Verdict.FAILED.rank:
            self._stopping = True

    # The end -------------------------------------------------------------------------------------------------

    def _conclude(self, left: list[str], seconds: float) -> None:
        run = self.run_record
        run.cells = [self._results[str(cell.key)] for cell in self._cells if str(cell.key) in self._results]
        run.seconds = seconds
        run.warnings = [*_warnings(run.cells), *(f"left behind on the host: {one}" for one in left)]
        run.exit_code = ERROR if left else exit_code(run.cells, interrupted=run.interrupted)
        run.verdict = Verdict.ERROR if left else merge(cell.verdict for cell in run.cells if gates(cell))


def point_latest(directory: Path) -> None:
    """Have the link `latest` beside a run's directory lead to it, without a moment in which it leads nowhere."""
    draft = directory.with_name(f".{LATEST}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    draft.symlink_to(directory.name)
    draft.replace(directory.with_name(LATEST))


def _broken(cell: Cell, error: Exception) -> CellResult:
    return cell.result(Verdict.ERROR, f"the cell could not be run: {type(error).__name__}: {error}")


def _not_begun(cell: Cell) -> CellResult:
    return cell.result(Verdict.SKIPPED, "not begun: another cell had failed, and the run was to end then")


def _warnings(cells: Sequence[CellResult]) -> Iterator[str]:
    for cell in cells:
        for warning in cell.warnings:
            yield f"{cell.key}: {warning}"
    for merged in merge_sometimes((cell.key.scenario, cell.results) for cell in cells):
        if merged.verdict is not Verdict.PASSED:
            yield f"{merged.text}: {merged.message}"


class _Interrupt:
    """Takes the place of a result in the queue: a signal has come."""


class _Signals:
    """While it is entered, Ctrl-C, SIGTERM and SIGHUP all call `then`, in the main thread."""

    def __init__(self, then: Callable[[], None]) -> None:
        self._then = then
        self._before: dict[int, object] = {}

    def __enter__(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self._before[number] = signal.signal(number, lambda *_: self._then())

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal.signal itself gave

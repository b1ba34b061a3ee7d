"""What a run says while it lasts and when it ends, all of it on stderr.

On a terminal a live line (rich, imported only then) with every cell that did not pass above it; elsewhere plain
lines, at least one every so often. What the closing text looks like is in `table`.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, TextIO

from crashrig.report import github
from crashrig.report.lossy import lossy
from crashrig.report.table import failures, legend, outcomes, table, warnings
from crashrig.report.text import one_line, plural
from crashrig.report.wording import NEEDS_WORDS, WORDS, headline, last_command, tally, why
from crashrig.units import format_duration
from crashrig.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rich.progress import Progress, TaskID

    from crashrig.results import CellKey, CellResult, Run

COUNT_EVERY = 20.0
"""Seconds between two counts in a log: a job that says nothing is killed by some servers, and looks dead."""

_QUIET = (Verdict.PASSED, Verdict.UNSUPPORTED)
"""Verdicts that are only counted: nobody has to do anything about them while the run lasts."""

_LOG_WIDTH = 120
_COLOURS = {
    Verdict.PASSED: "32",
    Verdict.XFAILED: "36",
    Verdict.UNSUPPORTED: "2",
    Verdict.SKIPPED: "2",
    Verdict.INCONCLUSIVE: "33",
    Verdict.FAILED: "1;31",
    Verdict.ERROR: "1;35",
}


class Console:
    """Progress and closing words of one run. Called from one thread.

    `now` is the clock that spaces the counts, in seconds; tests replace it and the stream.
    """

    def __init__(self, stream: TextIO | None = None, now: Callable[[], float] = time.monotonic) -> None:
        self._stream = lossy(sys.stderr if stream is None else stream)
        self._now = now
        self._terminal = self._stream.isatty() and os.environ.get("TERM") != "dumb"
        self._coloured = self._terminal and not os.environ.get("NO_COLOR")
        self._total = 0
        self._counts: Counter[Verdict] = Counter()
        self._running: dict[str, None] = {}
        self._counted_at = 0.0
        self._live: _Live | None = None

    def started(self, run: Run, total: int) -> None:
        """A run of `total` cells begins."""
        self._total = total
        self._counted_at = self._now()
        subjects = ", ".join(f"{s.name} {s.version}".strip() for s in run.subjects if not s.unavailable)
        self._say(f"crashrig {run.version}: {plural(total, 'cell')} on {one_line(subjects) or 'no subject'}")
        for subject in run.subjects:
            if subject.unavailable:
                self._say(f"{one_line(subject.name)} cannot run here: {one_line(subject.unavailable)}")
        if self._terminal and total:
            self._live = _Live(self._stream, total, coloured=self._coloured)

    def cell_started(self, key: CellKey) -> None:
        """A cell begins."""
        self._running[str(key)] = None
        self._refresh()

    def cell_finished(self, result: CellResult) -> None:
        """A cell has ended: said at once when it is no plain pass, counted otherwise."""
        self._running.pop(str(result.key), None)
        self._counts[result.verdict] += 1
        if result.verdict not in _QUIET:
            text = f"{result.verdict.symbol} {WORDS[result.verdict]}  {one_line(str(result.key))}  "
            self._say(self._paint(text, result.verdict) + one_line(why(result), 200))
        self._refresh()

    def finished(self, run: Run, directory: Path | None) -> None:
        """The run has ended; its reports are in `directory`. The last line of a failed run reproduces it."""
        self.close()
        width = shutil.get_terminal_size().columns if self._terminal else _LOG_WIDTH
        self._say("")
        for lines in (failures(run, width, self._paint), table(run, width, self._paint)):
            for line in lines:
                self._say(line)
        self._closing_words(run, directory)
        github.publish(run, self._stream)
        command = last_command(run)
        if command and run.verdict in NEEDS_WORDS:
            self._say("Reproduce the worst of it with:")
            self._say(one_line(command, 2000))
        self._stream.flush()

    def close(self) -> None:
        """Take the live line away; safe to call twice, and when a run is broken off."""
        if self._live is not None:
            self._live.close()
            self._live = None

    def _closing_words(self, run: Run, directory: Path | None) -> None:
        if run.cells:
            self._say("")
        for line in (*legend(run), "", *outcomes(run, self._paint), *warnings(run)):
            self._say(line)
        self._say("")
        if not run.cells or run.interrupted:
            self._say(one_line(headline(run), 2000))
        took = f"{plural(len(run.cells), 'cell')} in {format_duration(run.seconds)}"
        self._say(f"{took}; report: {directory / 'index.html'}" if directory else took)

    def _refresh(self) -> None:
        if self._live is not None:
            self._live.show(self._counts, list(self._running))
        elif self._now() - self._counted_at >= COUNT_EVERY:
            self._counted_at = self._now()
            done = self._counts.total()
            self._say(f"{done} of {plural(self._total, 'cell')} done: {tally(self._counts) or 'none yet'}")

    def _say(self, line: str) -> None:
        if self._live is not None:
            self._live.say(line.rstrip())
            return
        self._stream.write(line.rstrip() + "\n")
        self._stream.flush()

    def _paint(self, text: str, verdict: Verdict | None) -> str:
        if not self._coloured or not text.strip():
            return text
        return f"\x1b[{'1' if verdict is None else _COLOURS[verdict]}m{text}\x1b[0m"


class _Live:
    """The live line of a terminal."""

    def __init__(self, stream: TextIO, total: int, *, coloured: bool) -> None:
        from rich.console import Console as Terminal
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (
            BarColumn(24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.description}", markup=False),
        )
        terminal = Terminal(file=stream, no_color=not coloured, highlight=False)
        self._progress: Progress = Progress(
            *columns,
            console=terminal,
            transient=True,
            refresh_per_second=8,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._task: TaskID = self._progress.add_task("", total=total)
        self._progress.start()

    def say(self, line: str) -> None:
        """Write a line above the live one."""
        from rich.text import Text

        self._progress.console.print(Text.from_ansi(line), soft_wrap=True)

    def show(self, counts: Counter[Verdict], running: list[str]) -> None:
        """Move the bar and say what runs just now."""
        symbols = "  ".join(f"{verdict.symbol} {counts[verdict]}" for verdict in Verdict if counts[verdict])
        others = f" and {len(running) - 1} more" if len(running) > 1 else ""
        current = one_line(running[0], 60) + others if running else ""
        self._progress.update(self._task, completed=counts.total(), description=f"{symbols}   {current}")

    def close(self) -> None:
        """Take the line away."""
        self._progress.stop()

"""The command `crashrig` for tests: run to its end, or begun and interfered with; it dies with the test's process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from running import until

import crashrig
from crashrig import proc
from crashrig.driving.host import scratch_root
from crashrig.sandbox import group
from crashrig.sandbox.sweep import MARKER

if TYPE_CHECKING:
    from collections.abc import Sequence

CRASHRIG = [sys.executable, "-c", "from crashrig.cli import main; main()"]
SOURCES = Path(crashrig.__file__).parents[2]
SECONDS = 60.0


class RigCommand:
    """`crashrig` in a directory of its own; runs go to its `reports`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.reports = directory / "reports"

    def write(self, name: str, text: str) -> str:
        """A scenario file; says its path."""
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return str(path)

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """Start it; its standard error is a file, so that nothing has to be read meanwhile."""
        paths = [str(SOURCES / "supervisor"), str(SOURCES / "chaos"), str(Path(__file__).parent)]
        with open(self.directory / "stderr", "w") as errors:
            return subprocess.Popen(
                [*CRASHRIG, *arguments],
                cwd=self.directory,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "COLUMNS": "200"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                process_group=0,
                preexec_fn=proc.die_with_parent,  # noqa: PLW1509 - tests fork from one thread
            )

    def done(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        process = self.begin(*arguments)
        output, _ = process.communicate(timeout=SECONDS)
        return subprocess.CompletedProcess(arguments, process.returncode, output, self.errors())

    def errors(self) -> str:
        """What it has written to standard error so far."""
        return (self.directory / "stderr").read_text()

    def running(self) -> str:
        """The short id of the run that has begun, once an agent of it lives."""
        run = until(lambda: next((p for p in self.reports.glob("2*")), None), "a run's directory")
        short = run.name.rpartition("-")[2]
        until(lambda: any(b"agents/run.py" in proc.command_line(pid) for pid in self.marked(short)), "an agent lives")
        return short

    def marked(self, short: str) -> Sequence[int]:
        """The processes of a run's cells."""
        return proc.marked(MARKER, short)

    def left(self, short: str) -> list[str]:
        """Anything at all of a run that is still on the machine."""
        processes = [proc.describe(pid) for pid in self.marked(short)]
        name = f"{group.PREFIX}{short}-*"
        groups = [str(path) for base in group.bases().values() for path in Path(base).glob(name)]
        return processes + groups + [str(path) for path in scratch_root().glob(name)]

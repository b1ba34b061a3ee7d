"""The command line of holdfast as a real process: run to its end, or begun and stopped with the test."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from running import PR_SET_PDEATHSIG, SOURCE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class CommandLine:
    """Runs holdfast in a directory, with its state beneath it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.environment = {**os.environ, "PYTHONPATH": SOURCE, "XDG_STATE_HOME": str(directory / "state")}

    def done(self, *arguments: str, seconds: float = 20.0) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        with self.begun(*arguments) as process:
            output, errors = process.communicate(timeout=seconds)
        return subprocess.CompletedProcess(arguments, process.returncode, output, errors)

    @contextmanager
    def begun(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """Begin it; at the end of the block it is asked to stop, twice if need be."""
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "holdfast", *arguments],  # -P: as the installed command is
            cwd=self.directory,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=_die_with_parent,  # noqa: PLW1509
        )
        try:
            yield process
        finally:
            for _ in range(2):
                if process.poll() is None:
                    process.terminate()
                    try:
                        process.wait(5.0)
                    except subprocess.TimeoutExpired:
                        continue
            process.kill()
            process.communicate()


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)

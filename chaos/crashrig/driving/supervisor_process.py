"""The supervisor under test as a process: started so that it dies with its cell, its output kept within bounds."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import TYPE_CHECKING

from crashrig import proc
from crashrig.subjects.protocol import SubjectError

if TYPE_CHECKING:
    from pathlib import Path

    from crashrig.subjects.protocol import Launch

LOG_BYTES_MAX = 1 << 20
"""What is kept of a supervisor's output; the beginning says most."""

READ_BYTES = 1 << 16


class SupervisorProcess:
    """A running supervisor; `output` is the read end of its standard output and error, `pidfd` tells its death.

    Made by the cell's main thread before it has others: what is set between fork and exec is set by Python.
    """

    def __init__(self, launch: Launch, log: Path) -> None:
        self.output, theirs = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self.output, False)
        self._log = log.open("wb")
        self._kept = 0
        self._cut_off = False
        try:
            self._process = _start(launch, theirs)
        except OSError as error:
            raise SubjectError(f"cannot start {launch.argv[0]}: {error.strerror}") from error
        finally:
            os.close(theirs)
        self.pid = self._process.pid
        self.pidfd = os.pidfd_open(self.pid)

    def read_output(self) -> int | None:
        """Move what it has written to the log; the number of bytes, 0 at the end of file, None for nothing new."""
        try:
            data = os.read(self.output, READ_BYTES)
        except BlockingIOError:
            return None
        kept = data[: LOG_BYTES_MAX - self._kept]
        self._log.write(kept)
        self._kept += len(kept)
        if len(kept) < len(data) and not self._cut_off:
            self._cut_off = True
            self._log.write(b"\n[crashrig: the rest of the output was not kept]\n")
        return len(data)

    def reap(self) -> int:
        """Its wait status; to be called when it is dead."""
        self._process.wait()
        code = self._process.returncode
        return -code if code < 0 else code << 8

    def ask_to_end(self) -> None:
        """SIGTERM, and SIGCONT, without which a stopped process would not hear it."""
        self.send(signal.SIGTERM)
        self.send(signal.SIGCONT)

    def send(self, number: int) -> None:
        """Send a signal, if it still lives."""
        try:
            signal.pidfd_send_signal(self.pidfd, number)
        except ProcessLookupError:
            pass

    def close(self) -> None:
        """Close descriptors and log."""
        self._log.close()
        os.close(self.pidfd)
        os.close(self.output)


def _start(launch: Launch, output: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        launch.argv,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        cwd=launch.directory or None,
        env={**os.environ, **launch.environment},
        start_new_session=True,
        preexec_fn=proc.die_with_parent,  # noqa: PLW1509 - there is no other thread yet
    )

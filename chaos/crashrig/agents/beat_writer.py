"""Signs of life as a real fake agent gives them: into a file, to NOTIFY_SOCKET, or on standard output.

Each writer has `beat(kind, pid)`, which returns what went wrong in a few words, or nothing: like a good agent it
never fails because its sign of life could not be given.
"""

from posix import environ
from time import time

from crashrig.agents.beat_text import SPOILT, content, stamp
from crashrig.agents.quick import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from crashrig.agents.plan_file import Plan

    class BeatWriter(Protocol):
        """One source of beats."""

        def beat(self, kind: str, pid: int) -> str:
            """Give one; what went wrong, or nothing."""


def writer(plan: "Plan", ready: "Callable[[], None]") -> "BeatWriter":
    """The writer for the plan's source; `ready` is called when the agent has said that it is ready."""
    if plan.source == "notify":
        return NotifyWriter(ready)
    if plan.source == "output":
        return OutputWriter()
    return FileWriter(plan.file, plan.format)


class FileWriter:
    """Replaces the file by a whole new one, so that no reader sees half a beat; rubbish goes in place."""

    def __init__(self, path: str, form: str) -> None:
        self._path = path
        self._form = form
        self._last = time()

    def beat(self, kind: str, pid: int) -> str:
        """Write the file; a `foreign` beat names the supervisor, which certainly lives and is not this agent."""
        wall = time()
        claimed = stamp(kind, wall, self._last)
        if kind == "good":
            self._last = wall
        path = self._path if kind in SPOILT else f"{self._path}.{pid}"
        try:
            self._write(path, content(kind, self._form, claimed, pid, os.getppid()), claimed)
            if path != self._path:
                os.replace(path, self._path)
        except OSError as error:
            return f"beat not written: errno {error.errno}"
        return ""

    def _write(self, path: str, data: bytes, claimed: float) -> None:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.write(fd, data)
        finally:
            os.close(fd)
        if self._form == "mtime":
            os.utime(path, (claimed, claimed))


class NotifyWriter:
    """READY=1 with the first beat, WATCHDOG=1 with each (sd_notify(3), sd_watchdog_enabled(3))."""

    def __init__(self, ready: "Callable[[], None]") -> None:
        import _socket  # `socket` takes eight milliseconds

        self._address = environ.get(b"NOTIFY_SOCKET", b"").replace(b"@", b"\0", 1)
        self._socket = _socket.socket(_socket.AF_UNIX, _socket.SOCK_DGRAM | _socket.SOCK_CLOEXEC)
        self._ready: Callable[[], None] | None = ready

    def beat(self, kind: str, pid: int) -> str:  # noqa: ARG002
        """Send it."""
        if not self._address:
            return "beat not sent: no NOTIFY_SOCKET"
        try:
            if self._ready:
                self._socket.sendto(b"READY=1", self._address)
                self._ready()
                self._ready = None
            self._socket.sendto(b"WATCHDOG=1", self._address)
        except OSError as error:
            return f"beat not sent: errno {error.errno}"
        return ""


class OutputWriter:
    """A line on standard output."""

    def beat(self, kind: str, pid: int) -> str:  # noqa: ARG002
        """Print it."""
        try:
            os.write(1, b"beat %d\n" % pid)
        except OSError as error:
            return f"beat not printed: errno {error.errno}"
        return ""

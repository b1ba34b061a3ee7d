"""The line from a fake agent's process to the rig: reports go out on it, and its breaking ends the process.

It is the write end of the run's FIFO, whose only reader is the rig. `reports` is the other side.
"""

from select import POLLERR, POLLOUT, poll
from time import monotonic_ns

from crashrig.agents.quick import end, os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

RUN_IS_GONE = 97
"""Exit code of a process that found nobody reading its reports; nobody is left to see it either."""

PATIENCE_SECONDS = 1.0
"""How long a process waits for room in the FIFO before it lets a report go: its behaviour matters more."""


def run_is_gone() -> "NoReturn":
    """End at once, without any clean-up of the interpreter's."""
    end(RUN_IS_GONE)


class Channel:
    """The open FIFO of one process, or of several after a fork; ends the process when nobody reads."""

    def __init__(self, path: str) -> None:
        try:
            self._fd = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:  # ENXIO: no reader; ENOENT: the run has even been cleaned away
            run_is_gone()

    def rest(self, seconds: float) -> None:
        """Return after so many seconds, `inf` for never; signal handlers run meanwhile (PEP 475)."""
        lifeline = poll()  # one for each rest: a handler rests while its program does
        lifeline.register(self._fd, 0)  # POLLERR is always told
        if lifeline.poll(None if seconds == float("inf") else max(0.0, seconds) * 1000.0):
            run_is_gone()

    def send(self, head: str, kind: str, at: int, values: "dict[str, str | int]") -> None:
        """Write one line of JSON, at once or not at all (pipe(7): less than PIPE_BUF is atomic).

        `head` is the beginning that all lines of a process share; `at` is in nanoseconds on the monotonic clock,
        0 for now. Texts are the fake agent's own words: no quotes, no backslashes.
        """
        more = "".join(
            f',"{key}":{value}' if isinstance(value, int) else f',"{key}":"{value}"' for key, value in values.items()
        )
        line = f'{{{head},"t":{at or monotonic_ns()},"k":"{kind}"{more}}}\n'.encode()
        try:
            os.write(self._fd, line)
        except BlockingIOError:
            self._send_late(line)
        except OSError:
            run_is_gone()

    def _send_late(self, line: bytes) -> None:
        room = poll()
        room.register(self._fd, POLLOUT)
        for _, event in room.poll(PATIENCE_SECONDS * 1000.0):
            if event & POLLERR:
                run_is_gone()
            try:
                os.write(self._fd, line)
            except OSError:
                return  # another process took the room

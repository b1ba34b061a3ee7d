"""What agents print, passed on to where it belongs without ever waiting for anybody (HB-1).

Only an agent whose output is its heartbeat prints into a pipe of ours; all others have their log as stdout and
stderr themselves. The pipe is read whenever something is in it, so the agent never blocks on us, and is not
waited for when the agent has ended: a grandchild that holds it open delays nothing. A log that takes nothing
gets what is still held, up to a bound, when it takes something again, and one line that says how much was lost.
"""

import os
import select

READ_BYTES_PER_TURN = 65536
HELD_BYTES_MAX = 1 << 20
_STDERR = 2
_PIECE = 4096
"""A pipe or terminal that is ready takes this much without blocking (PIPE_BUF, pipe(7))."""


class Outlet:
    """A descriptor to write to without waiting; -1 throws everything away."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._held = bytearray()
        self._lost = 0

    @property
    def waiting(self) -> bool:
        """Whether something is held that the descriptor did not take."""
        return bool(self._held)

    def write(self, data: bytes) -> None:
        """Write what can be written now, hold what cannot, lose what cannot be held."""
        if self._descriptor < 0:
            return
        if self._lost and len(self._held) < HELD_BYTES_MAX // 2:
            self._held += f"[holdfast: {self._lost} bytes of output were lost here]\n".encode()
            self._lost = 0
        room = HELD_BYTES_MAX - len(self._held)
        self._held += data[:room]
        self._lost += len(data) - len(data[:room])
        self.flush()

    def flush(self) -> None:
        """Write as much of what is held as is taken at once."""
        while self._held and _takes_more(self._descriptor):
            try:
                written = os.write(self._descriptor, self._held[:_PIECE])
            except BlockingIOError:
                return
            except OSError:  # nobody reads any more, or the disk is full
                self._lost += len(self._held)
                self._held.clear()
                return
            del self._held[:written]


class OutputPipe:
    """The pipe into which one generation prints."""

    def __init__(self, outlet: Outlet) -> None:
        """Raises OSError when there is no descriptor for it."""
        self._outlet = outlet
        self.reader, self.writer = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self.reader, False)

    def close_writer(self) -> None:
        """The agent has it now; the supervisor's own copy goes."""
        if self.writer >= 0:
            os.close(self.writer)
            self.writer = -1

    def pass_on(self) -> bool | None:
        """Read once and pass it on: True when there was something, False when not, None at the end."""
        try:
            data = os.read(self.reader, READ_BYTES_PER_TURN)
        except BlockingIOError:
            return False
        if not data:
            return None
        self._outlet.write(data)
        return True

    def close(self) -> None:
        """Pass on what is left, within a bound, and close."""
        for _ in range(HELD_BYTES_MAX // READ_BYTES_PER_TURN):
            if not self.pass_on():
                break
        os.close(self.reader)
        self.close_writer()


def say(text: str) -> None:
    """One line on stderr, if stderr takes it at once; nobody there is no reason to stop."""
    data = f"holdfast: {text}\n".encode(errors="backslashreplace")
    try:
        if _takes_more(_STDERR):
            os.write(_STDERR, data)
    except OSError:
        pass


def _takes_more(descriptor: int) -> bool:
    """Whether a write of up to `_PIECE` bytes would not block; regular files always take it."""
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return bool(poll.poll(0))

"""What agents print, passed on to where it belongs without ever waiting for anybody (HB-1).

Only an agent whose output is its heartbeat prints into a pipe of ours; all others have their log as stdout and
stderr themselves. The pipe is read whenever something is in it, so the agent never blocks on us, and is not
waited for when the agent has ended: a grandchild that holds it open delays nothing. A log that takes nothing
gets what is still held, up to a bound, when it takes something again, and one line that says how much was lost.
"""

import errno
import os
import select
import stat

READ_BYTES_PER_TURN = 65536
HELD_BYTES_MAX = 1 << 20
_STDERR = 2
_PIECE = 4096
"""A pipe or terminal that is ready takes this much without blocking (PIPE_BUF, pipe(7))."""


class Outlet:
    """A descriptor to write to without waiting; -1 throws everything away."""

    def __init__(self, descriptor: int, path: str = "") -> None:
        """A `path` is opened by `open`, to be appended to."""
        self._descriptor = descriptor
        self._path = path
        self._held = bytearray()
        self._lost = 0

    def open(self) -> None:
        """Open the file, if it is one and not open yet; raises OSError, also for a FIFO that nobody reads."""
        if self._path and self._descriptor < 0:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC
            try:
                self._descriptor = os.open(self._path, flags, 0o640)
            except OSError as error:
                if error.errno == errno.ENXIO:
                    raise OSError(errno.ENXIO, "nobody reads this FIFO", self._path) from None
                raise

    def close(self) -> None:
        """Give the descriptor back."""
        if self._descriptor > _STDERR:
            os.close(self._descriptor)
            self._descriptor = -1

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
    descriptor = without_waiting(_STDERR)
    try:
        if _takes_more(descriptor):
            os.write(descriptor, data)
    except OSError:
        pass
    finally:
        if descriptor != _STDERR:
            os.close(descriptor)


def without_waiting(descriptor: int) -> int:
    """For a pipe a descriptor of our own that never waits, for anything else the same one.

    Agents write into the pipe that is our stdout or stderr as well, so between a look whether there is room and
    the write the room may go; and O_NONBLOCK on the one we have would be theirs too (open(2)).
    """
    try:
        if stat.S_ISFIFO(os.fstat(descriptor).st_mode):
            return os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:  # somebody else's pipe, or one without a reader
        pass
    return descriptor


def _takes_more(descriptor: int) -> bool:
    """Whether a write of up to `_PIECE` bytes would not block; regular files always take it."""
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return bool(poll.poll(0))

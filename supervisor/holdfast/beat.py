"""`Heartbeat`: signs of life from a Python agent, for the supervisor that watches it (HB-1).

    from holdfast import Heartbeat

    with Heartbeat():
        work()

The thread of its own shows that the interpreter runs, not that your work goes on. Where that is the question,
do not start it: call `beat()` in your loop. Nothing here ever raises because of a disk, a socket or a
directory: an agent must not die of its own good health. This module uses the standard library only and is
cheap to import. The reading side is in `beats`.
"""

import errno
import os
import socket
import threading
import time
from types import TracebackType

FILE_VARIABLE = "HOLDFAST_HEARTBEAT_FILE"
"""Set by the supervisor for an agent whose beats are a file: its absolute path."""

_FORMATS = ("json", "iso")
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
_STOP_WAIT_SECONDS = 1.0  # a disk that hangs must not hold up the agent's own end


class Heartbeat:
    """Beats now and then every `interval` seconds, between `start` and `stop` or within `with`.

    `path` is the file to replace; without it, the one that the supervisor names in HOLDFAST_HEARTBEAT_FILE;
    without that either, `WATCHDOG=1` is sent to NOTIFY_SOCKET (sd_notify(3)). With none of them, as when the
    agent is run by hand, a heartbeat does nothing. `format` is "json" or "iso".

    `failures` counts beats that could not be given, `last_error` is why the last of them could not, "" when
    the last beat was well. ValueError for an interval or a format that cannot be meant.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        interval: float = 30.0,
        format: str = "json",  # noqa: A002
    ) -> None:
        if interval <= 0:
            raise ValueError(f"expected an interval longer than zero seconds, found {interval}")
        if format not in _FORMATS:
            raise ValueError(f"expected a format of {' or '.join(_FORMATS)}, found {format!r}")
        given = os.fspath(path) if path is not None else os.environ.get(FILE_VARIABLE, "")
        self.path = os.path.abspath(given) if given else ""
        self.interval = interval
        self.format = format
        self.failures = 0
        self.last_error = ""
        self._socket = "" if self.path else os.environ.get("NOTIFY_SOCKET", "")
        self._reset()

    def _reset(self) -> None:
        """What belongs to one process: after a fork the child has the memory of these, and none of the thread."""
        self._pid = os.getpid()
        self._sequence = 0
        self._stopped = threading.Event()
        self._writing = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self) -> "Heartbeat":
        """Begin to beat in a thread of its own; a second call changes nothing. A forked child may start anew."""
        if self._pid != os.getpid():
            self._reset()
        if self._thread is None or not self._thread.is_alive():
            self._stopped.clear()
            thread = threading.Thread(target=self._run, name="holdfast-heartbeat", daemon=True)
            try:
                thread.start()
                self._thread = thread
            except RuntimeError as error:  # no more threads to be had
                self._failed(error)
        return self

    def stop(self) -> None:
        """End the thread. The last beat stays where it is."""
        self._stopped.set()
        thread, self._thread = self._thread, None
        if thread is not None and self._pid == os.getpid() and thread is not threading.current_thread():
            thread.join(_STOP_WAIT_SECONDS)

    def beat(self) -> bool:
        """Give one sign of life; False when it could not be given, or in a forked child, which is not the agent."""
        if self._pid != os.getpid():
            return False
        with self._writing:
            self._sequence += 1
            try:
                self._give()
            except (OSError, ValueError) as error:  # ValueError: a path or an address that cannot be
                self._failed(error)
                return False
            self.last_error = ""
            return True

    def __enter__(self) -> "Heartbeat":
        """Start beating."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop beating."""
        self.stop()

    def _run(self) -> None:
        self.beat()
        while not self._stopped.wait(self.interval):
            self.beat()

    def _failed(self, error: Exception) -> None:
        self.failures += 1
        self.last_error = str(error)

    def _give(self) -> None:
        if self.path:
            self._write(self._record().encode())
        elif self._socket:
            self._notify()

    def _record(self) -> str:
        """The wall time to the microsecond: a beat whose own time stands still is none (HB-4)."""
        now = time.time()
        if self.format == "json":
            return f'{{"unix_ts": {now:.6f}, "pid": {self._pid}, "seq": {self._sequence}}}\n'
        return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1e6):06d}+00:00\n"

    def _write(self, record: bytes) -> None:
        """Replace the file at once, so that nobody reads half a beat.

        The temporary file has one fixed name: an agent that is killed in between leaves one at most, and its
        next beat takes it over. It is not synced: a beat is for now, and a disk may be slow.
        """
        directory, name = os.path.split(self.path)
        temporary = os.path.join(directory, f".{name}.tmp")
        try:
            with open(temporary, "wb") as file:
                file.write(record)
            os.replace(temporary, self.path)
        except OSError as error:
            _remove(temporary)
            if error.errno not in _NO_SPACE:
                raise
            self._overwrite(record)

    def _overwrite(self, record: bytes) -> None:
        """On a full disk: into the room that the last beat has, rather than be taken for hung."""
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            if os.write(descriptor, record) < len(record):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), self.path)
            os.ftruncate(descriptor, len(record))
        finally:
            os.close(descriptor)

    def _notify(self) -> None:
        """One datagram, never waiting for a reader; "@" stands for the abstract namespace (sd_notify(3))."""
        address = "\0" + self._socket[1:] if self._socket.startswith("@") else self._socket
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.setblocking(False)
            sender.sendto(b"WATCHDOG=1", address)


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass

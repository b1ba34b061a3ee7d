"""The socket on which an agent says `WATCHDOG=1` and `READY=1`, as it would to systemd (HB-1, sd_notify(3)).

One datagram socket for each agent. The kernel says who sent each message (SO_PASSCRED); whether the sender
belongs to the agent is judged by whoever reads. WATCHDOG_PID is not set: it would have to name a process that
does not exist yet when its environment is made, and sd_watchdog_enabled(3) takes its absence for "it is meant
for you". A sender that changes nothing of the environment therefore works unchanged.
"""

import os
import socket
import struct
from typing import NamedTuple

PATH_BYTES_MAX = 107
"""sun_path without its closing NUL (unix(7))."""

MESSAGES_PER_TURN = 64
_MESSAGE_BYTES_MAX = 4096
_DATAGRAMS_HELD_DEFAULT = 512
_CREDENTIALS = struct.Struct("3i")


class Message(NamedTuple):
    """What one process said: its pid and the assignments of the datagram."""

    pid: int
    values: dict[str, str]


class NotifySocket:
    """A bound socket; `environment` tells the agent of it, `receive` hands out what has been said."""

    def __init__(self, path: str, timeout: float, owner: int | None = None) -> None:
        """Bind to `path`, replacing what is left there; `owner` is the user who must be able to send.

        Raises OSError, also for a path of more than 107 bytes.
        """
        self.path = path
        self.environment = {"NOTIFY_SOCKET": path, "WATCHDOG_USEC": str(round(timeout * 1_000_000))}
        if os.path.lexists(path):
            os.unlink(path)
        self._holds_max = _datagrams_held_max()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
            self._socket.bind(path)
            os.chmod(path, 0o600)
            if owner is not None:
                os.chown(path, owner, -1)
        except OSError:
            self._socket.close()
            raise

    def fileno(self) -> int:
        """For the selector."""
        return self._socket.fileno()

    def receive(self) -> list[Message]:
        """At most `MESSAGES_PER_TURN` of the waiting messages; those that are no text are dropped."""
        found: list[Message] = []
        for _ in range(MESSAGES_PER_TURN):
            try:
                data, ancillary, _, _ = self._socket.recvmsg(_MESSAGE_BYTES_MAX, socket.CMSG_SPACE(_CREDENTIALS.size))
            except OSError:  # nothing more (EAGAIN), or no memory just now
                break
            message = _message(data, ancillary)
            if message is not None:
                found.append(message)
        return found

    def drain(self) -> None:
        """Drop what is waiting: it was said by an earlier generation. Not more: somebody may be flooding us."""
        for _ in range(self._holds_max + 1):
            try:
                self._socket.recv(1)
            except OSError:
                return

    def close(self) -> None:
        """Close and remove the socket."""
        self._socket.close()
        try:
            os.unlink(self.path)
        except OSError:
            pass


def _datagrams_held_max() -> int:
    """How many datagrams wait in a socket that is made now, at most (unix(7), max_dgram_qlen)."""
    try:
        with open("/proc/sys/net/unix/max_dgram_qlen", encoding="ascii") as file:
            return int(file.read())
    except (OSError, ValueError):
        return _DATAGRAMS_HELD_DEFAULT


def _message(data: bytes, ancillary: list[tuple[int, int, bytes]]) -> Message | None:
    for level, kind, value in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS and len(value) >= _CREDENTIALS.size:
            pid = _CREDENTIALS.unpack_from(value)[0]
            break
    else:
        return None
    try:
        lines = data.decode("utf-8").splitlines()
    except UnicodeDecodeError:
        return None
    return Message(pid, dict(line.split("=", 1) for line in lines if "=" in line))


class SocketDirectory:
    """Where notify sockets go: the state directory, or a short private directory when that will not do."""

    def __init__(self, state_directory: str) -> None:
        self._state = state_directory
        self._private = ""

    def path(self, name: str, *, for_others: bool) -> str:
        """A path for a socket; `for_others` when a user must reach it who may not enter the state directory."""
        path = os.path.join(self._state, name)
        if for_others or len(os.fsencode(path)) > PATH_BYTES_MAX:
            path = os.path.join(self._shorter(), name)
        return path

    def _shorter(self) -> str:
        if not self._private:
            private = f"/tmp/holdfast-{os.getpid()}-{os.urandom(4).hex()}"  # noqa: S108 - made by us alone, or fails
            os.mkdir(private, 0o711)
            self._private = private
        return self._private

    def close(self) -> None:
        """Remove the private directory, once the sockets in it are gone."""
        if self._private:
            try:
                os.rmdir(self._private)
            except OSError:
                pass

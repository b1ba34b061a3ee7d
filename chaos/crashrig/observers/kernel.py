"""Process events of the kernel (connector "proc", linux/cn_proc.h): every fork, exec and exit, with its time.

The kernel stamps them with CLOCK_MONOTONIC at the moment of the event, so a late reader still tells the exact
time. It tells them for the whole machine; `family` keeps what belongs to a cell. A reader that is too slow
loses events, and learns of it in two ways, both reported: ENOBUFS, and gaps in the numbers that each processor
gives its events.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from select import select
from time import monotonic_ns
from typing import TYPE_CHECKING, Final

from crashrig.observers.process_event import ObserverUnavailableError, ProcessEvent

if TYPE_CHECKING:
    from collections.abc import Iterator

NETLINK_CONNECTOR: Final = 11
CN_IDX_PROC: Final = 1
CN_VAL_PROC: Final = 1
LISTEN: Final = 1  # PROC_CN_MCAST_LISTEN
IGNORE: Final = 2  # PROC_CN_MCAST_IGNORE
NLMSG_DONE: Final = 3
NOBODY: Final = 0xFFFFFFFF
SO_RCVBUFFORCE: Final = 33  # asm-generic/socket.h; the socket module does not name it

FORK: Final = 0x00000001
EXEC: Final = 0x00000002
EXIT: Final = 0x80000000

RECEIVE_BUFFER = 4 << 20
"""Bytes; some 16,000 events, several seconds of a fork storm."""

READ_MAX = 512
"""Events taken in one call, so that a storm elsewhere on the machine cannot hold up the cell's loop."""

PROBE_SECONDS = 0.5
"""A namespace that gets no events gives no error either; an event of our own must come within this time."""

_NETLINK_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port
_CONNECTOR_HEADER = struct.Struct("=IIIIHH")  # idx, val, seq, ack, len, flags
_EVENT_HEADER = struct.Struct("=IIQ")  # what, cpu, timestamp_ns
_FOUR = struct.Struct("=IIII")
_TWO = struct.Struct("=II")
_CONNECTOR_AT = _NETLINK_HEADER.size
_EVENT_AT = _CONNECTOR_AT + _CONNECTOR_HEADER.size
_DATA_AT = _EVENT_AT + _EVENT_HEADER.size


class Decoder:
    """Turns messages of the connector into events, and remembers each processor's numbers to notice gaps."""

    def __init__(self) -> None:
        self._sequence: dict[int, int] = {}

    def decode(self, message: bytes) -> Iterator[ProcessEvent]:
        """The event in one message, if it is of a process, and before it the gap that it shows."""
        if len(message) < _DATA_AT + _FOUR.size:
            return
        what, processor, t = _EVENT_HEADER.unpack_from(message, _EVENT_AT)
        if processor == NOBODY:  # an answer to somebody's request, from a kernel that does not number them
            return
        yield from self._gap(message, processor, t)
        if what == FORK:
            _, parent, thread, process = _FOUR.unpack_from(message, _DATA_AT)
            if thread == process:
                yield ProcessEvent(t, "fork", process, parent)
        elif what == EXEC:
            yield ProcessEvent(t, "exec", _TWO.unpack_from(message, _DATA_AT)[1])
        elif what == EXIT:
            thread, process, status, _ = _FOUR.unpack_from(message, _DATA_AT)
            if thread == process:
                yield ProcessEvent(t, "exit", process, status=status)

    def _gap(self, message: bytes, processor: int, t: int) -> Iterator[ProcessEvent]:
        number = _CONNECTOR_HEADER.unpack_from(message, _CONNECTOR_AT)[2]
        expected = self._sequence.get(processor)
        self._sequence[processor] = number
        if expected is not None and number != (expected + 1) & 0xFFFFFFFF:
            missed = (number - expected - 1) & 0xFFFFFFFF
            yield ProcessEvent(t, "lost", text=f"{missed} process events of processor {processor} are missing")

    def forget(self) -> None:
        """Take up the numbers anew after a loss that is known already."""
        self._sequence.clear()


class KernelObserver:
    """An open subscription to the machine's process events. ObserverUnavailableError where that is refused."""

    name = "kernel process events"
    source = "kernel"
    resolution = 0.0001
    interval = 0.0
    sees_all = True

    def __init__(self) -> None:
        self._decoder = Decoder()
        try:
            self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC, NETLINK_CONNECTOR)
        except OSError as error:
            raise ObserverUnavailableError(f"no netlink connector: {error.strerror}") from error
        try:
            self._subscribe()
        except OSError as error:
            self._socket.close()
            raise ObserverUnavailableError(f"process events are refused: {error.strerror}") from error

    def _subscribe(self) -> None:
        self._socket.setblocking(False)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER)
        except OSError:  # without CAP_NET_ADMIN the machine's own maximum has to do
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        self._socket.bind((0, CN_IDX_PROC))
        self._socket.send(_request(LISTEN))

    def fileno(self) -> int:
        """The netlink socket."""
        return self._socket.fileno()

    def read(self) -> list[ProcessEvent]:
        """Decode what has arrived, at most READ_MAX messages."""
        events: list[ProcessEvent] = []
        for _ in range(READ_MAX):
            try:
                message, (port, _) = self._socket.recvfrom(4096)
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                events.append(
                    ProcessEvent(monotonic_ns(), "lost", text="the kernel's queue of process events overflowed")
                )
                self._decoder.forget()
                continue
            if port == 0:  # from the kernel itself
                events.extend(self._decoder.decode(message))
        return events

    def close(self) -> None:
        """Unsubscribe; older kernels count listeners and do not notice a closed socket."""
        try:
            self._socket.send(_request(IGNORE))
        except OSError:
            pass
        self._socket.close()


def probe() -> str:
    """Why process events cannot be had here, or "" when one of our own has been seen to arrive."""
    try:
        observer = KernelObserver()
    except ObserverUnavailableError as error:
        return str(error)
    try:
        child = os.posix_spawn("/bin/sh", ["sh", "-c", ":"], {})
        os.waitpid(child, 0)
        deadline = monotonic_ns() + int(PROBE_SECONDS * 1e9)
        while (left := deadline - monotonic_ns()) > 0:
            select([observer], [], [], left / 1e9)
            if any(event.pid == child and event.what == "exit" for event in observer.read()):
                return ""
    finally:
        observer.close()
    return "process events do not arrive here (a container's own network or pid namespace gets none)"


def _request(operation: int) -> bytes:
    body = struct.pack("=I", operation)
    connector = _CONNECTOR_HEADER.pack(CN_IDX_PROC, CN_VAL_PROC, 0, 0, len(body), 0) + body
    length = _NETLINK_HEADER.size + len(connector)
    return _NETLINK_HEADER.pack(length, NLMSG_DONE, 0, 0, 0) + connector

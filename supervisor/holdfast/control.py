"""The control socket: clients, lines and their limits (CTL-2). What a command does is in `operations`.

A request is one line of JSON, and so is its answer. Everything is bounded and nothing waits: a line has 64 KiB
at most, a client is not read from while an answer to it is unsent, one that takes nothing for five seconds is
dropped, and when all places are taken the client that has been silent longest makes room. Only the supervisor's
own user and root are heard.
"""

import json
import os
import selectors
import socket
import struct
from collections.abc import Callable

from holdfast import clock

LINE_BYTES_MAX = 65536
CLIENTS_MAX = 64
SLOW_SECONDS_MAX = 5.0
TURN_SECONDS_MAX = 0.004
"""After this long in a turn of the loop, further requests wait for the next one: agents come first (RST-10)."""

_ACCEPTED_AT_ONCE_MAX = 16
_BACKLOG = 128
_PAUSE_SECONDS = 0.5
_CREDENTIALS = struct.Struct("3i")

Answer = dict[str, object]
Reply = Callable[[Answer], None]
Handler = Callable[[Answer, Reply], None]
"""Given a request and a function that takes its answer, at once or later."""


def refusal(error: str) -> Answer:
    """The answer to what cannot be done."""
    return {"ok": False, "error": error}


class ControlServer:
    """Listens on `control.sock` and hands requests to `handler`."""

    def __init__(self, state_directory: str, selector: selectors.BaseSelector, handler: Handler) -> None:
        """Replaces a socket left by an earlier supervisor: the lock says there is no other. Raises OSError."""
        self._selector = selector
        self._handler = handler
        self._clients: dict[int, _Client] = {}
        self._paused_until: float | None = None
        self._path = os.path.join(state_directory, "control.sock")
        self._socket = _listen(state_directory)
        selector.register(self._socket, selectors.EVENT_READ, self._accept)

    @property
    def next_at(self) -> float | None:
        """When `turn` wants to be called."""
        times = [client.drop_at for client in self._clients.values() if client.drop_at is not None]
        if any(client.has_request for client in self._clients.values()):
            times.append(0.0)
        if self._paused_until is not None:
            times.append(self._paused_until)
        return min(times, default=None)

    def turn(self, now: float) -> None:
        """Take up waiting requests, drop clients that take nothing, listen again after a pause."""
        for client in list(self._clients.values()):
            if client.drop_at is not None and client.drop_at <= now:
                client.close()
        self._take_up_requests(clock.now() + TURN_SECONDS_MAX)
        if self._paused_until is not None and self._paused_until <= now:
            self._paused_until = None
            self._selector.register(self._socket, selectors.EVENT_READ, self._accept)

    def _take_up_requests(self, until: float) -> None:
        """One of each client, as far as the time allows; who had a turn is last in the next one."""
        for number, client in list(self._clients.items()):
            if client.has_request:
                self._clients[number] = self._clients.pop(number)
                client.go_on()
                if clock.now() > until:
                    return

    def close(self) -> None:
        """Send what can be sent at once, hang up and remove the socket."""
        for client in list(self._clients.values()):
            client.close()
        if self._paused_until is None:
            self._selector.unregister(self._socket)
        self._socket.close()
        try:
            os.unlink(self._path)
        except OSError:
            pass

    def _accept(self) -> None:
        for _turn in range(_ACCEPTED_AT_ONCE_MAX):
            try:
                connection, _ = self._socket.accept()
            except (BlockingIOError, ConnectionError):
                return
            except OSError:  # no descriptor left: a listener that stays ready would spin
                self._selector.unregister(self._socket)
                self._paused_until = clock.now() + _PAUSE_SECONDS
                return
            self._welcome(connection)

    def _welcome(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        if not _is_allowed(connection):
            connection.close()
            return
        if len(self._clients) >= CLIENTS_MAX:
            min(self._clients.values(), key=lambda client: client.heard_at).close()
        client = _Client(connection, self._selector, self._handler, self._clients)
        self._clients[connection.fileno()] = client


class _Client:
    """One connection: a request at a time, one in each turn of the loop."""

    def __init__(
        self,
        connection: socket.socket,
        selector: selectors.BaseSelector,
        handler: Handler,
        clients: "dict[int, _Client]",
    ) -> None:
        self.heard_at = clock.now()
        self.drop_at: float | None = None
        self._connection = connection
        self._selector = selector
        self._handler = handler
        self._clients = clients
        self._in = bytearray()
        self._out = bytearray()
        self._awaiting = False
        self._no_more = False
        self._open = True
        self._interest = selectors.EVENT_READ
        selector.register(connection, selectors.EVENT_READ, self._ready)

    @property
    def has_request(self) -> bool:
        """Whether something that was received is to be taken up."""
        idle = self._open and not self._awaiting and not self._out
        return idle and (b"\n" in self._in or self._no_more or len(self._in) > LINE_BYTES_MAX)

    def close(self) -> None:
        """Hang up; an answer that comes later is for nobody."""
        if self._open:
            self._open = False
            del self._clients[self._connection.fileno()]
            if self._interest:
                self._selector.unregister(self._connection)
            self._connection.close()

    def go_on(self) -> None:
        """Take up one request that has been received, or hang up when there will be none."""
        line, newline, rest = self._in.partition(b"\n")
        if len(line) > LINE_BYTES_MAX:
            self._refuse(f"a request has at most {LINE_BYTES_MAX} bytes")
        elif newline:
            self._in = rest
            self._request(bytes(line))
        elif self._no_more:
            self.close()
        self._show_interest()

    def _ready(self) -> None:
        if self._open and self._out:
            self._send()
        elif self._open:
            self._receive()
        self._show_interest()

    def _receive(self) -> None:
        try:
            data = self._connection.recv(LINE_BYTES_MAX)
        except BlockingIOError:
            return
        except OSError:
            self.close()
            return
        self.heard_at = clock.now()
        self._in += data
        self._no_more = not data  # it may have closed one direction only, and wait for its answer

    def _request(self, line: bytes) -> None:
        try:
            request = json.loads(line)
        except (ValueError, RecursionError):
            request = None
        if isinstance(request, dict) and isinstance(request.get("command"), str):
            self._awaiting = True
            self._handler(request, self._answer)
        else:
            self._refuse('expected one line of JSON such as {"command": "status"}')

    def _refuse(self, error: str) -> None:
        """Say what was wrong; who speaks another language is not listened to any longer."""
        self._in.clear()
        self._no_more = True
        self._answer(refusal(error))

    def _answer(self, answer: Answer) -> None:
        self._awaiting = False
        if self._open:
            self._out += json.dumps(answer).encode() + b"\n"
            self._send()
            self._show_interest()

    def _send(self) -> None:
        try:
            sent = self._connection.send(self._out)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.close()
            return
        del self._out[:sent]
        if not self._out:
            self.drop_at = None
        elif sent or self.drop_at is None:
            self.drop_at = clock.now() + SLOW_SECONDS_MAX

    def _show_interest(self) -> None:
        """Wait for room while something is unsent, else for more, as long as there may be more and room for it."""
        if not self._open:
            return
        wanted = 0
        if self._out:
            wanted = selectors.EVENT_WRITE
        elif not self._no_more and len(self._in) <= LINE_BYTES_MAX:
            wanted = selectors.EVENT_READ
        if wanted == self._interest:
            return
        if not wanted:
            self._selector.unregister(self._connection)
        elif self._interest:
            self._selector.modify(self._connection, wanted, self._ready)
        else:
            self._selector.register(self._connection, wanted, self._ready)
        self._interest = wanted


def _listen(state_directory: str) -> socket.socket:
    """A listening socket, bound by way of a descriptor because an address has 107 bytes at most (unix(7))."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    directory = os.open(state_directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            os.unlink("control.sock", dir_fd=directory)
        except FileNotFoundError:
            pass
        os.fchmod(listener.fileno(), 0o600)  # before bind: there is no moment when others could connect
        listener.bind(f"/proc/self/fd/{directory}/control.sock")
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    finally:
        os.close(directory)
    return listener


def _is_allowed(connection: socket.socket) -> bool:
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, uid, _ = _CREDENTIALS.unpack(credentials)
    return uid in (0, os.geteuid())

"""Watching for an agent's signs of life, wherever they come from, and telling the core in good time (HB-1, HB-5).

Each watch is asked at fixed moments, about a hundred times within its timeout, whether there has been a beat
since it was last asked: a flood of beats costs no more than one, and no beat is told later than that. The
moments of all watches fall on one grid, so that many agents wake the supervisor no more often than one. What a
beat is in a file is in `beats`; what silence means is decided in the core.
"""

from collections.abc import Callable, Iterable
from math import floor
from selectors import EVENT_READ, BaseSelector

from holdfast import clock
from holdfast.beats import BeatFile, poll_interval
from holdfast.events import BeatRejected, BeatSeen
from holdfast.notify import NotifySocket
from holdfast.output import Outlet, OutputPipe
from holdfast.policy import HeartbeatPolicy
from holdfast.settings import BeatFormat

Beat = BeatSeen | BeatRejected


class Watch:
    """The watch over one agent; a generation begins and ends, the watch stays."""

    environment: dict[str, str]
    """What a generation is told about where to beat."""

    def __init__(self, agent: str, policy: HeartbeatPolicy) -> None:
        self.agent = agent
        self.environment = {}
        self.interval = poll_interval(min(policy.timeout, policy.startup_grace))
        self.generation = 0
        self.silent_since = 0.0
        self._patience = min(policy.timeout, policy.startup_grace) / 2

    def begin(self, generation: int) -> int | None:
        """A generation is about to start; returns the descriptor it is to print into, if it is to be that one.

        Raises OSError when there are no descriptors.
        """
        self.generation = generation
        self.silent_since = clock.now()
        return None

    def started(self) -> None:
        """The generation has its copies of what `begin` made for it."""

    def end(self) -> None:
        """The generation is over."""
        self.generation = 0

    def is_silent(self, now: float) -> bool:
        """Whether the silence has grown so long that a beat may matter at any moment."""
        return now - self.silent_since > self._patience

    def look(self) -> Beat | None:
        """What has come since the last look."""
        found = self._found()
        if found is None or not self.generation:
            return None
        if found:
            return BeatRejected(self.agent, self.generation, found)
        self.silent_since = clock.now()
        return BeatSeen(self.agent, self.generation)

    def _found(self) -> str | None:
        """ "" for a beat, a word for what is none, None for nothing."""
        raise NotImplementedError


class FileWatch(Watch):
    """Beats are a file that changes."""

    def __init__(
        self, agent: str, policy: HeartbeatPolicy, path: str, form: BeatFormat, is_member: Callable[[int], bool]
    ) -> None:
        super().__init__(agent, policy)
        self.environment = {"HOLDFAST_HEARTBEAT_FILE": path}
        self._file = BeatFile(path, form, is_member)

    def begin(self, generation: int) -> int | None:
        self._file.begin()
        return super().begin(generation)

    def _found(self) -> str | None:
        return self._file.poll()


class NotifyWatch(Watch):
    """Beats are `WATCHDOG=1` on the agent's socket."""

    def __init__(
        self,
        agent: str,
        policy: HeartbeatPolicy,
        socket: NotifySocket,
        selector: BaseSelector,
        is_member: Callable[[int], bool],
        on_ready: Callable[[str, int], None],
    ) -> None:
        """`on_ready` is told of `READY=1`, with agent and generation."""
        super().__init__(agent, policy)
        self.environment = socket.environment
        self._socket = socket
        self._selector = selector
        self._is_member = is_member
        self._on_ready = on_ready
        self._beaten = False
        selector.register(socket, EVENT_READ, self._receive)

    def begin(self, generation: int) -> int | None:
        self._socket.drain()
        self._beaten = False
        return super().begin(generation)

    def close(self) -> None:
        """Remove the socket."""
        self._selector.unregister(self._socket)
        self._socket.close()

    def _receive(self) -> None:
        members: dict[int, bool] = {}  # one who floods is looked up once
        for message in self._socket.receive():
            beats, ready = message.values.get("WATCHDOG") == "1", message.values.get("READY") == "1"
            if not self.generation or not (ready or (beats and not self._beaten)):
                continue
            if message.pid not in members:
                members[message.pid] = self._is_member(message.pid)
            if members[message.pid]:
                self._beaten = self._beaten or beats
                if ready:
                    self._on_ready(self.agent, self.generation)

    def _found(self) -> str | None:
        self._receive()
        beaten, self._beaten = self._beaten, False
        return "" if beaten else None


class OutputWatch(Watch):
    """Beats are whatever the agent prints."""

    def __init__(self, agent: str, policy: HeartbeatPolicy, outlet: Outlet, selector: BaseSelector) -> None:
        super().__init__(agent, policy)
        self._outlet = outlet
        self._selector = selector
        self._pipe: OutputPipe | None = None
        self._beaten = False

    def begin(self, generation: int) -> int | None:
        self.end()
        self._outlet.open()
        self._pipe = OutputPipe(self._outlet)
        self._selector.register(self._pipe.reader, EVENT_READ, self._read)
        self._beaten = False
        super().begin(generation)
        return self._pipe.writer

    def started(self) -> None:
        if self._pipe is not None:
            self._pipe.close_writer()

    def end(self) -> None:
        super().end()
        if self._pipe is not None:
            self._forget_reader(self._pipe)
            self._pipe.close()
            self._pipe = None

    def _read(self) -> None:
        if self._pipe is None:
            return
        found = self._pipe.pass_on()
        if found is None:  # everybody has closed it: it would stay readable for ever
            self._forget_reader(self._pipe)
        self._beaten = self._beaten or bool(found)

    def _forget_reader(self, pipe: OutputPipe) -> None:
        try:
            self._selector.unregister(pipe.reader)
        except KeyError:
            pass

    def _found(self) -> str | None:
        self._read()
        self._outlet.flush()
        beaten, self._beaten = self._beaten, False
        return "" if beaten else None


class Watches:
    """All watches, asked on one grid."""

    def __init__(self) -> None:
        self._watches: dict[float, list[Watch]] = {}
        self._next: dict[float, float] = {}

    @property
    def next_at(self) -> float | None:
        """When `due` wants to be asked, on the monotonic clock."""
        return min(self._next.values(), default=None)

    def add(self, watch: Watch) -> None:
        """Ask it from now on."""
        self._watches.setdefault(watch.interval, []).append(watch)
        self._next.setdefault(watch.interval, 0.0)

    def due(self, now: float, *, everybody: bool = False, silent: bool = False) -> Iterable[Watch]:
        """The watches to ask now: whose moment has come, or all, or with them those that have long been silent."""
        for interval, watches in self._watches.items():
            if everybody or self._next[interval] <= now:
                self._next[interval] = (floor(now / interval) + 1) * interval
                yield from watches
            elif silent:
                yield from [watch for watch in watches if watch.is_silent(now)]

"""How the simulated holdfast watches for signs of life: holdfast's own rules, without the file system.

Counterpart of `holdfast.watch` and of `holdfast.beats.BeatFile`: the same grid of looks, the same tokens; what the
content of a file means is decided by `holdfast.beats.read_token` itself. A look at something that has not changed
finds nothing, so it is left out here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.beats import NoBeatError, poll_interval, read_token
from holdfast.events import BeatRejected, BeatSeen
from holdfast.settings import BeatFormat

if TYPE_CHECKING:
    from collections.abc import Callable

    from crashrig.simulation.clock import Clock
    from crashrig.simulation.heartbeat_file import HeartbeatFile
    from holdfast.beats import Token
    from holdfast.policy import HeartbeatPolicy


class Watch:
    """The watch over one agent. `look_at` is when the next look finds something to look at; None for nothing new."""

    def __init__(self, agent: str, policy: HeartbeatPolicy, clock: Clock) -> None:
        shorter = min(policy.timeout, policy.startup_grace)
        self.agent = agent
        self.look_at: float | None = None
        self._clock = clock
        self._interval = poll_interval(shorter)
        self._patience = shorter / 2
        self._generation = 0
        self._silent_since = 0.0

    def next_tick(self, now: float) -> float:
        """The next moment of the grid on which all watches look."""
        return (now // self._interval + 1.0) * self._interval

    def changed(self) -> None:
        """There is something new to look at."""
        if self.look_at is None:
            self.look_at = self.next_tick(self._clock.now)

    def begin(self, generation: int) -> None:
        """A generation is about to start: what is there now is stale (HB-3)."""
        self._find()
        self.look_at = None
        self._generation = generation
        self._silent_since = self._clock.now

    def end(self) -> None:
        """The generation is over."""
        self._generation = 0

    def is_silent(self, now: float) -> bool:
        """Whether the silence has grown so long that a beat may matter at any moment."""
        return now - self._silent_since > self._patience

    def look(self) -> BeatSeen | BeatRejected | None:
        """What has come since the last look."""
        self.look_at = None
        found = self._find()
        if found is None or not self._generation:
            return None
        if found:
            return BeatRejected(self.agent, self._generation, found)
        self._silent_since = self._clock.now
        return BeatSeen(self.agent, self._generation)

    def _find(self) -> str | None:
        """ "" for a beat, a word for what is none, None for nothing."""
        raise NotImplementedError


class HeardWatch(Watch):
    """Beats are messages on a socket or lines of output: any number of them between two looks is one."""

    def __init__(self, agent: str, policy: HeartbeatPolicy, clock: Clock) -> None:
        super().__init__(agent, policy, clock)
        self._heard = False

    def hear(self) -> None:
        """One has come."""
        self._heard = True
        self.changed()

    def _find(self) -> str | None:
        heard, self._heard = self._heard, False
        return "" if heard else None


class FileWatch(Watch):
    """Beats are a file that changes."""

    def __init__(
        self,
        agent: str,
        policy: HeartbeatPolicy,
        clock: Clock,
        file: HeartbeatFile,
        form: BeatFormat,
        is_member: Callable[[int], bool],
    ) -> None:
        super().__init__(agent, policy, clock)
        self._file = file
        self._form = form
        self._is_member = is_member
        self._mark: tuple[int, int, float] | None = None
        self._token: Token | None = None

    def _find(self) -> str | None:
        mark = self._file.mark
        if mark == self._mark:
            return None
        self._mark = mark
        try:
            token = self._read()
        except NoBeatError as no:
            return str(no)
        if token is None:
            return None
        if token == self._token:
            return "frozen"
        self._token = token
        return ""

    def _read(self) -> Token | None:
        content = self._file.content
        if content is None:
            return None
        if self._form is BeatFormat.MTIME:
            return str(self._file.modified)
        token, writer = read_token(content, self._form)
        if writer is not None and not self._is_member(writer):
            raise NoBeatError("foreign")
        return token

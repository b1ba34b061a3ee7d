"""The simulated holdfast: a process that can be signalled, and the loop around the core.

Counterpart of `holdfast.loop`, turn by turn: the dead first, then what was asked, then beats, then how late the
turn is, then the deadline; effects are carried out in order and events that come of them wait for their end. The
only time that passes is `NOTICE_SECONDS`.
"""

from __future__ import annotations

import signal
from collections import deque
from typing import TYPE_CHECKING

from crashrig.history import Observation
from crashrig.simulation.driver import Driver
from holdfast.effects import Alert, Finish, SignalTree, Spawn, StateChanged
from holdfast.events import (
    DeadlineReached,
    RestartRequested,
    ShutdownRequested,
    StartRequested,
    StopRequested,
    Woke,
)
from holdfast.fleet import Fleet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from crashrig.agents.plan_file import Plan
    from crashrig.history import What
    from crashrig.simulation.clock import Clock, Timer
    from crashrig.simulation.kernel import Kernel
    from holdfast.effects import Effect
    from holdfast.events import Event
    from holdfast.settings import Settings

NOTICE_SECONDS = 0.00005
"""From something that happens to the loop's hearing of it: a wake-up from epoll_wait(2) on a quiet machine."""

LATE_SECONDS = 0.1
"""The same as `holdfast.loop.LATE_SECONDS`, which is not imported: it comes with sockets and processes."""

_ORDERS: dict[str, type[StartRequested | StopRequested | RestartRequested]] = {
    "start": StartRequested,
    "stop": StopRequested,
    "restart": RestartRequested,
}
_STOP_SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT})


class Supervisor:
    """One run of the simulated holdfast."""

    def __init__(
        self,
        settings: Settings,
        plans: Mapping[str, Plan],
        broken: Mapping[str, str],
        clock: Clock,
        kernel: Kernel,
        observe: Callable[[Observation], None],
    ) -> None:
        """`broken` says of each agent whose command cannot be started why not."""
        self._clock = clock
        self._observe = observe
        self._fleet = Fleet({agent.name: agent.policy for agent in settings.agents}, settings.fleet)
        self._driver = Driver(settings.agents, plans, broken, clock, kernel, self._wake)
        self._asked: list[Event] = []
        self._inbox: deque[Event] = deque()
        self._timer: Timer | None = None
        self._stops = 0
        self._frozen_at: float | None = None
        self._late_by = 0.0
        self.alive = True
        self.heartbeat_file = self._driver.heartbeat_file

    def begin(self) -> None:
        """Start the supervisor, and with it every agent."""
        self._tell("subject.start")
        self._carry_out(self._fleet.begin(self._clock.now))
        self._feed()
        self._plan()

    # What reaches the process --------------------------------------------------------------------------------

    def operate(self, command: str, agents: Iterable[str]) -> None:
        """An operator's command, for all these agents; `shutdown` is for the supervisor itself."""
        if command == "shutdown":
            self._asked.append(ShutdownRequested())
        else:
            self._asked += [_ORDERS[command](agent) for agent in agents]
        self._wake()

    def kill(self, number: int) -> None:
        """A signal to the supervisor's process."""
        if number in (signal.SIGSTOP, signal.SIGTSTP):
            self._freeze()
        elif number == signal.SIGCONT:
            self._thaw()
        elif number in _STOP_SIGNALS:
            self._asked.append(ShutdownRequested(urgent=self._stops > 0))
            self._stops += 1
            self._wake()
        elif number != signal.SIGHUP:  # which the loop hears and does nothing about
            self._end(None, number)

    def _freeze(self) -> None:
        if self._frozen_at is None:
            self._frozen_at = self._clock.now

    def _thaw(self) -> None:
        """The next turn comes later than the one that was planned, and knows it."""
        if self._frozen_at is not None:
            ticks = [watch.next_tick(self._frozen_at) for watch in self._driver.watches.values()]
            times = [*ticks, self._fleet.deadline]
            planned = min((time for time in times if time is not None), default=self._clock.now)
            self._late_by = self._clock.now - planned
            self._frozen_at = None
            self._wake()

    # A turn --------------------------------------------------------------------------------------------------

    def _wake(self) -> None:
        self._turn_at(self._clock.now + NOTICE_SECONDS)

    def _turn_at(self, time: float) -> None:
        if not self.alive or self._frozen_at is not None:
            return
        if self._timer is not None:
            if self._timer.time <= time:
                return
            self._timer.cancel()
        self._timer = self._clock.at(time, self._turn)

    def _turn(self) -> None:
        self._timer = None
        if self._frozen_at is not None:
            return
        late_by, self._late_by = self._late_by, 0.0
        for exited in self._driver.reap():
            self._feed(exited)
        asked, self._asked = self._asked, []
        for event in asked:
            self._feed(event)
        for emptied in self._driver.emptied():
            self._feed(emptied)
        self._look_for_beats(late=late_by > LATE_SECONDS)
        if late_by > LATE_SECONDS:
            self._feed(Woke(late_by))
        if self._is_due(self._clock.now):
            self._feed(DeadlineReached())
        self._plan()

    def _look_for_beats(self, *, late: bool) -> None:
        now = self._clock.now
        due = self._is_due(now)
        for watch in self._driver.watches.values():
            if watch.look_at is not None and (watch.look_at <= now or late or (due and watch.is_silent(now))):
                beat = watch.look()
                if beat is not None:
                    self._feed(beat)

    def _is_due(self, now: float) -> bool:
        deadline = self._fleet.deadline
        return deadline is not None and deadline <= now

    def _plan(self) -> None:
        times = [watch.look_at for watch in self._driver.watches.values()]
        times.append(self._fleet.deadline)
        for time in times:
            if time is not None:
                self._turn_at(time)

    # The core ------------------------------------------------------------------------------------------------

    def _feed(self, *events: Event) -> None:
        self._inbox += events
        while self._inbox and self.alive:
            self._carry_out(self._fleet.handle(self._inbox.popleft(), self._clock.now))

    def _carry_out(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Spawn():
                    self._inbox.append(self._driver.spawn(effect))
                case SignalTree():
                    self._driver.signal(effect)
                case StateChanged():
                    self._claim(effect)
                case Finish():
                    self._end(effect.code, None)
                case Alert():
                    pass  # nothing that could be seen from outside

    # What is seen of it --------------------------------------------------------------------------------------

    def _claim(self, change: StateChanged) -> None:
        self._observe(
            Observation(
                t=self._clock.now,
                what="claimed",
                agent=change.agent,
                generation=change.generation,
                text=str(change.new),
                source="subject",
            )
        )

    def _end(self, code: int | None, number: int | None) -> None:
        self.alive = False
        self._driver.deaf = True
        if self._timer is not None:
            self._timer.cancel()
        self._tell("subject.exit", code, number)

    def _tell(self, what: What, code: int | None = None, number: int | None = None) -> None:
        pid = self._driver.pid
        self._observe(Observation(t=self._clock.now, what=what, pid=pid, code=code, signal=number, source="simulation"))

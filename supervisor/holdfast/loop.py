"""The loop: one thread that waits for everything and feeds the core, turn by turn.

A turn: wait until a descriptor is ready or the next time has come; reap the dead, and tell of them first,
because nothing is more urgent than a restart; read what is ready; go on with kills; look for beats; then, and
only then, let deadlines come. So whatever had happened when a deadline fell due is known to the core before the
deadline is. The core's answers are carried out in order, each event's before the next event.

The order of the rules: RST-11 (proof before the next start) is kept in `driver`, HB-6 here: a turn that begins
late looks for all beats and says how late it was before it lets a deadline come.
"""

from collections import deque
from collections.abc import Callable
from selectors import EVENT_READ, BaseSelector
from typing import assert_never

from holdfast import clock
from holdfast.control import ControlServer
from holdfast.driver import Driver
from holdfast.effects import Alert, Effect, Finish, SignalTree, Spawn, StateChanged
from holdfast.events import DeadlineReached, Event, ShutdownRequested, Woke
from holdfast.fleet import Fleet
from holdfast.journal import Journal
from holdfast.signals import Signals
from holdfast.watch import Watches

LATE_SECONDS = 0.1
"""A wake-up that is later than this may mean that beats were missed; the core judges (HB-6)."""

WAIT_SECONDS_MAX = 86400.0
"""epoll_wait(2) counts milliseconds in an int, 24.8 days; after a day the loop looks at its plans again."""


class Loop:
    """Runs a fleet until it is finished."""

    def __init__(
        self,
        fleet: Fleet,
        selector: BaseSelector,
        signals: Signals,
        journal: Journal,
        watches: Watches,
        alert: Callable[[str], None],
    ) -> None:
        """`driver` and `control` are set before `run`: they call back into the loop."""
        self.driver: Driver
        self.control: ControlServer
        self.on_change: Callable[[], None] = lambda: None
        self._fleet = fleet
        self._selector = selector
        self._signals = signals
        self._journal = journal
        self._watches = watches
        self._alert = alert
        self._inbox: deque[Event] = deque()
        self._feeding = False
        self._died = True
        self._stops = 0
        self._exit_code: int | None = None
        self._put_off = False
        self._began = clock.now()
        selector.register(signals.reader, EVENT_READ, self.note_death)

    def note_death(self) -> None:
        """Called by the selector for every pidfd and for SIGCHLD: somebody is to be reaped in this turn."""
        self._died = True

    def run(self) -> int:
        """Start every agent and go on until the core says that it is over; returns the exit code it gives.

        One that was asked to stop before it began starts nobody.
        """
        if self._signals.stops:
            return 0
        now = clock.now()
        self._carry_out_all(now, None, self._fleet.begin(now))
        self._feed_inbox()
        self._journal.flush()
        while self._exit_code is None:
            self._turn()
        return self._exit_code

    def feed(self, event: Event) -> None:
        """Tell the core, and carry out what it wants; an event that comes of this waits for its end."""
        self._inbox.append(event)
        if not self._feeding:
            self._feed_inbox()

    def _feed_inbox(self) -> None:
        self._feeding = True
        try:
            while self._inbox:
                event = self._inbox.popleft()
                now = clock.now()
                self._carry_out_all(now, event, self._fleet.handle(event, now))
        finally:
            self._feeding = False

    # A turn --------------------------------------------------------------------------------------------------

    def _turn(self) -> None:
        planned = self._next_at()
        ready = [key.data for key, _ in self._selector.select(self._patience(planned))]
        began, before = clock.now(), self._began
        self._began = began
        late_by = began - max(planned, before) if planned is not None else 0.0  # work that has piled up is not sleep
        self._bury_the_dead(ready)
        for read in ready:
            if read != self.note_death:
                read()
        self._hear_signals()
        self._driver_turn(began)
        self._look_for_beats(began, late=late_by > LATE_SECONDS)
        if late_by > LATE_SECONDS:
            self.feed(Woke(late_by))
        self._let_deadline_come(began)
        self._journal.flush()  # what a client is told is in the journal
        self.control.turn(began)
        self._journal.flush()
        self.driver.join(began)

    def _next_at(self) -> float | None:
        times = (self._fleet.deadline, self.driver.next_at, self._watches.next_at, self.control.next_at)
        return min((time for time in times if time is not None), default=None)

    def _patience(self, planned: float | None) -> float | None:
        if self._died:
            return 0.0
        return None if planned is None else min(max(0.0, planned - clock.now()), WAIT_SECONDS_MAX)

    def _bury_the_dead(self, ready: list[Callable[[], None]]) -> None:
        """Deaths first: the way from here to the next start is the one that counts."""
        if self.note_death in ready:
            self._died = True
        if self._died:
            self._signals.drain()  # before, not after: a death during the reaping must wake us again
            for exited in self.driver.reap():
                self.feed(exited)
            self.driver.tidy()

    def _hear_signals(self) -> None:
        """SIGTERM, SIGINT and SIGQUIT: the first asks, every further one insists (STOP-3)."""
        while self._stops < self._signals.stops:
            self.feed(ShutdownRequested(urgent=self._stops > 0))
            self._stops += 1

    def _driver_turn(self, now: float) -> None:
        died, self._died = self._died, False
        self.driver.sweep(now, died=died)
        for emptied in self.driver.emptied():
            self.feed(emptied)

    def _look_for_beats(self, now: float, *, late: bool) -> None:
        deadline = self._fleet.deadline
        for watch in self._watches.due(now, everybody=late, silent=deadline is not None and deadline <= now):
            beat = watch.look()
            if beat is not None:
                self.feed(beat)

    def _let_deadline_come(self, began: float) -> None:
        """Once what had come before it is read: a turn that was held up itself puts its deadlines off by one turn.

        Not by two, or a machine on which every turn is slow would see no deadline at all; then the time lost is
        told instead, so that no beat is missed (HB-6).
        """
        now = clock.now()
        deadline = self._fleet.deadline
        if deadline is None or deadline > now:
            return
        held_up = now - began if now - began > LATE_SECONDS else 0.0
        self._put_off = held_up > 0.0 and not self._put_off
        if self._put_off:
            return
        if held_up:
            self.feed(Woke(held_up))
        self.feed(DeadlineReached())

    # Effects -------------------------------------------------------------------------------------------------

    def _carry_out_all(self, now: float, event: Event | None, effects: list[Effect]) -> None:
        self._journal.decided(now, event, effects)
        for effect in effects:
            self._carry_out(effect)

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case Spawn():
                self._inbox.append(self.driver.spawn(effect))
            case SignalTree():
                self.driver.signal(effect)
            case StateChanged():
                self.on_change()
            case Alert():
                self._alert(f"{effect.level}: {effect.text}")
            case Finish():
                self._exit_code = effect.code
            case _:
                assert_never(effect)

"""The order of a turn: deaths, then input, then beats, then lateness, then deadlines (HB-6)."""

from __future__ import annotations

import os
import selectors
import signal
from typing import TYPE_CHECKING, Any

import pytest

from holdfast import loop as loop_module
from holdfast.effects import Alert, Effect, Finish, Level, SignalTree, Spawn
from holdfast.events import BeatSeen, DeadlineReached, Event, Exited, ShutdownRequested, Spawned, TreeEmptied, Woke
from holdfast.loop import Loop
from holdfast.signals import Signals

if TYPE_CHECKING:
    from collections.abc import Iterator

EXITED = Exited("a", 1, 1, None, tree_empty=False)


class World:
    """Everything a loop touches, made up; `told` is what the core was told, in order."""

    def __init__(self) -> None:
        self.now = 100.0
        self.wait_takes = 0.0
        self.told: list[Event] = []
        self.times: list[float] = []
        self.did: list[str] = []
        self.answers: dict[type, list[Effect]] = {}
        self.deadline: float | None = None
        self.next_at: float | None = None
        self.deaths: list[Exited] = []
        self.empty: list[TreeEmptied] = []
        self.beat: BeatSeen | None = None
        self.looked: list[tuple[bool, bool]] = []
        self.stops = 0
        self.reader = 3
        self.ready: list[Any] = []

    # the core
    def begin(self, now: float) -> list[Effect]:
        return []

    def handle(self, event: Event, now: float) -> list[Effect]:
        self.told.append(event)
        self.times.append(now)
        if isinstance(event, DeadlineReached):
            self.deadline = None
        return self.answers.pop(type(event), [])

    # the selector
    def register(self, *_: object) -> None: ...

    def select(self, timeout: float | None) -> list[tuple[selectors.SelectorKey, int]]:
        self.now += self.wait_takes
        self.waited = timeout
        return [(selectors.SelectorKey(0, 0, 1, data), 1) for data in self.ready]

    # the driver
    def reap(self) -> Iterator[Exited]:
        deaths, self.deaths = self.deaths, []
        yield from deaths

    def emptied(self) -> Iterator[TreeEmptied]:
        empty, self.empty = self.empty, []
        yield from empty

    def spawn(self, effect: Spawn) -> Spawned:
        self.did.append("spawn")
        return Spawned(effect.agent, effect.generation, 77)

    def signal(self, effect: SignalTree) -> None:
        self.did.append(f"signal {effect.signal}")

    def sweep(self, now: float, *, died: bool) -> None:
        self.did.append(f"sweep died={died}")

    def tidy(self) -> None: ...

    def join(self, now: float) -> None: ...

    # signals, journal, control, watches
    def drain(self) -> None: ...

    def decided(self, now: float, event: Event | None, effects: list[Effect]) -> None: ...

    def flush(self) -> None: ...

    def turn(self, now: float) -> None: ...

    def due(self, now: float, *, everybody: bool, silent: bool) -> list[World]:
        self.looked.append((everybody, silent))
        return [self]

    def look(self) -> BeatSeen | None:
        beat, self.beat = self.beat, None
        return beat


class Quiet(World):
    """What never asks to be called."""

    next_at = None

    def __init__(self) -> None:
        super().__init__()
        self.next_at = None


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World()
    monkeypatch.setattr(loop_module.clock, "now", lambda: world.now)
    return world


@pytest.fixture
def loop(world: World) -> Loop:
    alerts: list[str] = []
    made: Any = Loop(world, world, world, world, world, alerts.append)  # type: ignore[arg-type]
    made.driver, made.control = world, Quiet()
    made.alerts = alerts
    return made  # type: ignore[no-any-return]


def test_a_death_is_told_before_what_else_is_ready(loop: Loop, world: World) -> None:
    world.deaths = [EXITED]
    world.ready = [lambda: loop.feed(BeatSeen("a", 1)), loop.note_death]
    loop._turn()
    assert world.told == [EXITED, BeatSeen("a", 1)]


def test_everything_is_told_before_a_deadline(loop: Loop, world: World) -> None:
    world.deadline = 100.0
    world.deaths = [EXITED]
    world.empty = [TreeEmptied("a", 1)]
    world.beat = BeatSeen("a", 1)
    loop._turn()
    assert world.told == [EXITED, TreeEmptied("a", 1), BeatSeen("a", 1), DeadlineReached()]
    assert world.looked == [(False, True)]


def test_a_late_turn_looks_for_all_beats_then_says_how_late_it_is(loop: Loop, world: World) -> None:
    world.deadline = 101.0
    world.wait_takes = 60.0
    world.beat = BeatSeen("a", 1)
    loop._turn()
    assert world.told == [BeatSeen("a", 1), Woke(59.0), DeadlineReached()]
    assert world.looked[0][0] is True


def test_a_little_late_is_not_late(loop: Loop, world: World) -> None:
    world.deadline = 101.0
    world.wait_takes = 1.1
    loop._turn()
    assert world.told == [DeadlineReached()]


def test_work_that_has_piled_up_is_not_lateness(loop: Loop, world: World) -> None:
    world.next_at = 90.0  # ten seconds ago
    world.wait_takes = 0.01
    loop._turn()
    assert world.told == []


def test_a_turn_that_is_itself_held_up_lets_no_deadline_come(loop: Loop, world: World) -> None:
    """Stopped in mid-turn: the beats of that time have not been read."""
    world.deadline = 100.0

    def freeze() -> None:
        world.now += 60.0

    world.ready = [freeze]
    loop._turn()
    assert world.told == []
    world.ready = []
    loop._turn()
    assert [type(event) for event in world.told] == [Woke, DeadlineReached]
    assert world.looked[-1][0] is True


def test_deadlines_come_also_where_every_turn_is_slow(loop: Loop, world: World) -> None:
    """Or nothing would be killed nor restarted any more; the time lost is told, so that no beat counts as missing."""
    world.deadline = 100.0

    def slow() -> None:
        world.now += 0.3

    world.ready = [slow]
    loop._turn()
    assert world.told == []
    loop._turn()
    assert world.told == [Woke(pytest.approx(0.3)), Woke(pytest.approx(0.3)), DeadlineReached()]


def test_effects_are_carried_out_in_order_and_answered_afterwards(loop: Loop, world: World) -> None:
    world.deaths = [EXITED]
    world.answers[Exited] = [SignalTree("a", 1, 9), Spawn("a", 2), Alert(Level.WARNING, "a", "x", "text")]
    loop._turn()
    assert world.did[:2] == ["signal 9", "spawn"]
    assert world.told == [EXITED, Spawned("a", 2, 77)]
    assert loop.alerts == ["warning: text"]  # type: ignore[attr-defined]


def test_the_first_stop_asks_and_the_next_insists(loop: Loop, world: World) -> None:
    world.stops = 1
    loop._turn()
    world.stops = 3
    loop._turn()
    assert world.told == [ShutdownRequested(), ShutdownRequested(urgent=True), ShutdownRequested(urgent=True)]


def test_asked_to_stop_before_it_began_it_starts_nobody(
    loop: Loop, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world, "begin", lambda _now: [Spawn("a", 1)])
    world.stops = 1
    assert loop.run() == 0
    assert world.did == []


def test_it_ends_with_the_code_of_the_core(loop: Loop, world: World) -> None:
    world.deaths = [EXITED]
    world.answers[Exited] = [Finish(100)]
    assert loop.run() == 100


def test_it_waits_for_nothing_when_there_is_nothing_to_wait_for(loop: Loop, world: World) -> None:
    loop._turn()
    assert world.waited == 0.0  # the first turn looks at once
    loop._turn()
    assert world.waited is None


def test_time_does_not_go_back_for_the_core(loop: Loop, world: World) -> None:
    world.deadline, world.deaths, world.beat = 100.0, [EXITED], BeatSeen("a", 1)
    loop._turn()
    assert world.times == sorted(world.times)


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM, signal.SIGPWR])
def test_a_signal_that_would_kill_is_survived_and_means_nothing(number: int) -> None:
    signals = Signals()
    try:
        os.kill(os.getpid(), number)
        assert signals.stops == 0
        os.kill(os.getpid(), signal.SIGQUIT)
        assert signals.stops == 1
    finally:
        signals.close()

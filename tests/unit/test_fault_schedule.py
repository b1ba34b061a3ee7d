"""When faults fire, and what is written down of each: injected, then proven or not, then lifted (CHS-2, CHS-3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from crashrig.faults import schedule
from crashrig.faults.injection import CannotInjectError, Scene
from crashrig.faults.schedule import PROOF_SECONDS, FaultSchedule
from crashrig.history import Observation
from crashrig.scenario import Fault, Kill

if TYPE_CHECKING:
    from crashrig.faults.injection import Injection

SCENE = cast("Scene", None)
PACE = 10.0


class Pretended:
    """An injection whose effects are what the test says they are."""

    def __init__(self) -> None:
        self.lasts: float | None = None
        self.effect = True
        self.refusal = ""
        self.done: list[str] = []

    def inject(self, scene: Scene) -> None:
        if self.refusal:
            raise CannotInjectError(self.refusal)
        self.done.append("injected")

    def proven(self, scene: Scene) -> bool:
        return self.effect

    def undo(self, scene: Scene) -> None:
        self.done.append("undone")

    def undone(self, scene: Scene) -> bool:
        return self.effect

    def close(self) -> None:
        self.done.append("closed")


@pytest.fixture
def injection(monkeypatch: pytest.MonkeyPatch) -> Pretended:
    pretended = Pretended()

    def pretend(fault: Fault) -> Injection:
        return pretended

    monkeypatch.setattr(schedule, "injection_of", pretend)
    return pretended


def planned(when: str) -> FaultSchedule:
    return FaultSchedule([Fault(when=when, kill=Kill(target="worker"))], {"worker": 1}, PACE)


def start(t: float) -> Observation:
    return Observation(t=t, what="start", agent="worker", generation=1, pid=7)


def steps(faults: FaultSchedule, now: float) -> list[tuple[str, str, float]]:
    return [(one.phase, one.text, one.t) for one in faults.step(now, SCENE)]


def test_a_time_is_divided_by_the_pace(injection: Pretended) -> None:
    faults = planned("20s")
    assert faults.next_time == 2.0
    assert steps(faults, 1.99) == []
    assert steps(faults, 2.0) == [("injected", "1 kill", 2.0), ("proven", "1 kill", 2.0)]
    assert faults.next_time is None


def test_an_event_and_an_offset(injection: Pretended) -> None:
    faults = planned("worker.start#1 + 5s")
    assert faults.next_time is None
    faults.observe(start(1.0))
    assert faults.next_time == 1.5
    faults.observe(start(1.2))
    assert faults.next_time == 1.5


def test_a_proof_that_takes_its_time_carries_the_time_of_the_injection(injection: Pretended) -> None:
    faults = planned("20s")
    injection.effect = False
    assert steps(faults, 2.0) == [("injected", "1 kill", 2.0)]
    injection.effect = True
    assert steps(faults, 2.5) == [("proven", "1 kill", 2.0)]


def test_without_a_proof_it_is_unproven_after_a_while(injection: Pretended) -> None:
    faults = planned("20s")
    injection.effect = False
    steps(faults, 2.0)
    assert steps(faults, 2.0 + PROOF_SECONDS / 2) == []
    assert steps(faults, 2.0 + PROOF_SECONDS) == [
        ("unproven", "1 kill: no effect was seen from outside", 2.0 + PROOF_SECONDS)
    ]
    assert faults.next_time is None


def test_nothing_to_hit_is_unproven_with_the_reason(injection: Pretended) -> None:
    injection.refusal = "worker has no living process"
    assert steps(planned("20s"), 2.0) == [("unproven", "1 kill: worker has no living process", 2.0)]


def test_what_lasts_is_lifted_after_its_time_and_that_is_proven(injection: Pretended) -> None:
    faults = planned("20s")
    injection.lasts = 30.0
    steps(faults, 2.0)
    assert steps(faults, 4.9) == []
    assert steps(faults, 5.0) == [("lifted", "1 kill", 5.0)]
    assert injection.done == ["injected", "undone"]


def test_an_undoing_that_does_not_show_is_told(injection: Pretended) -> None:
    faults = planned("20s")
    injection.lasts = 30.0
    steps(faults, 2.0)
    injection.effect = False
    assert steps(faults, 5.0) == []
    [(phase, text, _)] = steps(faults, 5.0 + PROOF_SECONDS)
    assert (phase, text) == ("unproven", "1 kill: its undoing was not seen from outside")


def test_everything_is_let_go_of(injection: Pretended) -> None:
    planned("20s").close()
    assert injection.done == ["closed"]

"""Fires the faults of a scenario when their moments come, and writes down each step as an observation.

Never waits: what needs time is looked at again in the cell's next turn. An injection that has been proven carries
the time at which it was made, not that of the proof: what it caused came after it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crashrig.faults.freeze import FreezeInjection
from crashrig.faults.injection import CannotInjectError
from crashrig.faults.kill import KillInjection
from crashrig.faults.operator import OperatorInjection
from crashrig.faults.second import SecondInjection
from crashrig.faults.tamper import TamperInjection
from crashrig.history import Observation
from crashrig.judging.moment import MomentWatch, compile_moment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from crashrig.faults.injection import Injection, Scene
    from crashrig.scenario import Fault

PROOF_SECONDS = 2.0
"""Real seconds within which an injection, or its undoing, must show; a supervisor's own command takes longest."""

LOOK_AGAIN_SECONDS = 0.002


def injection_of(fault: Fault) -> Injection:
    """The injection that a fault of a scenario asks for."""
    if fault.kill is not None:
        return KillInjection(fault.kill)
    if fault.freeze is not None:
        return FreezeInjection(fault.freeze)
    if fault.tamper is not None:
        return TamperInjection(fault.tamper)
    if fault.second is not None:
        return SecondInjection(fault.second)
    assert fault.operator is not None
    return OperatorInjection(fault.operator)


class FaultSchedule:
    """All faults of one cell. Times are real seconds since the history's zero."""

    def __init__(self, faults: list[Fault], agents: Mapping[str, int], pace: float) -> None:
        self._faults = [_ScheduledFault(number, fault, agents, pace) for number, fault in enumerate(faults, 1)]

    def observe(self, observation: Observation) -> None:
        """Take note of what happened; a moment may be known now."""
        for fault in self._faults:
            fault.observe(observation)

    def step(self, now: float, scene: Scene) -> list[Observation]:
        """Do all that is due at `now`; the observations of what was done."""
        return [observation for fault in self._faults for observation in fault.step(now, scene)]

    @property
    def next_time(self) -> float | None:
        """When `step` is wanted next; None when only an observation can bring something due."""
        times = [fault.next_time for fault in self._faults if fault.next_time is not None]
        return min(times, default=None)

    def close(self) -> None:
        """Let go of everything."""
        for fault in self._faults:
            fault.injection.close()


class _ScheduledFault:
    """One fault: waiting, proving, lasting, lifting, over; `next_time` is when the next look is due."""

    def __init__(self, number: int, fault: Fault, agents: Mapping[str, int], pace: float) -> None:
        self.injection = injection_of(fault)
        self._name = f"{number} {fault.kind}"
        self._watch = MomentWatch(compile_moment(fault.when), agents, pace)
        self._pace = pace
        self._doing = self._wait
        self._deadline = 0.0
        self._injected = 0.0
        self.next_time = self._due()

    def observe(self, observation: Observation) -> None:
        """The first occurrence of the moment's event counts."""
        if self._doing == self._wait and self.next_time is None and self._watch.observe(observation):
            self.next_time = self._due()

    def _due(self) -> float | None:
        return None if self._watch.due is None else self._watch.due / self._pace

    def step(self, now: float, scene: Scene) -> Iterator[Observation]:
        """Go on as far as can be gone at `now`."""
        while self.next_time is not None and self.next_time <= now:
            observation = self._doing(now, scene)
            if observation is not None:
                yield observation

    def _wait(self, now: float, scene: Scene) -> Observation:
        self._go_on(self._prove, now, now + PROOF_SECONDS)
        self._injected = now
        try:
            self.injection.inject(scene)
        except CannotInjectError as error:
            return self._give_up(now, str(error))
        return self._tell(now, "injected")

    def _prove(self, now: float, scene: Scene) -> Observation | None:
        try:
            proven = self.injection.proven(scene)
        except CannotInjectError as error:
            return self._give_up(now, str(error))
        if not proven:
            return self._look_again(now, "no effect was seen from outside")
        if self.injection.lasts is None:
            self.next_time = None
        else:
            self._go_on(self._lift, now + self.injection.lasts / self._pace)
        return self._tell(self._injected, "proven")

    def _lift(self, now: float, scene: Scene) -> None:
        self.injection.undo(scene)
        self._go_on(self._prove_lifted, now, now + PROOF_SECONDS)

    def _prove_lifted(self, now: float, scene: Scene) -> Observation | None:
        if not self.injection.undone(scene):
            return self._look_again(now, "its undoing was not seen from outside")
        self.next_time = None
        return self._tell(now, "lifted")

    def _go_on(self, doing: object, at: float, deadline: float = 0.0) -> None:
        self._doing = doing  # type: ignore[assignment]
        self.next_time = at
        self._deadline = deadline

    def _look_again(self, now: float, what: str) -> Observation | None:
        if now >= self._deadline:
            return self._give_up(now, what)
        self.next_time = now + LOOK_AGAIN_SECONDS
        return None

    def _give_up(self, now: float, why: str) -> Observation:
        self.next_time = None
        return self._tell(now, "unproven", f": {why}")

    def _tell(self, now: float, phase: str, more: str = "") -> Observation:
        return Observation(t=now, what="fault", text=self._name + more, phase=phase, source="rig")

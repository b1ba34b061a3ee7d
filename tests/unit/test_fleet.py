"""The fleet's own book-keeping: a deadline for all that costs no memory for those that have passed."""

from __future__ import annotations

from holdfast.events import BeatSeen, DeadlineReached, Spawned
from holdfast.fleet import Fleet
from holdfast.policy import AgentPolicy, FleetPolicy, HeartbeatPolicy


def test_beats_without_end_leave_no_deadlines_behind() -> None:
    policy = AgentPolicy(heartbeat=HeartbeatPolicy(90.0, 90.0), running_after=0.0)
    fleet = Fleet({"a": policy, "b": policy}, FleetPolicy())
    fleet.begin(0.0)
    fleet.handle(Spawned("a", 1, 100), 0.0)
    fleet.handle(Spawned("b", 1, 101), 0.0)
    fleet.handle(DeadlineReached(), 0.0)  # both run now, and only silence is waited for
    for beat in range(1, 5001):
        fleet.handle(BeatSeen("a", 1), beat / 100)
    assert len(fleet._heap) < 100
    views = {view.name: view for view in fleet.view()}
    assert views["a"].beats == 5000
    assert fleet.deadline == 90.0  # of the one that has never beaten

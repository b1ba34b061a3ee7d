"""Back-off arithmetic that no transcript needs, and defaults that stand in docs/requirements.md."""

from __future__ import annotations

from random import Random

import pytest

from holdfast.policy import AgentPolicy, Backoff, FleetPolicy, HeartbeatPolicy


def delays(backoff: Backoff, count: int) -> list[float]:
    return [backoff.delay(crashes, None) for crashes in range(1, count + 1)]


@pytest.mark.parametrize(
    ("backoff", "expected"),
    [
        (Backoff(), [1, 2, 4, 8, 16, 16]),
        (Backoff((5.0,), 2.0), [5, 10, 20, 40, 80, 160, 300, 300]),
        (Backoff((1.0, 10.0), 3.0, 50.0), [1, 10, 30, 50, 50]),
        (Backoff((8.0,), 2.0, 32.0), [8, 16, 32, 32]),
        (Backoff((0.0,), 2.0), [0, 0, 0]),
        (Backoff((7.0,), 1.0, 3.0), [7, 7]),
    ],
)
def test_delays_are_taken_in_order_and_grow_from_the_last_one(backoff: Backoff, expected: list[float]) -> None:
    assert delays(backoff, len(expected)) == expected


def test_jitter_lengthens_by_up_to_its_fraction_and_never_shortens() -> None:
    chance = Random(1)
    drawn = [Backoff((10.0,), jitter=0.5).delay(1, chance) for _ in range(500)]
    assert 10.0 <= min(drawn) < 10.1
    assert 14.9 < max(drawn) <= 15.0


def test_a_count_of_many_crashes_costs_nothing() -> None:
    assert Backoff((1.0,), 2.0).delay(10**9, None) == 300.0


def test_defaults_are_those_that_are_promised() -> None:
    policy, fleet = AgentPolicy(), FleetPolicy()
    assert (policy.stable_after, policy.max_restarts, policy.burst, policy.window) == (300.0, 6, 20, 7200.0)
    assert (policy.grace, policy.running_after, policy.heartbeat) == (10.0, 1.0, None)
    assert (policy.clean_codes, policy.clean_signals, policy.fatal_codes) == ({0, 143}, {15}, {100})
    assert HeartbeatPolicy() == HeartbeatPolicy(90.0, 90.0)
    assert (fleet.start_burst, fleet.start_spacing, fleet.fatal_exit, fleet.seed) == (10, 0.001, 100, 0)

"""A scenario's policy as an adapter is given it."""

from __future__ import annotations

from crashrig.quantities import Duration
from crashrig.scenario import Policy
from crashrig.subjects.jobs import real_policy


def test_every_duration_is_divided_and_nothing_else() -> None:
    policy = real_policy(
        Policy(backoff=[Duration(1), Duration(0)], heartbeat_timeout=Duration(90), burst=5, window=Duration(60)), 10.0
    )
    assert policy.backoff == [0.1, 0.0]
    assert (policy.heartbeat_timeout, policy.grace, policy.stable_after, policy.window) == (9.0, 1.0, 30.0, 6.0)
    assert (policy.max_restarts, policy.burst, policy.clean_codes) == (6, 5, [0, 143])


def test_what_is_unsaid_is_said() -> None:
    policy = real_policy(Policy(), 1.0)
    assert policy.backoff == [1, 2, 4, 8, 16]
    assert policy.startup_grace is None
    assert policy.burst is None


def test_startup_grace_defaults_to_the_timeout() -> None:
    assert real_policy(Policy(heartbeat_timeout=Duration(30)), 3.0).startup_grace == 10.0
    both = Policy(heartbeat_timeout=Duration(30), startup_grace=Duration(60))
    assert real_policy(both, 3.0).startup_grace == 20.0


def test_a_growing_backoff_replaces_the_list() -> None:
    policy = real_policy(Policy(backoff_initial=Duration(2)), 2.0)
    assert policy.backoff is None
    assert (policy.backoff_initial, policy.backoff_multiplier, policy.backoff_max) == (1.0, 2.0, 150.0)
